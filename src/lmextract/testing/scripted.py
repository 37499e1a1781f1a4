"""A server without a network: answers from a script and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterable

from lmextract.testing.script import Script, Scripted, text_of, tokens
from lmextract.types import Delta, Profile, Reply, Request, Usage

__all__ = ["ScriptedServer"]


class ScriptedServer:
    """Answers requests from a list of replies, or from a function of the request.

    A reply is a `Reply`, a str (the content), any other JSON value (the content as JSON text), or an exception, which
    is raised.  When a list has ended the next request raises `OutOfReplies`.  Streamed replies come in pieces of
    `piece_chars` characters, thinking first.  Works from sync and async code, and from several threads at once.
    """

    def __init__(
        self,
        replies: Iterable[Scripted] | Callable[[Request], Scripted],
        *,
        profile: Profile = Profile(model="scripted-model"),
        piece_chars: int = 4,
    ) -> None:
        self._script: Script[Request] = Script(replies)
        self._profile = profile
        self._piece_chars = piece_chars
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

    def stream(self, request: Request) -> Generator[Delta]:
        """As `send`, in pieces."""
        reply, size = self.send(request), self._piece_chars
        for at in range(0, len(reply.reasoning), size):
            yield Delta(reasoning=reply.reasoning[at : at + size], model=reply.model)
        for at in range(0, len(reply.content), size):
            yield Delta(reply.content[at : at + size], model=reply.model)
        yield Delta(finish=reply.finish, usage=reply.usage, model=reply.model, seconds=reply.seconds)

    async def astream(self, request: Request) -> AsyncGenerator[Delta]:
        """As `stream`."""
        for delta in self.stream(request):
            yield delta

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
