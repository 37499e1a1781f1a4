"""Extract from the example documents and say what is right.

    python examples/demo.py                       # books, with the model that comes with lmextract; nothing to install
    python examples/demo.py --server lmstudio     # every schema's example document, with the model loaded in LM Studio

Exit code 0 if the bundled model got at least three values in four right (with LM Studio: if every document got an
answer).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lmextract import Embedded, Extraction, Extractor, LMExtractError, LMStudio, Server

HERE = Path(__file__).parent
SCHEMAS = HERE.parent / "schemas"
ENOUGH = 0.75  # of the values; the model card has its figures
SHOWN = 5

NEXT = """\
This was a toy: a model of a million parameters that knows sentences about books and nothing else. For work of your own,
load a real model in LM Studio, start its server (`lms server start`), and run all the examples with that:

    make demo ARGS="--server lmstudio"
"""


def main() -> int:
    """Run the demonstration that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", choices=("embedded", "lmstudio"), default="embedded", help="default: embedded")
    parser.add_argument(
        "--model", help="a model in LM Studio; with embedded: a GGUF file, or a name as LM Studio has it"
    )
    args = parser.parse_args()
    try:
        if args.server == "lmstudio":
            with LMStudio(model=args.model) as server:
                return every_schema(server)
        with Embedded(args.model) as server:
            return books(server)
    except LMExtractError as error:
        say((str(error), "red"))
        return 1


def books(server: Embedded) -> int:
    """Extract the eight books and compare them, field by field."""
    size = f" ({server.path.stat().st_size / 1e6:.1f} MB) ..."
    say(("Starting llama.cpp with ", ""), (server.model, "bold"), (size, ""))
    began = time.perf_counter()
    server.start()
    say((f"ready in {time.perf_counter() - began:.1f} s", "dim"))
    extractor = Extractor(SCHEMAS / "book.json", server=server)
    documents = sorted(HERE.glob("book/[0-9]*.txt"))
    verdicts = [one_book(extractor, document) for document in documents]
    right, total = sum(map(sum, verdicts)), sum(map(len, verdicts))
    enough = right >= ENOUGH * total
    say()
    say(
        (f"{right} of {total} values right", "bold green" if enough else "bold red"),
        (f", {sum(map(all, verdicts))} of {len(documents)} books right in every value, by {server.model}", ""),
    )
    say()
    say((NEXT, ""))
    return 0 if enough else 1


def one_book(extractor: Extractor[Any], document: Path) -> list[bool]:
    """Show a document and what was found in it; which of its values are right."""
    text = document.read_text("utf-8").strip()
    expected = json.loads(document.with_suffix(".json").read_text("utf-8"))
    say()
    say((text, "italic"))
    extraction, seconds = timed(extractor, text)
    for field, wanted in expected.items():
        got = extraction.value.get(field)
        verdict = ("right", "green") if got == wanted else (f"wrong, expected {as_json(wanted)}", "red")
        say((f"  {field:<10}", "dim"), (f"{as_json(got):<40} ", ""), verdict)
    say((f"  {as_told(extraction)} in {seconds * 1000:.0f} ms", "dim"))
    return [bool(extraction.value.get(field) == wanted) for field, wanted in expected.items()]


def every_schema(server: Server) -> int:
    """Extract each schema's example document with a real model; values as expected are counted, others shown."""
    failed = found = total = 0
    for folder in sorted(path.parent for path in HERE.glob("*/expected.json")):
        say()
        try:
            right, wanted = one_schema(server, folder)
        except LMExtractError as error:
            say((f"{folder.name}: ", "bold"), (str(error), "red"))
            failed += 1
            continue
        found, total = found + right, total + wanted
    say()
    say((f"{found} of {total} values as in the expected results", "bold"))
    if failed:
        say((f"{failed} documents got no answer", "red"))
    return 1 if failed else 0


def one_schema(server: Server, folder: Path) -> tuple[int, int]:
    """Extract a folder's document; how many of its expected values were found, and how many there are."""
    document = next(folder.glob("document.*"))
    expected = dict(leaves(json.loads((folder / "expected.json").read_text("utf-8"))))
    extractor = Extractor(SCHEMAS / f"{folder.name}.json", server=server)
    extraction, seconds = timed(extractor, document.read_text("utf-8"))
    got = dict(leaves(extraction.value))
    wrong = [(place, wanted) for place, wanted in expected.items() if plain(got.get(place)) != plain(wanted)]
    right = len(expected) - len(wrong)
    say((folder.name, "bold"), (f"  {right} of {len(expected)} values, {as_told(extraction)} in {seconds:.1f} s", ""))
    for place, wanted in wrong[:SHOWN]:
        say((f"  {place}: ", "dim"), (as_json(got.get(place)), ""), (f"  expected {as_json(wanted)}", "red"))
    if len(wrong) > SHOWN:
        say((f"  and {len(wrong) - SHOWN} more", "dim"))
    return right, len(expected)


def timed(extractor: Extractor[Any], text: str) -> tuple[Extraction[Any], float]:
    """An extraction, and how many seconds it took."""
    began = time.perf_counter()
    return extractor.run(text), time.perf_counter() - began


def as_told(extraction: Extraction[Any]) -> str:
    """The model that answered, and what there is to know about the answer."""
    notes = "".join(f" ({note.code})" for note in extraction.notes)
    return f"by {extraction.model}{notes}"


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Each value that is neither an object nor a list, with its place."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from leaves(each, f"{place}[{number}]")
    else:
        yield place, value


def plain(value: Any) -> Any:
    """A value as it is compared: texts without regard to spacing and upper or lower case."""
    return " ".join(value.split()).casefold() if isinstance(value, str) else value


def as_json(value: Any) -> str:
    """A value on one line, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:100]}..."


def say(*parts: tuple[str, str]) -> None:
    """Print pieces of text, each in a style where there are styles."""
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:  # the extra `cli` is not installed: plain text does
        print("".join(text for text, _ in parts))
    else:
        Console(highlight=False).print(Text.assemble(*parts))


if __name__ == "__main__":
    sys.exit(main())
