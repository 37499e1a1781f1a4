"""The one engine that a process keeps for all its calls: who uses it, when it is ended, what its failures mean."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Final

from lmextract.errors import ContextOverflow, SchemaRefused, ServerError, ServerUnavailable
from lmextract.servers._chat import ChatClient
from lmextract.servers._child import Child, EngineSettings
from lmextract.servers._engine import EXIT_MEMORY
from lmextract.servers._http import Retry
from lmextract.types import Request

__all__ = ["Engine", "Keeper"]

_NO_RETRY: Final = Retry(attempts=1)  # a dead engine does not come back at its address
_ABSURD_GROWTH_BYTES: Final = 256 << 20
_SILENCES: Final = 2
_LONGER_CONTEXT: Final = "Shorten the document, or give the engine a longer context: Embedded(..., context_length=N)."
_OBITUARY_S: Final = 0.5


class Engine:
    """A started engine and the calls that are under way on it."""

    def __init__(self, settings: EngineSettings, timeout_s: float) -> None:
        self.child = Child(settings)
        self.calls: list[Request | None] = []
        self.suspects: tuple[Request | None, ...] = ()
        self.silences = 0
        self.interrupted = False
        self._timeout_s = timeout_s
        self._client: ChatClient | None = None
        self._making_client = threading.Lock()

    @property
    def client(self) -> ChatClient:
        """The way to talk to it, once it is ready."""
        assert self.child.url
        with self._making_client:
            if self._client is None:
                self._client = ChatClient(
                    self.child.url, api_key=self.child.api_key, timeout_s=self._timeout_s, retry=_NO_RETRY
                )
            return self._client

    @property
    def finished(self) -> bool:
        """Whether it is dead, hangs, or was left by an interrupted call and is wanted by no other."""
        if self.child.exit_code() is not None or self.silences >= _SILENCES:
            return True
        return not self.calls and (self.interrupted or self.silences > 0)

    def disconnect(self) -> None:
        """Close the idle connections of threads."""
        if self._client is not None:
            self._client.close()

    async def adisconnect(self) -> None:
        """Close the idle connections of threads and of the running event loop."""
        if self._client is not None:
            await self._client.aclose()


class Keeper:
    """Keeps at most one engine, for the process that made it."""

    def __init__(self, settings: EngineSettings, timeout_s: float) -> None:
        self.pid = os.getpid()
        self._settings = settings
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._places = threading.Semaphore(settings.places)

    @contextmanager
    def place(self) -> Generator[Iterator[float]]:
        """Lend a place in front of the engine, which is taken once the pauses (in seconds) it yields have been made."""
        taken = False

        def waiting() -> Iterator[float]:
            nonlocal taken
            while not self._places.acquire(blocking=False):
                yield 0.01
            taken = True

        try:
            yield waiting()
        finally:
            if taken:
                self._places.release()

    @contextmanager
    def engine(self, request: Request | None = None) -> Generator[Engine]:
        """Lend the engine for one call, started if need be; ends it afterwards where it is finished."""
        engine = self._enter(request)
        try:
            yield engine
            engine.silences, engine.suspects = 0, ()
        except ServerUnavailable as error:
            raise self._explained(engine, request, error) from error
        except ContextOverflow as error:
            error.hint = _LONGER_CONTEXT  # that of LM Studio would lead astray
            raise
        except BaseException as error:
            # A reader who leaves a stream early has closed its connection, which is enough to stop the answer.
            engine.interrupted |= not isinstance(error, Exception | GeneratorExit)
            raise
        finally:
            self._leave(engine, request)

    def close(self) -> None:
        """End the engine, also under calls that are waiting for it."""
        if self.pid != os.getpid():
            self.forget()
            return
        self._end(self._dismissed())

    async def aclose(self) -> None:
        """Do as `close` does, and close the running event loop's connections."""
        engine = self._dismissed()
        self._end(engine)
        if engine is not None:
            await engine.adisconnect()

    def forget(self) -> None:
        """Let go of another process's engine."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.child.forget()
            engine.disconnect()

    def _dismissed(self) -> Engine | None:
        with self._lock:
            engine, self._engine = self._engine, None
        return engine

    def _end(self, engine: Engine | None) -> None:
        if engine is not None:
            engine.child.stop()
            engine.disconnect()

    def _enter(self, request: Request | None) -> Engine:
        with self._lock:
            if self._engine is not None and self._engine.child.exit_code() is not None:
                self._end(self._engine)
                self._engine = None
            if self._engine is None:
                self._engine = Engine(self._settings, self._timeout_s)
            self._engine.calls.append(request)
            return self._engine

    def _leave(self, engine: Engine, request: Request | None) -> None:
        with self._lock:
            engine.calls.remove(request)
            if not engine.finished:
                return
            if self._engine is engine:
                self._engine = None
        self._end(engine)

    def _explained(self, engine: Engine, request: Request | None, error: ServerUnavailable) -> ServerError:
        """What no answer means, by the engine's fate; a schema is blamed only if every call under way had it."""
        child = engine.child
        if error.status is not None or child.url is None:
            return error
        code = child.exit_code(_OBITUARY_S if error.transient else 0.0)
        if child.killed:
            return ServerUnavailable("the engine was ended while it was answering.", detail=child.log_tail())
        if code is None and error.transient:
            return error
        with self._lock:
            engine.suspects = engine.suspects or tuple(engine.calls)
        if code is None:
            engine.silences += 1
        schema = request.schema if request else None
        absurd = code == EXIT_MEMORY or child.memory_grown_bytes() > _ABSURD_GROWTH_BYTES
        if absurd and schema and all(other and other.schema is schema for other in engine.suspects):
            return _absurd_schema(child.log_tail())
        return _lost(code, self._timeout_s, child.log_tail())


def _absurd_schema(log: str) -> SchemaRefused:
    return SchemaRefused(
        "the engine ran away while it built the grammar of the schema, and was ended.",
        hint="Look for a minimum above its maximum or a very large repetition; `lmextract schema` shows what is sent.",
        detail=log,
    )


def _lost(code: int | None, timeout_s: float, log: str) -> ServerUnavailable:
    if code is None:
        return ServerUnavailable(
            f"the engine did not answer within {timeout_s:g} s.",
            hint="Give it more time (timeout_s), a smaller model or fewer tokens.",
            detail=log,
            transient=False,
        )
    if code == EXIT_MEMORY:
        return ServerUnavailable("the engine ran away with memory and was ended.", detail=log)
    how = f"by signal {-code}" if code < 0 else f"with code {code}"
    return ServerUnavailable(f"the engine died while it was answering, {how}.", detail=log)
