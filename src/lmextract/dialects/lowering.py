"""From the schemas that hold for a value to the wire schema of a dialect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lmextract.dialects import kinds
from lmextract.dialects.arrays import fixed, lower_array
from lmextract.dialects.branches import Branch, Expander, Members
from lmextract.dialects.numbers import lower_number
from lmextract.dialects.objects import lower_object
from lmextract.dialects.parts import Part, distinct, excluded_kinds, kinds_of
from lmextract.dialects.records import Dialect
from lmextract.dialects.regex import Node, Style, written
from lmextract.dialects.strings import lower_string
from lmextract.types import Json, Path, Relaxation, is_array, is_object

__all__ = ["Lowering", "TooLargeError"]

_VALUE = Style(json_text=False, braces=False)
_SCALARS = kinds.NULL | kinds.BOOLEAN | kinds.NUMBER | kinds.STRING


class TooLargeError(Exception):
    """The wire schema becomes larger than the engine should get."""


class Lowering:
    """One compilation: what it has lowered so far, and what it had to give up."""

    def __init__(
        self, expander: Expander, dialect: Dialect, *, typed: bool = False, dropped: frozenset[str] = frozenset()
    ) -> None:
        self.expander = expander
        self.dialect = dialect
        self.keywords = dialect.keywords - dropped
        self.typed = typed
        self.dropped = dropped
        self.knots: dict[str, dict[str, Any]] = {}
        self._relaxations: dict[tuple[Path, str, str], Relaxation] = {}
        self._known: dict[tuple[int, ...], dict[str, Any] | None] = {}
        self._open: dict[tuple[int, ...], dict[str, Any] | None] = {}
        self.shared: dict[int, dict[str, Any]] = {}
        self._stack: list[tuple[int, ...]] = []
        self._lowest: list[int] = [0]
        self._made = 0
        self._names = 0
        self._rules: dict[str, str] = {}
        self._anything: dict[int, dict[str, Any]] = {}

    @property
    def relaxations(self) -> tuple[Relaxation, ...]:
        """What was given up so far, once each."""
        return tuple(self._relaxations.values())

    def spend(self, parts: int) -> None:
        """Count parts that were made; TooLargeError if the engine should not get so many."""
        self._made += parts
        if self._made > self.dialect.most_parts and self.dialect.most_chars is not None:
            raise TooLargeError

    def relax(self, path: Path, keyword: str, reason: str, instead: str = "checked after the reply") -> None:
        """Note a constraint that the wire schema does not carry."""
        self._relaxations.setdefault((path, keyword, reason), Relaxation(path, keyword, reason, instead))

    def lowered(self, members: Members, path: Path) -> dict[str, Any] | None:
        """The wire schema of the values that satisfy all members; None: there are none."""
        members = distinct(members)
        key = tuple(map(id, members))
        if not key:
            return self.anything()
        if key in self._known:
            wire = self._known[key]
            if wire is not None and self.dialect.references:
                self.shared[id(wire)] = wire
            return wire
        if key in self._open and self.dialect.references:
            return self._knot(key, path)
        if len(path) > self.dialect.deepest or self._made > self.dialect.most_parts:
            self.relax(path, "schema", "it is too deep or too large for a grammar")
            return self._typed_only(members)
        level = self._stack.count(key)
        if level and self._ends_here(level, key, path):
            return None
        return self._entered(key, members, path)

    def _ends_here(self, level: int, key: tuple[int, ...], path: Path) -> bool:
        """Whether a recursion that cannot be written as one is unrolled far enough."""
        self._lowest[-1] = min(self._lowest[-1], self._stack.index(key))
        if level < self.dialect.levels:
            return False
        self.relax(path, "$ref", "the engine cannot recurse: deeper values have no room", "cannot be said")
        return True

    def _entered(self, key: tuple[int, ...], members: Members, path: Path) -> dict[str, Any] | None:
        """Lower the members, remembering on the way what is being lowered."""
        self.spend(1)
        at = len(self._stack)
        self._stack.append(key)
        self._lowest.append(at)
        self._open.setdefault(key, None)
        wire = self._lower(members, path)
        self._stack.pop()
        lowest = self._lowest.pop()
        self._lowest[-1] = min(self._lowest[-1], lowest)
        if key not in self._stack:
            knot = self._open.pop(key)
            if knot is not None and wire is not None:
                self.knots[knot["$ref"].removeprefix("#/$defs/")] = wire
            if lowest >= at:  # it looks the same everywhere: nothing around it is being unrolled in it
                self._known[key] = wire
        return wire

    def _knot(self, key: tuple[int, ...], path: Path) -> dict[str, Any]:
        """A reference to a wire schema that is still being made."""
        if self._open[key] is None:
            self._open[key] = {"$ref": f"#/$defs/{self._name(path)}"}
        knot = self._open[key]
        assert knot is not None
        return knot

    def _name(self, path: Path) -> str:
        """A new name of letters and digits; llama.cpp takes all other characters for the same one."""
        step = next((step for step in reversed(path) if isinstance(step, str) and step != "*"), "Node")
        name = "".join(char for char in step if char.isascii() and char.isalnum()).capitalize() or "Node"
        self._names += 1
        return f"{name}N{self._names}"

    def named_rule(self, node: Node, meaning: dict[str, Any]) -> dict[str, Any]:
        """A wire schema whose values are written as `node` says; an engine that sees less in it takes any `meaning`.

        llama.cpp has no keyword for the bounds of a number, but its rules have names: a repeated group of the pattern
        of the first option of `#/$defs/X`, its only repetition, becomes the rule `ref-defs-X-0-1`, which is also the
        name under which it looks for what `#/$defs/X-0-1` refers to.  The first option itself matches nothing.  Where
        rules are named in another way, and to every reader of JSON Schema, this is just a reference to `meaning`.
        """
        text = written(node, _VALUE)[1:-1]
        if text not in self._rules:
            name = self._rules[text] = self._name(Path("Number"))
            unseen = {"type": "string", "pattern": f"^({text}){{1}}[^\\x00-\\U0010FFFF]$"}
            self.knots[name] = {"anyOf": [unseen, {"$ref": f"#/$defs/{name}-0-1"}]}
            self.knots[f"{name}-0-1"] = meaning
        return {"$ref": f"#/$defs/{self._rules[text]}"}

    def anything(self, level: int | None = None) -> dict[str, Any]:
        """The wire schema of any JSON value, as deep as the engine can have it; `level`: how much of that is left."""
        level = self.dialect.any_levels if level is None else level
        if level is None:
            return {} if self.dialect.bare_any else _ANYTHING
        if level not in self._anything:
            scalars = [wire for kind in _SCALAR_KINDS for wire in self._of_kind(kind, ({},), kind, Path())]
            nested = [self.anything(level - 1)] if level else []
            arrays = [{"type": "array", "items": each} for each in nested]
            objects = [{"type": "object", "additionalProperties": each} for each in nested]
            self._anything[level] = {"anyOf": [*scalars, *arrays, *objects]}
        return self._anything[level]

    def _typed_only(self, members: Members) -> dict[str, Any]:
        """The wire schema that says of some schemas only which types their values have."""
        mask = 0
        for branch in self.expander.branches(members):
            mask |= kinds_of(branch.parts)
        found = [wire for kind in _ordered(mask, ()) for wire in self._of_kind(kind, ({},), mask, Path())]
        return self.either(found) or self.anything()

    def _lower(self, members: Members, path: Path) -> dict[str, Any] | None:
        found: list[dict[str, Any]] = []
        for branch in self.expander.branches(members):
            for keyword, reason in branch.gaps:
                self.relax(path, keyword, reason)
            found += self._alternatives(branch, path)
        return self.either(found)

    def _alternatives(self, branch: Branch, path: Path) -> Iterable[dict[str, Any]]:
        parts = branch.parts
        if not parts:
            return [self.anything()]
        values = self.expander.values(branch)
        if values is not None:
            return self._values(values, path)
        mask = kinds_of(parts)
        if excluded_kinds(parts) & mask:
            self.relax(path, "not", "no grammar leaves out single values")
        found: list[dict[str, Any]] = []
        for kind in _ordered(mask, parts):
            found += self._of_kind(kind, parts, mask, path)
        return found

    def _of_kind(self, kind: int, parts: tuple[Part, ...], mask: int, path: Path) -> list[dict[str, Any]]:
        match kind:
            case kinds.NULL:
                return [{"type": "null"}]
            case kinds.BOOLEAN:
                return [{"type": "boolean"}]
            case kinds.NUMBER:
                number = lower_number(self, parts, mask & kinds.NUMBER, path)
                return [] if number is None else [number]
            case kinds.STRING:
                string = lower_string(self, parts, path)
                return [] if string is None else [string]
            case kinds.ARRAY:
                return lower_array(self, parts, path)
            case _:
                return lower_object(self, parts, path)

    def _values(self, values: list[Json], path: Path) -> list[dict[str, Any]]:
        """The wire schemas of listed values."""
        scalars = [value for value in values if kinds.kind_of(value) & _SCALARS]
        found = [constant(value) for value in values if not kinds.kind_of(value) & _SCALARS]
        if len(scalars) > self.dialect.most_values:
            self.relax(path, "enum", f"a list of {len(scalars)} values makes the engine slow")
            return [*self._kinds_of_values(scalars), *found]
        if scalars:
            found.insert(0, {"const": scalars[0]} if len(scalars) == 1 else {"enum": scalars})
        return found

    def _kinds_of_values(self, values: list[Json]) -> list[dict[str, Any]]:
        mask = 0
        for value in values:
            mask |= kinds.kind_of(value)
        return [wire for kind in _ordered(mask, ()) for wire in self._of_kind(kind, ({},), mask, Path())]

    def either(self, options: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
        """A choice of wire schemas, without doubles."""
        flat: list[dict[str, Any]] = []
        for option in options:
            for each in _options(option):
                if not any(each is other for other in flat) and (each.keys() > _STRUCTURED or each not in flat):
                    flat.append(each)
        if not flat:
            return None
        return flat[0] if len(flat) == 1 else {"anyOf": flat}

    def nullable(self, wire: dict[str, Any]) -> dict[str, Any]:
        """A wire schema with null beside it."""
        match wire:
            case {"enum": values} if len(wire) == 1:
                return wire if None in values else {"enum": [*values, None]}
            case {"const": value} if len(wire) == 1:
                return wire if value is None else {"enum": [value, None]}
            case _:
                options = _options(wire)
                return wire if {"type": "null"} in options else {"anyOf": [*options, {"type": "null"}]}


_STRUCTURED = {"properties"}


def _options(wire: dict[str, Any]) -> list[dict[str, Any]]:
    """The options of a choice that is small enough to be copied, else the wire schema itself."""
    options: list[dict[str, Any]] | None = wire.get("anyOf") if len(wire) == 1 else None
    if options is None or any(
        "properties" in option or "items" in option or "prefixItems" in option for option in options
    ):
        return [wire]
    return options


_ANYTHING: dict[str, Any] = {
    "anyOf": [{"type": name} for name in ("string", "number", "boolean", "null", "object", "array")]
}


def constant(value: Json) -> dict[str, Any]:
    """The wire schema of one value, with the room for whitespace that engines leave in structures only."""
    if is_object(value):
        fields = {str(name): constant(each) for name, each in value.items()}
        return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return fixed([constant(each) for each in value]) if is_array(value) else {"const": value}


_NAMED = {
    "null": kinds.NULL,
    "boolean": kinds.BOOLEAN,
    "integer": kinds.NUMBER,
    "number": kinds.NUMBER,
    "string": kinds.STRING,
    "array": kinds.ARRAY,
    "object": kinds.OBJECT,
}
_SCALAR_KINDS = (kinds.STRING, kinds.NUMBER, kinds.BOOLEAN, kinds.NULL)
_USUAL = (kinds.OBJECT, kinds.ARRAY, kinds.STRING, kinds.NUMBER, kinds.BOOLEAN, kinds.NULL)


def _ordered(mask: int, parts: Iterable[Part]) -> list[int]:
    """The kinds of a mask in the order in which a part lists them, else the usual one."""
    for part in parts:
        if isinstance(part.get("type"), list):
            named = (_NAMED.get(name) for name in part["type"] if isinstance(name, str))
            listed = list(dict.fromkeys(kind for kind in named if kind))
            return [kind for kind in (*listed, *(k for k in _USUAL if k not in listed)) if kind & mask]
    return [kind for kind in _USUAL if kind & mask]
