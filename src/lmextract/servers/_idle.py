"""Connections that wait for their next request: until when, in which event loop, in which process.

A connection is kept with the time at which it was last used; the last one used is the first to be used again.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Iterator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    import asyncio

__all__ = ["LoopPool", "abandon", "close_all", "expired", "forget_after_fork", "running_loop"]


class _Closable(Protocol):
    def close(self) -> None: ...


class _AsyncClosable(Protocol):
    async def aclose(self) -> None: ...


class _Forgetful(Protocol):
    def after_fork(self) -> None: ...


X = TypeVar("X")
C = TypeVar("C", bound=_Closable)
A = TypeVar("A", bound=_AsyncClosable)


def close_all(idle: list[tuple[C, float]]) -> None:
    """Close every connection and forget it."""
    while idle:
        idle.pop()[0].close()


def expired(idle: list[tuple[X, float]], keep_s: float) -> Iterator[X]:
    """Take out the connections that nobody has wanted for so long that the server has closed them, the oldest first."""
    while len(idle) > 1 and time.monotonic() - idle[0][1] > keep_s:
        yield idle.pop(0)[0]


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The asyncio loop of this thread, None where there is none or another library's."""
    # Imported here: it takes a tenth of the time to a first answer, and only asynchronous callers need it.
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class LoopPool(Generic[A]):
    """The idle connections of one event loop, closed when the loop shuts down its asynchronous generators.

    `pools` is where the pool is kept under its loop's id; it takes itself out, since it must not outlive its loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, pools: dict[int, LoopPool[A]]) -> None:
        self.loop = loop
        self.idle: list[tuple[A, float]] = []
        self._pools = pools
        self._guard = self._close_with_loop()

    async def open(self) -> None:
        """Begin to watch for the loop's end."""
        await self._guard.__anext__()

    async def aclose(self) -> None:
        """Close the idle connections."""
        while self.idle:
            await self.idle.pop()[0].aclose()

    async def _close_with_loop(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._pools.pop(id(self.loop), None)
            await self.aclose()


_LIVE: WeakSet[Any] = WeakSet()
_ABANDONED: list[object] = []


def forget_after_fork(owner: _Forgetful) -> None:
    """Have a child process forget the connections that are its parent's: two readers would get each other's words."""
    _LIVE.add(owner)


def abandon(pools: object) -> None:
    """Keep for ever what a child process must neither use nor let go: closing it would wake the parent's loop."""
    _ABANDONED.append(pools)


def _after_fork() -> None:
    for owner in list(_LIVE):
        owner.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
