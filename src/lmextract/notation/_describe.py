"""The printer: walks a schema and renders every node by what it demands."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lmextract.notation._limits import counts, key, limits, literal, needs, note, regex, title
from lmextract.notation._nodes import (
    KINDS,
    RESERVED,
    declared_kinds,
    default_words,
    implied_kinds,
    is_compound,
    is_plain_object,
    is_value,
    last_step,
    name_for,
    values_of,
)
from lmextract.notation._refs import REF_KEYWORDS, Refs
from lmextract.notation._text import Line, Rank, Text, code, fields, glued, joined
from lmextract.notation._values import Node, is_list, is_node, items, pairs
from lmextract.notation._wire import Demands
from lmextract.types import Json, JsonSchema, WireSchema

__all__ = ["describe"]

MAX_NESTING = 32
"""Schemas within schemas that are printed in place; what lies deeper gets a name and a place of its own."""

MAX_NAME_CHARS = 40

_JSON_MARKS = frozenset('{}[]",:-')
APPLIED = ("allOf", "anyOf", "oneOf")


def describe(schema: JsonSchema, *, wire: WireSchema | None = None) -> str:
    """The value that `schema` asks for, in the notation; with `wire`, in the form in which it travels.

    Never dearer than the compact text of the schema, or of the wire schema if that is longer: where the notation would
    be, that text comes back instead.
    """
    text = str(_Printer(schema, wire))
    plain = _compact(schema)
    if wire is not None and _is_dearer(text, plain):
        plain = _compact(wire.schema)  # which wraps or allows null, and so says more, as its description does
    return plain if _is_dearer(text, plain) else text


class _Printer:
    """One description in the making: which types have a name, and which of these are still to be printed."""

    def __init__(self, schema: Node, wire: WireSchema | None) -> None:
        self.schema = schema
        self.refs = Refs(schema)
        self.wrapped = wire is not None and wire.wrapped
        self.demands = Demands(wire.schema) if wire else None
        self.names: dict[int, str] = {}
        self.taken: dict[str, int] = dict.fromkeys(RESERVED, 1)
        self.todo: deque[tuple[str, Node]] = deque()
        self.nesting = 0

    def __str__(self) -> str:
        if self.wrapped:
            root = fields([self._type(self.schema, 1, _title_of(self.schema)).entry("value: ", 1)], 0)
        else:
            root = self._type(self.schema, 0, _title_of(self.schema))
        texts = [root]
        while self.todo:
            name, node = self.todo.popleft()
            texts.append(glued((code(f"type {name} = "), self._body(node, 0))))
        return "\n".join(map(str, texts))

    def _type(self, node: Node, level: int, hint: str) -> Text:
        """`node` by its name, if it has one or needs one, else in full; `hint` is what it may be called."""
        if not is_node(node):
            return code("never" if node is False else "any")
        if id(node) in self.names:
            return code(self.names[id(node)])
        uses = self.refs.uses[id(node)]
        crowded = self.nesting >= MAX_NESTING or uses > 1
        if crowded and (is_compound(node) or self._is_worth_a_name(node, uses, name_for(hint))):
            return code(self._named(node, name_for(hint)))
        self.nesting += 1
        text = self._body(node, level)
        self.nesting -= 1
        return text

    def _is_worth_a_name(self, node: Node, uses: int, name: str) -> bool:
        size = len(str(self._body(node, 0)))
        return size * uses > size + len(f"type {name} = \n") + len(name) * uses

    def _named(self, node: Node, base: str) -> str:
        """A free name made from `base`, under which the node will be printed."""
        number = self.taken.get(base, 0)
        name = f"{base}{number + 1}" if number else base
        while name in self.taken:
            number += 1
            name = f"{base}{number + 1}"
        self.taken |= {base: number + 1, name: self.taken.get(name, 1)}
        self.names[id(node)] = name
        self.todo.append((name, node))
        return name

    def _body(self, node: Mapping[str, Any], level: int) -> Text:
        pieces = list(self._pieces(node, level))
        whole = [piece for piece in pieces if piece.lines[0].code != "any"]
        said = [piece.comment for piece in pieces if piece.lines[0].code == "any" and piece.comment]
        text = (joined(whole, " & ", Rank.AND) if whole else code("any")).noted("; ".join(said))
        if node.get("nullable") is True:  # OpenAPI's way
            text = text.or_null()
        return text.led(note(node))

    def _pieces(self, node: Mapping[str, Any], level: int) -> Iterator[Text]:
        """The types that must all hold."""
        for ref, target in self.refs.targets(node):
            name = last_step(ref)
            if target is None:
                yield code("any").limited([" ".join(name.split())] if name else [])
            else:
                yield self._type(target, level, name or _title_of(target))
        if self.refs.hides_siblings(node):
            return
        whole, node = node, self._with_all_of(node)
        own = self._own(node, level)
        if own is not None:
            yield own if node is whole else own.led(note(node))
        for part in items(node.get("allOf")):
            yield self._type(part, level, "Part")
        yield from self._choices(node, level, alone=own is None)
        if "not" in node:
            yield self._after("not", node["not"], level).ranked(Rank.NOT)
        if is_node(node.get("contains")):
            yield self._after(" ".join(("contains", *counts(node, "Contains", "of"))), node["contains"], level)
        yield from self._conditions(node, level)

    def _conditions(self, node: Mapping[str, Any], level: int) -> Iterator[Text]:
        if "if" in node and ("then" in node or "else" in node):
            first, *others = (self._after(word, node[word], level) for word in ("if", "then", "else") if word in node)
            yield glued((first, *(each for other in others for each in (code(" "), other)))).ranked(Rank.IF)
        for name, part in (*pairs(node.get("dependentSchemas")), *pairs(node.get("dependencies"))):
            if not is_list(part):
                yield self._after(f"if {{{key(name)}: any}} then", part, level).ranked(Rank.IF)

    def _after(self, words: str, node: Node, level: int) -> Text:
        return glued((code(f"{words} "), self._type(node, level, "Part").within(Rank.NOT)))

    # --- choices ---

    def _choices(self, node: Mapping[str, Any], level: int, *, alone: bool) -> Iterator[Text]:
        for keyword in ("anyOf", "oneOf"):
            if branches := items(node.get(keyword)):
                text = self._union(branches, level).led(self._chosen_by(node, branches))
                only = keyword == "oneOf" and not alone and text.rank == Rank.OR
                yield glued((code("one of "), text.within(Rank.ATOM))) if only else text

    def _union(self, branches: Sequence[Node], level: int) -> Text:
        """The branches with `|` between them: single values drawn together, null at the end."""
        values: list[Json] = []
        said: list[str] = []
        texts: list[Text] = []
        for branch in branches:
            if is_value(branch) and id(branch) not in self.names:
                own = values_of(branch)
                values += own
                words = note(branch) or title(branch, str(own[0]))
                said += [f"{literal(own[0])}: {words}"] * bool(words)
            else:
                texts.append(self._type(branch, level, "Option"))
        if values:
            texts.insert(0, _literals(values).led("; ".join(said)))
        null = code("null")
        return joined([text for text in texts if text != null] + [null] * (null in texts), "|", Rank.OR)

    def _chosen_by(self, node: Mapping[str, Any], branches: Sequence[Node]) -> str:
        """Which value chooses which branch, where the branches do not say it themselves."""
        choice = dict(pairs(node.get("discriminator")))
        name, mapping = choice.get("propertyName"), pairs(choice.get("mapping"))
        if not isinstance(name, str) or not mapping:
            return ""
        found = [dict(pairs(self._resolved(branch, by_name=True).get("properties"))) for branch in branches]
        if all(is_value(each.get(name)) for each in found):
            return ""
        return ", ".join(f"{key(name)} {literal(value)} = {name_for(last_step(str(ref)))}" for value, ref in mapping)

    # --- what stands behind a node ---

    def _with_all_of(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """`node` with its `allOf` drawn in, where all members are plain objects that do not contradict one another.

        Its own fields come first, as on the wire.
        """
        members = [self._resolved(part) for part in items(node.get("allOf"))]
        own = {word: value for word, value in node.items() if word != "allOf"}
        if not members or not all(map(is_plain_object, (*members, own))):
            return node
        properties: dict[str, Node] = {}
        for member in (node, *members):
            more = dict(pairs(member.get("properties")))
            if any(name in properties and not _same(properties[name], part) for name, part in more.items()):
                return node
            properties |= more
        required = [name for member in (*members, node) for name in items(member.get("required"))]
        words = " ".join(filter(None, map(note, members)))
        return {"type": "object", "properties": properties, "required": required, "description": words}

    def _resolved(self, node: Node, *, by_name: bool = False) -> Mapping[str, Any]:
        """`node`, or what it stands for if it is a mere reference (to something without a name, unless `by_name`)."""
        for _ in range(8):
            if not is_node(node) or set(node) != {"$ref"}:
                break
            target = next((target for _, target in self.refs.targets(node)), None)
            if target is None or (self.refs.uses[id(target)] > 1 and not by_name):
                break
            node = target
        return node if is_node(node) else {"not": {}}

    def _branches(self, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for word in APPLIED:
            yield from (self._resolved(part, by_name=True) for part in items(node.get(word)))
        yield from (target for _, target in self.refs.targets(node) if is_node(target))

    def _says_its_kind(self, node: Mapping[str, Any], trust: int = 2) -> bool:
        own = declared_kinds(node) or values_of(node) or implied_kinds(node)
        return bool(own) or (trust > 0 and any(self._says_its_kind(each, trust - 1) for each in self._branches(node)))

    # --- by kind ---

    def _own(self, node: Mapping[str, Any], level: int) -> Text | None:
        """What the node's own keywords ask for; None where they ask for nothing."""
        if values := values_of(node):
            return _literals(values)
        if node.get("enum") == []:
            return code("never")
        declared, implied = declared_kinds(node), implied_kinds(node)
        elsewhere = any(items(node.get(word)) for word in APPLIED) or any(word in node for word in REF_KEYWORDS)
        if elsewhere and declared and not implied and all(map(self._says_its_kind, self._branches(node))):
            return None
        if set(declared) >= set(KINDS) - {"integer"} and not implied:
            return code("any")
        kinds, loose = declared or implied, list[str]()
        if elsewhere and not declared:
            # Nothing says that the value is of the kind that these limits speak of.
            loose = [limit for kind in implied for limit in limits(node, kind)]
            kinds = [kind for kind in implied if kind in {"array", "object"}]
        texts = [self._kind(node, kind, level) for kind in kinds]
        text = joined(texts, "|", Rank.OR) if texts else code("any")
        return text.led(", ".join(loose)) if texts or loose else None

    def _kind(self, node: Mapping[str, Any], kind: str, level: int) -> Text:
        match kind:
            case "array":
                return self._array(node, level)
            case "object":
                return self._object(node, level)
            case _:
                return code(" ".join(kind.split()) or "any").limited(limits(node, kind))

    def _array(self, node: Mapping[str, Any], level: int) -> Text:
        listed = node.get("items")
        heads = items(node.get("prefixItems")) or items(listed)
        rest = node.get("additionalItems") if is_list(listed) else listed
        size = counts(node, "Items", "items")
        unique = ["unique"] if node.get("uniqueItems") is True else []
        if not heads:
            return self._many(rest, level).limited([*size, *unique])
        texts = [self._type(head, level, "Item") for head in heads]
        if is_node(rest):
            texts.append(glued((code("..."), self._many(rest, level))))
        between = [each for text in texts for each in (code(", "), text)][1:]
        exact = size == [f"{len(heads)} items"]
        return glued((code("["), *between, code("]"))).limited([*([] if exact else size), *unique])

    def _many(self, item: Node, level: int) -> Text:
        text = self._type(item, level, "Item")
        return glued((text.within(Rank.ATOM), code("[]")) if text.single else (code("["), text, code("]")))

    def _object(self, node: Mapping[str, Any], level: int) -> Text:
        properties = dict(pairs(node.get("properties")))
        required = dict.fromkeys(name for name in items(node.get("required")) if isinstance(name, str))
        always = frozenset(required) | (self.demands.of(properties) if self.demands else frozenset[str]())
        names = (*properties, *(name for name in required if name not in properties))
        entries: list[tuple[Line, ...]] = []
        for name in names:
            text = self._field(name, properties.get(name), level + 1, required=name in required)
            if name in always and name not in required:
                text = text.or_null()
            entries.append(text.entry(f"{key(name)}: " if name in always else f"{key(name)}?: ", level + 1))
        for name, text in self._open(node, level + 1):
            entries.append(text.entry(f"[{name}]: ", level + 1))
        closed = node.get("additionalProperties") is False or node.get("maxProperties") == 0
        text = fields(entries, level) if entries else code("{}" if closed else "object")
        return text.limited([*counts(node, "Properties", "keys"), *needs(node)])

    def _field(self, name: str, part: Node, level: int, *, required: bool) -> Text:
        text = self._type(part, level, name)
        if is_node(part) and not text.comment:
            text = text.led(title(part, name))
        return text.noted(default_words(part)) if required and not text.nullable else text

    def _open(self, node: Mapping[str, Any], level: int) -> Iterator[tuple[str, Text]]:
        """The entries under other keys than the named ones, as (what such a key is, what stands under it)."""
        for pattern, part in pairs(node.get("patternProperties")):
            yield f"string({regex(pattern)})", self._type(part, level, "Entry")
        others = [node.get(word) for word in ("additionalProperties", "unevaluatedProperties")]
        part = next((part for part in others if is_node(part)), True)
        names = node.get("propertyNames")
        if is_node(names) and False not in others:
            kind, text = self._type(names, level, "Key"), self._type(part, level, "Entry")
            listed = frozenset(map(str, values_of(self._resolved(names, by_name=True))))
            on_wire = self.demands.of_exactly(listed) if self.demands and listed else frozenset[str]()
            plain = kind.single and not kind.nullable
            yield kind.lines[0].code if plain else "string", text.or_null() if on_wire else text
        elif is_node(part) or (True in others and not node.get("properties")):
            yield "string", self._type(part, level, "Entry")


