"""LM Studio as a server: which model will answer, and the chat completions route for its answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, Self

from lmextract._owned import Owned
from lmextract.errors import ConfigError, ServerError, ServerRefused
from lmextract.servers._chat import ChatClient
from lmextract.servers._http import Answer, Retry
from lmextract.servers._listing import LISTINGS, ModelRecord, choose, read_listing, without_prefix
from lmextract.servers._refusals import classify
from lmextract.servers._wire import json_of
from lmextract.settings import Settings, server_url
from lmextract.types import Delta, Profile, Reply, Request

__all__ = ["LMStudio"]

_START = "Start LM Studio's server (`lms server start`), or set LM_STUDIO_API_BASE to where it is."


class LMStudio:
    """A running LM Studio, or any server that speaks its chat completions.

    `base_url` may end in `/v1` or not; default LM_STUDIO_API_BASE, then http://127.0.0.1:1234.  `api_key` defaults to
    LM_STUDIO_API_KEY, then LM_API_TOKEN; it is sent to that address only and shown nowhere.  `model` is asked for where
    a call names none; default LMEXTRACT_MODEL.  `dialect` overrules what the listing says of the engine.  `timeout_s`
    is the longest silence, not the longest answer: a slow model with a long prompt is silent for minutes.

    Usable from threads and event loops at once; pickles without its connections.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        model: str | None = None,
        *,
        dialect: str | None = None,
        timeout_s: float = 600.0,
        retry: Retry | None = None,
    ) -> None:
        settings = Settings.from_environment()
        self.base_url = server_url(base_url or settings.lmstudio_base)
        named = model or settings.model
        self.model = without_prefix(named) if named else None
        self.timeout_s = timeout_s
        self._dialect = _checked_dialect(dialect)
        self._retry = retry or Retry()
        self._api_key = _checked_key(settings.lmstudio_key if api_key is None else api_key)
        self._open()

    def _open(self) -> None:
        self._client = ChatClient(
            self.base_url,
            api_key=self._api_key,
            timeout_s=self.timeout_s,
            retry=self._retry,
            unreachable_hint=_START,
        )
        self._profiles: dict[str | None, Profile] = {}

    def profile(self, model: str | None = None, /) -> Profile:
        """Say which model answers to a name, or the only one that is loaded; asked of the server once.

        Raises ConfigError, listing what there is, where no name was given and not exactly one model is loaded.
        """
        wanted = self._wanted(model)
        known = self._profiles.get(wanted)
        if known is None:
            known = self._profiles[wanted] = self._overruled(choose(self.models(), wanted))
        return known

    async def aprofile(self, model: str | None = None, /) -> Profile:
        """Do as `profile` does, awaited."""
        wanted = self._wanted(model)
        known = self._profiles.get(wanted)
        if known is None:
            known = self._profiles[wanted] = self._overruled(choose(await self.amodels(), wanted))
        return known

    def models(self) -> tuple[ModelRecord, ...]:
        """List the models that the server has, with all that its best listing tells."""
        for path in LISTINGS:
            records = self._records(self._client.get(path))
            if records is not None:
                return records
        raise self._no_listing()

    async def amodels(self) -> tuple[ModelRecord, ...]:
        """Do as `models` does, awaited."""
        for path in LISTINGS:
            records = self._records(await self._client.aget(path))
            if records is not None:
                return records
        raise self._no_listing()

    def send(self, request: Request, /) -> Reply:
        """Answer one request; a ServerError says what the server's refusal means."""
        try:
            return self._client.send(request)
        except ServerError:
            self._profiles.clear()
            raise

    async def asend(self, request: Request, /) -> Reply:
        """Do as `send` does, awaited."""
        try:
            return await self._client.asend(request)
        except ServerError:
            self._profiles.clear()
            raise

    def stream(self, request: Request, /) -> Generator[Delta]:
        """Answer one request in pieces; closing the generator closes the connection, so that LM Studio stops."""
        try:
            yield from self._client.stream(request)
        except ServerError:
            self._profiles.clear()
            raise

    async def astream(self, request: Request, /) -> AsyncGenerator[Delta]:
        """Do as `stream` does, awaited."""
        try:
            async with Owned(self._client.astream(request)) as deltas:
                async for delta in deltas:
                    yield delta
        except ServerError:
            self._profiles.clear()
            raise

    def close(self) -> None:
        """Close idle connections; the server stays usable."""
        self._client.close()

    async def aclose(self) -> None:
        """Do as `close` does, and for the running event loop too."""
        await self._client.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"LMStudio({self.base_url!r}, model={self.model!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_client", "_profiles")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def _wanted(self, model: str | None) -> str | None:
        return without_prefix(model) if model else self.model

    def _overruled(self, profile: Profile) -> Profile:
        if self._dialect is None:
            return profile
        return Profile(profile.model, self._dialect, profile.context_length, profile.parallel, profile.aliases)

    def _records(self, answer: Answer) -> tuple[ModelRecord, ...] | None:
        """The listing in an answer, None where the server has no such route; a refused key is raised."""
        if answer.status in (401, 403):
            raise classify(answer, json_of(answer), self._api_key or "")
        if answer.status != 200:
            return None
        try:
            return read_listing(json_of(answer))
        except ServerRefused:
            return None

    def _no_listing(self) -> ServerRefused:
        return ServerRefused(
            f"{self.base_url} is not LM Studio: it lists no models.",
            hint="Set LM_STUDIO_API_BASE to the address of LM Studio's server, for example http://127.0.0.1:1234.",
        )


def _checked_key(key: str | None) -> str | None:
    key = (key or "").strip()
    if not key.isascii() or not key.isprintable():
        raise ConfigError(
            "the API key holds characters that no HTTP header takes.", hint="Copy it again from LM Studio."
        )
    return key or None


def _checked_dialect(dialect: str | None) -> str | None:
    from lmextract.dialects import DIALECTS

    if dialect is not None and dialect not in DIALECTS:
        raise ConfigError(f"there is no dialect {dialect!r}.", hint=f"There are: {', '.join(sorted(DIALECTS))}.")
    return dialect
