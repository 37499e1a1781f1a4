"""A value that fits a JSON Schema: always the same one, with every declared property in it.

No model is asked, and none is imitated: names become texts, bounds become numbers.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast

from lmextract.testing.fake.patterns import matching
from lmextract.testing.fake.schemas import as_types, merged, resolve
from lmextract.types import Json, JsonSchema

__all__ = ["NothingFits", "invent", "invent_text"]

FORMATS = {
    "date": "2024-05-17",
    "date-time": "2024-05-17T09:30:00Z",
    "time": "09:30:00Z",
    "duration": "P1DT2H",
    "email": "ada{n}@example.com",
    "idn-email": "ada{n}@example.com",
    "hostname": "host{n}.example.com",
    "idn-hostname": "host{n}.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/{n}",
    "uri-reference": "https://example.com/{n}",
    "iri": "https://example.com/{n}",
    "iri-reference": "https://example.com/{n}",
    "uri-template": "https://example.com/{n}",
    "uuid": "12345678-1234-4234-8234-1234567890ab",
    "json-pointer": "/a",
    "relative-json-pointer": "0/a",
    "regex": "a{n}",
}
PROSE = "This is an invented answer; give the fake replies of your own to test more than the wire."


class NothingFits(ValueError):
    """No value that fits the schema was found."""


@dataclass(frozen=True, slots=True)
class _At:
    """Where the inventing stands: `nth` tells the items of one array apart, `lean` leaves out what may be absent."""

    root: JsonSchema
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


def invent(schema: JsonSchema, *, ignores: frozenset[str] = frozenset()) -> Json:
    """A value valid under the schema; raises NothingFits.

    The bounds named in `ignores` (an engine's `Engine.ignores`) are broken on purpose, to show what it does not enforce.
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


def _candidates(schema: JsonSchema, ignores: frozenset[str]) -> Iterator[Json]:
    """Attempts, the fullest first; one that cost much is the last but for one without optional parts."""
    for branch, nth, lean in itertools.product(range(6), range(2), (False, True)):
        at = _At(schema, ignores, nth=nth, lean=lean, branch=branch)
        try:
            yield _value(schema, at)
        except (NothingFits, RecursionError):
            pass
        if at.effort[0] < 15_000 and lean:
            return


_EXOTIC = ("not", "if", "oneOf", "allOf", "contains", "dependen", "propertyNames", "unevaluated", "patternProp")
_BOUNDING = ("pattern", "enum", "const", "format", "multipleOf", "uniqueItems", "Properties")


def _exotic(schema: JsonSchema) -> bool:
    """Whether the value must be checked, because keywords can depend on each other."""
    text = json.dumps(schema)
    return any(f'"{word}' in text for word in _EXOTIC) or any(f"{word}" in text for word in _BOUNDING)


def _valid(value: Json, schema: JsonSchema) -> bool:
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
    if not isinstance(node, Mapping):
        return f"{at.name}"
    known = _flat(cast("Mapping[str, Any]", node), at)
    if "const" in known:
        return known["const"]
    if isinstance(known.get("enum"), list) and known["enum"]:
        fitting = [value for value in known["enum"] if not as_types(known) or _fits_type(value, as_types(known))]
        choice = fitting or known["enum"]
        return choice[at.nth % len(choice)]
    for keyword in ("anyOf", "oneOf"):
        if isinstance(known.get(keyword), list) and known[keyword]:
            return _alternative(known, keyword, at)
    return _typed(known, at)


def _flat(node: Mapping[str, Any], at: _At) -> Mapping[str, Any]:
    """The node with its reference and its `allOf` merged into it, and `if` taken as given."""
    for _ in range(50):
        if isinstance(node.get("$ref"), str):
            rest = {key: value for key, value in node.items() if key != "$ref"}
            try:
                target = resolve(node["$ref"], at.root)
            except KeyError as error:
                raise NothingFits(f"nothing is at {error}") from None
            node = merged(cast("Mapping[str, Any]", target) if isinstance(target, Mapping) else {}, rest)
            if target is False:
                raise NothingFits("nothing fits false")
        elif isinstance(node.get("allOf"), list):
            parts = cast("list[Any]", node["allOf"])
            node = {key: value for key, value in node.items() if key != "allOf"}
            for part in parts:
                node = merged(node, _flat(part, at.below()) if isinstance(part, Mapping) and at.depth < 40 else {})
        elif "if" in node:
            rest = {key: value for key, value in node.items() if key not in ("if", "then", "else")}
            chosen = [node["if"], node.get("then")] if at.branch % 2 == 0 else [node.get("else")]
            node = merged(rest, {"allOf": [part for part in chosen if part is not None]})
        else:
            break
    return node


def _alternative(node: Mapping[str, Any], keyword: str, at: _At) -> Json:
    rest = {key: value for key, value in node.items() if key != keyword}
    branches = cast("list[Any]", node[keyword])
    if at.depth > 8:  # out of a recursion by the branch that is a leaf
        branches = sorted(branches, key=lambda branch: len(json.dumps(branch)) + 1000 * ("$ref" in json.dumps(branch)))
    else:
        turn = (at.branch + at.nth) % len(branches)
        branches = branches[turn:] + branches[:turn]
    for branch in branches:
        try:
            found = branch if isinstance(branch, bool) else merged(rest, cast("Mapping[str, Any]", branch))
            return _value(rest if found is True else found, at.below())
        except NothingFits:
            continue
    raise NothingFits(f"no branch of {keyword} can be met")


def _typed(node: Mapping[str, Any], at: _At) -> Json:
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
            return _number(node, at, whole=kind == "integer")
        case "boolean":
            return at.nth % 2 == 0
        case "null":
            return None
        case _:
            raise NothingFits(f"no type {kind!r}")


def _implied(node: Mapping[str, Any]) -> str:
    """The type that a node without one is about, by its keywords."""
    for kind, keywords in (
        ("object", ("properties", "required", "additionalProperties", "patternProperties", "minProperties", "propertyNames")),
        ("array", ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains")),
        ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
    ):
        if any(keyword in node for keyword in keywords):
            return kind
    return "string"


def _fits_type(value: Json, kinds: tuple[str, ...]) -> bool:
    names = {bool: ("boolean",), type(None): ("null",), str: ("string",), int: ("integer", "number"), float: ("number",)}
    own = names.get(type(value), ("array",) if isinstance(value, list) else ("object",))
    return any(name in kinds for name in own)


# --- objects and arrays


def _object(node: Mapping[str, Any], at: _At) -> dict[str, Json]:
    declared = _mapping(node.get("properties"))
    required = [str(name) for name in node.get("required", ()) if isinstance(node.get("required"), list)]
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


def _pad(made: dict[str, Json], node: Mapping[str, Any], at: _At) -> None:
    """Add properties of any name up to `minProperties`; one where the schema only describes free ones."""
    least = node.get("minProperties", 0)
    free = isinstance(node.get("additionalProperties"), Mapping) or bool(_mapping(node.get("patternProperties")))
    if free and not made and not at.lean and at.depth < 6:
        least = max(least, 1)
    for attempt in range(int(least) * 4):
        if len(made) >= least:
            return
        name = _free_name(node, attempt)
        if name is None or name in made:
            continue
        made[name] = _value(_schema_of(name, node), at.below(name, nth=attempt))


def _free_name(node: Mapping[str, Any], nth: int) -> str | None:
    names = node.get("propertyNames")
    if isinstance(names, Mapping):
        return str(_value(cast("Json", names), _At(node, frozenset(), nth=nth, name="key")))
    patterns = _mapping(node.get("patternProperties"))
    if patterns:
        return matching(list(patterns)[nth % len(patterns)], nth=nth // len(patterns))
    return f"key{nth + 1}"


def _schema_of(name: str, node: Mapping[str, Any]) -> Json:
    import re

    declared = _mapping(node.get("properties"))
    if name in declared:
        return declared[name]
    for pattern, schema in _mapping(node.get("patternProperties")).items():
        try:
            if re.search(pattern, name):
                return schema
        except re.error:
            continue
    return node.get("additionalProperties", True)


def _array(node: Mapping[str, Any], at: _At) -> list[Json]:
    first = node.get("prefixItems") or (node.get("items") if isinstance(node.get("items"), list) else None)
    rest = node.get("additionalItems", True) if isinstance(node.get("items"), list) else node.get("items", True)
    prefix = cast("list[Any]", first) if isinstance(first, list) else []
    least, most = int(node.get("minItems", 0)), node.get("maxItems")
    wanted = max(least, len(prefix), 0 if at.lean or at.depth > 5 or rest is False else 1)
    wanted = wanted if not isinstance(most, (int, float)) else min(wanted, int(most))
    made: list[Json] = []
    if "contains" in node and wanted:
        prefix = [*prefix, *[node["contains"]] * int(node.get("minContains", 1))]
        wanted = max(wanted, len(prefix))
    for nth in range(wanted):
        made.append(_item(prefix[nth] if nth < len(prefix) else rest, at.below(nth=at.nth + nth), made, node, least))
    return [item for item in made if item is not _NOTHING]


_NOTHING: Any = object()


def _item(schema: Json, at: _At, before: list[Json], node: Mapping[str, Any], least: int) -> Json:
    """An item; where items must differ one unlike those before it, and nothing where none is left."""
    try:
        value = _value(schema, at)
    except NothingFits:
        if len(before) < least:
            raise
        return _NOTHING
    if node.get("uniqueItems") is True:
        for nth in range(1, 60):
            if value not in before:
                break
            value = _value(schema, replace(at, nth=at.nth + nth, branch=at.branch + nth))
    return value


# --- texts and numbers


def _string(node: Mapping[str, Any], at: _At) -> str:
    least, most = int(node.get("minLength", 0)), node.get("maxLength")
    if isinstance(node.get("pattern"), str):
        found = matching(node["pattern"], least=least, most=most, nth=at.nth)
        if found is None:
            raise NothingFits(f"no text for the pattern {node['pattern']!r}")
        return found
    number = str(at.nth + 1) if at.nth else ""
    shape = FORMATS.get(str(node.get("format")))
    if shape is not None:
        return _counted(shape, at.nth)
    text = f"{at.name.replace('_', ' ')} {number}".strip() if number else at.name.replace("_", " ")
    if isinstance(most, (int, float)) and len(text) > most:
        text = (text[: max(0, int(most) - len(number))] + number)[: int(most)]
    return text.ljust(least, "x")


def _counted(shape: str, nth: int) -> str:
    """The nth text of a format: by its number, or by its last digit."""
    if "{n}" in shape:
        return shape.replace("{n}", str(nth) if nth else "")
    if shape.startswith("2024"):
        return shape.replace("05-17", f"{nth // 28 % 12 + 1:02d}-{nth % 28 + 1:02d}") if nth else shape
    return shape[:-2] + f"{nth % 100:02d}" if nth and shape.endswith("ab") else shape


def _number(node: Mapping[str, Any], at: _At, *, whole: bool) -> int | float:
    low, high = _bounds(node, whole=whole)
    broken = ("integer-bounds" if whole else "number-bounds") in at.ignores
    if broken and (low is not None or high is not None):
        return low - 1 if low is not None else cast("float", high) + 1
    step = node.get("multipleOf")
    start = 1.0 if low is None else low
    if low is None and high is not None:
        start = min(start, high)
    value = start + at.nth if high is None or start + at.nth <= high else start
    if isinstance(step, (int, float)) and step > 0 and "multipleOf" not in at.ignores:
        value = (math.ceil(round(start / step, 9)) + at.nth) * step
        value = value if high is None or value <= high else math.floor(round(high / step, 9)) * step
    return int(value) if whole or float(value).is_integer() else value


def _bounds(node: Mapping[str, Any], *, whole: bool) -> tuple[float | None, float | None]:
    """The bounds, both inclusive; `exclusiveMinimum: true` is how draft 4 said it."""
    low, high = _numeric(node.get("minimum")), _numeric(node.get("maximum"))
    over, under = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    nudge = 1.0 if whole else _nudge(low, high)
    if over is True and low is not None:
        low = low + nudge if not whole else math.floor(low) + 1
    elif (bound := _numeric(over)) is not None:
        bound = math.floor(bound) + 1 if whole else bound + _nudge(bound, high)
        low = bound if low is None else max(low, bound)
    if under is True and high is not None:
        high = high - nudge if not whole else math.ceil(high) - 1
    elif (bound := _numeric(under)) is not None:
        bound = math.ceil(bound) - 1 if whole else bound - _nudge(low, bound)
        high = bound if high is None else min(high, bound)
    return (math.ceil(low) if whole and low is not None else low), (math.floor(high) if whole and high is not None else high)


def _nudge(low: float | None, high: float | None) -> float:
    """A step that stays between the bounds."""
    return 0.5 if low is None or high is None or high - low > 1 else (high - low) / 4


def _numeric(value: Json) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _mapping(value: Json) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
