"""A server without a network: answers from a script and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from lmextract.testing.script import Script, Scripted, text_of, tokens
from lmextract.types import Profile, Reply, Request, Usage

__all__ = ["ScriptedServer"]


class ScriptedServer:
    """Answers requests from a list of replies, or from a function of the request.

    A reply is a `Reply`, a str (the content), any other JSON value (the content as JSON text), or an exception, which
    is raised.  When a list has ended the next request raises `OutOfReplies`.  Works from sync and async code, and
    from several threads at once.
    """

    def __init__(
        self,
        replies: Iterable[Scripted] | Callable[[Request], Scripted],
        *,
        profile: Profile = Profile(model="scripted-model"),
    ) -> None:
        self._script: Script[Request] = Script(replies)
        self._profile = profile
        self._requests: list[Request] = []
        self._lock = threading.Lock()

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request so far, in the order of arrival."""
        with self._lock:
            return tuple(self._requests)

    def send(self, request: Request) -> Reply:
        """Record the request and give the next reply, or raise it."""
        with self._lock:
            self._requests.append(request)
        said = self._script.next(request)
        if isinstance(said, BaseException) or (isinstance(said, type) and issubclass(said, BaseException)):
            raise said
        return said if isinstance(said, Reply) else self._reply(request, text_of(said))

    async def asend(self, request: Request) -> Reply:
        """As `send`."""
        return self.send(request)

    def profile(self, model: str | None = None) -> Profile:
        """The profile given at construction, whatever the model."""
        del model
        return self._profile

    async def aprofile(self, model: str | None = None) -> Profile:
        """As `profile`."""
        return self.profile(model)

    def __repr__(self) -> str:
        return f"ScriptedServer(<{len(self._requests)} requests so far>)"

    def _reply(self, request: Request, content: str) -> Reply:
        prompt = sum(tokens(message.content) for message in request.messages)
        return Reply(content, usage=Usage(prompt, tokens(content)), model=self._profile.model or request.model)
