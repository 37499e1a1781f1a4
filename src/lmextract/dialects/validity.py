"""Whether a value fits a schema: a small evaluator for decisions while lowering and restoring.

It is not the validator of record (`Target.check` is), has no messages and no formats, and says yes in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Any

from lmextract.dialects.drafts import Draft
from lmextract.dialects.kinds import key_of, kind_of, kinds_of_type
from lmextract.dialects.refs import References
from lmextract.types import Json, is_array, is_object

__all__ = ["Judge", "found_in"]

_DEEPEST = 60


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return None


def found_in(pattern: str, text: str) -> bool | None:
    """Whether a pattern is found in a text; None if the pattern is none."""
    compiled = _compiled(pattern)
    return None if compiled is None else compiled.search(text) is not None


class Judge:
    """Says whether values fit the schemas of one document."""

    def __init__(self, references: References, draft: Draft) -> None:
        self._references = references
        self._draft = draft
        self._keys: dict[int, frozenset[Hashable]] = {}

    def keys_of(self, values: list[Json]) -> frozenset[Hashable]:
        """The keys of the values of an `enum`."""
        if id(values) not in self._keys:
            self._keys[id(values)] = frozenset(map(key_of, values))
        return self._keys[id(values)]

    def fits(self, schema: Any, value: Json, depth: int = 0) -> bool:
        """Whether the value fits, as far as this evaluator can tell."""
        if not is_object(schema):
            return schema is not False
        if depth > _DEEPEST:
            return True
        if isinstance(ref := schema.get("$ref"), str):
            target = self._references.target(ref, schema)
            if target is not None and not self.fits(target, value, depth + 1):
                return False
            if self._draft.bare_refs:
                return True
        ignored = self._draft.ignored
        for keyword, wanted in schema.items():
            check = _CHECKS.get(keyword)
            if check is not None and keyword not in ignored and not check(self, wanted, value, schema, depth + 1):
                return False
        return True


Check = Callable[[Judge, Any, Json, Mapping[str, Any], int], bool]


def _type(_judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], _depth: int) -> bool:
    mask = kinds_of_type(wanted)
    return mask is None or bool(mask & kind_of(value))


def _enum(judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], _depth: int) -> bool:
    return not is_array(wanted) or key_of(value) in judge.keys_of(wanted)


def _const(_judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], _depth: int) -> bool:
    return key_of(wanted) == key_of(value)


def _all_of(judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], depth: int) -> bool:
    return not is_array(wanted) or all(judge.fits(each, value, depth) for each in wanted)


def _any_of(judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], depth: int) -> bool:
    return not is_array(wanted) or any(judge.fits(each, value, depth) for each in wanted)


def _one_of(judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], depth: int) -> bool:
    if not is_array(wanted):
        return True
    fitting = sum(1 for each in wanted if judge.fits(each, value, depth))
    # Formats are not looked at, so two may seem to fit where one does: in doubt, yes.
    return fitting == 1 or (fitting > 1 and isinstance(value, (str, list, dict)))


def _not(judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], depth: int) -> bool:
    plain = is_object(wanted) and wanted.keys() <= _CERTAIN
    return not (plain and judge.fits(wanted, value, depth))


def _if(judge: Judge, wanted: Any, value: Json, schema: Mapping[str, Any], depth: int) -> bool:
    return judge.fits(schema.get("then" if judge.fits(wanted, value, depth) else "else", True), value, depth)


def _properties(judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], depth: int) -> bool:
    if not is_object(value) or not is_object(wanted):
        return True
    return all(judge.fits(each, value[name], depth) for name, each in wanted.items() if name in value)


def _patterns(judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], depth: int) -> bool:
    if not is_object(value) or not is_object(wanted):
        return True
    return all(
        judge.fits(each, item, depth)
        for pattern, each in wanted.items()
        for name, item in value.items()
        if found_in(pattern, name)
    )


def _additional(judge: Judge, wanted: Any, value: Json, schema: Mapping[str, Any], depth: int) -> bool:
    if not is_object(value):
        return True
    declared, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
    extra = (
        name
        for name in value
        if name not in declared and not any(found_in(each, name) is not False for each in patterns)
    )
    return all(judge.fits(wanted, value[name], depth) for name in extra)


def _required(_judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], _depth: int) -> bool:
    return not is_object(value) or not is_array(wanted) or all(name in value for name in wanted)


def _items(judge: Judge, wanted: Any, value: Json, schema: Mapping[str, Any], depth: int) -> bool:
    if not is_array(value):
        return True
    if is_array(wanted):
        return all(judge.fits(each, item, depth) for each, item in zip(wanted, value, strict=False))
    first = len(schema.get("prefixItems", ()))
    return all(judge.fits(wanted, item, depth) for item in value[first:])


def _rest(judge: Judge, wanted: Any, value: Json, schema: Mapping[str, Any], depth: int) -> bool:
    heads = schema.get("items")
    if not is_array(value) or not is_array(heads):
        return True
    return all(judge.fits(wanted, item, depth) for item in value[len(heads) :])


def _measured(at_least: bool, *kinds: type[Any]) -> Check:
    def check(_judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], _depth: int) -> bool:
        if not isinstance(value, kinds) or not isinstance(wanted, (int, float)):
            return True
        return len(value) >= wanted if at_least else len(value) <= wanted

    return check


def _bound(compare: Callable[[Any, Any], bool], strict: str) -> Check:
    def check(_judge: Judge, wanted: Any, value: Json, schema: Mapping[str, Any], _depth: int) -> bool:
        numbers = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in (wanted, value))
        return not numbers or (compare(value, wanted) and not (schema.get(strict) is True and value == wanted))

    return check


def _pattern(_judge: Judge, wanted: Any, value: Json, _schema: Mapping[str, Any], _depth: int) -> bool:
    return not isinstance(value, str) or not isinstance(wanted, str) or found_in(wanted, value) is not False


_CHECKS: Mapping[str, Check] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
    "properties": _properties,
    "patternProperties": _patterns,
    "additionalProperties": _additional,
    "required": _required,
    "items": _items,
    "prefixItems": _items,
    "additionalItems": _rest,
    "minLength": _measured(True, str),
    "maxLength": _measured(False, str),
    "minItems": _measured(True, list),
    "maxItems": _measured(False, list),
    "minProperties": _measured(True, dict),
    "maxProperties": _measured(False, dict),
    "minimum": _bound(lambda value, bound: value >= bound, "exclusiveMinimum"),
    "maximum": _bound(lambda value, bound: value <= bound, "exclusiveMaximum"),
    "exclusiveMinimum": _bound(lambda value, bound: value > bound, ""),
    "exclusiveMaximum": _bound(lambda value, bound: value < bound, ""),
    "pattern": _pattern,
}
_CERTAIN = frozenset(
    {"type", "enum", "const", "required", "minLength", "maxLength", "minItems", "maxItems", "description", "title"}
)
