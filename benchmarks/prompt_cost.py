"""What the notation costs, against the compact JSON Schema text: `python benchmarks/prompt_cost.py [--update]`.

Counts UTF-8 bytes and the tokens of every byte-pair vocabulary that an installed package brings along (nothing is
downloaded): cl100k, Claude 2 and DeepSeek 3 by litellm, Qwen by dashscope, Tekken (Mistral) by mistral-common; the
first three come with the bench dependencies (`make bench` installs them into .venv-bench).  Schemas are read from
../shared/data, and from schemas/, which is always there.  Ends with 1 where a figure is worse than the one kept in
ratchet/prompt_cost.json; `--update` keeps the new figures.
"""

from __future__ import annotations

import base64
import json
import lzma
import os
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from typing import Any

from lmextract.notation import describe
from lmextract.prompt import PROMPT_VERSION, document_message, preamble

ROOT = Path(__file__).parents[1]
DATA = ROOT / ".." / "shared" / "data"
RATCHET = Path(__file__).parent / "ratchet" / "prompt_cost.json"
SLACK = 0.002

Count = Callable[[str], int]

# How Qwen's tokenizer cuts text before merging, from its published tokenizer configuration.
QWEN_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _file(package: str, name: str) -> Path:
    """A data file of an installed package, found without importing it; LookupError if it is not there."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / name).exists():
            return path
    raise LookupError(f"{package} is not installed, or without {name}")


def _tiktoken(encoding: Any) -> Count:
    return lambda text: len(encoding.encode(text, disallowed_special=()))


def cl100k() -> Count:
    """GPT-4's vocabulary: litellm keeps the file that tiktoken would download, under tiktoken's name for it."""
    import tiktoken

    folder = _file("litellm", "litellm_core_utils/tokenizers/9b5ad71b2ce5302211f9c61530b329a4922fc6a4").parent
    os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    return _tiktoken(tiktoken.get_encoding("cl100k_base"))


def qwen() -> Count:
    """Qwen's vocabulary."""
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe

    ranks = load_tiktoken_bpe(str(_file("dashscope", "resources/qwen.tiktoken")))
    return _tiktoken(tiktoken.Encoding("qwen", pat_str=QWEN_PIECES, mergeable_ranks=ranks, special_tokens={}))


def tekken() -> Count:
    """The vocabulary of Mistral's models since Nemo."""
    import tiktoken

    stored = json.loads(_file("mistral_common", "data/tekken_240911.json").read_text("utf-8"))
    config = stored["config"]
    size = config["default_vocab_size"] - config["default_num_special_tokens"]
    ranks = {base64.b64decode(each["token_bytes"]): each["rank"] for each in stored["vocab"][:size]}
    pieces = config["pattern"]
    return _tiktoken(tiktoken.Encoding("tekken", pat_str=pieces, mergeable_ranks=ranks, special_tokens={}))


def _hugging_face(name: str) -> Count:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(_file("litellm", f"litellm_core_utils/tokenizers/{name}")))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


MEASURES: dict[str, Callable[[], Count]] = {
    "bytes": lambda: lambda text: len(text.encode()),
    "cl100k": cl100k,
    "qwen": qwen,
    "tekken": tekken,
    "deepseek": lambda: _hugging_face("deepseek_tokenizer.json"),
    "claude-2": lambda: _hugging_face("anthropic_tokenizer.json"),
}


def measures() -> dict[str, Count]:
    """The measures that can be taken here; what is missing is said."""
    found: dict[str, Count] = {}
    for name, load in MEASURES.items():
        try:
            found[name] = load()
        except (ImportError, LookupError) as missing:
            print(f"skipped {name}: {missing}")
    return found


def data_sets() -> Iterator[tuple[str, list[Any]]]:
    """The schemas of each set; what is missing is said."""
    yield "schemas/", [json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "schemas").glob("*.json"))]
    for name in ("replay-dev", "maskbench-dev"):
        path = DATA / f"{name}.jsonl.xz"
        if path.exists():
            with lzma.open(path, "rt", encoding="utf-8") as lines:
                yield name, [json.loads(line)["schema"] for line in lines]
        else:
            print(f"skipped {name}: ../shared/data is not there")


def figures(texts: list[tuple[str, str]], count: Count) -> dict[str, float]:
    """The notation's share of the compact schema's cost: mean of the shares, share of the sums, worst share."""
    pairs = [(count(ours), count(theirs)) for ours, theirs in texts]
    shares = [ours / theirs for ours, theirs in pairs]
    total = sum(ours for ours, _ in pairs) / sum(theirs for _, theirs in pairs)
    return {name: round(value, 3) for name, value in (("mean", mean(shares)), ("total", total), ("worst", max(shares)))}


def main() -> int:
    """Print the table; 1 if a figure got worse."""
    counts = measures()
    kept: dict[str, dict[str, dict[str, float]]] = json.loads(RATCHET.read_text("utf-8")) if RATCHET.exists() else {}
    worse: list[str] = []
    print(f"\nprompt version {PROMPT_VERSION}: cost of the notation, compact JSON Schema = 1\n")
    print(f"{'schemas':<22}{'measure':<10}{'mean':>7}{'total':>7}{'worst':>7}")
    for name, schemas in data_sets():
        texts = [(describe(schema), json.dumps(schema, separators=(",", ":"))) for schema in schemas]
        for measure, count in counts.items():
            found = figures(texts, count)
            print(
                f"{f'{name} ({len(schemas)})':<22}{measure:<10}" + "".join(f"{value:>7.3f}" for value in found.values())
            )
            before = kept.setdefault(name, {}).get(measure, found)
            worse += [f"{name} {measure} {key}" for key in found if found[key] > before[key] + SLACK]
            kept[name][measure] = found
    around = preamble({}, name="Book")[0].content + document_message("").content
    print("\nthe words around it: " + ", ".join(f"{count(around)} {measure}" for measure, count in counts.items()))
    if "--update" in sys.argv:
        RATCHET.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")
        return 0
    print("\n".join(f"worse than kept: {each}" for each in worse))
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
