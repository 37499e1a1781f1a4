"""Regular expressions: read, anchored, measured and written anew for an engine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from lmextract.dialects.regex.anchoring import whole
from lmextract.dialects.regex.parsing import PatternError, parse
from lmextract.dialects.regex.printing import Style, reachable, written
from lmextract.dialects.regex.tree import (
    ANYTHING,
    NOTHING,
    Chars,
    Node,
    Repeat,
    alternatives,
    lengths,
    listed,
    literal,
    only,
    repeated,
    sequence,
)

__all__ = [
    "ANYTHING",
    "NOTHING",
    "Chars",
    "Fitted",
    "Node",
    "PatternError",
    "Repeat",
    "Style",
    "Texts",
    "alternatives",
    "fitted",
    "lengths",
    "listed_texts",
    "literal",
    "only",
    "reachable",
    "repeated",
    "sequence",
    "texts_with",
    "written",
]


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts that a pattern is found in; `wider` names what the tree allows more than the pattern does."""

    node: Node
    wider: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def texts_with(pattern: str) -> Texts:
    """The texts in which a pattern is found somewhere; PatternError if it cannot be read."""
    parsed = parse(pattern)
    node, exact = whole(parsed.node)
    return Texts(node, parsed.wider if exact else (*parsed.wider, "anchor in the middle"))


@dataclass(frozen=True, slots=True)
class Fitted:
    """The texts of a pattern as a style can hold them: their tree, and it as a regular expression.

    `wider` names what the tree allows more than the pattern does, `narrower` tells that the style cannot hold them all.
    """

    node: Node
    text: str
    wider: tuple[str, ...]
    narrower: bool


@lru_cache(maxsize=4096)
def fitted(pattern: str, style: Style) -> Fitted:
    """The texts in which a pattern is found, in a style; PatternError if it cannot be read."""
    texts = texts_with(pattern)
    node = only(texts.node, reachable(style))
    return Fitted(node, written(node, style), texts.wider, node != texts.node)


@lru_cache(maxsize=4096)
def listed_texts(pattern: str) -> tuple[str, ...] | None:
    """The texts that a pattern lists, as `^(a|b)$` does; None if they are many or it cannot be told."""
    if not pattern.startswith("^"):
        return None
    try:
        texts = texts_with(pattern)
    except PatternError:
        return None
    found = None if texts.wider else listed(texts.node)
    return None if found is None else tuple(found)
