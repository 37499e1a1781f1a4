"""Asking again for a part: from problems or a cut to the smallest schema that cures them, and the answer put in place.

Every function takes values and returns values; nothing it is given is changed.  Where no part can be told from the
whole (a problem at the root, a schema that leads two ways), there is no mend, and the caller asks for all of it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lmextract._places import (
    alternatives,
    has,
    is_open_ended,
    is_union,
    items_at,
    properties_at,
    required_at,
    schema_at,
    value_at,
)
from lmextract.target import Target
from lmextract.types import Json, JsonSchema, Path, Problem, Valid, is_array, is_object

__all__ = [
    "Mend",
    "Part",
    "answered",
    "at_place",
    "meant",
    "mend_of",
    "mended",
    "rest_of",
    "settled",
    "told_again",
    "unsaid",
    "without",
]

_MOST_PARTS = 24
_MOST_PROBLEMS = 200
_DEFINITIONS = ("$defs", "definitions")
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Part:
    """A place in the value to be asked for again, or, where `rest_from` is a number, the items from there on."""

    path: Path
    schema: Json
    required: bool = True
    rest_from: int | None = None

    @property
    def label(self) -> str:
        """The part's name in the question: `authors[0].name`, `lines[12:]`."""
        steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).removeprefix(".")
        return steps if self.rest_from is None else f"{steps}[{self.rest_from}:]"


@dataclass(frozen=True, slots=True, eq=False)
class Mend:
    """Parts to be asked for together, as a target of its own: an object with a property per part."""

    parts: tuple[Part, ...]
    target: Target[Any]


def mend_of(schema: JsonSchema, value: Json, problems: Sequence[Problem]) -> Mend | None:
    """The smallest question that may cure the problems of a value; None where it would be the whole again."""
    if len(problems) > _MOST_PROBLEMS:
        return None
    places = [_as_meant(schema, value, problem.path) for problem in meant(schema, value, problems)]
    units = [_unit(schema, value, place) for place in places if place is not None]
    if not units or any(unit is None or not unit.path for unit in units):
        return None
    return _mend(schema, _outermost(unit for unit in units if unit is not None))


