"""The items of a list, each given once, as soon as it is complete and valid.

What has been given cannot be taken back.  So an item waits behind one that is not valid yet, an item that was there
before waits for a new one (a model that loops repeats its items), and the whole answer is held to what was given: an
answer that takes an item back is asked again, like any that is wrong.
"""

from __future__ import annotations

import collections.abc
import json
import os
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Annotated, Any, Generic, Self, TypeVar, cast, get_args, get_origin

from lmextract._growth import Growth
from lmextract._owned import Owned
from lmextract._progress import growth_of, is_whole
from lmextract.drive import Event
from lmextract.errors import TargetError
from lmextract.target import Target, target_of
from lmextract.types import (
    Delta,
    Extraction,
    Invalid,
    Json,
    Path,
    Problem,
    Reply,
    Request,
    Valid,
    is_array,
    is_object,
)

__all__ = ["AsyncItemStream", "ItemProgress", "ItemStream", "aitems", "item_target", "items"]

T = TypeVar("T")

_LISTS = {
    list,
    tuple,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Collection,
    collections.abc.Iterable,
}


class ItemStream(Generic[T]):
    """Gives the items of a list while they are being written; `extraction` is the whole account, once all were given.

    Close it, use it in a `with` block or let go of it to leave early: the server then stops.
    """

    def __init__(self, parts: Generator[T | Extraction[Any]]) -> None:
        self.extraction: Extraction[list[T]] | None = None
        self._parts = parts

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        part = next(self._parts)
        if isinstance(part, Extraction):
            self.extraction = cast("Extraction[list[T]]", part)
            raise StopIteration
        return part

    def close(self) -> None:
        """Stop the answer; no more items come."""
        self._parts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncItemStream(Generic[T]):
    """Does as `ItemStream` does, awaited: `async for`, `async with`, `aclose`."""

    def __init__(self, parts: AsyncGenerator[T | Extraction[Any]]) -> None:
        self.extraction: Extraction[list[T]] | None = None
        self._parts = parts

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        part = await anext(self._parts)
        if isinstance(part, Extraction):
            self.extraction = cast("Extraction[list[T]]", part)
            raise StopAsyncIteration
        return part

    async def aclose(self) -> None:
        """Stop the answer; no more items come."""
        await self._parts.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


def item_target(spec: Any) -> Target[Any]:
    """The target of one item of a list: of a type such as `list[Book]`, or of the JSON Schema of an array."""
    if isinstance(spec, Mapping | str | os.PathLike):
        return _of_schema(target_of(spec))
    kind = spec
    while get_origin(kind) is Annotated or hasattr(kind, "__value__"):
        kind = kind.__value__ if hasattr(kind, "__value__") else get_args(kind)[0]
    arguments = get_args(kind)
    endless = get_origin(kind) is not tuple or arguments[1:] == (...,)
    if get_origin(kind) not in _LISTS or not endless:
        raise TargetError(f"{spec!r} is no list: there are no items to stream.", hint="Declare a list: list[Book].")
    return target_of(arguments[0])


def _of_schema(whole: Target[Any]) -> Target[Any]:
    items = whole.schema.get("items")
    if not is_object(items) or "prefixItems" in whole.schema:
        raise TargetError(
            f"{whole.name} is no list of like items: there are none to stream.",
            hint="Give the type itself (list[Book]), or a JSON Schema with `items`.",
        )
    definitions = {key: whole.schema[key] for key in ("$schema", "$defs", "definitions") if key in whole.schema}
    return target_of({**definitions, **items})


@dataclass(frozen=True, slots=True)
class _Settled(Generic[T]):
    """The whole value, and those of its items that were not given yet."""

    whole: Any
    rest: tuple[T, ...]


