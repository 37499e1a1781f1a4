"""Objects: properties in declared order, all of them on the wire, null standing for an absent one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lmextract.dialects.parts import (
    Part,
    children,
    counts,
    declared_names,
    distinct,
    forbidden_names,
    is_closed,
    is_complete,
    required_of,
)
from lmextract.dialects.regex import ANYTHING, PatternError, only, reachable, texts_with, written
from lmextract.types import is_object

if TYPE_CHECKING:
    from lmextract.dialects.branches import Expander, Members
    from lmextract.dialects.lowering import Lowering
    from lmextract.types import Path

__all__ = ["Layout", "layout_of", "lower_object"]

_MOST_VARIANTS = 12
_MOST_SPELLING_RULES = 1900


@dataclass(frozen=True, slots=True)
class Layout:
    """The keys of an object: which it must have, which it may have, and whether it may have others.

    `extras` are the kinds of other keys, each as the pattern of its names (None: any) and what holds for its value.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    extras: tuple[tuple[str | None, Members], ...] = ()


def layout_of(expander: Expander, parts: Sequence[Part], *, closes: bool) -> Layout:
    """The keys of the objects that the parts allow; `closes`: silence about other keys forbids them."""
    wanted = required_of(parts)
    names = list(dict.fromkeys((*declared_names(parts), *wanted)))
    listed = _listed_names(expander, parts)
    if listed is not None:
        names = [
            *(name for name in names if name in listed or name in wanted),
            *(name for name in listed if name not in names),
        ]
    must = set(wanted)
    closed = is_closed(parts)
    extras = () if listed is not None else tuple(_extras(parts))
    if closes and closed is None and is_complete(parts):
        extras = tuple(each for each in extras if each[0] is not None)
    return Layout(
        tuple(name for name in names if name in must), tuple(name for name in names if name not in must), extras
    )


def _listed_names(expander: Expander, parts: Iterable[Part]) -> list[str] | None:
    """The names that `propertyNames` lists, where it does."""
    schemas = distinct(part["propertyNames"] for part in parts if "propertyNames" in part)
    if not schemas:
        return None
    found: list[str] = []
    for branch in expander.branches(schemas):
        values = expander.values(branch)
        if values is None:
            return None
        found += [value for value in values if isinstance(value, str)]
    return list(dict.fromkeys(found))


def _extras(parts: Sequence[Part]) -> Iterator[tuple[str | None, Members]]:
    """The kinds of keys that no part declares."""
    rests = [_rest(part) for part in parts]
    if not any(False in rest for rest in rests):
        yield None, distinct(schema for rest in rests for schema in rest)
    for i, part in enumerate(parts):
        others = [schema for j, rest in enumerate(rests) for schema in rest if j != i]
        universal, patterns = _patterns(part)
        for pattern, schema in patterns.items():
            members = (schema, *universal, *others)
            if False not in members:
                yield pattern, distinct(members)


def _patterns(part: Part) -> tuple[list[Any], dict[str, Any]]:
    """What holds for every key by a pattern that all keys have, and the other patterns with what holds for theirs."""
    found = part.get("patternProperties")
    patterns = {str(pattern): schema for pattern, schema in found.items()} if is_object(found) else {}
    universal = [schema for pattern, schema in patterns.items() if _matches_all(pattern)]
    return universal, {pattern: schema for pattern, schema in patterns.items() if not _matches_all(pattern)}


def _rest(part: Part) -> list[Any]:
    """What holds for the keys that a part neither declares nor has a pattern for."""
    universal, _ = _patterns(part) if "patternProperties" in part else ([], {})
    return universal or [part.get("additionalProperties", part.get("unevaluatedProperties", True))]


def lower_object(lowering: Lowering, parts: Sequence[Part], path: Path) -> list[dict[str, Any]]:
    """The wire schemas of the objects that the parts allow; none: there are no such objects."""
    layout = layout_of(lowering.expander, parts, closes=lowering.dialect.closes)
    _relax_names(lowering, parts, path)
    lowering.spend(len(layout.required) + len(layout.optional))
    low, high = counts(parts, "minProperties", "maxProperties")
    fields: dict[str, dict[str, Any]] = {}
    for name in (*layout.required, *layout.optional):
        field = _field(lowering, parts, layout, name, path)
        if field is not None:
            fields[name] = field
        elif name in layout.required:
            return []
    gone = [name for name in (*layout.optional, *forbidden_names(parts)) if name not in fields]
    layout = replace(layout, optional=tuple(name for name in layout.optional if name in fields))
    order = [
        name for name in dict.fromkeys((*declared_names(parts), *layout.required, *layout.optional)) if name in fields
    ]
    wires: list[dict[str, Any]] = []
    for variant in _variants(lowering, layout, low, high, path):
        names = {*variant.required, *variant.optional}
        wire = _object(lowering, variant, {name: fields[name] for name in order if name in names}, gone, path)
        for name in variant.required:
            if name in layout.optional:  # it must be there now: null no longer stands for it
                wire["properties"][name] = lowering.lowered(children(parts, name), path / name)
        wires.append(wire | _held_counts(lowering, variant, low, high))
    return wires


def _held_counts(lowering: Lowering, variant: Layout, low: int, high: int | None) -> dict[str, int]:
    """Counts of properties for an engine that holds them, where no null stands for an absent one."""
    if "counts" not in lowering.keywords or variant.optional or not variant.extras:
        return {}
    least = {"minProperties": low} if low > len(variant.required) else {}
    return least if high is None else {**least, "maxProperties": high}


