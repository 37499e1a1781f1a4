"""A quick look at whether a value is of the kinds that its schema names, made once per schema.

Says yes only where `departures` would find nothing; a no means that `departures` has to look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from lmextract._kinds import NUMERIC, TIMES, referred
from lmextract.types import Json, JsonSchema, is_array, is_object

__all__ = ["conforming"]

Test = Callable[[Json], bool]

_LARGEST = 1 << 53
_PLAIN: Mapping[str, Test] = {
    "string": lambda value: type(value) is str,
    "boolean": lambda value: type(value) is bool,
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) is float or (type(value) is int and -_LARGEST < value < _LARGEST),
    "null": lambda value: value is None,
}


def conforming(schema: JsonSchema) -> Test:
    """The test for a schema as pydantic writes them."""
    return _Maker(schema).test(schema)


class _Maker:
    def __init__(self, root: JsonSchema) -> None:
        self._root = root
        self._named: dict[str, Test] = {}

    def test(self, node: Json) -> Test:
        """The test for a node; a plain no where the node says more than is understood here."""
        if not is_object(node):
            return _no
        if "$ref" in node:
            return self._of_ref(node["$ref"])
        branches = node.get("anyOf") or node.get("oneOf")
        if branches:
            return _any_of([self.test(branch) for branch in branches])
        if "const" in node or "enum" in node:
            return _one_of(node.get("enum", [node.get("const")]))
        match node.get("type"):
            case "object":
                return self._of_object(node)
            case "array":
                return _no if "prefixItems" in node else _list_of(self.test(node.get("items", {"type": "never"})))
            case "string" if node.get("format") in TIMES:
                return _is_time
            case str(kind):
                return _PLAIN.get(kind, _no)
            case _:
                return _no

    def _of_ref(self, ref: str) -> Test:
        """By name, and looked up when it is used: a type may refer to itself."""
        if ref not in self._named:
            self._named[ref] = _no
            self._named[ref] = self.test(referred(self._root, ref))
        return partial(_by_name, self._named, ref)

    def _of_object(self, node: dict[str, Any]) -> Test:
        known = {name: self.test(each) for name, each in node.get("properties", {}).items()}
        extra = node.get("additionalProperties")
        other = self.test(extra) if is_object(extra) else _yes

        def fits(value: Json) -> bool:
            return is_object(value) and all(known.get(name, other)(item) for name, item in value.items())

        return fits


def _by_name(named: Mapping[str, Test], name: str, value: Json) -> bool:
    return named[name](value)


def _yes(_value: Json) -> bool:
    return True


def _no(_value: Json) -> bool:
    return False


def _is_time(value: Json) -> bool:
    return type(value) is str and NUMERIC.fullmatch(value) is None


def _any_of(tests: Sequence[Test]) -> Test:
    def fits(value: Json) -> bool:
        return any(test(value) for test in tests)

    return fits


def _one_of(choices: Sequence[Json]) -> Test:
    def fits(value: Json) -> bool:
        return any(type(choice) is type(value) and choice == value for choice in choices)

    return fits


def _list_of(test: Test) -> Test:
    def fits(value: Json) -> bool:
        return is_array(value) and all(map(test, value))

    return fits
