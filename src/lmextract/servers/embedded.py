"""llama.cpp itself as a server: any GGUF model, run in a child process, without LM Studio.

The engine starts on first use and ends with its owner.  A schema can hang or kill it, so nothing waits for it without
a limit, and one that failed is replaced on the next use.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
import weakref
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from lmextract._owned import Owned
from lmextract.errors import ConfigError
from lmextract.servers._chat import ChatClient
from lmextract.servers._child import EngineSettings
from lmextract.servers._keeper import Engine, Keeper
from lmextract.servers._listing import without_prefix
from lmextract.servers._models import ModelFile, find_model
from lmextract.types import Delta, Profile, Reply, Request

__all__ = ["Embedded", "Endpoint"]

_LONGEST_CONTEXT: Final = 8192
"""What a context gets unless asked otherwise; each token of it takes memory, half a megabyte in the worst of models."""

_LEAST_CONTEXT: Final = 256
_SMALL_MODEL_BYTES: Final = 100 << 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a running engine is served, for any OpenAI-compatible client; the key is left out of its repr."""

    base_url: str
    api_key: str

    def __repr__(self) -> str:
        return f"Endpoint({self.base_url!r}, api_key=...)"


class Embedded:
    """llama.cpp in a child process, as a server; needs `pip install 'lmextract[embedded]'`.

    `gguf_path_or_model` is a .gguf file, or a model in LM Studio's models folder by any of its names (`qwen3-4b`,
    `publisher/model`, a file name); None for the model bundled with this package.  Nothing is ever downloaded.
    `context_length` is in tokens and for each of the `parallel` requests that run at once; never more than what the
    model was trained for, and by default at most 8,192.  `threads` default to one for tiny models, else to half the
    processors, at most eight.  `timeout_s` is the longest wait for an answer once its turn has come, `start_timeout_s`
    that for the model to be loaded.  An engine that grows by more than `memory_growth_mib` after it was loaded is ended
    (where the system tells: Linux, macOS).  `verbosity` is llama.cpp's; 1 is errors only.

    Usable from threads and event loops at once.  A copy in another process, pickled or forked, starts an engine of its
    own.  An interrupted call (Ctrl-C, cancellation) ends the engine unless another call is using it.
    """

    provider: Final = "llama_cpp"
    """What telemetry calls this kind of server."""

    def __init__(
        self,
        gguf_path_or_model: str | os.PathLike[str] | None = None,
        *,
        context_length: int | None = None,
        parallel: int = 1,
        threads: int | None = None,
        timeout_s: float = 600.0,
        start_timeout_s: float = 120.0,
        memory_growth_mib: int = 2048,
        verbosity: int = 1,
    ) -> None:
        _check_positive(
            context_length=context_length,
            parallel=parallel,
            threads=threads,
            timeout_s=timeout_s,
            start_timeout_s=start_timeout_s,
            memory_growth_mib=memory_growth_mib,
        )
        name = gguf_path_or_model
        file = find_model(without_prefix(name) if isinstance(name, str) else name)
        self.model = file.name
        self.path = file.path
        self.timeout_s = timeout_s
        self._names = file.names
        self._settings = EngineSettings(
            model=str(file.path),
            name=file.name,
            context_length=_context(file, context_length),
            parallel=parallel,
            threads=threads or _usual_threads(file),
            start_timeout_s=start_timeout_s,
            memory_growth_bytes=memory_growth_mib << 20,
            verbosity=verbosity,
        )
        self._open()

    def _open(self) -> None:
        self._keeper = Keeper(self._settings, self.timeout_s)
        weakref.finalize(self, self._keeper.close)  # at the interpreter's exit too

    @property
    def context_length(self) -> int:
        """The context of one request, in tokens."""
        return self._settings.context_length

    @property
    def parallel(self) -> int:
        """How many requests run at once; more of them wait their turn."""
        return self._settings.parallel

    def profile(self, model: str | None = None, /) -> Profile:
        """Describe the model, without starting it; ConfigError for the name of another one."""
        if model is not None and without_prefix(model).casefold() not in self._names:
            raise ConfigError(
                f"the embedded engine runs {self.model}, not {model}.",
                hint="Name no model, or make an Embedded(...) of that one.",
            )
        return Profile(self.model, "gguf", self.context_length, self.parallel, self._names)

    async def aprofile(self, model: str | None = None, /) -> Profile:
        """Do as `profile` does, awaited."""
        return self.profile(model)

    def send(self, request: Request, /) -> Reply:
        """Answer one request; a ServerError says why not, and the next call finds a working engine again."""
        with self._client(request) as client:
            return client.send(request)

    async def asend(self, request: Request, /) -> Reply:
        """Do as `send` does, awaited."""
        async with self._aclient(request) as client:
            return await client.asend(request)

    def stream(self, request: Request, /) -> Generator[Delta]:
        """Answer one request in pieces; closing the generator stops the answer, and the engine is free again."""
        with self._client(request) as client:
            yield from client.stream(request)

    async def astream(self, request: Request, /) -> AsyncGenerator[Delta]:
        """Do as `stream` does, awaited."""
        async with self._aclient(request) as client, Owned(client.astream(request)) as deltas:
            async for delta in deltas:
                yield delta

    @contextmanager
    def _client(self, request: Request) -> Generator[ChatClient]:
        """Lend the way to the engine for one call, once its turn has come and the engine is ready."""
        self.profile(request.model)
        keeper = self._mine()
        with keeper.place() as waiting:
            _sleep(waiting)
            with keeper.engine(request) as engine:
                _sleep(engine.child.starting())
                yield engine.client

    @asynccontextmanager
    async def _aclient(self, request: Request) -> AsyncGenerator[ChatClient]:
        self.profile(request.model)
        keeper = self._mine()
        engine: Engine | None = None
        try:
            with keeper.place() as waiting:
                await _asleep(waiting)
                with keeper.engine(request) as engine:
                    await _asleep(engine.child.starting())
                    yield engine.client
        finally:
            if engine is not None and engine.child.stopped:
                await engine.adisconnect()

    def start(self) -> Endpoint:
        """Start the engine now rather than with the first request, and say where it is served."""
        with self._mine().engine() as engine:
            _sleep(engine.child.starting())
            return Endpoint(f"{engine.child.url}/v1", engine.child.api_key)

    def close(self) -> None:
        """End the engine and fail the calls that wait for it; a later call starts a new one."""
        self._mine().close()

    async def aclose(self) -> None:
        """Do as `close` does, and close the running event loop's connections."""
        await self._mine().aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"Embedded({str(self.path)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_keeper"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def _mine(self) -> Keeper:
        if self._keeper.pid != os.getpid():  # a fork
            self._keeper.forget()
            self._open()
        return self._keeper


def _sleep(pauses_s: Iterable[float]) -> None:
    for pause_s in pauses_s:
        time.sleep(pause_s)


async def _asleep(pauses_s: Iterable[float]) -> None:
    for pause_s in pauses_s:
        await asyncio.sleep(pause_s)


def _check_positive(**values: float | None) -> None:
    for name, value in values.items():
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{name} must be positive and finite, not {value!r}")


def _context(file: ModelFile, wanted: int | None) -> int:
    """llama.cpp gives no request more than the model was trained for, nor less than 256 tokens."""
    context = max(_LEAST_CONTEXT, wanted or _LONGEST_CONTEXT)
    return min(context, file.trained_context or context)


def _usual_threads(file: ModelFile) -> int:
    """Threads of llama.cpp wait by spinning: on a tiny model they cost more than they bring."""
    if file.size_bytes < _SMALL_MODEL_BYTES:
        return 1
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, processors // 2))
