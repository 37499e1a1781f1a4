"""HTTP/1.1 as Express speaks it: bytes in, one request at a time to a handler, bytes out.

Knows nothing of LM Studio's routes.  A request is a task, which is cancelled when its connection is lost.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct
import sys
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TypeAlias

from typing_extensions import override

__all__ = ["JSON", "Answer", "BadRequest", "Connection", "Handler", "HttpRequest", "Parser"]

MAX_HEAD = 64 * 1024
_LINGER = "hh" if sys.platform == "win32" else "ii"
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request; header names are in lower case, a repeated header keeps its last value."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response; `headers` come on top of Express's own."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


class BadRequest(ValueError):
    """Bytes that are no HTTP request."""


Handler: TypeAlias = "Callable[[HttpRequest, Connection], Awaitable[None]]"


@dataclass(frozen=True, slots=True)
class _Head:
    method: str
    target: str
    headers: dict[str, str]
    keep_alive: bool
    length: int
    chunked: bool


class Parser:
    """Turns bytes into requests; pipelined requests wait inside."""

    __slots__ = ("_buffer", "_head")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire."""
        self._buffer += data

    @property
    def empty(self) -> bool:
        """Whether nothing of a next request has come yet."""
        return self._head is None and not self._buffer

    def expects_continue(self) -> bool:
        """Whether the client waits for leave to send the body (curl does above 1 MiB); true once for each request."""
        return self._head is not None and self._head.headers.pop("expect", "").lower() == "100-continue"

    def take(self) -> HttpRequest | None:
        """The next whole request, or None while bytes of it are missing; raises `BadRequest`."""
        head = self._head
        if head is None:
            head = self._take_head()
            if head is None:
                return None
            self._head = head
        body = self._take_chunks() if head.chunked else self._take_bytes(head.length)
        if body is None:
            return None
        self._head = None
        return HttpRequest(head.method, head.target, head.headers, body, head.keep_alive)

    def _take_head(self) -> _Head | None:
        while self._buffer.startswith(b"\r\n"):  # RFC 9112 2.2: blank lines before a request are ignored
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadRequest("the head is too long")
            return None
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        return _head(lines)

    def _take_bytes(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _take_chunks(self) -> bytes | None:
        # Read from the start each time: chunked uploads are rare, and small.
        pieces: list[bytes] = []
        at = 0
        while True:
            end = self._buffer.find(b"\r\n", at)
            if end < 0:
                return None
            size = _number(self._buffer[at:end].partition(b";")[0].decode("latin-1"), 16)
            at = end + 2 + size + 2
            if len(self._buffer) < at:
                return None
            if size == 0:
                del self._buffer[:at]
                return b"".join(pieces)
            pieces.append(bytes(self._buffer[end + 2 : end + 2 + size]))


def _head(lines: list[str]) -> _Head:
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(f"no HTTP/1 request line: {lines[0][:80]!r}")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest(f"no header: {line[:80]!r}")
        headers[name.lower()] = value.strip()
    connection = headers.get("connection", "").lower()
    keep_alive = connection != "close" if parts[2] == "HTTP/1.1" else connection == "keep-alive"
    chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    length = _number(headers.get("content-length", "0"), 10)
    return _Head(parts[0], parts[1], headers, keep_alive, length, chunked)


def _number(text: str, base: int) -> int:
    try:
        number = int(text.strip(), base)
    except ValueError:
        number = -1
    if number < 0:
        raise BadRequest(f"no length: {text[:40]!r}")
    return number


class Connection(asyncio.Protocol):
    """One client; also what a handler answers through: `send`, or `begin`, `write` and `end` for a stream."""

    def __init__(self, handle: Handler, open_ones: set[Connection], keep_alive_s: float) -> None:
        self._handle = handle
        self._open_ones = open_ones
        self._keep_alive_s = keep_alive_s
        self._loop = asyncio.get_running_loop()
        self._parser = Parser()
        self._task: asyncio.Task[None] | None = None
        self._idle_since = self._loop.time()
        self._sweep: asyncio.TimerHandle | None = None
        self._request: HttpRequest | None = None
        self._writable: asyncio.Future[None] | None = None
        self.began = False
        self.peer_gone = False

    # --- what a handler uses

    def send(self, answer: Answer) -> None:
        """Answer with a whole body."""
        self.began = True
        self._transport.write(_response(answer, self._connection_headers()) + self._body(answer.body))

    def send_part(self, answer: Answer, length: int) -> None:
        """Promise a whole body and send only so much of it."""
        self.began = True
        self._transport.write(_response(answer, self._connection_headers()) + answer.body[:length])

    def begin(self, content_type: str) -> None:
        """Begin a streamed answer with status 200."""
        self.began = True
        head = (
            f"HTTP/1.1 200 OK\r\nX-Powered-By: Express\r\nContent-Type: {content_type}\r\n"
            f"Cache-Control: no-cache\r\nDate: {_date(int(time.time()))}\r\n{self._connection_headers()}"
            "Transfer-Encoding: chunked\r\n\r\n"
        )
        self._transport.write(head.encode("latin-1"))

    async def write(self, data: bytes) -> None:
        """Send a piece of a streamed answer; waits while the client is not reading."""
        if data:
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))
        if self._writable is not None:
            await self._writable

    def end(self) -> None:
        """End a streamed answer."""
        self._transport.write(b"0\r\n\r\n")

    def drop(self, *, reset: bool, flush: bool = True) -> None:
        """Close the connection: with a TCP reset, or in good order, after sending what is `flush`ed or at once."""
        if not flush:
            self._transport.abort()
        elif reset:
            sock: socket.socket = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    # --- what asyncio calls

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_ones.add(self)
        self._sweep = self._loop.call_later(self._keep_alive_s, self._close_if_idle)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.peer_gone = True
        self._open_ones.discard(self)
        self.resume_writing()
        if self._sweep is not None:
            self._sweep.cancel()
        if self._task is not None:
            self._task.cancel()

    @override
    def data_received(self, data: bytes) -> None:
        self._parser.feed(data)
        if self._task is None:
            self._next()

    @override
    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    @override
    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # --- inside

    def _next(self) -> None:
        try:
            request = self._parser.take()
        except BadRequest:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            self._transport.close()
            return
        if request is not None:
            self._task = self._loop.create_task(self._run(request))
        elif self._parser.expects_continue():
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def _run(self, request: HttpRequest) -> None:
        self._request, self.began = request, False
        await self._handle(request, self)
        self._task = None
        self._idle_since = self._loop.time()
        if not request.keep_alive:
            self._transport.close()
        elif not self._transport.is_closing():
            self._next()

    def _close_if_idle(self) -> None:
        # One timer for the connection, not one for each request: it looks again when idleness could have lasted enough.
        idle = self._loop.time() - self._idle_since
        if self._task is None and idle >= self._keep_alive_s:
            self._transport.close()
            return
        wait = self._keep_alive_s - idle if self._task is None else self._keep_alive_s
        self._sweep = self._loop.call_later(max(wait, 0.001), self._close_if_idle)

    def _connection_headers(self) -> str:
        if self._request is not None and not self._request.keep_alive:
            return "Connection: close\r\n"
        return f"Connection: keep-alive\r\nKeep-Alive: timeout={self._keep_alive_s:g}\r\n"

    def _body(self, body: bytes) -> bytes:
        return b"" if self._request is not None and self._request.method == "HEAD" else body


def _response(answer: Answer, connection: str) -> bytes:
    extra = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    return (
        f"{_status_line(answer.status)}X-Powered-By: Express\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\nETag: {_etag(answer.body)}\r\n{extra}"
        f"Date: {_date(int(time.time()))}\r\n{connection}\r\n"
    ).encode("latin-1")


def _etag(body: bytes) -> str:
    """Express's weak tag: the length in hex and 27 characters of the SHA-1."""
    digest = b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode("ascii")
    return f'W/"{len(body):x}-{digest[:27]}"'


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


@lru_cache(maxsize=32)
def _status_line(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n"
