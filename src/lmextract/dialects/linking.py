"""Putting the parts of a wire schema together: what recurs or is used often goes to `$defs`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["linked"]

_PREFIX = "#/$defs/"
_WORTH_A_NAME = 12


def linked(root: dict[str, Any], knots: Mapping[str, dict[str, Any]], *, share: bool) -> dict[str, Any]:
    """The wire schema of a root, with the definitions that it refers to.

    `knots` are the wire schemas that references were made to while they were being made.  With `share`, parts that stand
    in several places move to the definitions, too, where they are large.
    """
    uses, sizes = _surveyed(root, knots)
    names = {id(wire): name for name, wire in knots.items()}
    if share:
        worth = [key for key, count in uses.items() if count > 1 and sizes[key] > _WORTH_A_NAME]
        for key in worth:
            names.setdefault(key, f"SharedN{len(names)}")
    definitions: dict[str, Any] = {}
    wire = _Writer(names, knots, definitions).written(root)
    return {**wire, "$defs": definitions} if definitions else wire


def _surveyed(root: dict[str, Any], knots: Mapping[str, dict[str, Any]]) -> tuple[Counter[int], dict[int, int]]:
    """How often each part is used, and how many parts it has."""
    uses: Counter[int] = Counter()
    sizes: dict[int, int] = {}

    def visit(part: dict[str, Any]) -> int:
        uses[id(part)] += 1
        if id(part) not in sizes:
            sizes[id(part)] = 1
            sizes[id(part)] = 1 + sum(visit(child) for child in _parts(part))
            name = _referred(part)
            if name is not None and name in knots:
                visit(knots[name])
                uses[id(knots[name])] -= 1
        return sizes[id(part)]

    visit(root)
    return uses, sizes


def _referred(part: Mapping[str, Any]) -> str | None:
    ref = part.get("$ref")
    return ref.removeprefix(_PREFIX) if isinstance(ref, str) else None


def _parts(part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for keyword in ("items", "additionalProperties"):
        if isinstance(part.get(keyword), dict):
            yield part[keyword]
    for keyword in ("anyOf", "allOf", "prefixItems"):
        yield from part.get(keyword, ())
    for keyword in ("properties", "patternProperties"):
        yield from (child for child in part.get(keyword, {}).values() if isinstance(child, dict))


class _Writer:
    """Copies a wire schema, with references in the place of parts that have a name."""

    def __init__(self, names: Mapping[int, str], knots: Mapping[str, dict[str, Any]], definitions: dict[str, Any]) -> None:
        self.names = names
        self.knots = knots
        self.definitions = definitions

    def written(self, part: Any) -> Any:
        if not isinstance(part, dict):
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
