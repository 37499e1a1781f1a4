"""Putting the parts of a wire schema together: what recurs or is used often goes to `$defs`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lmextract.types import is_object

__all__ = ["linked", "weight"]

_PREFIX = "#/$defs/"
_WORTH_A_NAME = 12
_TIMES = re.compile(r"(\d+)\}")


def linked(
    root: dict[str, Any], knots: Mapping[str, dict[str, Any]], shared: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """The wire schema of a root, with the definitions that it refers to.

    `knots` are the wire schemas that references were made to while they were being made; of the `shared` ones, which
    stand in several places, those move to the definitions that are large.
    """
    names = {id(wire): name for name, wire in knots.items()}
    for wire in shared:
        if id(wire) not in names and wire is not root and _is_large(wire):
            names[id(wire)] = f"SharedN{len(names) + 1}"
    if not names:
        return root
    definitions: dict[str, Any] = {}
    wire = _Writer(names, knots, definitions).written(root)
    return {**wire, "$defs": definitions} if definitions else wire


def weight(wire: dict[str, Any]) -> int:
    """About how many characters a wire schema has, written out with every part in every place where it stands."""
    known: dict[int, int] = {}

    def weigh(part: dict[str, Any]) -> int:
        if id(part) not in known:
            own = sum(len(keyword) + 6 for keyword in part)
            if "pattern" in part:
                own += len(part["pattern"]) + sum(4 * int(times) for times in _TIMES.findall(part["pattern"]))
            own += sum(2 * len(name) + 8 for name in part.get("properties", ()))
            own += sum(len(str(value)) + 4 for value in part.get("enum", ()))
            known[id(part)] = own + sum(map(weigh, _parts(part)))
        return known[id(part)]

    return weigh(wire)


def _is_large(wire: dict[str, Any]) -> bool:
    todo, seen = [wire], 0
    while todo and seen < _WORTH_A_NAME:
        todo.extend(_parts(todo.pop()))
        seen += 1
    return seen >= _WORTH_A_NAME


def _parts(part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for keyword in ("items", "additionalProperties"):
        if isinstance(part.get(keyword), dict):
            yield part[keyword]
    for keyword in ("anyOf", "allOf", "prefixItems"):
        yield from part.get(keyword, ())
    for keyword in ("properties", "patternProperties"):
        yield from (child for child in part.get(keyword, {}).values() if is_object(child))


class _Writer:
    """Copies a wire schema, with references in the place of parts that have a name."""

    def __init__(
        self, names: Mapping[int, str], knots: Mapping[str, dict[str, Any]], definitions: dict[str, Any]
    ) -> None:
        self.names = names
        self.knots = knots
        self.definitions = definitions

    def written(self, part: Any) -> Any:
        if not is_object(part):
            return part
        out: dict[str, Any] = {}
        for keyword, value in part.items():
            match keyword:
                case "items" | "additionalProperties":
                    out[keyword] = self.placed(value)
                case "anyOf" | "allOf" | "prefixItems":
                    out[keyword] = [self.placed(each) for each in value]
                case "properties" | "patternProperties":
                    out[keyword] = {name: self.placed(each) for name, each in value.items()}
                case "$ref":
                    out[keyword] = value
                    self.define(value.removeprefix(_PREFIX))
                case _:
                    out[keyword] = value
        return out

    def placed(self, part: Any) -> Any:
        """A part as it stands in another: itself, or a reference to its definition."""
        name = self.names.get(id(part))
        if name is None:
            return self.written(part)
        self.define(name, part)
        return {"$ref": _PREFIX + name}

    def define(self, name: str, part: dict[str, Any] | None = None) -> None:
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self.written(self.knots[name] if part is None else part)
