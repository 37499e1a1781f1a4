"""The one seam to whatever answers requests; anyone can write one."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from lmextract.types import Profile, Reply, Request

__all__ = ["Server"]


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
