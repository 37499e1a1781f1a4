"""What kinds of JSON a schema names at each place of a value: which union branch is meant, and what pydantic coerced.

For the schemas that pydantic writes: local references, unions, tags.  Pure, and without running anyone's validators.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lmextract.types import Json, JsonSchema, Path, is_array, is_object

__all__ = [
    "NUMERIC",
    "TIMES",
    "Departure",
    "alternatives",
    "branches",
    "departures",
    "meant",
    "members",
    "referred",
    "tags_fit",
]

TIMES = frozenset(("date", "date-time", "time", "duration"))
NUMERIC = re.compile(r"\s*[-+]?\d+(?:\.\d+)?\s*", re.ASCII)
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


@dataclass(frozen=True, slots=True)
class Departure:
    """A place where a value is not of a kind that the schema names.

    `wrong` says that no conversion makes it right: a number for a point in time, or one beyond what a float holds.
    """

    path: Path
    value: Json
    wrong: str | None = None


def departures(schema: JsonSchema, value: Json) -> Iterator[Departure]:
    """Every place at which a value departs from the kinds that its schema names."""
    stack: list[tuple[Path, Json, Sequence[Json]]] = [(Path(), value, (schema,))]
    while stack:
        path, at, nodes = stack.pop()
        leaves = [leaf for node in nodes for leaf in alternatives(schema, node) if not _is_junction(leaf)]
        fitting = [leaf for leaf in leaves if _fits(leaf, at)]
        wrong = _wrong(leaves, fitting, at)
        if wrong or (leaves and not fitting):
            yield Departure(path, at, wrong)
        elif is_object(at):
            stack += [(path / key, item, below) for key, item in at.items() if (below := _below(fitting, key))]
        elif is_array(at):
            stack += [(path / index, item, below) for index, item in enumerate(at) if (below := _below(fitting, index))]


def alternatives(root: JsonSchema, node: Json) -> Iterator[dict[str, Any]]:
    """The schemas that a node stands for: references followed, unions and intersections taken apart."""
    stack: list[Json] = [node]
    seen: set[str] = set()
    while stack:
        at = stack.pop()
        if not is_object(at):
            continue
        ref = at.get("$ref")
        if isinstance(ref, str) and ref not in seen:
            seen.add(ref)
            stack.append(referred(root, ref))
        stack.extend(each for key in ("anyOf", "oneOf", "allOf") for each in at.get(key, ()))
        yield at


def referred(root: JsonSchema, ref: str) -> Json:
    """What a reference within the schema points to, None if nothing."""
    if not ref.startswith("#"):
        return None
    node: Json = root
    for step in filter(None, ref[1:].split("/")):
        name = step.replace("~1", "/").replace("~0", "~")
        node = node.get(name) if is_object(node) else None
    return node


def meant(root: JsonSchema, node: Json, value: Json) -> str | None:
    """The name of the one definition, of several in a union, that a value means by its tags; None if that is open."""
    if not is_object(value):
        return None
    found = branches(root, node)
    named = [name for name, branch in found.items() if tags_fit(root, branch, value)]
    return named[0] if len(named) == 1 and len(found) > 1 else None


def branches(root: JsonSchema, node: Json) -> dict[str, Json]:
    """The definitions that the unions of a node choose among, by name."""
    return {
        ref.rpartition("/")[2]: referred(root, ref)
        for each in alternatives(root, node)
        for key in ("anyOf", "oneOf")
        for branch in each.get(key, ())
        if is_object(branch) and isinstance(ref := branch.get("$ref"), str)
    }


def members(root: JsonSchema, nodes: Sequence[Json], step: str | int) -> list[Json]:
    """The schemas of a member, by every alternative of these nodes that knows it."""
    return _below([leaf for node in nodes for leaf in alternatives(root, node)], step)


def tags_fit(root: JsonSchema, schema: Json, value: Json) -> bool:
    """Whether a value may be meant by one alternative of a union: no constant of it says otherwise."""
    if not is_object(value) or not is_object(schema):
        return True
    for name, declared in schema.get("properties", {}).items():
        if name not in value:
            continue
        constants = [each["const"] for each in alternatives(root, declared) if "const" in each]
        if constants and value[name] not in constants:
            return False
    return True


def _is_junction(node: dict[str, Any]) -> bool:
    """Whether a node says nothing itself of the kind, but leads to others that do."""
    return any(key in node for key in ("$ref", "anyOf", "oneOf", "allOf")) and "type" not in node


def _fits(leaf: dict[str, Any], value: Json) -> bool:
    if "const" in leaf:
        return _same_kind(leaf["const"], value)
    if "enum" in leaf:
        return any(_same_kind(choice, value) for choice in leaf["enum"])
    kinds = leaf.get("type")
    if kinds is None:
        return True
    return any(_is_kind(kind, value) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _same_kind(wanted: Json, value: Json) -> bool:
    return bool(wanted == value) and isinstance(wanted, bool) == isinstance(value, bool)


def _is_kind(kind: str, value: Json) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])


def _wrong(leaves: Sequence[dict[str, Any]], fitting: Sequence[dict[str, Any]], value: Json) -> str | None:
    if isinstance(value, int) and any(leaf.get("type") == "number" for leaf in fitting) and _is_beyond_float(value):
        return (
            None if any(leaf.get("type") in ("integer", "string") for leaf in leaves) else "should be a smaller number"
        )
    formats: set[Any] = {leaf.get("format") for leaf in (fitting if isinstance(value, str) else leaves)}
    if not formats or not formats <= TIMES | {None} or not formats & TIMES:
        return None
    if isinstance(value, str):
        is_number = None not in formats and NUMERIC.fullmatch(value) is not None
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and not fitting
    return f"should be a {' or a '.join(sorted(formats - {None}))} in ISO 8601, not a number" if is_number else None


def _is_beyond_float(value: int) -> bool:
    try:
        return math.isinf(float(value))
    except OverflowError:
        return True


def _below(leaves: Sequence[dict[str, Any]], step: str | int) -> list[Json]:
    """The schemas of a member, by every alternative that knows it."""
    found: list[Json] = []
    for leaf in leaves:
        if isinstance(step, int):
            first = leaf.get("prefixItems", ())
            member = first[step] if step < len(first) else leaf.get("items")
        else:
            member = leaf.get("properties", {}).get(step, leaf.get("additionalProperties"))
        if is_object(member):
            found.append(member)
    return found
