"""One engine in a process of its own: a line of JSON in, a line of JSON out; what it cannot survive kills it alone.

    python engine_worker.py llguidance | outlines

In: `{"schema": ..., "texts": [...]}`.  Out: `{"accepts": [...]}` or `{"error": "..."}`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]


def llguidance_engine() -> Callable[[Any, list[str]], Answer]:
    """Compile and match with llguidance, with the separators that mlx-vlm gives it and a token for each byte."""
    import llguidance

    class Bytes:
        """A vocabulary of the 256 bytes and an end."""

        eos_token_id = 256
        bos_token_id = None
        tokens = [bytes([i]) for i in range(256)] + [b"<|end|>"]
        special_token_ids = [256]  # noqa: RUF012

        def __call__(self, text: str | bytes) -> list[int]:
            return list(text.encode() if isinstance(text, str) else text)

    tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(Bytes()))
    manners = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}

    def answer(schema: Any, texts: list[str]) -> Answer:
        grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema), defaults=manners)
        matcher = llguidance.LLMatcher(tokenizer, grammar, log_level=0)
        if matcher.is_error():
            return {"error": matcher.get_error()[:300]}
        accepts: list[bool | None] = []
        for text in texts:
            one = matcher.deep_copy()
            taken = one.consume_tokens(list(text.encode()))
            if not taken and "limit" in one.get_error():
                accepts.append(None)
            else:
                accepts.append(taken and one.is_accepting())
        return {"accepts": accepts}

    return answer


def outlines_engine() -> Callable[[Any, list[str]], Answer]:
    """Compile with outlines-core and its parser of regular expressions; match with Python's."""
    import interegular
    from outlines_core.fsm.json_schema import build_regex_from_schema

    def answer(schema: Any, texts: list[str]) -> Answer:
        try:
            pattern = build_regex_from_schema(json.dumps(schema))
        except (ValueError, TypeError) as error:
            return {"error": str(error)[:300]}
        try:
            interegular.parse_pattern(pattern)
            compiled = re.compile(pattern)
        except (
            interegular.patterns.InvalidSyntax,
            interegular.patterns.Unsupported,
            re.error,
            RecursionError,
        ) as error:
            return {"error": f"{type(error).__name__}: {error}"[:300]}
        return {"accepts": [compiled.fullmatch(text) is not None for text in texts], "chars": len(pattern)}

    return answer


def main() -> None:
    """Serve the engine that the command line names."""
    answer = {"llguidance": llguidance_engine, "outlines": outlines_engine}[sys.argv[1]]()
    for line in sys.stdin:
        question = json.loads(line)
        print(json.dumps(answer(question["schema"], question["texts"])), flush=True)


if __name__ == "__main__":
    main()
