"""From a pattern that is searched for in a text to the tree of the whole text."""

from __future__ import annotations

from lmextract.dialects.regex.tree import (
    ANYTHING,
    EMPTY,
    NOTHING,
    Alt,
    Anchor,
    Chars,
    Node,
    Repeat,
    Seq,
    alternatives,
    nullable,
    repeated,
    sequence,
    settled,
)

__all__ = ["whole"]

_START, _END = Anchor("^"), Anchor("$")
_MOST_OPTIONS = 200


def whole(node: Node) -> tuple[Node, bool]:
    """The tree of the texts in which `node` is found somewhere, and whether it is exact (else it allows more)."""
    options = [_option(path) for path in _paths(node)]
    return settled(alternatives(option for option, _ in options)), all(exact for _, exact in options)


def _paths(node: Node) -> list[tuple[Node, ...]]:
    """The sequences that `node` chooses from, with no anchor hidden in a choice at either end of one."""
    done: list[tuple[Node, ...]] = []
    todo = [_parts(node)]
    while todo:
        parts = todo.pop()
        at = next((i for i in (*_edge(parts), *_edge(parts, -1)) if _hides_anchor(parts[i])), None)
        if at is None or len(todo) + len(done) > _MOST_OPTIONS:
            done.append(parts)
            continue
        todo += [_parts(Seq((*parts[:at], option, *parts[at + 1 :]))) for option in reversed(_options(parts[at]))]
    return done


def _edge(parts: tuple[Node, ...], step: int = 1) -> list[int]:
    """The places from one end up to the first part that surely takes a character."""
    places: list[int] = []
    for i in range(len(parts))[::step]:
        places.append(i)
        if not isinstance(parts[i], Anchor) and not nullable(parts[i]):
            break
    return places


def _parts(node: Node) -> tuple[Node, ...]:
    flat = sequence(node.parts) if isinstance(node, Seq) else node
    return flat.parts if isinstance(flat, Seq) else (flat,)


def _options(node: Node) -> tuple[Node, ...]:
    match node:
        case Alt(options):
            return options
        case Repeat(body, 0, 1):
            return (EMPTY, body)
        case _:
            return (node,)


def _hides_anchor(node: Node) -> bool:
    return (isinstance(node, Alt) or (isinstance(node, Repeat) and (node.low, node.high) == (0, 1))) and _anchored(node)


def _anchored(node: Node) -> bool:
    match node:
        case Anchor():
            return True
        case Seq(parts):
            return any(map(_anchored, parts))
        case Alt(options):
            return any(map(_anchored, options))
        case Repeat(body):
            return _anchored(body)
        case _:
            return False


def _option(parts: tuple[Node, ...]) -> tuple[Node, bool]:
    """One sequence as a tree of the whole text, and whether it is exact."""
    starts = [i for i, part in enumerate(parts) if part == _START]
    ends = [i for i, part in enumerate(parts) if part == _END]
    first, last = (starts[-1] if starts else -1), (ends[0] if ends else len(parts))
    outside = (*parts[: max(first, 0)], *parts[last + 1 :])
    if not all(map(nullable, outside)):
        return NOTHING, True  # a character before the start or after the end of the text
    middle = [part for part in parts[first + 1 : last] if not isinstance(part, Anchor)]
    exact = not any(_anchored(part) for part in (*outside, *middle) if not isinstance(part, Anchor))
    body = list(_parts(sequence(map(_bare, middle))))
    if not starts:
        body = [ANYTHING, *_beside_anything(body)]
    if not ends:
        body = [*_beside_anything(body[::-1])[::-1], ANYTHING]
    return sequence(body), exact


def _beside_anything(parts: list[Node]) -> list[Node]:
    """The parts that follow (or, turned round, precede) ANYTHING, without what it swallows: `.*` of `.*x`."""
    for i, part in enumerate(parts):
        if not (isinstance(part, Repeat) and isinstance(part.body, Chars)):
            return parts[i:]
        if part.low:
            return [repeated(part.body, part.low, part.low), *parts[i + 1 :]]
    return []


def _bare(node: Node) -> Node:
    """The tree without its anchors: it allows more."""
    match node:
        case Anchor():
            return EMPTY
        case Seq(parts):
            return sequence(map(_bare, parts))
        case Alt(options):
            return alternatives(map(_bare, options))
        case Repeat(body, low, high):
            return repeated(_bare(body), low, high)
        case _:
            return node
