"""Which schemas stand inside a schema and behind its references, and how often each is reached.

Never raises: what leads nowhere is None.  Nodes are told apart by identity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from lmextract.dialects.drafts import draft_of
from lmextract.dialects.refs import References
from lmextract.notation._values import Node, is_node, items, pairs

__all__ = ["REF_KEYWORDS", "Refs", "parts"]

MAX_REF_CHARS = 2000
"""Longer references lead nowhere; one with thousands of digits in it would not even be read as a number."""

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
        document: Mapping[str, Any] = root if is_node(root) else {}
        draft = draft_of(document)
        self._bare_refs = draft.bare_refs
        self._references = References(document, id_keyword=draft.id_keyword)
        self.uses = self._count()

    def targets(self, node: Mapping[str, Any]) -> Iterator[tuple[str, Node]]:
        """Each reference that `node` makes, as (reference, where it leads or None)."""
        for keyword in REF_KEYWORDS:
            if isinstance(ref := node.get(keyword), str):
                yield ref, self._references.target(ref, node) if len(ref) <= MAX_REF_CHARS else None

    def hides_siblings(self, node: Mapping[str, Any]) -> bool:
        """Whether the `$ref` in `node` hides the keywords beside it, as it did up to draft 7."""
        return self._bare_refs and "$ref" in node

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
