"""A value that fits a JSON Schema: always the same one, with every declared property in it.

No model is asked, and none is imitated: names become texts, bounds become numbers.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from lmextract.testing.fake import leaves
from lmextract.testing.fake.jsons import as_object, is_list, is_object
from lmextract.testing.fake.patterns import matching
from lmextract.testing.fake.schemas import as_types, merged, resolve
from lmextract.types import Json

__all__ = ["NothingFits", "invent", "invent_text"]

PROSE = "This is an invented answer; give the fake replies of your own to test more than the wire."


class NothingFits(ValueError):
    """No value that fits the schema was found."""


@dataclass(frozen=True, slots=True)
class _At:
    """Where the inventing stands: `nth` tells the items of one array apart, `lean` leaves out what may be absent."""

    root: dict[str, Any]
    ignores: frozenset[str]
    depth: int = 0
    nth: int = 0
    name: str = "text"
    lean: bool = False
    branch: int = 0
    effort: list[int] = field(default_factory=lambda: [20_000])

    def spend(self) -> None:
        """Give up where references multiply: a schema can describe values of any size."""
        self.effort[0] -= 1
        if self.effort[0] < 0 or self.depth > 60:
            raise NothingFits("the schema does not end")

    def below(self, name: str | None = None, nth: int | None = None) -> _At:
        return replace(self, depth=self.depth + 1, name=name or self.name, nth=self.nth if nth is None else nth)


@lru_cache(maxsize=256)
def invent_text(schema_text: str, ignores: frozenset[str] = frozenset()) -> str:
    """`invent` from JSON text to JSON text; remembered, since a client sends the same schema again and again."""
    return json.dumps(invent(json.loads(schema_text), ignores=ignores), ensure_ascii=False)


def invent(schema: dict[str, Any], *, ignores: frozenset[str] = frozenset()) -> Json:
    """A value valid under the schema; raises NothingFits.

    The bounds named in `ignores` (an engine's `Engine.ignores`) are broken on purpose: it does not enforce them.
    """
    trusted = bool(ignores) or not _exotic(schema)
    tried: list[Json] = []
    for candidate in _candidates(schema, ignores):
        if candidate in tried:
            continue
        if trusted or _valid(candidate, schema):
            return candidate
        tried.append(candidate)
    raise NothingFits(f"no value was found for the schema {json.dumps(schema)[:200]}")


def _candidates(schema: dict[str, Any], ignores: frozenset[str]) -> Iterator[Json]:
    """Attempts, the fullest first; one that cost much is the last but for one without optional parts."""
    for branch, nth, lean in itertools.product(range(6), range(2), (False, True)):
        at = _At(schema, ignores, nth=nth, lean=lean, branch=branch)
        with suppress(NothingFits, RecursionError):
            yield _value(schema, at)
        if at.effort[0] < 15_000 and lean:
            return


_EXOTIC = ("not", "if", "oneOf", "allOf", "contains", "dependen", "propertyNames", "unevaluated", "patternProp")
_BOUNDING = ("pattern", "enum", "const", "format", "multipleOf", "uniqueItems", "Properties")


def _exotic(schema: dict[str, Any]) -> bool:
    """Whether the value must be checked, because keywords can depend on each other."""
    text = json.dumps(schema)
    return any(f'"{word}' in text for word in _EXOTIC) or any(f"{word}" in text for word in _BOUNDING)


def _valid(value: Json, schema: dict[str, Any]) -> bool:
    import jsonschema
    from jsonschema.validators import validator_for

    kind = validator_for(schema, default=jsonschema.Draft202012Validator)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    try:
        return bool(kind(schema, format_checker=checker).is_valid(value))
    except Exception:  # noqa: BLE001  # a schema that is none: references to nowhere, unknown types; nothing to hold to
        return True


def _value(node: Json, at: _At) -> Json:
    at.spend()
    if node is False:
        raise NothingFits("nothing fits false")
    if not is_object(node):
        return f"{at.name}"
    known = _flat(node, at)
    if "const" in known:
        return known["const"]
    if is_list(known.get("enum")) and known["enum"]:
        fitting = [value for value in known["enum"] if not as_types(known) or _fits_type(value, as_types(known))]
        choice = fitting or known["enum"]
        return choice[at.nth % len(choice)]
    for keyword in ("anyOf", "oneOf"):
        if is_list(known.get(keyword)) and known[keyword]:
            return _alternative(known, keyword, at)
    return _typed(known, at)


def _flat(node: dict[str, Any], at: _At) -> dict[str, Any]:
    """The node with its reference and its `allOf` merged into it, and `if` taken as given."""
    for _ in range(50):
        if isinstance(node.get("$ref"), str):
            rest = {key: value for key, value in node.items() if key != "$ref"}
            try:
                target = resolve(node["$ref"], at.root)
            except KeyError as error:
                raise NothingFits(f"nothing is at {error}") from None
            node = merged(target if is_object(target) else {}, rest)
            if target is False:
                raise NothingFits("nothing fits false")
        elif is_list(node.get("allOf")):
            parts = node["allOf"]
            node = {key: value for key, value in node.items() if key != "allOf"}
            for part in parts:
                node = merged(node, _flat(part, at.below()) if is_object(part) and at.depth < 40 else {})
        elif "if" in node:
            rest = {key: value for key, value in node.items() if key not in ("if", "then", "else")}
            chosen = [node["if"], node.get("then")] if at.branch % 2 == 0 else [node.get("else")]
            node = merged(rest, {"allOf": [part for part in chosen if part is not None]})
        else:
            break
    return node


def _alternative(node: dict[str, Any], keyword: str, at: _At) -> Json:
    rest = {key: value for key, value in node.items() if key != keyword}
    branches = node[keyword]
    if at.depth > 8:  # out of a recursion by the branch that is a leaf
        branches = sorted(branches, key=lambda branch: len(json.dumps(branch)) + 1000 * ("$ref" in json.dumps(branch)))
    else:
        turn = (at.branch + at.nth) % len(branches)
        branches = branches[turn:] + branches[:turn]
    for branch in branches:
        try:
            found = branch if isinstance(branch, bool) else merged(rest, branch)
            return _value(rest if found is True else found, at.below())
        except NothingFits:
            continue
    raise NothingFits(f"no branch of {keyword} can be met")


def _typed(node: dict[str, Any], at: _At) -> Json:
    kinds = as_types(node)
    kind = next((name for name in kinds if name != "null"), "null") if kinds else _implied(node)
    match kind:
        case "object":
            return _object(node, at)
        case "array":
            return _array(node, at)
        case "string":
            return _string(node, at)
        case "integer" | "number":
            return leaves.number(node, at.nth, whole=kind == "integer", ignores=at.ignores)
        case "boolean":
            return at.nth % 2 == 0
        case "null":
            return None
        case _:
            raise NothingFits(f"no type {kind!r}")


def _string(node: dict[str, Any], at: _At) -> str:
    found = leaves.text(node, at.name, at.nth)
    if found is None:
        raise NothingFits(f"no text for the pattern {node['pattern']!r}")
    return found


def _implied(node: dict[str, Any]) -> str:
    """The type that a node without one is about, by its keywords."""
    return next((kind for kind, keywords in _ABOUT.items() if any(keyword in node for keyword in keywords)), "string")


_ABOUT = {
    "object": "properties required additionalProperties patternProperties minProperties propertyNames".split(),
    "array": "items prefixItems minItems maxItems uniqueItems contains".split(),
    "number": "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf".split(),
}


def _fits_type(value: Json, kinds: tuple[str, ...]) -> bool:
    return any(name in kinds for name in _TYPES_OF.get(value.__class__, ("array",) if is_list(value) else ("object",)))


_TYPES_OF: dict[type, tuple[str, ...]] = {
    bool: ("boolean",),
    type(None): ("null",),
    str: ("string",),
    int: ("integer", "number"),
    float: ("number",),
}


# --- objects and arrays


def _object(node: dict[str, Any], at: _At) -> dict[str, Json]:
    declared = as_object(node.get("properties"))
    required = [str(name) for name in node.get("required", ()) if is_list(node.get("required"))]
    made: dict[str, Json] = {}
    for name in (*declared, *(name for name in required if name not in declared)):
        if name not in required and (at.lean or at.depth > 5):
            continue
        try:
            made[name] = _value(_schema_of(name, node), at.below(name))
        except NothingFits:
            if name in required:
                raise
    _pad(made, node, at)
    most = node.get("maxProperties")
    if isinstance(most, int):
        for name in [name for name in reversed(made) if name not in required][: max(0, len(made) - most)]:
            del made[name]
    return made


def _pad(made: dict[str, Json], node: dict[str, Any], at: _At) -> None:
    """Add properties of any name up to `minProperties`; one where the schema only describes free ones."""
    least = node.get("minProperties", 0)
    free = is_object(node.get("additionalProperties")) or bool(as_object(node.get("patternProperties")))
    if free and not made and not at.lean and at.depth < 6:
        least = max(least, 1)
    for attempt in range(int(least) * 4):
        if len(made) >= least:
            return
        name = _free_name(node, attempt)
        if name is None or name in made:
            continue
        made[name] = _value(_schema_of(name, node), at.below(name, nth=attempt))


def _free_name(node: dict[str, Any], nth: int) -> str | None:
    names = node.get("propertyNames")
    if is_object(names):
        return str(_value(names, _At(node, frozenset(), nth=nth, name="key")))
    patterns = as_object(node.get("patternProperties"))
    if patterns:
        return matching(list(patterns)[nth % len(patterns)], nth=nth // len(patterns))
    return f"key{nth + 1}"


def _schema_of(name: str, node: dict[str, Any]) -> Json:
    declared = as_object(node.get("properties"))
    if name in declared:
        return declared[name]
    for pattern, schema in as_object(node.get("patternProperties")).items():
        try:
            if re.search(pattern, name):
                return schema
        except re.error:
            continue
    return node.get("additionalProperties", True)


def _array(node: dict[str, Any], at: _At) -> list[Json]:
    first = node.get("prefixItems") or (node.get("items") if is_list(node.get("items")) else None)
    rest = node.get("additionalItems", True) if is_list(node.get("items")) else node.get("items", True)
    prefix = first if is_list(first) else []
    least, most = int(node.get("minItems", 0)), node.get("maxItems")
    wanted = max(least, len(prefix), 0 if at.lean or at.depth > 5 or rest is False else 1)
    wanted = wanted if not isinstance(most, (int, float)) else min(wanted, int(most))
    made: list[Json] = []
    if "contains" in node and wanted:
        prefix = [*prefix, *[node["contains"]] * int(node.get("minContains", 1))]
        wanted = max(wanted, len(prefix))
    for nth in range(wanted):
        made.append(_item(prefix[nth] if nth < len(prefix) else rest, at.below(nth=at.nth + nth), made, node))
    return [item for item in made if item is not _NOTHING]


_NOTHING: Any = object()


def _item(schema: Json, at: _At, before: list[Json], node: dict[str, Any]) -> Json:
    """An item; where items must differ one unlike those before it, and nothing where none is left."""
    try:
        value = _value(schema, at)
    except NothingFits:
        if len(before) < node.get("minItems", 0):
            raise
        return _NOTHING
    if node.get("uniqueItems") is True:
        for nth in range(1, 60):
            if value not in before:
                break
            value = _value(schema, replace(at, nth=at.nth + nth, branch=at.branch + nth))
    return value
