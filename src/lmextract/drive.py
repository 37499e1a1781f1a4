"""Running flows against servers: the same few lines for threads and for event loops."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from lmextract._assembly import Assembly, delta_of
from lmextract._owned import Owned
from lmextract.servers._protocol import StreamingServer
from lmextract.types import Delta, Extraction, Reply, Request

if TYPE_CHECKING:
    from lmextract.flow import Flow
    from lmextract.servers import Server

__all__ = ["Event", "arun", "arun_streamed", "run", "run_streamed"]

T = TypeVar("T")

Event: TypeAlias = Request | Delta | Reply | Extraction[T]
"""What a streaming driver tells: each request, the pieces of its reply and the whole of it, and at last the result."""


def run(flow: Flow[T], server: Server) -> Extraction[T]:
    """Carry a flow's requests to a server and its replies, or the errors that come instead, back until the flow ends.

    Every error goes through the flow, interruptions too, so that whoever watches it sees how it ended.
    """
    try:
        request = next(flow)
        while True:
            try:
                reply = server.send(request)
            except BaseException as error:  # noqa: BLE001  # a flow lets pass what it cannot cure
                request = flow.throw(error)
            else:
                request = flow.send(reply)
    except StopIteration as end:
        result: Extraction[T] = end.value
        return result


async def arun(flow: Flow[T], server: Server) -> Extraction[T]:
    """Do as `run` does, awaited."""
    try:
        request = next(flow)
        while True:
            try:
                reply = await server.asend(request)
            except BaseException as error:  # noqa: BLE001  # a flow lets pass what it cannot cure
                request = flow.throw(error)
            else:
                request = flow.send(reply)
    except StopIteration as end:
        result: Extraction[T] = end.value
        return result


def run_streamed(flow: Flow[T], server: Server) -> Generator[Event[T]]:
    """Do as `run` does, and tell what happens on the way; closing the generator stops the answer under way."""
    try:
        request = next(flow)
        while True:
            yield request
            assembly = Assembly()
            try:
                with closing(_deltas(server, request)) as deltas:
                    for delta in deltas:
                        yield delta
                        if not assembly.add(delta):
                            break
                reply = assembly.reply()
                yield reply
            except BaseException as error:  # noqa: BLE001  # a flow lets pass what it cannot cure
                request = flow.throw(error)
            else:
                request = flow.send(reply)
    except StopIteration as end:
        result: Extraction[T] = end.value
        yield result
    finally:
        flow.close()


async def arun_streamed(flow: Flow[T], server: Server) -> AsyncGenerator[Event[T]]:
    """Do as `run_streamed` does, awaited."""
    try:
        request = next(flow)
        while True:
            yield request
            assembly = Assembly()
            try:
                async with Owned(_adeltas(server, request)) as deltas:
                    async for delta in deltas:
                        yield delta
                        if not assembly.add(delta):
                            break
                reply = assembly.reply()
                yield reply
            except BaseException as error:  # noqa: BLE001  # a flow lets pass what it cannot cure
                request = flow.throw(error)
            else:
                request = flow.send(reply)
    except StopIteration as end:
        result: Extraction[T] = end.value
        yield result
    finally:
        flow.close()


def _deltas(server: Server, request: Request) -> Generator[Delta]:
    if isinstance(server, StreamingServer):
        yield from server.stream(request)
    else:
        yield delta_of(server.send(request))


async def _adeltas(server: Server, request: Request) -> AsyncGenerator[Delta]:
    if isinstance(server, StreamingServer):
        async with Owned(server.astream(request)) as deltas:
            async for delta in deltas:
                yield delta
    else:
        yield delta_of(await server.asend(request))
