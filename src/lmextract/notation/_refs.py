"""Where a `$ref` leads, and how often each part of a schema is reached: for whoever prints a schema as named types.

Follows every form of reference of drafts 4 to 2020-12 inside one schema document: pointers, anchors, `$id`,
`$dynamicRef`, `$recursiveRef`. Never raises: what leads nowhere is None. Nodes are told apart by identity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from lmextract.notation._values import Node, is_list, is_node, items, pairs

__all__ = ["REF_KEYWORDS", "Refs", "parts"]

REF_KEYWORDS = ("$ref", "$dynamicRef", "$recursiveRef")
_ONE = (
    *("additionalProperties", "unevaluatedProperties", "propertyNames", "additionalItems", "unevaluatedItems"),
    *("contains", "not", "if", "then", "else", "items"),
)
_MANY = ("prefixItems", "items", "allOf", "anyOf", "oneOf")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "dependencies")


def parts(node: Node) -> Iterator[tuple[str, Node]]:
    """Every schema directly inside `node`, with the name it goes by there; definitions are not parts."""
    if not is_node(node):
        return
    yield from ((keyword, node[keyword]) for keyword in _ONE if is_node(node.get(keyword)))
    yield from ((keyword, part) for keyword in _MANY for part in items(node.get(keyword)))
    yield from (entry for keyword in _NAMED for entry in pairs(node.get(keyword)))


class Refs:
    """The references of one schema document, resolved; `uses` counts how often a node is reached from the root."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._by_address: dict[str, Node] = {}
        self._base: dict[int, str] = {}
        self._index()
        self.uses = self._count()

    def targets(self, node: Mapping[str, Any]) -> Iterator[tuple[str, Node]]:
        """Each reference that `node` makes, as (reference, where it leads or None)."""
        for keyword in REF_KEYWORDS:
            if isinstance(node.get(keyword), str):
                yield node[keyword], self._follow(node[keyword], self._base.get(id(node), ""))

    def hides_siblings(self, node: Mapping[str, Any]) -> bool:
        """Whether the `$ref` in `node` hides the keywords beside it, as it did up to draft 7."""
        return self._bare_refs and "$ref" in node

    def _index(self) -> None:
        """Note every `$id` and anchor, and which base address each node stands under."""
        stack: list[tuple[Node, str]] = [(self.root, "")]
        dialect = self.root.get("$schema") if is_node(self.root) else None
        self._bare_refs = isinstance(dialect, str) and any(f"draft-0{n}" in dialect for n in range(8))
        self._by_address[""] = self.root
        while stack:
            node, base = stack.pop()
            if is_node(node):
                if id(node) in self._base:
                    continue
                base = self._enter(node, base)
                stack.extend((child, base) for child in node.values())
            elif is_list(node):
                stack.extend((child, base) for child in node)

    def _enter(self, node: Mapping[str, Any], base: str) -> str:
        for keyword in ("$id", "id"):
            if isinstance(node.get(keyword), str):
                base = _joined(base, node[keyword])
                self._by_address.setdefault(base.rstrip("#"), node)
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(node.get(keyword), str):
                self._by_address.setdefault(f"{urldefrag(base)[0]}#{node[keyword]}", node)
        self._base[id(node)] = base = urldefrag(base)[0]
        return base

    def _follow(self, ref: str, base: str) -> Node:
        whole = _joined(base, ref)
        if whole.rstrip("#") in self._by_address:
            return self._by_address[whole.rstrip("#")]
        address, _, fragment = whole.partition("#")
        start = self._by_address.get(address, self.root if ref.startswith("#") else None)
        if fragment and not fragment.startswith("/"):
            return None
        return _pointed(start, fragment)

    def _count(self) -> Counter[int]:
        """One for each place that refers to a node, and one for standing somewhere, be the object shared or not."""
        uses: Counter[int] = Counter()
        standing = {id(self.root)}
        stack, seen = [self.root] if is_node(self.root) else [], {id(self.root)}
        uses.update(map(id, self._nodes_behind(self.root)))
        while stack:
            node = stack.pop()
            held = [part for _, part in parts(node) if is_node(part)]
            standing.update(map(id, held))
            uses.update(id(target) for part in held for target in self._nodes_behind(part))
            for child in (*self._nodes_behind(node), *held):
                if id(child) not in seen:
                    seen.add(id(child))
                    stack.append(child)
                    # A definition that is itself a reference stands nowhere, so nobody else counts what it refers to.
                    uses.update(id(target) for target in self._nodes_behind(child) if id(child) not in standing)
        return uses + Counter(standing)

    def _nodes_behind(self, node: Node) -> list[Mapping[str, Any]]:
        return [target for _, target in self.targets(node) if is_node(target)] if is_node(node) else []


def _joined(base: str, ref: str) -> str:
    try:
        return urljoin(base, ref) if not ref.startswith("#") else base + ref
    except ValueError:  # e.g. an unfinished IPv6 host
        return ref


def _pointed(start: Node, pointer: str) -> Node:
    for escaped in unquote(pointer).split("/")[1:]:
        step = escaped.replace("~1", "/").replace("~0", "~")
        if is_node(start):
            start = start.get(step)
        elif is_list(start) and step.isdecimal() and int(step[:9]) < len(start):
            start = start[int(step)]
        else:
            return None
    return start if is_node(start) or isinstance(start, bool) else None
