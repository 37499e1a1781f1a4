"""The server without a network."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from lmextract.errors import ServerUnavailable
from lmextract.servers import Server
from lmextract.testing import OutOfReplies, ScriptedServer
from lmextract.types import Message, Profile, Reply, Request


def ask(text: str = "a text") -> Request:
    return Request((Message("user", text),), None, max_tokens=100)


def test_it_is_a_server() -> None:
    assert isinstance(ScriptedServer([]), Server)


@pytest.mark.parametrize(
    ("reply", "content"),
    [("as it stands", "as it stands"), ({"a": [1, "ü"]}, '{"a": [1, "ü"]}'), ([1], "[1]"), (7, "7"), (None, "null")],
)
def test_a_reply_that_is_no_text_is_the_content_as_json(reply: object, content: str) -> None:
    assert ScriptedServer([reply]).send(ask()).content == content


def test_a_reply_object_is_given_as_it_is() -> None:
    reply = Reply("content", reasoning="thoughts", finish="length", model="other")

    assert ScriptedServer([reply]).send(ask()) is reply


@pytest.mark.parametrize("error", [ServerUnavailable("gone"), KeyboardInterrupt(), ValueError])
def test_an_exception_is_raised(error: BaseException | type[BaseException]) -> None:
    server = ScriptedServer([error, "then"])

    with pytest.raises(type(error) if isinstance(error, BaseException) else error):
        server.send(ask())
    assert server.send(ask()).content == "then"


def test_a_function_is_asked_for_each_reply() -> None:
    server = ScriptedServer(lambda request: request.messages[-1].content.upper())

    assert [server.send(ask(text)).content for text in ("a", "b")] == ["A", "B"]


def test_replies_can_go_on_for_ever() -> None:
    server = ScriptedServer(itertools.cycle(["a", "b"]))

    assert [server.send(ask()).content for _ in range(5)] == ["a", "b", "a", "b", "a"]


def test_the_end_of_the_replies_is_told_with_their_number() -> None:
    server = ScriptedServer(["one"])
    server.send(ask())

    with pytest.raises(OutOfReplies, match="1 replies were scripted"):
        server.send(ask())


@pytest.mark.parametrize("replies", ["one", {"title": "one"}, b"one"])
def test_a_single_reply_in_place_of_a_list_is_a_type_error(replies: object) -> None:
    with pytest.raises(TypeError, match="a list of replies or a function"):
        ScriptedServer(replies)  # type: ignore[arg-type]  # what it is about


def test_every_request_is_kept_in_order() -> None:
    server = ScriptedServer(["a", "b"])
    requests = (ask("first"), ask("second"))
    for request in requests:
        server.send(request)

    assert server.requests == requests


def test_a_request_is_kept_although_its_reply_is_an_error() -> None:
    server = ScriptedServer([ServerUnavailable("gone")])
    with pytest.raises(ServerUnavailable):
        server.send(ask())

    assert len(server.requests) == 1


def test_tokens_are_counted_by_four_characters() -> None:
    usage = ScriptedServer(["x" * 9]).send(ask("y" * 8)).usage

    assert (usage.prompt, usage.completion) == (2, 3)


def test_replies_are_signed_by_the_model_of_the_profile() -> None:
    assert ScriptedServer(["a"], profile=Profile("mine")).send(ask()).model == "mine"


def test_the_profile_is_the_one_given_for_every_model() -> None:
    profile = Profile("mine", "gguf", 4096)
    server = ScriptedServer([], profile=profile)

    assert server.profile(None) is profile
    assert asyncio.run(server.aprofile("another")) is profile


def test_async_answers_are_the_same() -> None:
    server = ScriptedServer(["a", "b"])

    async def both() -> list[str]:
        return [(await server.asend(ask())).content for _ in range(2)]

    assert asyncio.run(both()) == ["a", "b"]


@pytest.mark.parametrize("replies", [list[str], iter], ids=["list", "generator"])
def test_threads_share_the_replies_without_losing_or_doubling_one(replies: Callable[[list[str]], list[str]]) -> None:
    server = ScriptedServer(replies([str(number) for number in range(400)]))
    with ThreadPoolExecutor(8) as pool:
        given = [reply.content for reply in pool.map(lambda _: server.send(ask()), range(400))]

    assert sorted(given, key=int) == [str(number) for number in range(400)]
    assert len(server.requests) == 400


def test_a_repr_shows_no_document() -> None:
    server = ScriptedServer(["a"])
    server.send(ask("a secret text"))

    assert repr(server) == "ScriptedServer(<1 requests so far>)"
