"""What outlines-core 0.1.26 refuses: it turns a schema into one regular expression, by one keyword of each node."""

from __future__ import annotations

import json
from typing import Any

from lmextract.testing.fake.jsons import is_list, is_object
from lmextract.testing.fake.schemas import resolve
from lmextract.types import Json

__all__ = ["outlines_refusal"]

_MAX_RECURSION = 3
_FORMATS = frozenset(("date", "date-time", "time", "uuid"))
_TYPES = frozenset(("string", "number", "integer", "boolean", "null", "array", "object"))


class _Reason(Exception):
    pass


class _TooDeep(_Reason):
    pass


def outlines_refusal(schema: dict[str, Any]) -> str | None:
    """The reason, in the library's own words, or None."""
    try:
        _Walk(schema).visit(schema, 0)
    except _Reason as reason:
        return str(reason)
    return None


class _Walk:
    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._depth: dict[str, int] = {}
        self._budget = 20_000

    def visit(self, node: Json, level: int) -> None:
        self._budget -= 1
        if not is_object(node):
            raise _unsupported(node)
        known = node
        if not known or self._budget < 0:  # an exponential schema keeps the real one busy for minutes
            return
        for keyword, look in _KEYWORDS:
            if keyword in known:
                look(self, known, level + 1)
                return
        raise _unsupported(node)

    def properties(self, node: dict[str, Any], level: int) -> None:
        for part in _values(node["properties"]):
            try:
                self.visit(part, level)
            except _TooDeep:  # the property is dropped without a word
                continue

    def all_of(self, node: dict[str, Any], level: int) -> None:
        for keyword in ("allOf", "anyOf", "oneOf", "prefixItems"):
            if keyword in node:
                for part in _values(node[keyword]):
                    self.visit(part, level)
                return

    def values(self, node: dict[str, Any], level: int) -> None:
        del level
        keyword = "enum" if "enum" in node else "const"
        for value in node["enum"] if keyword == "enum" and is_list(node["enum"]) else [node[keyword]]:
            if isinstance(value, (dict, list)):
                raise _Reason(f"Unsupported data type in {keyword}: {_dump(value)}")

    def reference(self, node: dict[str, Any], level: int) -> None:
        name = str(node["$ref"])
        if not name.startswith("#"):
            raise _Reason(f"External references are not supported: {name}")
        if name != "#" and not name.startswith("#/"):
            raise _Reason(f"Invalid reference path: {name[1:]}")
        try:
            target = resolve(name, self._root)
        except KeyError:
            raise _Reason(f"Invalid reference path: {name[2:]}") from None
        if self._depth.get(name, 0) >= _MAX_RECURSION:
            raise _TooDeep(f"Ref recusion limit reached: {_MAX_RECURSION}")
        self._depth[name] = self._depth.get(name, 0) + 1
        try:
            self.visit(target, level)
        finally:
            self._depth[name] -= 1

    def typed(self, node: dict[str, Any], level: int) -> None:
        kind = node["type"]
        if not isinstance(kind, str):
            raise _Reason("'type' must be a string")
        if kind not in _TYPES:
            raise _Reason(f"Unsupported type: {kind}")
        if kind == "string":
            _string(node)
        elif kind == "array" and "items" in node:
            self.visit(node["items"], level)
        elif kind == "object" and node.get("additionalProperties", True) is not True:
            self.visit(node["additionalProperties"], level)


_KEYWORDS = (
    ("properties", _Walk.properties),
    ("allOf", _Walk.all_of),
    ("anyOf", _Walk.all_of),
    ("oneOf", _Walk.all_of),
    ("prefixItems", _Walk.all_of),
    ("enum", _Walk.values),
    ("const", _Walk.values),
    ("$ref", _Walk.reference),
    ("type", _Walk.typed),
)


def _string(node: dict[str, Any]) -> None:
    """Length bounds switch pattern and format off."""
    if "minLength" in node or "maxLength" in node:
        least, most = node.get("minLength", 0), node.get("maxLength")
        if isinstance(most, int) and isinstance(least, int) and least > most:
            raise _Reason("maxLength must be greater than or equal to minLength")
    elif isinstance(node.get("pattern"), str):
        if any(mark in node["pattern"] for mark in ("(?=", "(?!", "(?<=", "(?<!")):
            raise _Reason(
                f"Unable to build DFA regex parse error:\n    {node['pattern']}\n"
                "error: look-around, including look-ahead and look-behind, is not supported"
            )
    elif isinstance(node.get("format"), str) and node["format"] not in _FORMATS:
        raise _Reason(f"Format {node['format']} is not supported by Outlines")


def _values(parts: Json) -> list[Any]:
    if is_object(parts):
        return list(parts.values())
    return parts if is_list(parts) else []


def _unsupported(node: Json) -> _Reason:
    return _Reason(
        f"Unsupported JSON Schema structure {_dump(node)} \nMake sure it is valid to the JSON Schema specification and "
        "check if it's supported by Outlines.\nIf it should be supported, please open an issue."
    )


def _dump(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
