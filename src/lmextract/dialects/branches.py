"""From schemas that must all hold to the ways in which they can: choices multiplied out, references followed.

A branch is a set of plain parts, schemas of which only the assertions count any more.  What cannot be multiplied out is
left away and named as a gap of the branch: it then allows more than the schemas do, never less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from lmextract.dialects import kinds
from lmextract.dialects.drafts import ANNOTATIONS, Draft
from lmextract.dialects.negation import negated, present
from lmextract.dialects.parts import (
    MADE,
    NOT_KINDS,
    NOT_VALUES,
    Part,
    children,
    finite_texts,
    kinds_of,
    number_range,
    required_of,
    values_of,
)
from lmextract.dialects.refs import References, Schema
from lmextract.dialects.validity import Judge
from lmextract.types import Json, is_array, is_object

__all__ = ["Branch", "Expander", "Members"]

Members: TypeAlias = tuple[Schema, ...]
"""Schemas that all hold for one value."""

_MULTIPLIED = frozenset(
    (
        "$ref $dynamicRef $recursiveRef allOf anyOf oneOf not if then else dependencies dependentRequired"
        " dependentSchemas extends"
    ).split()
)
_NO_PART = ANNOTATIONS | _MULTIPLIED
_LISTING = ANNOTATIONS | {"type", "enum", "const", NOT_VALUES, NOT_KINDS, MADE}
_MOST_STEPS = 1500
_MOST_STEPS_IN_ALL = 15_000
_FEW_STEPS = 150
_FEW_BRANCHES = 4
_MOST_WEIGHT = 600
_MOST_BRANCHES = 64
_MOST_OPTIONS = 1000
_MOST_PAIRS = 400
_MOST_NESTED = 4


@dataclass(frozen=True, slots=True)
class Branch:
    """One way to satisfy some schemas.

    `gaps` are the keywords, with reasons, that it does not carry; `choices` counts the choices that led here.
    """

    parts: tuple[Part, ...] = ()
    gaps: tuple[tuple[str, str], ...] = ()
    choices: int = 0

    def with_gap(self, keyword: str, reason: str) -> Branch:
        """The branch with one more thing that it does not carry."""
        gap = (keyword, reason)
        return self if gap in self.gaps else Branch(self.parts, (*self.gaps, gap), self.choices)

    def with_part(self, part: Part) -> Branch:
        """The branch with one more part that must hold."""
        return Branch((*self.parts, part), self.gaps, self.choices)

    def chosen(self) -> Branch:
        """The branch after one more choice."""
        return Branch(self.parts, self.gaps, self.choices + 1)


class Expander:
    """Multiplies out the schemas of one document."""

    def __init__(self, root: Mapping[str, Any], draft: Draft) -> None:
        self.draft = draft
        self.references = References(root, id_keyword=draft.id_keyword)
        self.judge = Judge(self.references, draft)
        self._known: dict[tuple[int, ...], tuple[Branch, ...]] = {}
        self._busy: set[tuple[int, ...]] = set()
        self._open: dict[int, int] = {}
        self._negations: dict[int, tuple[Schema, ...] | None] = {}
        self._made: dict[tuple[int, str], Any] = {}
        self._apart: dict[tuple[int, int], bool] = {}
        self._steps = 0
        self._limit = _MOST_STEPS
        self._kept: list[Any] = []  # what is known by its id must live on

    def branches(self, members: Members) -> tuple[Branch, ...]:
        """Every way to satisfy the members; none: they contradict each other."""
        key = tuple(map(id, members))
        if (known := self._known.get(key)) is not None:
            return known
        if key in self._busy or len(self._busy) > _MOST_NESTED:  # asked for contradictions, of which there may be none
            return (Branch(),)
        if not self._busy:
            self._limit = self._steps + (_MOST_STEPS if self._steps < _MOST_STEPS_IN_ALL else _FEW_STEPS)
        self._busy.add(key)
        found = self._all(members)
        if _is_multiplied(found):
            self._limit = 0  # from the second choice on, none is made any more
            found = self._all(members)
        self._busy.discard(key)
        self._kept.append(members)
        self._known[key] = found
        return found

    def _all(self, members: Members) -> tuple[Branch, ...]:
        opened, self._open = self._open, {}
        found = [Branch()]
        for member in members:
            found = [new for branch in found for new in self._add(branch, member)]
        self._open = opened
        return tuple(found)

    def possible(self, members: Members, depth: int = 2) -> bool:
        """Whether some value may satisfy the members; no is certain."""
        return any(self.consistent(branch, depth) for branch in self.branches(members))

    def consistent(self, branch: Branch, depth: int = 2) -> bool:
        """Whether some value may take this branch; no is certain."""
        parts = branch.parts
        mask = kinds_of(parts)
        if not mask:
            return False
        values = values_of(parts)
        if values is not None:
            return any(mask & kinds.kind_of(value) for value in values)
        if mask == kinds.OBJECT:
            return self._fillable(parts, depth)
        if not mask & ~kinds.NUMBER:
            low, high = number_range(parts)
            return low is None or high is None or low <= high
        return not (mask == kinds.STRING and finite_texts(parts) == [])

    def admits(self, members: Members, value: Json) -> bool:
        """Whether a value fits all members, as far as can be told."""
        return all(self.judge.fits(member, value) for member in members)

    def values(self, branch: Branch) -> list[Json] | None:
        """The values that a branch lists, as far as they fit the rest of it; None: it lists none."""
        values = values_of(branch.parts)
        if values is None:
            return None
        mask = kinds_of(branch.parts)
        others = [part for part in branch.parts if not part.keys() <= _LISTING]
        return [
            value
            for value in values
            if mask & kinds.kind_of(value) and all(self.judge.fits(part, value) for part in others)
        ]

    def admits_null(self, members: Members) -> bool:
        """Whether null satisfies all members."""
        if not self.admits(members, None):
            return False
        for branch in self.branches(members):
            if any(keyword == "$ref" for keyword, _ in branch.gaps):
                continue  # it leads nowhere that is known
            if kinds_of(branch.parts) & kinds.NULL:
                values = values_of(branch.parts)
                if values is None or None in values:
                    return True
        return False

    def _fillable(self, parts: Sequence[Part], depth: int) -> bool:
        for name in required_of(parts):
            child = children(parts, name)
            if any(schema is False for schema in child):
                return False
            if depth and len(child) > 1 and not self.possible(child, depth - 1):
                return False
        return True

    def _add(self, branch: Branch, schema: Any) -> list[Branch]:
        """The branch with one more schema that must hold."""
        self._steps += 1
        if schema is True:
            return [branch]
        if not is_object(schema):
            return [] if schema is False else [branch.with_gap("schema", "this is no schema")]
        if schema.keys().isdisjoint(_MULTIPLIED):
            return [self._with_part(branch, schema)]
        opened = self._open.get(id(schema))
        if opened is not None:  # the schema is part of itself: it adds nothing, and as an option it is none
            return [] if branch.choices > opened else [branch]
        self._open[id(schema)] = branch.choices
        found = self._multiplied(branch, schema)
        del self._open[id(schema)]
        return found

    def _multiplied(self, branch: Branch, schema: Mapping[str, Any]) -> list[Branch]:
        if "$ref" in schema and self.draft.bare_refs:
            return self._reference(branch, "$ref", schema)
        found = [self._with_part(branch, schema)]
        for keyword in schema:
            if keyword not in _MULTIPLIED or keyword in self.draft.ignored:
                continue
            found = [new for each in found for new in self._apply(each, keyword, schema)]
            if len(found) > 1:
                found = [each for each in found if kinds_of(each.parts)]
        return found

    def _apply(self, branch: Branch, keyword: str, schema: Mapping[str, Any]) -> list[Branch]:
        wanted = schema[keyword]
        match keyword:
            case "$ref" | "$dynamicRef" | "$recursiveRef":
                return self._reference(branch, keyword, schema)
            case "not":
                return self._without(branch, wanted, keyword)
            case "if":
                return self._conditional(branch, schema)
            case "then" | "else":
                return [branch]
            case "allOf" | "extends":
                found = [branch]
                for each in wanted if is_array(wanted) else (wanted,):
                    found = [new for one in found for new in self._add(one, each)]
                return found
            case "anyOf" | "oneOf" if is_array(wanted):
                return (self._any_of if keyword == "anyOf" else self._one_of)(branch, wanted, keyword)
            case "dependencies" | "dependentRequired" | "dependentSchemas" if is_object(wanted):
                return self._dependencies(branch, wanted, keyword)
            case _:
                return [branch.with_gap(keyword, "its value has no meaning")]

    def _with_part(self, branch: Branch, schema: Mapping[str, Any]) -> Branch:
        if any(part is schema for part in branch.parts):
            return branch
        if not self.draft.ignored.isdisjoint(schema):
            schema = self._once(
                schema, "meant", lambda: {k: v for k, v in schema.items() if k not in self.draft.ignored}
            )
        if all(keyword in _NO_PART for keyword in schema):
            return branch
        return branch.with_part(schema)

    def _reference(self, branch: Branch, keyword: str, schema: Mapping[str, Any]) -> list[Branch]:
        wanted = schema[keyword]
        target = self.references.target(wanted, schema) if isinstance(wanted, str) else None
        if target is None:
            return [branch.with_gap(keyword, f"{wanted!r} leads nowhere inside the schema")]
        return self._add(branch, target)

    def _any_of(self, branch: Branch, options: Sequence[Any], keyword: str) -> list[Branch]:
        """The branch with each of the options."""
        chosen = branch.chosen()
        found: list[Branch] = []
        for option in options:
            found += [each for each in self._add(chosen, option) if self.consistent(each, 1)]
            if self._too_many(branch, found):
                return [branch.with_gap(keyword, "too many combinations")]
        return found

    def _too_many(self, branch: Branch, found: Sequence[Branch]) -> bool:
        if branch.choices and self._steps > self._limit:
            return True
        return len(found) > (_MOST_BRANCHES if branch.choices else _MOST_OPTIONS)

    def _one_of(self, branch: Branch, options: Sequence[Any], keyword: str) -> list[Branch]:
        """The branch with each of the options and none of the others that may overlap with it."""
        count = len(options)
        pairs = [(i, j) for i in range(count) for j in range(i) if not self._surely_apart(options[i], options[j])]
        if len(pairs) > _MOST_PAIRS:
            found = self._any_of(branch, options, keyword)
            return [each.with_gap(keyword, "too many options that may overlap") for each in found]
        chosen = branch.chosen()
        ways = [self._add(chosen, option) for option in options]
        for i, j in pairs:
            if self._steps > self._limit:
                ways[i] = [each.with_gap(keyword, "too many options that may overlap") for each in ways[i]]
            elif any(self.consistent(both) for one in ways[i] for both in self._add(one, options[j])):
                ways[i] = [new for each in ways[i] for new in self._without(each, options[j], keyword)]
                ways[j] = [new for each in ways[j] for new in self._without(each, options[i], keyword)]
        found = [each for way in ways for each in way if self.consistent(each, 1)]
        return [branch.with_gap(keyword, "too many combinations")] if self._too_many(branch, found) else found

    def _without(self, branch: Branch, schema: Any, keyword: str) -> list[Branch]:
        """The branch for values that do not satisfy a schema."""
        if isinstance(schema, bool):
            return [] if schema else [branch]
        if not is_object(schema):
            return [branch.with_gap(keyword, "its value has no meaning")]
        if id(schema) not in self._negations:
            self._negations[id(schema)] = negated(schema, self.references, self.draft)
            self._kept.append(schema)
        options = self._negations[id(schema)]
        if options is None:
            return [branch.with_gap(keyword, "no grammar can say what it forbids")]
        return self._add(branch, options[0]) if len(options) == 1 else self._any_of(branch, options, keyword)

    def _conditional(self, branch: Branch, schema: Mapping[str, Any]) -> list[Branch]:
        condition, then, otherwise = schema["if"], schema.get("then", True), schema.get("else", True)
        if then is True and otherwise is True:
            return [branch]
        met = self._once(schema, "then", lambda: {"allOf": [condition, then]})
        unmet = self._once(schema, "else", lambda: {"allOf": [{"not": condition}, otherwise]})
        found = self._any_of(branch, (met, unmet), "if")
        unsaid = ("if", "no grammar can say when its condition is not met")
        return [Branch(each.parts, _renamed(branch.gaps, each.gaps, unsaid), each.choices) for each in found]

    def _dependencies(self, branch: Branch, wanted: Mapping[str, Any], keyword: str) -> list[Branch]:
        found = [branch]
        for name, needed in wanted.items():
            needs: Any = [needed] if isinstance(needed, str) else needed  # draft 3
            if is_array(needs):
                met = self._once(needs, name, partial(_with_names, name, needs))
            else:
                met = self._once(needs, name, partial(_with_schema, name, needs))
            unmet = self._once(wanted, name, lambda n=name: {MADE: True, "properties": {n: False}})
            found = [new for each in found for new in self._any_of(each, (unmet, met), keyword)]
        return found

    def _once(self, schema: Any, kind: str, make: Any) -> Any:
        """A schema made from another, the same each time, so that it is known by its id."""
        key = (id(schema), kind)
        if key not in self._made:
            self._made[key] = make()
            self._kept.append(schema)
        return self._made[key]

    def _surely_apart(self, one: Any, other: Any) -> bool:
        """Whether two schemas exclude each other, told from themselves alone."""
        key = (id(one), id(other))
        if key not in self._apart:
            self._kept += (one, other)
            self._apart[key] = False  # as long as it is not known
            self._apart[key] = not any(
                self.consistent(Branch((*left.parts, *right.parts)), 1)
                for left in self.branches((one,))
                for right in self.branches((other,))
            )
        return self._apart[key]


def _renamed(
    before: tuple[tuple[str, str], ...], after: tuple[tuple[str, str], ...], name: tuple[str, str]
) -> tuple[tuple[str, str], ...]:
    """The gaps with those of a `not` that is none of the user's named after what it was made for."""
    return tuple(dict.fromkeys(gap if gap in before or gap[0] != "not" else name for gap in after))


def _is_multiplied(branches: Sequence[Branch]) -> bool:
    """Whether the same properties stand in so many branches that their grammar would be large."""
    if len(branches) < _FEW_BRANCHES:
        return False
    weights: dict[int, int] = {}
    total = 0
    for branch in branches:
        for part in branch.parts:
            properties = part.get("properties")
            weight = len(properties) if is_object(properties) else 0
            weights[id(part)] = weight
            total += weight
    return total > _MOST_WEIGHT and total > 3 * sum(weights.values())


def _with_names(name: str, needs: list[Any]) -> dict[str, Any]:
    return {**present(name), "required": [name, *needs]}


def _with_schema(name: str, needs: Any) -> dict[str, Any]:
    return {"allOf": [present(name), needs]}