def _field(lowering: Lowering, parts: Sequence[Part], layout: Layout, name: str, path: Path) -> dict[str, Any] | None:
    """What a property may be on the wire; None: it cannot be there."""
    members = children(parts, name)
    if False in members:
        return None
    wire = lowering.lowered(members, path / name)
    if wire is None or name in layout.required or lowering.expander.admits_null(members):
        return wire
    return lowering.nullable(wire)


def _relax_names(lowering: Lowering, parts: Sequence[Part], path: Path) -> None:
    names = distinct(part["propertyNames"] for part in parts if "propertyNames" in part)
    if (
        names
        and _listed_names(lowering.expander, parts) is None
        and layout_of(lowering.expander, parts, closes=lowering.dialect.closes).extras
    ):
        lowering.relax(path, "propertyNames", "the engine does not hold the names of keys")


def _variants(lowering: Lowering, layout: Layout, low: int, high: int | None, path: Path) -> Iterator[Layout]:
    """The layout, split where that makes the number of properties come right."""
    fixed, free = len(layout.required), len(layout.optional)
    if high is not None and high < fixed:
        return
    if high == fixed:
        layout, high, free = replace(layout, optional=(), extras=()), None, 0
    closed = not layout.extras
    if closed and low > fixed + free:
        return
    if closed and low == fixed + free:
        yield Layout((*layout.required, *layout.optional), ())
        return
    short = low > fixed
    long = high is not None and not (closed and high >= fixed + free)
    if closed and (short or long) and low <= fixed + 1 and (not long or high == fixed + 1) and free <= _MOST_VARIANTS:
        yield from _one_more(layout, alone=long)
        if not short:
            yield Layout(layout.required, ())
        return
    held = "counts" in lowering.keywords and not free and not closed
    if short and not held:
        lowering.relax(path, "minProperties", "the engine does not count properties")
    if long and not held:
        lowering.relax(path, "maxProperties", "the engine does not count properties")
    yield layout


def _one_more(layout: Layout, *, alone: bool) -> Iterator[Layout]:
    """One layout for each optional property as the first that is there, `alone` or with any of those after it."""
    for i, name in enumerate(layout.optional):
        yield Layout((*layout.required, name), () if alone else layout.optional[i + 1 :])


def _object(
    lowering: Lowering, layout: Layout, fields: Mapping[str, Any], gone: Sequence[str], path: Path
) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }
    if not layout.extras:
        return wire
    if lowering.dialect.extra_keys == "none" and fields:
        lowering.relax(
            path, "additionalProperties", "the engine takes no key beyond the declared ones", "cannot be said"
        )
        return wire
    if fields and lowering.dialect.keys_by_escape and _spelling_rules(fields) > _MOST_SPELLING_RULES:
        lowering.relax(
            path, "additionalProperties", "so many declared keys cannot be told from others", "cannot be said"
        )
        return wire
    if gone:
        if "forbidden keys" in lowering.keywords:
            wire["properties"] |= dict.fromkeys(gone, False)
        else:
            lowering.relax(path, "properties", "the engine cannot forbid a key and allow others")
    patterned = [(pattern, members) for pattern, members in layout.extras if pattern is not None]
    if patterned and lowering.dialect.extra_keys == "patterns" and _patterned(lowering, wire, layout, path):
        return wire
    if patterned:
        lowering.relax(path, "patternProperties", "the engine does not hold the names of keys")
    values = [lowering.lowered(members, path / "*") for _, members in layout.extras]
    found = [value for value in values if value is not None]
    if found:
        anything = any(not members for _, members in layout.extras)
        free = True if lowering.dialect.any_levels is None else lowering.anything()
        wire["additionalProperties"] = free if anything else lowering.either(found)
        if not wire["properties"]:  # outlines-core takes an object with `properties`, even with none, for a closed one
            del wire["properties"], wire["required"]
    if found and fields and lowering.dialect.keys_by_escape:
        lowering.relax(path, "additionalProperties", "a key can be spelled with escapes to pass for a declared one")
    return wire


def _spelling_rules(names: Iterable[str]) -> int:
    """How many rules llama.cpp makes to tell other keys from the declared ones; it refuses a group of over 2,000."""
    inner: set[str] = set()
    ends: set[str] = set()
    for name in names:
        inner.update(name[:i] for i in range(len(name)))
        ends.add(name)
    return 2 * len(inner) + len(ends - inner)


def _matches_all(pattern: str) -> bool:
    try:
        texts = texts_with(pattern)
    except PatternError:
        return False
    return texts.node == ANYTHING and not texts.wider


def _patterned(lowering: Lowering, wire: dict[str, Any], layout: Layout, path: Path) -> bool:
    """Put patterns of keys into the wire schema as they are, if the engine can hold them."""
    style = lowering.dialect.style
    patterns = [(pattern, members) for pattern, members in layout.extras if pattern is not None]
    if style is None or len(patterns) > 1:
        return False
    found: dict[str, Any] = {}
    for pattern, members in patterns:
        try:
            texts = texts_with(str(pattern))
        except PatternError:
            return False
        value = lowering.lowered(members, path / "*")
        if texts.wider:
            return False
        if value is not None:
            found[written(only(texts.node, reachable(style)), style)] = value
    wire["patternProperties"] = found
    rest = [members for pattern, members in layout.extras if pattern is None]
    if rest:
        value = lowering.lowered(rest[0], path / "*") if rest[0] else {}
        wire["additionalProperties"] = False if value is None else value if rest[0] else True
    return True
