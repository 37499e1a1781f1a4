"""The printer: walks a schema and renders every node by what it demands."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lmextract.notation._limits import counts, items, key, limits, literal, needs, note, pairs, regex, title
from lmextract.notation._refs import REF_KEYWORDS, Node, Refs, parts
from lmextract.notation._text import Line, Rank, Text, code, fields, joined
from lmextract.notation._wire import Demands
from lmextract.types import Json, JsonSchema, WireSchema

__all__ = ["describe"]

MAX_NESTING = 32
"""Schemas within schemas that are printed in place; what lies deeper gets a name and a place of its own."""

KINDS = ("string", "integer", "number", "boolean", "array", "object", "null")
RESERVED = frozenset((*KINDS, "any", "never", "not", "if", "then", "else", "type", "contains", "enum"))
IMPLIED = {
    "string": ("minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "array": ("items", "prefixItems", "additionalItems", "unevaluatedItems", "minItems", "maxItems", "uniqueItems")
    + ("contains",),
    "object": ("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "required")
    + ("minProperties", "maxProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies"),
}
APPLIED = ("allOf", "anyOf", "oneOf")
PLAIN_OBJECT = frozenset(("type", "properties", "required", "additionalProperties", "description", "title"))
PLAIN_VALUE = frozenset(("enum", "const", "type", "title", "description"))


def describe(schema: JsonSchema, *, wire: WireSchema | None = None) -> str:
    """The value that `schema` asks for, in the notation; with `wire`, in the form in which it travels.

    Never dearer than the compact text of the schema: where the notation would be, that text comes back instead.
    """
    text = str(_Printer(schema, wire))
    plain = _compact(wire.schema if wire else schema)
    return text if plain is None or _cost(text) <= _cost(plain) else plain


class _Printer:
    """One description in the making: which types have got a name, and which of them are still to be printed."""

    def __init__(self, schema: Node, wire: WireSchema | None) -> None:
        self.schema = schema
        self.refs = Refs(schema)
        self.wrapped = wire is not None and wire.wrapped
        self.demands = Demands(wire.schema) if wire else None
        self.names: dict[int, str] = {}
        self.todo: deque[tuple[str, Node]] = deque()
        self.nesting = 0

    def __str__(self) -> str:
        if self.wrapped:
            root = fields([self._type(self.schema, 1, "Value").led_by("value: ", 1)], 0)
        else:
            root = self._type(self.schema, 0, "Answer")
        types: list[Text] = []
        while self.todo:
            name, node = self.todo.popleft()
            types.append(code(f"type {name} = ") + self._body(node, 0))
        return "\n".join(map(str, (*types, root)))

    def _type(self, node: Node, level: int, hint: str) -> Text:
        """`node` by its name, if it has one or needs one, else in full; `hint` is what it may be called."""
        if not isinstance(node, Mapping):
            return code("never" if node is False else "any")
        if id(node) in self.names:
            return code(self.names[id(node)])
        if self.nesting >= MAX_NESTING and _is_compound(node):
            return code(self._named(node, hint))
        if (uses := self.refs.uses[id(node)]) > 1:
            name = _name(hint)
            if _is_compound(node) or _is_worth_a_name(self._body(node, level), uses, len(name)):
                return code(self._named(node, hint))
        self.nesting += 1
        text = self._body(node, level)
        self.nesting -= 1
        return text

    def _named(self, node: Node, hint: str) -> str:
        base, number = _name(hint), 1
        name, taken = base, RESERVED.union(self.names.values())
        while name in taken:
            number += 1
            name = f"{base}{number}"
        self.names[id(node)] = name
        self.todo.append((name, node))
        return name

    def _body(self, node: Mapping[str, Any], level: int) -> Text:
        pieces = list(self._pieces(node, level))
        text = joined(pieces, " & ", Rank.AND) if pieces else code("any")
        if node.get("nullable") is True and not text.nullable:
            text = joined((text, code("null")), "|", Rank.OR)
        return text.commented(note(node))

    def _pieces(self, node: Mapping[str, Any], level: int) -> Iterator[Text]:
        """The types that must all hold."""
        for ref, target in self.refs.targets(node):
            found = target is not None
            yield self._type(target, level, _last(ref)) if found else code("any").commented(f"see {ref}")
        if self.refs.hides_siblings(node):
            return
        node = self._with_all_of(node)
        own = self._own(node, level)
        if own is not None:
            yield own
        for part in items(node.get("allOf")):
            yield self._type(part, level, "Part")
        for keyword in ("anyOf", "oneOf"):
            if branches := items(node.get(keyword)):
                yield self._union(branches, level).commented(self._chosen_by(node))
        if "not" in node:
            yield self._after("not ", node["not"], level).ranked(Rank.NOT)
        if isinstance(node.get("contains"), Mapping):
            yield self._after(" ".join(["contains", *counts(node, "Contains", "of ")]) + " ", node["contains"], level)
        if "if" in node and ("then" in node or "else" in node):
            words = [f"{word} " for word in ("if", "then", "else") if word in node]
            yield _run(" ", [self._after(word, node[word.strip()], level) for word in words]).ranked(Rank.IF)
        for name, part in (*pairs(node.get("dependentSchemas")), *pairs(node.get("dependencies"))):
            if not isinstance(part, list):
                yield self._after(f"if {{{key(name)}: any}} then ", part, level).ranked(Rank.IF)

    def _after(self, words: str, node: Node, level: int) -> Text:
        return code(words) + self._type(node, level, "Part").within(Rank.NOT)

    def _union(self, branches: Sequence[Node], level: int) -> Text:
        """The branches with `|` between them: single values drawn together, null at the end."""
        values: list[Json] = []
        said: list[str] = []
        texts: list[Text] = []
        for branch in branches:
            if _is_value(branch) and not self.names.get(id(branch)):
                own = _values(branch)
                values += own
                said += [f"{literal(own[0])}: {words}" for words in [note(branch) or title(branch, str(own[0]))] if words]
            else:
                texts.append(self._type(branch, level, "Option"))
        if values:
            texts.insert(0, _literals(values).commented("; ".join(said)))
        null = code("null")
        return joined([text for text in texts if text != null] + [null] * (null in texts), "|", Rank.OR)

    def _chosen_by(self, node: Mapping[str, Any]) -> str:
        """Which value chooses which branch, where the branches do not say it themselves."""
        choice = node.get("discriminator")
        name = choice.get("propertyName") if isinstance(choice, Mapping) else None
        if not isinstance(name, str) or not isinstance(choice, Mapping):
            return ""
        branches = [self._resolved(branch, by_name=True) for branch in (*items(node.get("anyOf")), *items(node.get("oneOf")))]
        told = [dict(pairs(branch.get("properties"))).get(name) for branch in branches]
        if all(_is_value(part) for part in told):
            return ""
        return ", ".join(f"{key(name)} {literal(value)} = {_name(_last(str(ref)))}" for value, ref in pairs(choice.get("mapping")))

    def _with_all_of(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """`node` with its `allOf` drawn in, where all members are plain objects that do not contradict one another."""
        members = [self._resolved(part) for part in items(node.get("allOf"))]
        rest = {word: value for word, value in node.items() if word != "allOf"}
        if not members or not all(map(_is_plain_object, (*members, rest))):
            return node
        properties: dict[str, Node] = {}
        for member in (*members, node):
            own = dict(pairs(member.get("properties")))
            if any(properties.get(name, part) != part for name, part in own.items()):
                return node
            properties |= own
        required = [name for member in (*members, node) for name in items(member.get("required"))]
        return {"type": "object", "properties": properties, "required": required}

    def _resolved(self, node: Node, *, by_name: bool = False) -> Mapping[str, Any]:
        """`node`, or what it stands for if it is a mere reference (to something without a name, unless `by_name`)."""
        for _ in range(8):
            if not isinstance(node, Mapping) or set(node) != {"$ref"}:
                break
            target = next((target for _, target in self.refs.targets(node)), None)
            if target is None or (self.refs.uses[id(target)] > 1 and not by_name):
                break
            node = target
        return node if isinstance(node, Mapping) else {"not": {}}

    def _own(self, node: Mapping[str, Any], level: int) -> Text | None:
        """What the node's own keywords ask for; None where they ask for nothing."""
        if values := _values(node):
            return _literals(values)
        declared, implied = _declared(node), _implied(node)
        elsewhere = any(items(node.get(word)) for word in APPLIED) or any(word in node for word in REF_KEYWORDS)
        if not declared and elsewhere:
            # Nothing says that the value is of the kind that these limits speak of.
            loose = [limit for kind in implied if kind in {"string", "number"} for limit in limits(node, kind)]
            implied = [kind for kind in implied if kind in {"array", "object"}]
            if loose and not implied:
                return code("any").commented(", ".join(loose))
        kinds = declared or implied
        if declared and not implied and elsewhere and all(map(_says_kind, self._branches(node))):
            return None
        if set(kinds) >= set(KINDS) - {"integer"} and not implied:
            return code("any")
        texts = [self._kind(node, kind, level) for kind in kinds]
        return joined(texts, "|", Rank.OR) if texts else None

    def _branches(self, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for word in APPLIED:
            yield from (self._resolved(part, by_name=True) for part in items(node.get(word)))
        yield from (target for _, target in self.refs.targets(node) if isinstance(target, Mapping))

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
        rest = node.get("additionalItems") if isinstance(listed, list) else listed
        size = counts(node, "Items", "items")
        if heads:
            texts = [self._type(head, level, "Item") for head in heads]
            if isinstance(rest, Mapping):
                texts.append(code("...") + self._many(rest, level))
            text = code("[") + _run(", ", texts) + code("]")
            size = [] if size == [f"{len(heads)} items"] else size
        else:
            text = self._many(rest, level)
        unique = ["unique"] if node.get("uniqueItems") is True else []
        return text.ranked(Rank.ATOM).limited([*size, *unique])

    def _many(self, item: Node, level: int) -> Text:
        text = self._type(item, level, "Item")
        return text.within(Rank.ATOM) + code("[]") if text.single else code("[") + text + code("]")

    def _object(self, node: Mapping[str, Any], level: int) -> Text:
        properties = dict(pairs(node.get("properties")))
        required = {name: True for name in items(node.get("required")) if isinstance(name, str)}
        demanded = self.demands.of(properties) if self.demands else frozenset[str]()
        entries: list[tuple[Line, ...]] = []
        for name in (*properties, *(name for name in required if name not in properties)):
            part = properties.get(name)
            text = self._field(name, part, level + 1)
            optional = name not in required
            if optional and name in demanded and not text.nullable:
                text = joined((text, code("null")), "|", Rank.OR)
            if not optional and not text.nullable:
                text = text.commented("").commented(_default(part)) if not text.comment else _also(text, _default(part))
            mark = "?" if optional and name not in demanded else ""
            entries.append(text.led_by(f"{key(name)}{mark}: ", level + 1))
        entries += [self._type(part, level + 1, "Entry").led_by(f"[{name}]: ", level + 1) for name, part in self._open(node, level)]
        size = [*counts(node, "Properties", "keys"), *needs(node)]
        if entries:
            return fields(entries, level).limited(size)
        closed = node.get("additionalProperties") is False or node.get("maxProperties") == 0
        return code("{}" if closed else "object").limited(size)

    def _field(self, name: str, part: Node, level: int) -> Text:
        text = self._type(part, level, name)
        return text.commented(title(part, name)) if isinstance(part, Mapping) and not text.comment else text

    def _open(self, node: Mapping[str, Any], level: int) -> Iterator[tuple[str, Node]]:
        """The entries under other keys than the named ones, as (what such a key is, schema)."""
        for pattern, part in pairs(node.get("patternProperties")):
            yield f"string({regex(pattern)})", part
        others = [node.get(word) for word in ("additionalProperties", "unevaluatedProperties")]
        part = next((part for part in others if isinstance(part, Mapping)), True)
        names = node.get("propertyNames")
        if isinstance(names, Mapping) and False not in others:
            text = self._type(names, level, "Key")
            yield text.lines[0].code if text.single and text.lines[0].code != "any" else "string", part
        elif isinstance(part, Mapping) or (True in others and not node.get("properties")):
            yield "string", part


# --- what a node is, at a glance ---------------------------------------------------------------------------


def _declared(node: Mapping[str, Any]) -> list[str]:
    """The kinds that `type` names, null last."""
    named = node.get("type")
    kinds = [kind for kind in ([named] if isinstance(named, str) else items(named)) if isinstance(kind, str)]
    return [kind for kind in dict.fromkeys(kinds) if kind != "null"] + ["null"] * ("null" in kinds)


def _implied(node: Mapping[str, Any]) -> list[str]:
    """The kinds that the keywords speak of."""
    return [kind for kind, words in IMPLIED.items() if any(word in node for word in words)]


def _values(node: Mapping[str, Any]) -> list[Json]:
    return items(node.get("enum")) or ([node["const"]] if "const" in node else [])


def _is_value(node: Node) -> bool:
    """Whether the node lists values and says nothing else."""
    return isinstance(node, Mapping) and bool(_values(node)) and set(node) <= PLAIN_VALUE


def _is_compound(node: Mapping[str, Any]) -> bool:
    return any(True for _ in parts(node)) or any(word in node for word in REF_KEYWORDS)


def _is_plain_object(node: Mapping[str, Any]) -> bool:
    fit = node.get("type", "object") == "object" and isinstance(node.get("properties", {}), Mapping)
    return fit and set(node) <= PLAIN_OBJECT and not isinstance(node.get("additionalProperties"), Mapping)


def _says_kind(node: Mapping[str, Any]) -> bool:
    return bool(_declared(node) or _values(node) or _implied(node))


def _is_worth_a_name(text: Text, uses: int, name_chars: int) -> bool:
    if not text.single:
        return True
    line = text.lines[0]
    size = len(line.code) + (len(line.comment) + 4 if line.comment else 0)
    return size * uses > size + len("type  = \n") + name_chars * (uses + 1)


# --- small renderings --------------------------------------------------------------------------------------


def _literals(values: Sequence[Json]) -> Text:
    """One value as itself, several as `enum[...]`: `","` is one token where `"|"` is two."""
    shown = list(dict.fromkeys(literal(value) for value in values))
    others = [value for value in shown if value != "null"]
    one = code(others[0] if len(others) == 1 else f"enum[{','.join(others)}]")
    if len(others) == len(shown):
        return one
    return joined((one, code("null")), "|", Rank.OR) if others else code("null")


def _run(separator: str, texts: Sequence[Text]) -> Text:
    whole = texts[0]
    for text in texts[1:]:
        whole = whole + code(separator) + text
    return whole


def _default(part: Node) -> str:
    value = part.get("default") if isinstance(part, Mapping) else None
    return "" if value is None or isinstance(value, (dict, list)) or value == "" else f"default {literal(value)}"


def _also(text: Text, words: str) -> Text:
    return text.uncommented().commented(words).commented(text.comment)


def _name(hint: str) -> str:
    name = re.sub(r"\W+", "_", hint).strip("_") or "Type"
    if name in RESERVED:
        name = name.capitalize()
    return f"T{name}" if name[0].isdigit() else name


def _last(ref: str) -> str:
    return next((step for step in reversed(re.split(r"[/#]", ref)) if step), "Answer")


# --- what it costs -----------------------------------------------------------------------------------------


def _compact(schema: JsonSchema) -> str | None:
    try:
        return json.dumps(schema, ensure_ascii=False, separators=(",", ":"), default=str)
    except (RecursionError, ValueError):  # too deep for the encoder, or a circle
        return None


def _cost(text: str) -> int:
    """Roughly the tokens of `text` in any of today's byte-pair vocabularies; only ever compared."""
    return sum(1 + (len(piece) - 1) // 6 for piece in re.findall(r" ?[^\W\d_]+|\d+|[^\w\s]+|_|\s+", text))