class ItemProgress(Generic[T]):
    """Sees the events of one extraction, and says which items are ready.

    `target` is that of the whole, for the extraction to be run with: it holds the answer to what was given.
    """

    def __init__(self, whole: Target[Any], item: Target[T], context: Any) -> None:
        self.target: Target[Any] = Target(whole.schema, whole.name, self._check, whole.dump)
        self._whole_target = whole
        self._item = item
        self._context = context
        self._given: list[tuple[str, T]] = []
        self._keys: Counter[str] = Counter()
        self._held: list[tuple[str, T]] = []
        self._growth: Growth | None = None
        self._at = 0

    def see(self, event: Event[Any]) -> Iterator[T]:
        """The items that the event has completed."""
        match event:
            case Request():
                self._request = event
                self._begin()
            case Delta() if self._growth is not None:
                if event.anew:
                    self._begin()
                yield from self._add(self._growth, event.content)
            case Reply() if self._growth is not None:
                self._growth.read()
                yield from self._ready(self._growth)
                self._growth = None
            case Extraction():
                yield from event.value.rest
            case _:
                pass

    def result(self, extraction: Extraction[Any]) -> Extraction[Any]:
        """The extraction with the value that the caller asked for."""
        return replace(extraction, value=extraction.value.whole)

    def _begin(self) -> None:
        self._growth = growth_of(self._request, self._whole_target.schema) if is_whole(self._request) else None
        self._held.clear()
        self._at = 0

    def _add(self, growth: Growth, text: str) -> Iterator[T]:
        due = growth.add(text)
        if due or (growth.is_reading and any(end in text for end in ",]}")):
            growth.read()
            yield from self._ready(growth)

    def _ready(self, growth: Growth) -> Iterator[T]:
        if growth.reader is None or not growth.is_direct:
            return
        found = growth.reader.items()
        while self._growth is growth and self._at < len(found):
            item = found[self._at]
            key = _key(item)
            if self._at < len(self._given):
                checked: Any = None if self._given[self._at][0] == key else Invalid(())
            else:
                checked = self._item.check(item, context=self._context)
            if isinstance(checked, Invalid):
                self._growth = None  # the items behind it wait until the whole answer is settled
                return
            self._at += 1
            if checked is not None:
                yield from self._in_turn(key, checked.value)

    def _in_turn(self, key: str, value: T) -> Iterator[T]:
        self._held.append((key, value))
        if key in self._keys:
            return
        held, self._held = self._held, []
        for each, ready in held:
            self._keys[each] += 1
            self._given.append((each, ready))
            yield ready

    # --- the whole answer

    def _check(self, value: Json, context: Any) -> Valid[Any] | Invalid:
        checked = self._whole_target.check(value, context=context)
        if isinstance(checked, Invalid) or not is_array(value):
            return checked
        if checked.value is value and _is_not_finite(value):  # a raw schema's check lets NaN pass
            return Invalid((Problem(Path(), "not_finite", "should hold finite numbers only"),))
        typed: list[T] = []
        for index, item in enumerate(value):
            one = self._item.check(item, context=context)
            if isinstance(one, Invalid):
                return Invalid(tuple(replace(each, path=Path(index, *each.path)) for each in one.problems))
            typed.append(one.value)
        rest, missing = self._told_apart(value, typed)
        if missing:
            return Invalid(tuple(_taken_back(place, key, value) for place, key in missing))
        return Valid(_Settled(checked.value, tuple(rest)), checked.notes)

    def _told_apart(self, value: list[Json], typed: list[T]) -> tuple[list[T], list[tuple[int, str]]]:
        """The items that were not given, and the places and keys of those that were given and are there no longer."""
        left, rest = Counter(self._keys), list[T]()
        for item, one in zip(value, typed, strict=True):
            key = _key(item)
            if left[key] > 0:
                left[key] -= 1
            else:
                rest.append(one)
        missing: list[tuple[int, str]] = []
        for place, (key, one) in enumerate(self._given):
            if left[key] > 0:
                left[key] -= 1
                if one in rest:  # the same, spelled otherwise
                    rest.remove(one)
                else:
                    missing.append((place, key))
        return rest, missing


def _key(item: Json) -> str:
    """The same for equal items only, which 1 and True are not."""
    return json.dumps(item, sort_keys=True)


def _is_not_finite(value: Json) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return True
    return False


def _taken_back(place: int, key: str, value: list[Json]) -> Problem:
    path = Path(place) if place < len(value) else Path()
    return Problem(path, "taken_back", f"should still have the item {key}, as before", value)


def items(events: Generator[Event[Any]], progress: ItemProgress[T]) -> Generator[T | Extraction[Any]]:
    """The items of an extraction, and at last its result."""
    with closing(events):
        for event in events:
            yield from progress.see(event)
            if isinstance(event, Extraction):
                yield progress.result(event)


async def aitems(events: AsyncGenerator[Event[Any]], progress: ItemProgress[T]) -> AsyncGenerator[T | Extraction[Any]]:
    """Do as `items` does, awaited."""
    async with Owned(events) as owned:
        async for event in owned:
            for item in progress.see(event):
                yield item
            if isinstance(event, Extraction):
                yield progress.result(event)
