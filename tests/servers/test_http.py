"""Connections and retries, against real sockets that misbehave."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lmextract import ServerRefused, ServerUnavailable
from lmextract.servers._http import Answer, Connections, Retry, aretrying, retrying

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
SOON = Retry(attempts=4, budget_s=5, first_wait_s=0.001, longest_wait_s=0.002)


class Peer:
    """A TCP server on loopback that runs one function per connection and counts connections."""

    def __init__(self, serve: Callable[[socket.socket, int], None]) -> None:
        self._serve, self.connections = serve, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(peer)
            threading.Thread(target=self._run, args=(peer, self.connections), daemon=True).start()

    def _run(self, peer: socket.socket, number: int) -> None:
        with peer:
            try:
                self._serve(peer, number)
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._open:
            peer.close()


@contextmanager
def peer(serve: Callable[[socket.socket, int], None]) -> Iterator[Peer]:
    server = Peer(serve)
    try:
        yield server
    finally:
        server.close()


def request_of(peer: socket.socket) -> bytes:
    """Read one request whole; empty when the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length and (more := peer.recv(65536)):
        body += more
    return head + b"\r\n\r\n" + body


def forever(answer: bytes) -> Callable[[socket.socket, int], None]:
    def serve(peer: socket.socket, number: int) -> None:
        while request_of(peer):
            peer.sendall(answer)

    return serve


def silent(peer: socket.socket, number: int) -> None:
    threading.Event().wait(3)


def dropping(peer: socket.socket, number: int) -> None:
    request_of(peer)


def connections(url: str, *, timeout_s: float = 5) -> Connections:
    return Connections(url, {"authorization": "Bearer key"}, timeout_s=timeout_s)


def test_threads_reuse_a_connection() -> None:
    with peer(forever(OK)) as server:
        pool = connections(server.url)
        for _ in range(5):
            assert pool.request("POST", "/x", b"{}").body == b"{}"
        assert server.connections == 1
        pool.close()


def test_an_event_loop_reuses_its_own_connections_and_leaves_none_behind() -> None:
    async def twice(pool: Connections) -> Answer:
        await pool.arequest("POST", "/x", b"{}")
        return await pool.arequest("POST", "/x", b"{}")

    with peer(forever(OK)) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        pool = connections(server.url)
        for loops in (1, 2):
            assert asyncio.run(twice(pool)).status == 200
            assert server.connections == loops
            gc.collect()


def test_as_many_connections_as_are_needed_at_once() -> None:
    barrier = threading.Barrier(8)

    def serve(peer: socket.socket, number: int) -> None:
        request_of(peer)
        barrier.wait(5)
        peer.sendall(OK)

    async def all_at_once(pool: Connections) -> list[Answer]:
        return await asyncio.gather(*(pool.arequest("GET", "/x") for _ in range(8)))

    with peer(serve) as server:
        assert len(asyncio.run(all_at_once(connections(server.url)))) == 8


def test_the_request_is_plain_http_with_its_headers() -> None:
    seen: list[bytes] = []

    def serve(peer: socket.socket, number: int) -> None:
        seen.append(request_of(peer))
        peer.sendall(OK)

    with peer(serve) as server:
        connections(server.url + "/base").request("POST", "/v1/x", b'{"a":1}')
    head, _, body = seen[0].partition(b"\r\n\r\n")

    assert head.startswith(b"POST /base/v1/x HTTP/1.1\r\n")
    assert b"authorization: bearer key" in head.lower()
    assert b"content-type: application/json" in head.lower()
    assert body == b'{"a":1}'


def test_no_server_is_unavailable_and_worth_another_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ServerUnavailable, match="no server answers") as caught:
        connections(f"http://127.0.0.1:{port}").request("GET", "/")

    assert caught.value.transient


def test_a_silent_server_is_unavailable_and_not_asked_again() -> None:
    with peer(silent) as server:
        with pytest.raises(ServerUnavailable, match=r"within 0\.1 s") as caught:
            connections(server.url, timeout_s=0.1).request("GET", "/")

        assert not caught.value.transient


