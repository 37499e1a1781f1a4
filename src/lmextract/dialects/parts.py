"""What a set of plain schemas, all of which hold, says together."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from lmextract.dialects import kinds
from lmextract.dialects.kinds import key_of
from lmextract.dialects.refs import Schema
from lmextract.dialects.regex import listed_texts
from lmextract.dialects.validity import found_in
from lmextract.types import Json, is_array, is_object

__all__ = [
    "MADE",
    "NOT_KINDS",
    "NOT_VALUES",
    "Part",
    "children",
    "counts",
    "declared_names",
    "distinct",
    "excluded_kinds",
    "finite_texts",
    "forbidden_names",
    "is_closed",
    "is_complete",
    "kinds_of",
    "number_range",
    "required_of",
    "values_of",
]

Part: TypeAlias = Mapping[str, Any]

# Keywords of schemas that this compiler makes itself; no JSON Schema can hold them.
NOT_KINDS, NOT_VALUES, MADE = "\0not kinds", "\0not values", "\0made"

_IMPLIED: Mapping[str, int] = {
    **dict.fromkeys(
        (
            *("properties", "required", "additionalProperties", "patternProperties", "minProperties", "maxProperties"),
            *("propertyNames", "unevaluatedProperties"),
        ),
        kinds.OBJECT,
    ),
    **dict.fromkeys(
        (
            *("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "additionalItems"),
            "unevaluatedItems",
        ),
        kinds.ARRAY,
    ),
    **dict.fromkeys(("pattern", "minLength", "maxLength", "format"), kinds.STRING),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), kinds.NUMBER),
}


def kinds_of(parts: Iterable[Part]) -> int:
    """The kinds that a value may be of; where no part says so, those that the keywords speak about."""
    mask, implied, said = kinds.ALL, 0, False
    for part in parts:
        if "type" in part and (declared := kinds.kinds_of_type(part["type"])) is not None:
            mask, said = mask & declared, True
        if "enum" in part and is_array(part["enum"]):
            mask, said = mask & _kinds_of_values(part["enum"]), True
        if "const" in part:
            mask, said = mask & kinds.kind_of(part["const"]), True
        if NOT_KINDS in part:
            mask &= ~part[NOT_KINDS]
        if not said:
            for keyword in part:
                implied |= _IMPLIED.get(keyword, 0)
    return mask if said or not implied else mask & implied


def _kinds_of_values(values: Iterable[Json]) -> int:
    mask = 0
    for value in values:
        mask |= kinds.kind_of(value)
    return mask


def values_of(parts: Iterable[Part]) -> list[Json] | None:
    """The values that the parts list, where they list some."""
    found: list[Json] | None = None
    excluded: set[Hashable] = set()
    for part in parts:
        if NOT_VALUES in part:
            excluded.update(map(key_of, part[NOT_VALUES]))
        for keyword in ("enum", "const"):
            if keyword in part:
                listed = [part["const"]] if keyword == "const" else part["enum"]
                if not is_array(listed):
                    continue
                if found is not None:
                    others = set(map(key_of, listed))
                    listed = [value for value in found if key_of(value) in others]
                found = listed
    if not found or not excluded:
        return found
    return [value for value in found if key_of(value) not in excluded]


def finite_texts(parts: Iterable[Part]) -> list[str] | None:
    """The strings that the patterns of the parts leave, where one of them lists them, as `^(a|b)$` does."""
    patterns = [part["pattern"] for part in parts if isinstance(part.get("pattern"), str)]
    for pattern in patterns:
        listed = listed_texts(pattern)
        if listed is not None:
            return [text for text in listed if all(found_in(other, text) is not False for other in patterns)]
    return None


def required_of(parts: Iterable[Part]) -> list[str]:
    """The names that an object must have, in the order in which they are listed."""
    found: dict[str, None] = {}
    for part in parts:
        wanted = part.get("required")
        if is_array(wanted):
            found.update((name, None) for name in wanted if isinstance(name, str))
    return list(found)


def declared_names(parts: Iterable[Part]) -> list[str]:
    """The names that the parts declare, in order; names that they only forbid are not among them."""
    found: dict[str, None] = {}
    for part in parts:
        properties = part.get("properties")
        if is_object(properties) and MADE not in part:
            found.update((str(name), None) for name in properties)
    return list(found)


def forbidden_names(parts: Iterable[Part]) -> list[str]:
    """The names that an object must not have, by the parts that this compiler made to say so."""
    made = (part.get("properties", {}) for part in parts if MADE in part)
    return [name for properties in made for name, schema in properties.items() if schema is False]


def excluded_kinds(parts: Iterable[Part]) -> int:
    """The kinds of the values that the parts exclude one by one."""
    return _kinds_of_values(value for part in parts for value in part.get(NOT_VALUES, ()))


def is_closed(parts: Iterable[Part]) -> bool | None:
    """Whether keys that no part declares or has a pattern for are forbidden; None if no part says so."""
    closed: bool | None = None
    for part in parts:
        for keyword in ("additionalProperties", "unevaluatedProperties"):
            if keyword in part:
                closed = closed or part[keyword] is False
    return closed


def is_complete(parts: Iterable[Part]) -> bool:
    """Whether a part declares properties as if they were all: with no choice beside them that may bring others."""
    return any(
        bool(part.get("properties")) and MADE not in part and "anyOf" not in part and "oneOf" not in part
        for part in parts
    )


def distinct(schemas: Iterable[Any]) -> tuple[Schema, ...]:
    """The schemas without doubles and without those that say nothing."""
    found: dict[int, Any] = {}
    for schema in schemas:
        if schema is not True and schema != {}:
            found[id(schema)] = schema
    return tuple(found.values())


def children(parts: Iterable[Part], name: str) -> tuple[Schema, ...]:
    """The schemas that all hold for the property of a name."""
    found: list[Any] = []
    unevaluated: list[Any] = []
    evaluated = False
    for part in parts:
        hit = False
        properties = part.get("properties")
        if is_object(properties) and name in properties:
            found.append(properties[name])
            hit = True
        patterns = part.get("patternProperties")
        if is_object(patterns):
            matching = [schema for pattern, schema in patterns.items() if found_in(pattern, name)]
            found += matching
            hit = hit or bool(matching)
        if "additionalProperties" in part:
            if not hit:
                found.append(part["additionalProperties"])
            hit = True
        if "unevaluatedProperties" in part:
            unevaluated.append(part["unevaluatedProperties"])
        evaluated = evaluated or (hit and MADE not in part)
    return distinct(found if evaluated else (*found, *unevaluated))


def counts(parts: Iterable[Part], least: str, most: str) -> tuple[int, int | None]:
    """The tightest of some counts, such as minItems and maxItems."""
    low, high = 0, None
    for part in parts:
        at_least, at_most = _count(part.get(least)), _count(part.get(most))
        if at_least is not None:
            low = max(low, math.ceil(at_least))
        if at_most is not None:
            high = math.floor(at_most) if high is None else min(high, math.floor(at_most))
    return low, high


def _count(value: Any) -> float | None:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return value if usable else None


def number_range(parts: Sequence[Part]) -> tuple[float | None, float | None]:
    """The closed range that holds every number the parts allow; None: without end."""
    lows = [bound for part in parts for bound, _ in lower_bounds(part)]
    highs = [bound for part in parts for bound, _ in upper_bounds(part)]
    return max(lows, default=None), min(highs, default=None)


def lower_bounds(part: Part) -> Iterator[tuple[float, bool]]:
    """Each lower bound, with whether it excludes itself; draft 4 says so with a boolean."""
    yield from _bounds(part, "minimum", "exclusiveMinimum")


def upper_bounds(part: Part) -> Iterator[tuple[float, bool]]:
    """Each upper bound, with whether it excludes itself."""
    yield from _bounds(part, "maximum", "exclusiveMaximum")


def _bounds(part: Part, plain: str, strict: str) -> Iterator[tuple[float, bool]]:
    if (bound := _count(part.get(plain))) is not None:
        yield bound, part.get(strict) is True
    if (bound := _count(part.get(strict))) is not None:
        yield bound, True