def _title_of(node: Node) -> str:
    words = node.get("title") if is_node(node) else None
    return words if isinstance(words, str) and len(words) <= MAX_NAME_CHARS else "Answer"


def _same(one: Node, other: Node) -> bool:
    try:
        return bool(one == other)
    except RecursionError:  # alike down to where the interpreter gives up
        return False


def _literals(values: Sequence[Json]) -> Text:
    """One value as itself, several as `enum[...]`, where `","` is one token; `"a"|"b"` would cost two for each bar."""
    shown = dict.fromkeys(literal(value) for value in values)
    others = [value for value in shown if value != "null"]
    if not others:
        return code("null")
    text = code(others[0] if len(others) == 1 else f"enum[{','.join(others)}]")
    return text.or_null() if len(others) < len(shown) else text


def _compact(schema: JsonSchema) -> str:
    """The schema as one would send it; empty where it cannot be."""
    try:
        return json.dumps(schema, ensure_ascii=False, separators=(",", ":"), default=str)
    except (RecursionError, ValueError):  # too deep for the encoder, or a circle
        return ""


def _is_dearer(text: str, plain: str) -> bool:
    return bool(plain) and _cost(text) > _cost(plain)


def _cost(text: str) -> int:
    """Roughly the tokens of `text` in any of today's byte-pair vocabularies; only ever compared.

    Most words and the runs of marks that JSON is made of are one token each, other runs of marks are not.
    """
    words = sum(1 + (len(word) - 1) // 12 for word in re.findall(r" ?[^\W\d_]+|\d+|_|\s+", text))
    marks = re.findall(r"[^\w\s]+", text)
    return words + sum(1 if set(run) <= _JSON_MARKS else max(1, len(run) - 1) for run in marks)