def meant(schema: JsonSchema, value: Json, problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The problems less those of alternatives of a union that are not meant; pydantic reports all of them."""
    some = problems[:_MOST_PROBLEMS]
    return tuple(problem for problem in some if _is_meant(schema, value, problem.path))


def _is_meant(schema: JsonSchema, value: Json, path: Path) -> bool:
    place = _as_meant(schema, value, path)
    unit = None if place is None else _unit(schema, value, place)
    return place is not None and (unit is None or not _is_right_already(schema, unit, value))


def rest_of(schema: JsonSchema, value: Json, cut_at: Path) -> Mend | None:
    """The question for what a cut value lacks: the items after the last whole one, and the fields not yet given."""
    parts: list[Part] = []
    for depth in range(len(cut_at), -1, -1):
        path = Path(*cut_at[:depth])
        node, at = schema_at(schema, schema, value, path), value_at(value, path)
        if node is None:
            return None
        if path and is_open_ended(schema, node, at):  # nobody knows which members it lacks
            parts = [Part(path, node)]
            continue
        below = cut_at[depth] if depth < len(cut_at) else None
        missing = _rest_at(schema, node, at, path, below)
        if missing is None:
            return None
        parts += missing
    return _mend(schema, parts) if parts else None


def settled(value: Json, cut_at: Path) -> tuple[Json, Path]:
    """A cut value less the list item that was open at the cut, and the list as the place of the cut.

    An item that holds lists or objects of its own is worth keeping: it stays, to be completed in place.
    """
    depth = max((depth for depth, step in enumerate(cut_at) if isinstance(step, int)), default=None)
    if depth is None:
        return value, cut_at
    item = value_at(value, Path(*cut_at[: depth + 1]))
    if is_object(item) and any((is_object(held) or is_array(held)) and held for held in item.values()):
        return value, cut_at
    return without(value, (Path(*cut_at[: depth + 1]),)), Path(*cut_at[:depth])


def answered(schema: JsonSchema, mend: Mend, answer: Json, cut_at: Path) -> tuple[dict[str, Json], Mend | None]:
    """What a cut answer to a mend gives in full, and the question for the other parts; None if there are none.

    Of the items of a list that is being completed the whole ones count as given.
    """
    said: dict[str, Json] = answer if is_object(answer) else {}
    given: dict[str, Json] = {}
    others: list[Part] = []
    for part in mend.parts:
        held = said.get(part.label, _MISSING)
        if held is _MISSING:
            others.append(part)
        elif cut_at[:1] != (part.label,):
            given[part.label] = held
        elif part.rest_from is not None and is_array(held):
            whole = held if len(cut_at) == 1 else held[:-1]
            given[part.label] = whole
            others.append(replace(part, rest_from=part.rest_from + len(whole)))
        else:
            others.append(part)
    return given, _mend(schema, others) if others else None


def unsaid(mend: Mend, answer: Json) -> tuple[Part, ...]:
    """The parts that an answer has to give and does not."""
    answers: dict[str, Json] = answer if is_object(answer) else {}
    return tuple(part for part in mend.parts if part.required and _said(answers, part) is _MISSING)


def at_place(mend: Mend, problem: Problem) -> Problem:
    """A problem of the answer to a mend, as one of the whole value."""
    for part in mend.parts:
        if problem.path[:1] == (part.label,):
            inner = problem.path[1:]
            if part.rest_from is not None and inner and isinstance(inner[0], int):
                inner = (inner[0] + part.rest_from, *inner[1:])
            return replace(problem, path=Path(*part.path, *inner))
    return replace(problem, path=Path())


def told_again(mend: Mend, value: Json, answer: Json) -> tuple[Path, ...]:
    """The lists whose rest, as answered, begins with the items that were there before: a model that began anew."""
    said: dict[str, Json] = answer if is_object(answer) else {}
    return tuple(
        part.path
        for part in mend.parts
        if part.rest_from and _begins_anew(_items_before(value, part), said.get(part.label))
    )


def mended(mend: Mend, value: Json, answer: Json) -> Json:
    """The value with the answer's parts in their places; doing it twice is doing it once.

    A part that the answer leaves out is absent from the value too, where it may be.  Items of a list that the answer
    tells again are not taken twice, see `told_again`.
    """
    answers: dict[str, Json] = answer if is_object(answer) else {}
    whole = json.loads(json.dumps(value))
    for part in mend.parts:
        said = _said(answers, part)
        if said is not _MISSING:
            whole = _with(whole, part, said)
        elif not part.required:
            whole = without(whole, (part.path,))
    return whole


def without(value: Json, paths: Iterable[Path]) -> Json:
    """The value less what stands at these paths; of a list, the whole item goes."""
    whole = json.loads(json.dumps(value))
    for path in sorted(paths, key=_later_items_first, reverse=True):
        if not path:
            return None
        holder, last = value_at(whole, Path(*path[:-1])), path[-1]
        if has(holder, last):
            del holder[last]
    return whole


def _later_items_first(path: Path) -> tuple[Any, ...]:
    return tuple((1, step, "") if isinstance(step, int) else (0, 0, step) for step in path)


def _as_meant(schema: JsonSchema, value: Json, path: Path) -> Path | None:
    """A path as far as it is certain which alternative of a union is meant; None if it leads into one that is not."""
    for depth, step in enumerate(path):
        above = Path(*path[:depth])
        at = value_at(value, above)
        node = schema_at(schema, schema, value, above) if is_object(at) else None
        if node is None:
            continue
        known = properties_at(schema, node, at)
        if known is None:
            return above
        if step not in known and is_union(schema, node) and not is_open_ended(schema, node, at):
            return None
    return path


def _unit(schema: JsonSchema, value: Json, path: Path) -> Part | None:
    """The place to ask for when something is wrong at a path: there, or the nearest above that the schema knows."""
    for depth in range(len(path), 0, -1):
        place = Path(*path[:depth])
        holder = value_at(value, Path(*place[:-1]))
        addressable = is_object(holder) or (is_array(holder) and place[-1] in range(len(holder)))
        node = schema_at(schema, schema, value, place) if addressable else None
        if node is not None:
            return Part(place, node, _is_required(schema, value, place))
    return None


def _is_required(schema: JsonSchema, value: Json, path: Path) -> bool:
    parent = Path(*path[:-1])
    node = schema_at(schema, schema, value, parent)
    return not isinstance(path[-1], str) or path[-1] in required_at(schema, node, value_at(value, parent))


def _is_right_already(schema: JsonSchema, part: Part, value: Json) -> bool:
    constants = [each["const"] for each in alternatives(schema, part.schema) if "const" in each]
    return bool(constants) and value_at(value, part.path) in constants


def _outermost(parts: Iterable[Part]) -> list[Part]:
    """Each place once, and none within another."""
    chosen: dict[Path, Part] = {part.path: part for part in parts}
    return [
        part for path, part in chosen.items() if not any(Path(*path[:depth]) in chosen for depth in range(1, len(path)))
    ]


def _mend(schema: JsonSchema, parts: Sequence[Part]) -> Mend | None:
    if len(parts) > _MOST_PARTS or any(_refers_elsewhere(part.schema) for part in parts):
        return None
    if len({part.label for part in parts}) < len(parts):  # a key "a.b" beside the member b of a: one name, two places
        return None
    asked: dict[str, Any] = {
        "type": "object",
        "properties": {part.label: part.schema for part in parts},
        "required": [part.label for part in parts if part.required],
        "additionalProperties": False,
        **{key: schema[key] for key in (*_DEFINITIONS, "$schema") if key in schema},
    }
    # Any JSON will do here: the parts are checked with the whole, where a problem has its right path.
    return Mend(tuple(parts), Target(asked, "answer", lambda value, _: Valid(value), lambda value: value))


def _refers_elsewhere(schema: Json) -> bool:
    """Whether a schema has references that lead out of the definitions that travel with it."""
    stack = [schema]
    while stack:
        node = stack.pop()
        if is_object(node):
            ref = node.get("$ref")
            if isinstance(ref, str) and not ref.startswith(tuple(f"#/{key}/" for key in _DEFINITIONS)):
                return True
            if "$dynamicRef" in node or "$recursiveRef" in node:
                return True
        stack.extend(node.values() if is_object(node) else node if is_array(node) else ())
    return False


def _rest_at(root: JsonSchema, node: Json, at: Json, path: Path, below: str | int | None) -> list[Part] | None:
    """What is lacking of one object or list that was open at the cut; `below` is the open member within it."""
    if is_array(at):
        items = items_at(root, node)
        # The open member, if it is one, is completed by the parts within it; what follows it is asked for here.
        start = len(at)
        return (
            None if items is None else [Part(path, {"type": "array", "items": items}, required=True, rest_from=start)]
        )
    if is_object(at) and not is_open_ended(root, node, at):
        known = properties_at(root, node, at)
        required = required_at(root, node, at)
        return (
            None
            if known is None
            else [
                Part(path / name, schema, name in required)
                for name, schema in known.items()
                if name not in at and name != below
            ]
        )
    return None


def _with(value: Json, part: Part, said: Json) -> Json:
    path = part.path
    if part.rest_from is not None:
        before = _items_before(value, part)
        rest = said if is_array(said) else []
        return _placed(value, path, rest if _begins_anew(before, rest) else [*before, *rest])
    return _placed(value, path, said)


def _said(answers: dict[str, Json], part: Part) -> Json:
    """What an answer gives for a part: under its label, or where the part stands in the whole, as some models do it."""
    if part.label in answers or part.rest_from is not None:
        return answers.get(part.label, _MISSING)
    holder = value_at(answers, Path(*part.path[:-1]))
    return holder[part.path[-1]] if has(holder, part.path[-1]) else _MISSING


def _items_before(value: Json, part: Part) -> list[Any]:
    held = value_at(value, part.path)
    return held[: part.rest_from] if is_array(held) else []


def _begins_anew(before: list[Any], rest: Json) -> bool:
    """Whether a rest begins with all that was there before; two plain items may well be the same by chance."""
    if not is_array(rest) or rest[: len(before)] != before:
        return False
    return len(before) > 2 or any(is_object(item) and len(item) > 1 for item in before)


def _placed(value: Json, path: Path, said: Json) -> Json:
    if not path:
        return said
    holder, last = value_at(value, Path(*path[:-1])), path[-1]
    if has(holder, last) or _may_gain(holder, last):
        holder[last] = said
    return value


def _may_gain(holder: Json, step: str | int) -> bool:
    return isinstance(step, str) and is_object(holder)
