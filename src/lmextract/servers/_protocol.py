"""The one seam to whatever answers requests; anyone can write one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Protocol, runtime_checkable

from lmextract.types import Delta, Profile, Reply, Request

__all__ = ["Server", "StreamingServer"]


@runtime_checkable
class Server(Protocol):
    """Answers requests, and knows which model will; every failure is a ServerError or a ConfigError."""

    def profile(self, model: str | None, /) -> Profile:
        """Resolve a model name, or None for the one that is loaded."""
        ...

    async def aprofile(self, model: str | None, /) -> Profile:
        """Do as `profile` does, awaited."""
        ...

    def send(self, request: Request, /) -> Reply:
        """Answer one request."""
        ...

    async def asend(self, request: Request, /) -> Reply:
        """Do as `send` does, awaited."""
        ...


@runtime_checkable
class StreamingServer(Server, Protocol):
    """A server that can also give a reply while it is being written; any other is asked for the whole at once.

    The last piece has a finish reason.  Closing the generator stops the answer; it happens when a reader leaves early.
    """

    def stream(self, request: Request, /) -> Generator[Delta]:
        """Answer one request in pieces."""
        ...

    def astream(self, request: Request, /) -> AsyncGenerator[Delta]:
        """Do as `stream` does, awaited."""
        ...
