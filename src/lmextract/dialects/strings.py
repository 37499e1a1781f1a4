"""Strings: patterns, formats and lengths as one regular expression, or as the keywords that the engine knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lmextract.dialects.formats import FORMATS, TYPED_FORMATS
from lmextract.dialects.parts import Part, counts
from lmextract.dialects.regex import (
    ANYTHING,
    NOTHING,
    Node,
    PatternError,
    Repeat,
    fitted,
    lengths,
    only,
    reachable,
    texts_with,
    written,
)

if TYPE_CHECKING:
    from lmextract.dialects.lowering import Lowering
    from lmextract.types import Path

__all__ = ["lower_string"]


@dataclass(frozen=True, slots=True)
class _Shape:
    """A regular expression that a string must have, and the keyword that asks for it."""

    keyword: str
    node: Node
    text: str


def lower_string(lowering: Lowering, parts: Sequence[Part], path: Path) -> dict[str, Any] | None:
    """The wire schema of the strings that the parts allow; None: there are none."""
    low, high = counts(parts, "minLength", "maxLength")
    if high is not None and (high < 0 or low > high):
        return None
    shapes = _measured(lowering, list(_shapes(lowering, parts, path)), low, high, path)
    if shapes is None or any(shape.node == NOTHING for shape in shapes):
        return None
    if not shapes:
        return _plain(lowering, low, high, path)
    if "many patterns" in lowering.keywords:
        return _joined(shapes, low, high)
    return _single(lowering, shapes, path)


def _shapes(lowering: Lowering, parts: Iterable[Part], path: Path) -> Iterable[_Shape]:
    formats = TYPED_FORMATS if lowering.typed else FORMATS
    for part in parts:
        if isinstance(pattern := part.get("pattern"), str):
            yield from _shape(lowering, "pattern", pattern, path)
        name = part.get("format")
        known = formats.get(name) if isinstance(name, str) else None
        if known is not None:
            if not known.exact:
                lowering.relax(path, "format", f"no grammar holds all of {name!r}")
            if known.pattern is not None:
                yield from _shape(lowering, "format", known.pattern, path)


def _shape(lowering: Lowering, keyword: str, pattern: str, path: Path) -> Iterable[_Shape]:
    """The shape of a pattern as far as strings of the engine's style can have it."""
    style = lowering.dialect.style
    if style is None or keyword in lowering.dropped:
        lowering.relax(path, keyword, "the engine does not take it")
        return
    try:
        found = fitted(pattern, style)
    except PatternError as error:
        lowering.relax(path, keyword, f"it cannot be read: {error}")
        return
    if texts_with(pattern).node == ANYTHING and not found.wider:
        return
    for wider in found.wider:
        lowering.relax(path, keyword, f"no grammar has a {wider}")
    if found.narrower and not style.escapes:
        lowering.relax(path, keyword, "the engines differ in how it meets characters that JSON escapes")
    elif len(found.text) > lowering.dialect.most_pattern_chars:
        lowering.relax(path, keyword, "it is too large a grammar")
    else:
        yield _Shape(keyword, found.node, found.text)


def _measured(lowering: Lowering, shapes: list[_Shape], low: int, high: int | None, path: Path) -> list[_Shape] | None:
    """The shapes with the lengths put into them where that can be done; None: no string has such a length."""
    if (low == 0 and high is None) or "pattern and length" in lowering.keywords:
        return shapes
    for i, shape in enumerate(shapes):
        least, most = lengths(shape.node)
        if (most is not None and most < low) or (high is not None and least > high):
            return None
        if low <= least and (high is None or (most is not None and most <= high)):
            return shapes
        if isinstance(shape.node, Repeat) and lengths(shape.node.body) == (1, 1):
            ends = [end for end in (shape.node.high, high) if end is not None]
            cut = Repeat(shape.node.body, max(shape.node.low, low), min(ends, default=None))
            style = lowering.dialect.style
            assert style is not None
            return [*shapes[:i], _Shape(shape.keyword, cut, written(cut, style)), *shapes[i + 1 :]]
    for keyword, bound in (("minLength", low or None), ("maxLength", high)):
        if bound is not None and shapes:
            lowering.relax(path, keyword, "the engine holds no length beside a pattern or format")
    return shapes


def _plain(lowering: Lowering, low: int, high: int | None, path: Path) -> dict[str, Any]:
    """A string with no shape but its length."""
    low, high = _within(lowering, low, high, path)
    style = lowering.dialect.style
    if lowering.dialect.bare_strings and style is not None:
        body = Repeat(ANYTHING.body, low, high) if low or high is not None else ANYTHING
        return {"type": "string", "pattern": written(only(body, reachable(style)), style)}
    if high == 0 and style is not None:
        return {"const": ""}
    wire: dict[str, Any] = {"type": "string"}
    if low:
        wire["minLength"] = low
    if high is not None:
        wire["maxLength"] = high
    return wire


def _within(lowering: Lowering, low: int, high: int | None, path: Path) -> tuple[int, int | None]:
    """The lengths that the engine's caps allow."""
    cap = lowering.dialect.most_length if lowering.dialect.style is not None and "length" not in lowering.dropped else 0
    if high is not None and high > cap:
        lowering.relax(path, "maxLength", f"the engine holds lengths up to {cap}")
        high = None
    if low > cap:
        lowering.relax(path, "minLength", f"the engine holds lengths up to {cap}")
        low = cap
    return low, high


def _single(lowering: Lowering, shapes: list[_Shape], path: Path) -> dict[str, Any]:
    """One shape for an engine that takes one: the first pattern, else the format."""
    style = lowering.dialect.style
    assert style is not None
    chosen, *others = sorted(shapes, key=lambda shape: shape.keyword != "pattern")
    for shape in others:
        if shape.text != chosen.text:
            lowering.relax(path, shape.keyword, "the engine holds one pattern or format at a time")
    if "{" in chosen.text and max(_repetitions(chosen.node), default=0) > style.most_times:
        lowering.relax(path, chosen.keyword, f"the engine holds repetitions up to {style.most_times}")
    return {"type": "string", "pattern": chosen.text}


def _joined(shapes: list[_Shape], low: int, high: int | None) -> dict[str, Any]:
    """All shapes for an engine that takes their intersection."""
    first, *others = [{"type": "string", "pattern": text} for text in dict.fromkeys(shape.text for shape in shapes)]
    wire: dict[str, Any] = dict(first)
    if low:
        wire["minLength"] = low
    if high is not None:
        wire["maxLength"] = high
    if others:
        wire["allOf"] = others
    return wire


def _repetitions(node: Node) -> Iterable[int]:
    match node:
        case Repeat(body, low, high):
            yield max(low, high or 0)
            yield from _repetitions(body)
        case _:
            for part in getattr(node, "parts", ()) or getattr(node, "options", ()):
                yield from _repetitions(part)
