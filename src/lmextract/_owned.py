"""Asynchronous generators within asynchronous generators."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from typing import Generic, Self, TypeVar

__all__ = ["Owned"]

T = TypeVar("T")


class Owned(Generic[T]):
    """An asynchronous generator that its user closes, by `async with`, and nobody else.

    At its end an event loop closes all generators that it knows of, at once: an inner one then under the outer one that
    is just closing it, which ends in `RuntimeError: asynchronous generator is already running` and a connection left
    open.  So the loop is not told of the inner ones.
    """

    def __init__(self, items: AsyncGenerator[T]) -> None:
        self._items = items
        self._is_begun = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self._is_begun:
            return await anext(self._items)
        self._is_begun = True
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(None, None)
        try:
            first = anext(self._items)  # where a generator makes itself known
        finally:
            sys.set_asyncgen_hooks(*hooks)
        return await first

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._items.aclose()
