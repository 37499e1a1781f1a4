"""The facade: a fake LM Studio in a thread of its own, which leaves neither thread nor socket behind."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from lmextract.testing.fake.call import Manners
from lmextract.testing.fake.engines import Engine, EngineName, engine_named
from lmextract.testing.fake.faults import Faults, fault_finder
from lmextract.testing.fake.http import Connection
from lmextract.testing.fake.routes import Router
from lmextract.testing.fake.state import Studio
from lmextract.testing.fake.values import (
    FakeModel,
    Loading,
    Overflow,
    Reasoning,
    RecordedRequest,
    Timing,
    Unsettled,
)
from lmextract.testing.script import Script, Scripted

__all__ = ["DEFAULT_MODELS", "FakeLMStudio"]

R = TypeVar("R")

DEFAULT_MODELS = (FakeModel("fake-model"), FakeModel("fake-embedding", kind="embedding", max_context_length=2048))


class FakeLMStudio:
    """A real HTTP server on loopback with LM Studio's manners.

    Use it in a `with` block and point a client at `base_url`.  Without `replies` it invents an answer that is valid
    under the schema of the request; `replies` are a list of answers or a function of the request's body, where an
    answer is a str (the content), any other JSON value (the content as JSON), a `Reply` (said as it stands), a
    `Fault`, or None (invented).  `faults` go wrong in the order of the calls, by a call's number, or by a function of
    the recorded request.

    `engine`, `context_length` (tokens) and `parallel` (slots) are those of every model that names none itself.
    `token` switches authentication on.  `careless` makes invented answers break the bounds that the engine does not
    enforce.  `embed` gives the vector of a text.  All other arguments are values with a page of their own in
    docs/testing.md.
    """

    def __init__(
        self,
        replies: Iterable[Scripted] | Callable[[dict[str, Any]], Scripted] | None = None,
        *,
        models: Iterable[FakeModel | str] = DEFAULT_MODELS,
        catalog: Iterable[FakeModel] = (),
        engine: Engine | EngineName = "gguf",
        context_length: int = 32_768,
        parallel: int = 4,
        reasoning: Reasoning = Reasoning(),  # noqa: B008  # frozen values, here and below
        token: str | None = None,
        faults: Faults = (),
        timing: Timing = Timing(),  # noqa: B008
        loading: Loading = Loading(),  # noqa: B008
        overflow: Overflow = Overflow(),  # noqa: B008
        unsettled: Unsettled = Unsettled(),  # noqa: B008
        embed: Callable[[str], Sequence[float]] | None = None,
        careless: bool = False,
        record: bool = True,
        port: int = 0,
    ) -> None:
        self._studio = Studio(
            models,
            catalog=catalog,
            engine=engine_named(engine),
            context_length=context_length,
            parallel=parallel,
            loading=loading,
            overflow=overflow,
            timing=timing,
        )
        self._failures: list[BaseException] = []
        self._manners = Manners(
            studio=self._studio,
            script=None if replies is None else Script(replies),
            faults=fault_finder(faults),
            reasoning=reasoning,
            timing=timing,
            unsettled=unsettled,
            token=token,
            embed=embed,
            careless=careless,
            failed=self._failures.append,
        )
        self._router = Router(self._manners, record=record)
        self._connections: set[Connection] = set()
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._listener: asyncio.Server | None = None

    # --- life

    def start(self) -> Self:
        """Begin to listen; returns when connections are accepted."""
        if self._thread is not None:
            raise RuntimeError("this FakeLMStudio is running already")
        listening = _listening(self._port)
        self._port = listening.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-lm-studio", daemon=True)
        self._thread.start()
        self._on_loop(self._listen(listening))
        return self

    def close(self) -> None:
        """Close every connection and end the thread; safe to call twice."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        self._on_loop(self._end())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        self._loop = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if kind is None and self._failures:  # an assertion in a replies function must not go unseen
            raise self._failures[0]

    @contextmanager
    def down(self) -> Generator[None]:
        """Refuse connections for as long as the block lasts, on the same port; those that are open are closed."""
        self._on_loop(self._end())
        try:
            yield
        finally:
            self._on_loop(self._listen(_listening(self._port)))

    # --- where it is, what came

    @property
    def url(self) -> str:
        """The address without a path: `http://127.0.0.1:<port>`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def base_url(self) -> str:
        """The address as OpenAI clients and LiteLLM want it, with `/v1`."""
        return f"{self.url}/v1"

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """Every request so far, in the order of arrival."""
        return tuple(self._router.requests)

    @property
    def calls(self) -> tuple[RecordedRequest, ...]:
        """Those of the requests that wanted work of a model: chats, completions, embeddings."""
        return tuple(request for request in self._router.requests if request.call is not None)

    @property
    def call_count(self) -> int:
        """How many of those there were, counted also where nothing is recorded."""
        return self._router.calls

    @property
    def disconnected(self) -> tuple[RecordedRequest, ...]:
        """Those of the requests whose client went away before the answer was complete."""
        return tuple(self._router.disconnected)

    @property
    def underway(self) -> int:
        """How many requests are being answered or wait in a queue."""
        return self._router.underway

    @property
    def open_connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    @property
    def loaded(self) -> tuple[str, ...]:
        """The ids of the models in memory."""
        return tuple(instance.id for instance in self._studio.instances)

    def wait_idle(self, timeout_s: float = 5.0) -> bool:
        """Wait until no request is under way; False if that took too long."""
        return self.wait_for(lambda: self._router.underway == 0, timeout_s)

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> bool:
        """Wait until a condition on this fake holds; False if that took too long."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    # --- changing it while it runs

    def script(
        self,
        replies: Iterable[Scripted] | Callable[[dict[str, Any]], Scripted] | None = None,
        *,
        faults: Faults = (),
    ) -> None:
        """Exchange replies and faults; calls count from 0 again."""
        self._manners.script = None if replies is None else Script(replies)
        self._manners.faults = fault_finder(faults)
        self._router.calls = 0

    def load(self, model: str, *, context_length: int | None = None) -> str:
        """Load a downloaded model, as a person in the app would; the id of the instance."""
        found = self._studio.downloaded(model)
        if found is None:
            raise ValueError(f"no model {model!r}; there are {', '.join(known.key for known in self._studio.models)}")
        return self._on_loop(self._studio.load(found, context_length=context_length)).id

    def unload(self, instance_id: str) -> None:
        """Unload a model, as a person in the app would: what waits for it is refused, what it was answering fails."""
        self._on_loop(self._leave(instance_id, crash=False))

    def crash(self, instance_id: str) -> None:
        """Let the process of a model die, with all that it was working on."""
        self._on_loop(self._leave(instance_id, crash=True))

    # --- inside

    async def _leave(self, instance_id: str, *, crash: bool) -> None:
        instance = self._studio.loaded(instance_id)
        if instance is None:
            raise ValueError(f"{instance_id!r} is not loaded; there are {', '.join(self.loaded) or 'none'}")
        (self._studio.crash if crash else self._studio.unload)(instance)

    async def _listen(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        keep_alive_s = self._manners.timing.keep_alive_s
        self._listener = await loop.create_server(
            lambda: Connection(self._router, self._connections, keep_alive_s), sock=listening, backlog=1024
        )

    async def _end(self) -> None:
        """Stop listening, close what is open, and see every task off."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in list(self._connections):
            connection.drop(reset=False, flush=False)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while self._connections:  # noqa: ASYNC110  # their sockets close in the loop's next turns, two as a rule
            await asyncio.sleep(0)

    def _on_loop(self, work: Coroutine[Any, Any, R]) -> R:
        if self._loop is None:
            work.close()
            raise RuntimeError("this FakeLMStudio is not running: use it in a with block, or call start()")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def __repr__(self) -> str:
        state = self.base_url if self._thread is not None else "not running"
        return f"FakeLMStudio(<{state}, {self._router.calls} calls so far>)"


def _listening(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it a stream would take 40 ms more.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(1024)
        listening.setblocking(False)  # noqa: FBT003  # the standard library's own
    except OSError:
        listening.close()
        raise
    return listening
