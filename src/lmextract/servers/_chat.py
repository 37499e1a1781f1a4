"""One chat completions endpoint: send a Request, get a Reply or a classified error, with transient failures retried."""

from __future__ import annotations

import re

from lmextract._log import logger
from lmextract.errors import ServerError, ServerRefused, ServerUnavailable
from lmextract.servers._http import Answer, Connections, Retry, aretrying, retrying
from lmextract.servers._wire import encode, parse, serving
from lmextract.types import Reply, Request

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

    def _body(self, request: Request) -> bytes:
        reasoning = request.model not in self._no_reasoning_setting
        return encode(request, extra=self._extra, reasoning=reasoning)

    def _parsed(self, answer: Answer) -> Reply:
        reply = parse(answer, self._secret)
        _LOG.debug("%s finished with %s: %s", reply.model, reply.finish, reply.content)
        return reply

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
