"""One chat completions endpoint: send a Request, get a Reply or a classified error, with transient failures retried."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from dataclasses import replace
from itertools import count

from lmextract._log import logger
from lmextract._owned import Owned
from lmextract.errors import ServerError, ServerRefused, ServerUnavailable
from lmextract.servers._http import Answer, Connections, Retry, aretrying, retrying
from lmextract.servers._sse import ChatStream
from lmextract.servers._wire import encode, parse, serving
from lmextract.types import Delta, Reply, Request

__all__ = ["ChatClient"]

_LOG = logger("servers")
_NO_REASONING_SETTING = re.compile(
    r"does not support reasoning|reasoning (setting|configuration)|reasoning_effort|reasoning effort", re.IGNORECASE
)


class ChatClient:
    """Sends requests to `<base_url>/v1/chat/completions`; for threads and for any event loop.

    `extra` is JSON members for every body (`'"cache_prompt":true,'`).  `unreachable_hint` says what to do where no
    server answers.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 600.0,
        retry: Retry | None = None,
        extra: str = "",
        unreachable_hint: str = "",
    ) -> None:
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self.connections = Connections(base_url, headers, timeout_s=timeout_s)
        self._secret = api_key or ""
        self._retry = retry or Retry()
        self._extra = extra
        self._unreachable_hint = unreachable_hint
        # Models that refuse to be told how much to reason (BT#1613); asked once, then left alone.
        self._no_reasoning_setting: set[str | None] = set()

    def send(self, request: Request) -> Reply:
        """Send one request; raises a ServerError once what is transient has outlasted the retry budget."""
        return retrying(lambda: self._send(request), self._retry)

    async def asend(self, request: Request) -> Reply:
        """Do as `send` does, awaited."""
        return await aretrying(lambda: self._asend(request), self._retry)

    def stream(self, request: Request) -> Generator[Delta]:
        """Send one request and yield its reply in pieces; closing the generator closes the connection.

        What is transient is retried as by `send`; once a piece has come, the next one is then marked `anew`.
        """
        for attempt in count(1):
            first, rest = retrying(lambda: self._begun(request), self._retry)
            with closing(rest):
                try:
                    yield replace(first, anew=attempt > 1)
                    yield from rest
                except ServerError as error:
                    self._check_worth_another(error, attempt)
                else:
                    return

    async def astream(self, request: Request) -> AsyncGenerator[Delta]:
        """Do as `stream` does, awaited."""
        for attempt in count(1):
            first, rest = await aretrying(lambda: self._abegun(request), self._retry)
            async with rest:
                try:
                    yield replace(first, anew=attempt > 1)
                    async for delta in rest:
                        yield delta
                except ServerError as error:
                    self._check_worth_another(error, attempt)
                else:
                    return

    def get(self, path: str) -> Answer:
        """Fetch a path, unparsed unless the server says that it is busy or broken; retried as `send` is."""
        return retrying(lambda: self._get(path), self._retry)

    async def aget(self, path: str) -> Answer:
        """Do as `get` does, awaited."""
        return await aretrying(lambda: self._aget(path), self._retry)

    def close(self) -> None:
        """Close idle connections; the client stays usable."""
        self.connections.close()

    async def aclose(self) -> None:
        """Do as `close` does, and for the running event loop too."""
        await self.connections.aclose()

    def _get(self, path: str) -> Answer:
        try:
            return serving(self.connections.request("GET", path), self._secret)
        except ServerUnavailable as error:
            raise self._hinted(error) from error.__cause__

    async def _aget(self, path: str) -> Answer:
        try:
            return serving(await self.connections.arequest("GET", path), self._secret)
        except ServerUnavailable as error:
            raise self._hinted(error) from error.__cause__

    def _send(self, request: Request) -> Reply:
        try:
            return self._parsed(self.connections.request("POST", _ROUTE, self._body(request)))
        except ServerError as error:
            if not self._learn(request, error):
                raise self._hinted(error) from error.__cause__
        return self._send(request)

    async def _asend(self, request: Request) -> Reply:
        try:
            return self._parsed(await self.connections.arequest("POST", _ROUTE, self._body(request)))
        except ServerError as error:
            if not self._learn(request, error):
                raise self._hinted(error) from error.__cause__
        return await self._asend(request)

    def _begun(self, request: Request) -> tuple[Delta, Generator[Delta]]:
        """The first piece of a reply, and the rest of them."""
        deltas = self._deltas(request)
        try:
            return next(deltas), deltas
        except ServerError as error:
            if not self._learn(request, error):
                raise self._hinted(error) from error.__cause__
        return self._begun(request)

    async def _abegun(self, request: Request) -> tuple[Delta, Owned[Delta]]:
        deltas = Owned(self._adeltas(request))
        try:
            return await anext(deltas), deltas
        except ServerError as error:
            if not self._learn(request, error):
                raise self._hinted(error) from error.__cause__
        return await self._abegun(request)

    def _deltas(self, request: Request) -> Generator[Delta]:
        with self.connections.open("POST", _ROUTE, self._body(request, stream=True)) as incoming:
            stream = ChatStream(incoming.status, incoming.headers, self._secret)
            for chunk in incoming:
                yield from stream.feed(chunk, incoming.seconds)
            yield from stream.end(incoming.seconds)

    async def _adeltas(self, request: Request) -> AsyncGenerator[Delta]:
        async with await self.connections.aopen("POST", _ROUTE, self._body(request, stream=True)) as incoming:
            stream = ChatStream(incoming.status, incoming.headers, self._secret)
            async for chunk in incoming:
                for delta in stream.feed(chunk, incoming.seconds):
                    yield delta
            for delta in stream.end(incoming.seconds):
                yield delta

    def _check_worth_another(self, error: ServerError, attempt: int) -> None:
        """Raise the error that has broken off a reply, unless another attempt may go better."""
        if not error.transient or attempt >= self._retry.attempts:
            raise self._hinted(error) from error.__cause__
        _LOG.warning("attempt %d broke off half-way, beginning again: %s", attempt, error.reason)

    def _body(self, request: Request, *, stream: bool = False) -> bytes:
        reasoning = request.model not in self._no_reasoning_setting
        return encode(request, extra=self._extra, reasoning=reasoning, stream=stream)

    def _parsed(self, answer: Answer) -> Reply:
        return parse(answer, self._secret)

    def _learn(self, request: Request, error: ServerError) -> bool:
        """Whether the request should be sent once more without a reasoning effort, which this model refuses."""
        if not isinstance(error, ServerRefused) or request.model in self._no_reasoning_setting:
            return False
        if request.options.reasoning is None or not _NO_REASONING_SETTING.search(error.detail):
            return False
        _LOG.info("%s takes no reasoning setting; left out from now on", request.model)
        self._no_reasoning_setting.add(request.model)
        return True

    def _hinted(self, error: ServerError) -> ServerError:
        if isinstance(error, ServerUnavailable) and error.status is None and error.transient and not error.hint:
            error.hint = self._unreachable_hint
        return error


_ROUTE = "/v1/chat/completions"
