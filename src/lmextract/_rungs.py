"""Which rung of the ladder a server took, remembered, so that the next question for the same target starts there.

Kept per server object, model and wire schema, for as long as the server lives.
"""

from __future__ import annotations

from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from lmextract.flow import Flow
from lmextract.types import Extraction, Note, WireSchema

__all__ = ["remembering", "rung"]

T = TypeVar("T")

_Key = tuple[str | None, WireSchema]
_TAKEN: WeakKeyDictionary[Any, dict[_Key, WireSchema | None]] = WeakKeyDictionary()


def rung(server: object, model: str | None, wire: WireSchema) -> tuple[WireSchema | None, tuple[Note, ...]]:
    """The schema that the server took in place of this one, and the note that says so; this one if it never refused."""
    try:
        taken = _TAKEN.get(server, {})
    except TypeError:  # no weak references to it: then nothing is remembered
        return wire, ()
    if (model, wire) not in taken:
        return wire, ()
    lower = taken[model, wire]
    asked = f"as {lower.dialect}" if lower else "without a schema"
    return lower, (Note("relaxed-schema", f"the server refused the schema before; asked {asked}"),)


def remembering(flow: Flow[T], server: object, model: str | None, wire: WireSchema) -> Flow[T]:
    """The same flow; where it had to go down the ladder, the rung that was taken is remembered."""
    result: Extraction[T] = yield from flow
    whole = [attempt.request for attempt in result.attempts if attempt.kind in ("extract", "repair")]
    if whole and whole[-1].schema is not wire:
        try:
            _TAKEN.setdefault(server, {})[model, wire] = whole[-1].schema
        except TypeError:
            return result
    return result
