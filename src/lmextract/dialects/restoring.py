"""Bringing a value into the form of a wire schema, and back.

On the wire a root that is no object is wrapped, every declared property is there, and null stands for an absent one
whose schema has no null.  None of this is a departure; what `restore` notes is.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lmextract.dialects import kinds
from lmextract.dialects.arrays import items_at
from lmextract.dialects.branches import Branch, Expander, Members
from lmextract.dialects.drafts import draft_of
from lmextract.dialects.parts import children, is_closed, kinds_of, required_of, values_of
from lmextract.types import Json, JsonSchema, Note, Path, WireSchema, is_array, is_object

__all__ = ["restore", "to_wire"]

_DEEPEST = 200


def restore(value: Json, schema: JsonSchema, wire: WireSchema | None) -> tuple[Json, tuple[Note, ...]]:
    """The value in the shape of the user's own schema, and a note for every departure from the agreed wire form.

    `wire` None: no schema was sent.  A wrapped root is unwrapped (a bare one is taken as it is), null at an optional
    property whose schema has no null is dropped with its key, and a number that came as a string is read as one where
    that is exact.
    """
    if wire is not None and wire.wrapped and is_object(value) and value.keys() == {"value"}:
        value = value["value"]
    restorer = _Restorer(Expander(schema, draft_of(schema)), agreed=wire is not None)
    return restorer.restored([(schema,)], value, Path()), tuple(restorer.notes)


class _Restorer:
    """Walks a value and the schemas that hold for each part of it."""

    def __init__(self, expander: Expander, *, agreed: bool) -> None:
        self._expander = expander
        self._agreed = agreed
        self.notes: list[Note] = []

    def restored(self, options: Sequence[Members], value: Json, path: Path) -> Json:
        """The value restored; one of the options holds for it."""
        if len(path) > _DEEPEST:
            return value
        if is_object(value):
            return self._object(self._branches(options, kinds.OBJECT), value, path)
        if is_array(value):
            branches = self._branches(options, kinds.ARRAY)
            return [
                self.restored([items_at(branch.parts, i) for branch in branches], each, path / i)
                for i, each in enumerate(value)
            ]
        if isinstance(value, str):
            return self._text(options, value, path)
        return value

    def _branches(self, options: Sequence[Members], kind: int) -> list[Branch]:
        found = (branch for members in options for branch in self._expander.branches(members))
        return [branch for branch in found if kinds_of(branch.parts) & kind]

    def _object(self, branches: list[Branch], value: dict[str, Json], path: Path) -> dict[str, Json]:
        if any(_lists(branch, value) for branch in branches):
            return value
        likely = [branch for branch in branches if self._is_likely(branch, value)] or branches
        out: dict[str, Json] = {}
        for name, each in value.items():
            options = [children(branch.parts, name) for branch in likely]
            if each is None and likely and self._stands_for_absent(likely, options, name):
                if not self._agreed:
                    self.notes.append(Note("normalised", "null was read as: not there", path / name))
                continue
            out[name] = self.restored(options, each, path / name) if options else each
        return out

    def _is_likely(self, branch: Branch, value: dict[str, Json]) -> bool:
        """Whether nothing that is seen at once speaks against a branch: a missing key, a wrong tag, a foreign key."""
        required = required_of(branch.parts)
        closed = is_closed(branch.parts)
        if any(name not in value for name in required):
            return False
        for name, each in value.items():
            members = children(branch.parts, name)
            if each is None:
                if name in required and not self._expander.admits_null(members):
                    return False
                continue
            if closed and False in members:
                return False
            if not any(self._may_be(one, each) for one in self._expander.branches(members)):
                return False
        return True

    def _may_be(self, branch: Branch, value: Json) -> bool:
        kind = kinds.kind_of(value)
        mask = kinds_of(branch.parts)
        if not mask & kind:
            return kind == kinds.STRING and bool(mask & kinds.NUMBER)
        if values_of(branch.parts) is not None:
            return _lists(branch, value)
        return isinstance(value, (list, dict)) or all(self._expander.judge.fits(part, value) for part in branch.parts)

    def _stands_for_absent(self, branches: Sequence[Branch], options: Sequence[Members], name: str) -> bool:
        """Whether null is no value of a property: it has no null, or may be left out where it has."""
        admitting = [self._expander.admits_null(members) for members in options]
        if all(admitting):
            return False
        requiring = [
            admits for admits, branch in zip(admitting, branches, strict=True) if name in required_of(branch.parts)
        ]
        return not any(requiring)

    def _text(self, options: Sequence[Members], value: str, path: Path) -> Json:
        """A string, or the number that it spells where only a number may stand."""
        mask = 0
        for members in options:
            for branch in self._expander.branches(members):
                mask |= kinds_of(branch.parts)
        if mask & kinds.STRING or not mask & kinds.NUMBER:
            return value
        number = _spelled(value.strip(), mask)
        if number is None:
            return value
        self.notes.append(Note("normalised", f"the string {value!r} stands where a number belongs", path))
        return number


def _lists(branch: Branch, value: Json) -> bool:
    values = values_of(branch.parts)
    return values is not None and kinds.key_of(value) in set(map(kinds.key_of, values))


def _spelled(text: str, mask: int) -> int | float | None:
    """The number that a text spells exactly."""
    if not re.fullmatch(r"[-+]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][-+]?[0-9]{1,3})?", text):
        return None
    exact = Decimal(text)
    if exact == exact.to_integral_value():
        return int(exact) if abs(exact) < 10**300 else None
    near = float(exact)
    return near if mask & kinds.FRACTION and Decimal(repr(near)) == exact else None


def to_wire(value: Json, wire: WireSchema) -> Json:
    """The value in the form of the wire schema: wrapped, keys in its order, null for what is absent.

    What does not fit the wire schema stays as it is, in a form as close to it as can be.
    """
    form = {"value": value} if wire.wrapped else value
    return _Former(wire.schema, json_text=wire.dialect.partition(" ")[0] != "mlx-llguidance").formed(wire.schema, form)[
        0
    ]


class _Former:
    """Brings values into the form of a wire schema."""

    def __init__(self, root: JsonSchema, *, json_text: bool) -> None:
        self._definitions = root.get("$defs", {})
        self._json_text = json_text

    def formed(self, schema: Any, value: Json) -> tuple[Json, bool]:
        """The value in the form of the schema, and whether it fits."""
        if not is_object(schema):
            return value, schema is not False
        if "$ref" in schema:
            return self.formed(self._definitions[schema["$ref"].removeprefix("#/$defs/")], value)
        if "anyOf" in schema:
            return self._of_any(schema["anyOf"], value)
        if "const" in schema:
            return value, kinds.key_of(schema["const"]) == kinds.key_of(value)
        if "enum" in schema:
            return value, any(kinds.key_of(each) == kinds.key_of(value) for each in schema["enum"])
        mask = kinds.kinds_of_type(schema["type"]) if "type" in schema else kinds.ALL
        if mask is None or not mask & kinds.kind_of(value):
            return value, False
        if is_object(value):
            return self._object(schema, value)
        if is_array(value):
            return self._array(schema, value)
        return value, self._scalar_fits(schema, value)

    def _of_any(self, options: Sequence[Any], value: Json) -> tuple[Json, bool]:
        found = [(form, fits) for form, fits in (self.formed(option, value) for option in options)]
        kind = kinds.kind_of(value)
        fitting = [form for form, fits in found if fits]
        if fitting:
            return min(
                fitting, key=_nulls
            ), True  # what is not there should not be said to be null where it may be missing
        near = (form for option, (form, _) in zip(options, found, strict=True) if self._kind(option) & kind)
        return next(near, value), False

    def _kind(self, schema: Any) -> int:
        return kinds.kinds_of_type(schema["type"]) or 0 if is_object(schema) and "type" in schema else kinds.ALL

    def _object(self, schema: dict[str, Any], value: dict[str, Json]) -> tuple[Json, bool]:
        out: dict[str, Json] = {}
        fits = True
        properties = schema.get("properties", {})
        for name, each in properties.items():
            if name not in value and name not in schema.get("required", ()):
                continue
            form, fine = self.formed(each, value.get(name))
            if name in value or fine:
                out[name] = form
            fits = fits and fine
        for name, item in value.items():
            if name not in properties:
                out[name], fine = self.formed(self._other(schema, name), item)
                fits = fits and fine
        return out, fits and schema.get("minProperties", 0) <= len(out) <= schema.get("maxProperties", len(out))

    @staticmethod
    def _other(schema: dict[str, Any], name: str) -> Any:
        for pattern, each in schema.get("patternProperties", {}).items():
            if re.search(pattern, name):
                return each
        return schema.get("additionalProperties", True)

    def _array(self, schema: dict[str, Any], value: list[Json]) -> tuple[Json, bool]:
        heads = schema.get("prefixItems", [])
        rest = schema.get("items", True)
        found = [self.formed(heads[i] if i < len(heads) else rest, each) for i, each in enumerate(value)]
        fits = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        return [form for form, _ in found], fits and all(fine for _, fine in found)

    def _scalar_fits(self, schema: dict[str, Any], value: Json) -> bool:
        if isinstance(value, str):
            if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
                return False
            text = json.dumps(value, ensure_ascii=False)[1:-1] if self._json_text else value
            return all(_has(each["pattern"], text) for each in (schema, *schema.get("allOf", ())) if "pattern" in each)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return all(_BOUNDS[key](value, schema[key]) for key in _BOUNDS if key in schema)
        return True


def _nulls(value: Json) -> int:
    """How many nulls are in a value."""
    if is_object(value):
        return sum(map(_nulls, value.values()))
    return sum(map(_nulls, value)) if is_array(value) else int(value is None)


def _is_multiple(value: float, factor: float) -> bool:
    return abs(value / factor - round(value / factor)) < 1e-9


_BOUNDS: Mapping[str, Callable[[float, float], bool]] = {
    "minimum": operator.ge,
    "maximum": operator.le,
    "exclusiveMinimum": operator.gt,
    "exclusiveMaximum": operator.lt,
    "multipleOf": _is_multiple,
}


@lru_cache(maxsize=1024)
def _has(pattern: str, text: str) -> bool:
    return re.search(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern, text) is not None
