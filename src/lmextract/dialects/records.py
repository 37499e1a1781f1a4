"""What each engine's grammar can hold, as data.

Measured with the builds named here (docs/dialects.md tells how); a change of engine is a change of a record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from lmextract.dialects.regex import Style

__all__ = ["DIALECTS", "STRUCTURE", "Dialect", "dialect_for"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One engine as the compiler sees it.

    `engine`, `builds`: what was measured.  `narrower`: which values of the target the wire schema refuses, and why.
    `keywords`: those of JSON Schema that it enforces, of the ones that the compiler could also do without.
    `carried`: keywords sent although not every engine behind this dialect enforces them; they count as relaxed.
    `references`: recursion by `$ref`; without, a schema is unrolled `levels` deep.
    `closes`: an object that declares properties and says nothing of others takes no others.
    `extra_keys`: how keys beyond the declared ones are held: with their patterns, without them, or not at all.
    `tuples`: `open` takes `prefixItems` with `items` and bounds; `fixed` just one length at a time.
    `bare_any`: `{}` is any value; elsewhere every type is named.  `any_levels`: how deep values without a schema nest.
    `most_chars`: how large a wire schema may be, and `most_parts` of how many parts, before less of it is sent.
    `deepest`: from there on, nothing but the type of a value is said.  `keys_by_escape`: a key beyond the declared ones
    may be spelled with escapes to pass for a declared one.
    `named_rules`: a regular expression can be had for a bare value (see `Lowering.named_rule`).
    `style`: how strings are constrained; None: not at all.  `bare_strings`: a plain string needs its own pattern there.
    """

    name: str
    engine: str
    builds: tuple[str, ...]
    keywords: frozenset[str]
    carried: frozenset[str] = frozenset()
    references: bool = True
    levels: int = 3
    closes: bool = True
    extra_keys: Literal["patterns", "values", "none"] = "values"
    tuples: Literal["open", "fixed"] = "fixed"
    bare_any: bool = False
    any_levels: int | None = None
    most_chars: int | None = None
    most_parts: int = 20_000
    deepest: int = 70
    keys_by_escape: bool = False
    named_rules: bool = False
    style: Style | None = None
    bare_strings: bool = False
    most_length: int = 1900
    most_items: int = 1900
    most_values: int = 500
    most_pattern_chars: int = 20_000
    narrower: tuple[str, ...] = ()


_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_LENGTHS = frozenset({"minLength", "maxLength"})
_ORDER = "keys come in the order of the schema, every declared one of them, null standing for an absent one"
_CLOSED = "an object that declares properties and does not mention additionalProperties has no others"
_IMPLIED = "a schema without a type means values of the types that its keywords speak about"

GGUF = Dialect(
    name="gguf",
    engine="llama.cpp: JSON Schema to GBNF",
    builds=("b11549",),
    keywords=_LENGTHS | {"integer bounds"},
    keys_by_escape=True,
    named_rules=True,
    style=Style(json_text=True),
    narrower=(
        _ORDER,
        _CLOSED,
        _IMPLIED,
        "numbers have at most 16 digits before and after the point; integers have no point and no exponent",
        "strings with a pattern or format hold no \\u escape, no delete, no control character without a short escape",
    ),
)
LLGUIDANCE = Dialect(
    name="mlx-llguidance",
    engine="llguidance: JSON Schema",
    builds=("1.9.1",),
    keywords=_LENGTHS | _BOUNDS | {"multipleOf", "pattern and length", "many patterns", "forbidden keys", "counts"},
    bare_any=True,
    closes=False,
    extra_keys="patterns",
    tuples="open",
    style=Style(json_text=False, most_times=10_000),
    most_length=100_000,
    most_items=10_000,
    most_values=5_000,
    narrower=(_ORDER, _IMPLIED),
)
OUTLINES = Dialect(
    name="mlx-outlines",
    engine="outlines-core: JSON Schema to a regular expression",
    builds=("0.1.26",),
    keywords=frozenset(),
    references=False,
    extra_keys="none",
    style=Style(json_text=True, ranges=False, most_times=64, codes=False),
    bare_strings=True,
    any_levels=1,
    most_chars=8_000,
    most_parts=600,
    most_length=64,
    most_items=64,
    most_values=500,
    most_pattern_chars=4_000,
    narrower=(
        _ORDER,
        _CLOSED,
        _IMPLIED,
        "no keys beyond the declared ones in an object that declares some",
        "recursion ends after 3 levels",
        "numbers with an exponent give its sign",
    ),
)
SAFE = Dialect(
    name="safe",
    engine="what all of the others take",
    builds=(*GGUF.builds, *LLGUIDANCE.builds, *OUTLINES.builds),
    keywords=frozenset(),
    carried=_BOUNDS | {"multipleOf"},
    references=False,
    extra_keys="none",
    any_levels=1,
    most_chars=8_000,
    most_parts=600,
    style=Style(json_text=True, escapes=False, ranges=False, most_times=64),
    most_length=64,
    most_items=64,
    most_values=200,
    most_pattern_chars=2_000,
    narrower=OUTLINES.narrower,
)
STRUCTURE = Dialect(
    name="structure",
    engine="any that takes a schema at all",
    builds=(),
    keywords=frozenset(),
    references=False,
    extra_keys="none",
    any_levels=1,
    most_chars=12_000,
    most_parts=600,
    most_items=0,
    most_values=50,
    narrower=OUTLINES.narrower,
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType({each.name: each for each in (GGUF, OUTLINES, LLGUIDANCE, SAFE)})


def dialect_for(format: str | None, parallel: int | None) -> str:  # noqa: A002  # the server's own word
    """The name of the dialect for a model, from what `/api/v1/models` says of it; `safe` in doubt."""
    match format:
        case "gguf":
            return "gguf"
        case "mlx" if parallel is not None:
            return "mlx-outlines" if parallel <= 1 else "mlx-llguidance"
        case _:
            return "safe"
