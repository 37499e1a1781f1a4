"""Running flows against servers: the same few lines for threads and for event loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from lmextract.flow import Flow
    from lmextract.servers import Server
    from lmextract.types import Extraction

__all__ = ["arun", "run"]

T = TypeVar("T")


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
