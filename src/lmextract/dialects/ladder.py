"""What to send after an engine has refused a wire schema: the ladder, one rung at a time.

    the dialect  ->  without the construct that the refusal names  ->  safe  ->  structure only  ->  no schema at all

The reply is checked against the target in any case.
"""

from __future__ import annotations

import re

from lmextract.dialects.compiling import compile_schema
from lmextract.dialects.records import STRUCTURE
from lmextract.types import JsonSchema, WireSchema

__all__ = ["lower_further"]

# What refusals call the constructs that can be left out one by one (BT#2168, BT#2197, llama.cpp#25746, #27859).
_NAMED = (
    (re.compile(r"pattern|regex", re.IGNORECASE), "pattern"),
    (re.compile(r"\bformat\b", re.IGNORECASE), "format"),
    (re.compile(r"(min|max)Length|repetition", re.IGNORECASE), "length"),
    (re.compile(r"(min|max)Items", re.IGNORECASE), "items"),
)


def lower_further(wire: WireSchema, schema: JsonSchema, error_text: str) -> WireSchema | None:
    """The wire schema one rung below one that was refused with these words; None is no schema at all.

    `schema` is the target's own.  A rung that would send the same again is passed over.
    """
    lower = _below(wire, schema, error_text)
    return lower_further(lower, schema, error_text) if lower is not None and lower.schema == wire.schema else lower


def _below(wire: WireSchema, schema: JsonSchema, error_text: str) -> WireSchema | None:
    name, _, dropped = wire.dialect.partition(" without ")
    if name == STRUCTURE.name:
        return None
    named = next((keyword for words, keyword in _NAMED if words.search(error_text) and keyword not in dropped), None)
    if named is not None:
        return compile_schema(schema, f"{name} without {'+'.join(filter(None, (dropped, named)))}")
    return compile_schema(schema, "safe" if name != "safe" else STRUCTURE.name)