def test_a_reset_before_the_first_byte_is_worth_another_try() -> None:
    with peer(dropping) as server:
        with pytest.raises(ServerUnavailable, match="broke off") as caught:
            connections(server.url).request("GET", "/")

        assert caught.value.transient


@pytest.mark.parametrize(
    "garbage", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"\x00\x01\x02\x03" * 10 + b"\r\n", b"HTTP/x\r\n\r\n"]
)
def test_a_server_of_another_kind_is_refused(garbage: bytes) -> None:
    def serve(peer: socket.socket, number: int) -> None:
        peer.sendall(garbage)
        request_of(peer)

    with peer(serve) as server, pytest.raises(ServerRefused, match="does not speak HTTP"):
        connections(server.url).request("GET", "/")


def test_a_connection_that_the_server_closed_while_idle_is_replaced() -> None:
    def serve(peer: socket.socket, number: int) -> None:
        request_of(peer)
        peer.sendall(OK)  # and closes, as a server does whose keep-alive time has passed

    with peer(serve) as server:
        pool = connections(server.url)
        answers = [retrying(lambda: pool.request("GET", "/"), SOON) for _ in range(3)]

        assert [answer.status for answer in answers] == [200, 200, 200]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_is_transient_is_tried_again_until_it_works(*, asynchronous: bool) -> None:
    def serve(peer: socket.socket, number: int) -> None:
        request_of(peer)
        if number >= 3:
            peer.sendall(OK)

    with peer(serve) as server:
        pool = connections(server.url)
        if asynchronous:

            async def run() -> Answer:
                return await aretrying(lambda: pool.arequest("GET", "/"), SOON)

            assert asyncio.run(run()).status == 200
        else:
            assert retrying(lambda: pool.request("GET", "/"), SOON).status == 200
        assert server.connections == 3


def failing(error: Exception) -> tuple[Callable[[], None], list[int]]:
    calls: list[int] = []

    def attempt() -> None:
        calls.append(1)
        raise error

    return attempt, calls


def test_the_number_of_attempts_is_the_one_stated() -> None:
    attempt, calls = failing(ServerUnavailable("gone"))
    with pytest.raises(ServerUnavailable):
        retrying(attempt, SOON)

    assert len(calls) == SOON.attempts


@pytest.mark.parametrize(
    "error", [ServerRefused("no"), ServerUnavailable("crashed for good", transient=False), KeyError("a bug")]
)
def test_what_is_not_transient_is_never_tried_again(error: Exception) -> None:
    attempt, calls = failing(error)
    with pytest.raises(type(error)):
        retrying(attempt, SOON)

    assert len(calls) == 1


def test_a_wait_longer_than_the_budget_is_not_begun() -> None:
    attempt, calls = failing(ServerUnavailable("busy", retry_after_s=3600))
    with pytest.raises(ServerUnavailable):
        retrying(attempt, SOON)

    assert len(calls) == 1


def test_an_interrupted_call_leaves_no_socket_open() -> None:
    with peer(silent) as server:
        pool = connections(server.url, timeout_s=60)

        async def cancelled() -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pool.arequest("GET", "/"), 0.1)

        before = _sockets_to(server)
        asyncio.run(cancelled())
        assert _sockets_to(server) == before


def _sockets_to(server: Peer) -> int:
    port = int(server.url.rpartition(":")[2])
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            held = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:
            continue
        with held:
            try:
                count += held.getpeername()[1:2] == (port,)
            except OSError:
                continue
    return count


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_does_not_share_its_parents_connections() -> None:
    def serve(peer: socket.socket, number: int) -> None:
        while request_of(peer):
            said = str(number).encode()
            peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(said), said))

    with peer(serve) as server:
        pool = connections(server.url)
        assert pool.request("GET", "/").body == b"1"
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, pool.request("GET", "/").body)
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reader, 9) == b"2"
        assert pool.request("GET", "/").body == b"1"
        os.close(reader)
        os.close(writer)
        pool.close()


def test_event_loops_that_have_ended_are_let_go() -> None:
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def once(pool: Connections) -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await pool.arequest("GET", "/")

    with peer(forever(OK)) as server:
        pool = connections(server.url)
        for _ in range(5):
            asyncio.run(once(pool))
        gc.collect()

        assert [loop() for loop in loops] == [None] * 5
