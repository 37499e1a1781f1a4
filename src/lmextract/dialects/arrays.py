"""Arrays: items, tuples and their lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lmextract.dialects.parts import Part, counts, distinct

if TYPE_CHECKING:
    from lmextract.dialects.branches import Members
    from lmextract.dialects.lowering import Lowering
    from lmextract.types import Path

__all__ = ["fixed", "items_at", "lower_array", "prefix_length"]

EMPTY_ARRAY = {"type": "array", "items": {"type": "null"}, "maxItems": 0}
_MOST_TUPLES = 8
_MOST_PREFIX = 100


def lower_array(lowering: Lowering, parts: Sequence[Part], path: Path) -> list[dict[str, Any]]:
    """The wire schemas of the arrays that the parts allow; none: there are no such arrays."""
    low, high = counts(parts, "minItems", "maxItems")
    if high is not None and low > high:
        return []
    _relax_unheld(lowering, parts, high, path)
    length = min(prefix_length(parts), _MOST_PREFIX)
    heads = [lowering.lowered(items_at(parts, i), path / i) for i in range(length)]
    impossible = next((i for i, head in enumerate(heads) if head is None), None)
    if impossible is not None:
        heads, high = heads[:impossible], min(impossible, impossible if high is None else high)
    rest_members = items_at(parts, prefix_length(parts))
    rest: dict[str, Any] | None = None
    if high is None or high > len(heads):
        closed = lowering.dialect.closes and length and not _says_rest(parts)
        rest = None if closed and low <= length else lowering.lowered(rest_members, path / "*")
        if rest is None:
            high = len(heads)
    if high is not None and low > high:
        return []
    wanted = [head for head in heads if head is not None]
    if not wanted:
        return [_list(lowering, rest, bool(rest_members), low, high, path)]
    return list(_tuples(lowering, wanted, rest, low, high, path))


def prefix_length(parts: Sequence[Part]) -> int:
    """How many places have a schema of their own."""
    return max((len(prefix) for part in parts if (prefix := _prefix(part))), default=0)


def _prefix(part: Part) -> list[Any]:
    for keyword in ("prefixItems", "items"):
        if isinstance(part.get(keyword), list):
            found: list[Any] = part[keyword]
            return found
    return []


def items_at(parts: Sequence[Part], index: int) -> Members:
    """The schemas that all hold for the item at an index."""
    found: list[Any] = []
    for part in parts:
        prefix = _prefix(part)
        if index < len(prefix):
            found.append(prefix[index])
            continue
        for keyword in ("items", "additionalItems", "unevaluatedItems"):
            rest = part.get(keyword)
            if isinstance(rest, (dict, bool)) and (keyword != "additionalItems" or isinstance(part.get("items"), list)):
                found.append(rest)
                break
    return distinct(found)


def _says_rest(parts: Sequence[Part]) -> bool:
    """Whether any part speaks of the items behind the places it names."""
    for part in parts:
        keyword = "additionalItems" if isinstance(part.get("items"), list) else "items"
        if (
            keyword in part
            or "unevaluatedItems" in part
            or ("maxItems" in part and len(_prefix(part)) != part["maxItems"])
        ):
            return True
    return False


def _relax_unheld(lowering: Lowering, parts: Sequence[Part], high: int | None, path: Path) -> None:
    for part in parts:
        if part.get("uniqueItems") is True and (high is None or high > 1):
            lowering.relax(path, "uniqueItems", "no grammar remembers what came before")
        if "contains" in part and part["contains"] is not True and part.get("minContains") != 0:
            lowering.relax(path, "contains", "no grammar counts the items that fit")
        elif "maxContains" in part:
            lowering.relax(path, "maxContains", "no grammar counts the items that fit")


def _list(
    lowering: Lowering, item: dict[str, Any] | None, constrained: bool, low: int, high: int | None, path: Path
) -> dict[str, Any]:
    """An array of like items; None: it is empty."""
    if item is None or high == 0:
        return dict(EMPTY_ARRAY)
    low, high = _within(lowering, low, high, path)
    wire: dict[str, Any] = {"type": "array"}
    if constrained or low or high is not None or lowering.dialect.any_levels is not None:
        wire["items"] = item
    if low:
        wire["minItems"] = low
    if high is not None:
        wire["maxItems"] = high
    return wire


def _within(lowering: Lowering, low: int, high: int | None, path: Path) -> tuple[int, int | None]:
    cap = lowering.dialect.most_items if "items" not in lowering.dropped else 0
    if high is not None and high > cap:
        lowering.relax(path, "maxItems", f"the engine holds up to {cap} items")
        high = None
    if low > cap:
        lowering.relax(path, "minItems", f"the engine holds up to {cap} items")
        low = cap
    return low, high


def _tuples(
    lowering: Lowering, heads: list[dict[str, Any]], rest: dict[str, Any] | None, low: int, high: int | None, path: Path
) -> Iterator[dict[str, Any]]:
    """Arrays whose first items have schemas of their own."""
    longest = len(heads) if high is None and rest is None else high
    if lowering.dialect.tuples == "open":
        wire: dict[str, Any] = {"type": "array", "prefixItems": heads, "items": rest if rest is not None else False}
        low, longest = _within(lowering, low, longest, path)
        if low:
            wire["minItems"] = low
        if longest is not None:
            wire["maxItems"] = longest
        yield wire
        return
    if longest is not None and longest <= len(heads) and longest - low < _MOST_TUPLES:
        for length in range(longest, low - 1, -1):
            yield fixed(heads[:length])
        return
    lowering.relax(path, "prefixItems", "the engine holds tuples of one length only")
    item = lowering.either([*heads, *([rest] if rest is not None else [])])
    yield _list(lowering, item, True, low, high, path)


def fixed(items: list[dict[str, Any]]) -> dict[str, Any]:
    """An array of just these items."""
    if not items:
        return dict(EMPTY_ARRAY)
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
