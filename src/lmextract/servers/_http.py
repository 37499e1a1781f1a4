"""HTTP to one address: the only importer of httpx and tenacity.

Each connection is a transport of its own, kept on a stack: httpx's pool scans every connection on each request and
collapses past 32 in flight, and its client adds redirects, cookies and proxies from the environment, none of which
belongs between a program and the model on its own machine.
"""

from __future__ import annotations

import re
import ssl
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeAlias, TypeVar, cast

import httpx

from lmextract._log import logger
from lmextract.errors import ServerError, ServerRefused, ServerUnavailable
from lmextract.servers._idle import LoopPool, abandon, close_all, expired, forget_after_fork, running_loop

if TYPE_CHECKING:
    from tenacity import RetryCallState

__all__ = ["Answer", "AsyncIncoming", "Connections", "Incoming", "Retry", "aretrying", "retrying"]

R = TypeVar("R")

Idle: TypeAlias = "list[tuple[httpx.HTTPTransport, float]]"
AsyncIdle: TypeAlias = "list[tuple[httpx.AsyncHTTPTransport, float]]"

_LOG = logger("servers")
# LM Studio closes idle connections after 5 s (`Keep-Alive: timeout=5`); stay clear of the race.
_KEEPALIVE_S = 4.0
_MAX_BODY_BYTES = 256 * 1024 * 1024
_CLOSED = re.compile("disconnected|closed connection")  # before an answer, within one
_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_KEEPALIVE_S)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP response; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and for how long a transient failure is tried again: `attempts` in all, `budget_s` for all waits."""

    attempts: int = 5
    budget_s: float = 60.0
    first_wait_s: float = 0.25
    longest_wait_s: float = 10.0


class Connections:
    """Connections to one server, for threads and for event loops; each is used by one request at a time."""

    def __init__(
        self, base_url: str, headers: Mapping[str, str], *, timeout_s: float, connect_timeout_s: float = 5.0
    ) -> None:
        self._url = httpx.URL(base_url)
        self._headers = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        self._headers.append((b"host", self._url.netloc))
        timeout = httpx.Timeout(timeout_s, connect=connect_timeout_s, pool=None)
        self._extensions = {"timeout": timeout.as_dict()}
        self._tls = (
            httpx.create_ssl_context() if self._url.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        self._headers.append((b"accept-encoding", b"identity"))
        self._idle: Idle = []
        self._loops: dict[int, LoopPool[httpx.AsyncHTTPTransport]] = {}
        weakref.finalize(self, close_all, self._idle)
        forget_after_fork(self)

    def request(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Send one request and read the whole response; raises ServerUnavailable where there is none."""
        with self.open(method, path, body) as incoming:
            whole = b"".join(incoming)
            return Answer(incoming.status, incoming.headers, whole, incoming.seconds)

    async def arequest(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Do as `request` does, awaited."""
        async with await self.aopen(method, path, body) as incoming:
            whole = b"".join([chunk async for chunk in incoming])
            return Answer(incoming.status, incoming.headers, whole, incoming.seconds)

    def open(self, method: str, path: str, body: bytes = b"") -> Incoming:
        """Send one request and give the response as soon as it begins; to be used in a `with` block."""
        started = time.perf_counter()
        try:
            transport, _ = self._idle.pop()
        except IndexError:
            transport = httpx.HTTPTransport(verify=self._tls, limits=_LIMITS, trust_env=False)
        try:
            response = transport.handle_request(self._build(method, path, body))
        except BaseException as error:
            transport.close()
            self.explain(error)
            raise
        return Incoming(self, transport, self._idle, response, started)

    async def aopen(self, method: str, path: str, body: bytes = b"") -> AsyncIncoming:
        """Do as `open` does, awaited."""
        started = time.perf_counter()
        idle = await self._loop_idle()
        transport = (
            idle.pop()[0] if idle else httpx.AsyncHTTPTransport(verify=self._tls, limits=_LIMITS, trust_env=False)
        )
        try:
            response = await transport.handle_async_request(self._build(method, path, body))
        except BaseException as error:
            await transport.aclose()
            self.explain(error)
            raise
        return AsyncIncoming(self, transport, idle, response, started)

    def close(self) -> None:
        """Close the idle connections of threads; a later request opens new ones."""
        close_all(self._idle)

    async def aclose(self) -> None:
        """Close the idle connections of threads and of the running event loop."""
        self.close()
        loop = running_loop()
        pool = self._loops.get(id(loop))
        if pool is not None:
            await pool.aclose()

    def after_fork(self) -> None:
        """Forget, in a child process, the connections of its parent: two readers would get each other's words."""
        close_all(self._idle)  # closes the child's copies of the sockets, not the connections
        abandon(self._loops)
        self._loops = {}

    async def _loop_idle(self) -> AsyncIdle | None:
        """The idle connections of the running asyncio loop; None under another library's loop, which gets no pool."""
        loop = running_loop()
        if loop is None:
            return None
        pool = self._loops.get(id(loop))
        if pool is None:
            for key in [key for key, old in self._loops.items() if old.loop.is_closed()]:
                del self._loops[key]
            pool = self._loops[id(loop)] = LoopPool(loop, self._loops)
            await pool.open()
        return pool.idle

    def _build(self, method: str, path: str, body: bytes) -> httpx.Request:
        headers = self._headers
        if body:
            headers = [*headers, (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        url = self._url.copy_with(raw_path=(self._url.path.rstrip("/") + path).encode())
        return httpx.Request(method, url, headers=headers, content=body, extensions=self._extensions)

    def explain(self, error: BaseException) -> None:
        """Raise what is known to be the network's fault as ours; let all else pass."""
        where = f"{self._url.scheme}://{self._url.netloc.decode()}"
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            _raise(f"no server answers at {where}", error)
        if isinstance(error, httpx.TimeoutException):
            wait = self._extensions["timeout"]["read"]
            slow = "A large model with a long prompt may be silent for minutes: raise timeout_s."
            _raise(f"no answer from {where} within {wait:g} s", error, transient=False, hint=slow)
        if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
            raise ServerRefused(f"{where} is no usable address: {error}") from error
        if isinstance(error, httpx.LocalProtocolError):
            raise ServerRefused(f"the request to {where} cannot be sent: {error}") from None
        if isinstance(error, httpx.RemoteProtocolError) and not _CLOSED.search(str(error)):
            raise ServerRefused(
                f"{where} does not speak HTTP: {error}", hint="Is this the port of LM Studio?"
            ) from error
        if isinstance(error, httpx.TransportError):
            _raise(f"{where} broke off the connection", error)


class Incoming:
    """A response on its way, chunk by chunk.

    Its connection is kept for another request if it was read to its end, and closed otherwise: the server then stops.
    """

    def __init__(
        self,
        connections: Connections,
        transport: httpx.HTTPTransport,
        idle: Idle,
        response: httpx.Response,
        started: float,
    ) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._connections, self._transport, self._idle = connections, transport, idle
        self._response, self._started, self._is_whole = response, started, False

    @property
    def seconds(self) -> float:
        """The time since the request was sent."""
        return time.perf_counter() - self._started

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        try:
            for chunk in cast("httpx.SyncByteStream", self._response.stream):
                size += _checked_size(chunk, size)
                yield chunk
        except httpx.TransportError as error:
            self._connections.explain(error)
            raise
        self._is_whole = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._is_whole:
            self._response.close()
            self._idle.append((self._transport, time.monotonic()))
            for unused in expired(self._idle, _KEEPALIVE_S):
                unused.close()
        else:
            self._transport.close()


class AsyncIncoming:
    """An `Incoming` that is awaited; `idle` None is no place to keep a connection in."""

    def __init__(
        self,
        connections: Connections,
        transport: httpx.AsyncHTTPTransport,
        idle: AsyncIdle | None,
        response: httpx.Response,
        started: float,
    ) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._connections, self._transport, self._idle = connections, transport, idle
        self._response, self._started, self._is_whole = response, started, False

    @property
    def seconds(self) -> float:
        """The time since the request was sent."""
        return time.perf_counter() - self._started

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for chunk in cast("httpx.AsyncByteStream", self._response.stream):
                size += _checked_size(chunk, size)
                yield chunk
        except httpx.TransportError as error:
            self._connections.explain(error)
            raise
        self._is_whole = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._is_whole:
            await self._response.aclose()
        if self._is_whole and self._idle is not None:
            self._idle.append((self._transport, time.monotonic()))
            for unused in expired(self._idle, _KEEPALIVE_S):
                await unused.aclose()
        else:
            await self._transport.aclose()


def _raise(reason: str, error: BaseException, *, transient: bool = True, hint: str = "") -> NoReturn:
    raise ServerUnavailable(reason, detail=str(error), transient=transient, hint=hint) from error


def _checked_size(chunk: bytes, size: int) -> int:
    if size + len(chunk) > _MAX_BODY_BYTES:
        raise ServerRefused(f"the response is longer than {_MAX_BODY_BYTES:,} bytes")
    return len(chunk)


def retrying(attempt: Callable[[], R], retry: Retry) -> R:
    """Run an attempt, and again while it raises a transient ServerError and the budget lasts; then raise the last."""
    try:
        return attempt()
    except ServerError as error:
        if not error.transient:
            raise
        failed = [error]
    from tenacity import Retrying

    def again() -> R:
        if failed:
            raise failed.pop()
        return attempt()

    return Retrying(**_tenacity(retry))(again)


async def aretrying(attempt: Callable[[], Awaitable[R]], retry: Retry) -> R:
    """Do as `retrying` does, awaited."""
    try:
        return await attempt()
    except ServerError as error:
        if not error.transient:
            raise
        failed = [error]
    from tenacity import AsyncRetrying

    async def again() -> R:
        if failed:
            raise failed.pop()
        return await attempt()

    return await AsyncRetrying(**_tenacity(retry))(again)


def _tenacity(retry: Retry) -> dict[str, Any]:
    # Imported at the first failure: most programs never need it, and it costs a third of httpx's import.
    import tenacity

    backoff = tenacity.wait_random_exponential(multiplier=retry.first_wait_s, max=retry.longest_wait_s)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, ServerUnavailable) else None
        return max(asked or 0.0, backoff(state))

    def log(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        # Not the server's own words, which follow the colon: some servers quote the prompt.
        reason = error.reason.partition(": ")[0] if isinstance(error, ServerError) else type(error).__name__
        _LOG.warning("try %d failed, next in %.1f s: %s", state.attempt_number, state.upcoming_sleep, reason)
        _LOG.debug("the error: %s", error)

    return {
        "retry": tenacity.retry_if_exception(lambda error: isinstance(error, ServerError) and error.transient),
        "stop": tenacity.stop_after_attempt(retry.attempts) | tenacity.stop_before_delay(retry.budget_s),
        "wait": wait,
        "before_sleep": log,
        "reraise": True,
    }
