"""Servers: those that come with the package, and one of the user's own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import assert_type

from lmextract import Embedded, LMStudio, Reply, Request, Retry, Server, extract, use_server
from lmextract.testing import FakeLMStudio, ScriptedServer
from lmextract.types import Profile


class Echo:
    """Nothing to inherit from: four methods make a server."""

    def profile(self, model: str | None, /) -> Profile:
        return Profile(model)

    async def aprofile(self, model: str | None, /) -> Profile:
        return self.profile(model)

    def send(self, request: Request, /) -> Reply:
        return Reply(request.messages[-1].content)

    async def asend(self, request: Request, /) -> Reply:
        return self.send(request)


class Deaf:
    def profile(self, model: str | None, /) -> Profile:
        return Profile(model)


SERVERS: tuple[Server, ...] = (
    Echo(),
    LMStudio(),
    LMStudio("http://127.0.0.1:1234", api_key="key", model="qwen3-4b", dialect="gguf", retry=Retry(attempts=1)),
    Embedded("model.gguf", context_length=4096, parallel=2),
    ScriptedServer(['{"title": "Dune"}', {"title": "Dune"}, Reply("{}")]),
    ScriptedServer(lambda request: f"{len(request.messages)}"),
)


def used(text: str) -> None:
    with use_server(Echo()):
        assert_type(extract(int, text), int)
    with LMStudio() as studio:
        assert_type(studio, LMStudio)
    with FakeLMStudio([{"title": "Dune"}]) as fake:
        extract(str, text, server=LMStudio(fake.base_url))
    ended: AbstractContextManager[Embedded] = Embedded()
    del ended


def mistakes(text: str) -> None:
    """Each line is an error to both checkers, or its comment would be one."""
    extract(int, text, server=Deaf())  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    use_server(Deaf())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    use_server(LMStudio)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    LMStudio(timeout="60")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    LMStudio(retry=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
