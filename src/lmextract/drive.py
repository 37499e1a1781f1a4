"""Running flows against servers: the same few lines for threads and for event loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from lmextract.errors import ServerError

if TYPE_CHECKING:
    from lmextract.flow import Flow
    from lmextract.servers import Server
    from lmextract.types import Extraction

__all__ = ["arun", "run"]

T = TypeVar("T")


def run(flow: Flow[T], server: Server) -> Extraction[T]:
    """Carry a flow's requests to a server and its replies, or the server's errors, back until the flow ends."""
    try:
        request = next(flow)
        while True:
            try:
                reply = server.send(request)
            except ServerError as error:
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
            except ServerError as error:
                request = flow.throw(error)
            else:
                request = flow.send(reply)
    except StopIteration as end:
        result: Extraction[T] = end.value
        return result
