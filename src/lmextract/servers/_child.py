"""One engine process as its owner sees it: start it, wait until it is ready, say why it failed, end it.

No threads and no pipes that could fill up: the child writes to two unnamed files, which the owner reads.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from lmextract.errors import ConfigError, ServerUnavailable
from lmextract.servers import _engine

__all__ = ["Child", "EngineSettings"]

_PROGRAM = Path(_engine.__file__)
_LOG_TAIL_BYTES = 4096
_INSTALL = "Install it: pip install 'lmextract[embedded]'"


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an engine is started with; `context_length` is that of one of its `parallel` slots, in tokens."""

    model: str
    name: str
    context_length: int
    parallel: int
    threads: int
    start_timeout_s: float
    memory_growth_bytes: int
    verbosity: int

    @property
    def places(self) -> int:
        """How many requests to have under way, so that no slot runs dry; more would only take connections."""
        return 2 * self.parallel + 8


class Child:
    """A started engine.

    `url` is None until `starting` has come to its end; `stopped` says that it was ended here, `killed` that it was
    alive until then.
    """

    def __init__(self, settings: EngineSettings) -> None:
        _require_package()
        self.settings = settings
        self.api_key = secrets.token_urlsafe(32)
        self.url: str | None = None
        self.stopped = False
        self.killed = False
        self._log_tail = ""
        self._memory_at_start: int | None = None
        self._stopping = threading.Lock()
        self._deadline = time.monotonic() + settings.start_timeout_s
        self._output, self._log = _scratch_file(), _scratch_file()
        try:
            self._process = _spawn(self._output.fileno(), self._log.fileno())
        except OSError as error:
            self._close_files()
            raise ConfigError(f"the engine's process cannot be started: {error}.") from error
        self._tell({**asdict(settings), "api_key": self.api_key, "connections": 3 * settings.places})

    def starting(self) -> Iterator[float]:
        """Yield the pauses, in seconds, to make until the engine is ready; raises what kept it from becoming so."""
        while self.url is None:
            if self.exit_code() is not None or self.stopped:
                raise self._not_started()
            if time.monotonic() > self._deadline:
                self.stop()
                raise self._not_started()
            self.url = self._announced()
            if self.url is None:
                yield 0.005
            else:
                self._memory_at_start = _engine.memory_bytes(self._process.pid)

    def exit_code(self, wait_s: float = 0.0) -> int | None:
        """How the process ended, as subprocess has it; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(wait_s) if wait_s else self._process.poll()
        return None

    def memory_grown_bytes(self) -> int:
        """How much memory a running engine has taken since it was ready; 0 where this system does not tell."""
        now = _engine.memory_bytes(self._process.pid) if self.exit_code() is None else None
        return max(0, now - self._memory_at_start) if now and self._memory_at_start else 0

    def log_tail(self) -> str:
        """The last lines that the engine wrote; errors only, unless asked for more."""
        with self._stopping:
            return self._log_tail if self.stopped else self._read_log()

    def stop(self) -> None:
        """End the process and wait until it is gone; it holds nothing worth saving."""
        with self._stopping:
            if self.stopped:
                return
            self.stopped, self.killed = True, self.exit_code() is None
            self._process.kill()
            self._process.wait()
            self._log_tail = self._read_log()
            self._close_files()

    def forget(self) -> None:
        """Let go of what a fork has copied; the process belongs to the one that started it."""
        self.stopped = True
        self._process.returncode = 0  # else its destructor warns of a process that still runs
        self._close_files()

    def _tell(self, settings: dict[str, Any]) -> None:
        # On standard input, since a command line can be read by every user of the machine.
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has died already; `starting` tells
            self._process.stdin.write(json.dumps(settings).encode() + b"\n")
            self._process.stdin.flush()

    def _announced(self) -> str | None:
        with self._stopping:
            if self.stopped:
                return None
            self._output.seek(0)
            line = self._output.readline()
        return json.loads(line)["url"] if line.endswith(b"\n") else None

    def _read_log(self) -> str:
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, end - _LOG_TAIL_BYTES))
        return self._log.read().decode("utf-8", "replace").strip()

    def _close_files(self) -> None:
        process = getattr(self, "_process", None)
        for file in (self._output, self._log, process and process.stdin):
            if file:
                file.close()

    def _not_started(self) -> ConfigError | ServerUnavailable:
        code, log, model = self._process.returncode, self.log_tail(), self.settings.model
        if code == _engine.EXIT_NO_PACKAGE:
            return ConfigError(f"the engine cannot be used: {log}.", hint=f"{_INSTALL}.")
        if code == _engine.EXIT_NOT_LOADED:
            return ServerUnavailable(
                f"the engine cannot load {model}: {_first_error(log)}.",
                hint="Is it a whole GGUF file of a language model, and is there memory enough for it?",
                detail=log,
                transient=False,
            )
        if self.stopped and time.monotonic() > self._deadline:
            return ServerUnavailable(
                f"the engine was not ready with {model} within {self.settings.start_timeout_s:g} s.",
                hint="Give it more time: start_timeout_s=...",
                detail=log,
            )
        if self.stopped:
            return ServerUnavailable("the engine was stopped before it was ready.", detail=log)
        return ServerUnavailable(f"the engine ended with {code} while it started.", detail=log, transient=False)


def _scratch_file() -> IO[bytes]:
    return tempfile.TemporaryFile("a+b")  # open as long as the process


def _spawn(output: int, log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 # our own program, no shell
        [sys.executable, "-P", str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=log,
        # The terminal's Ctrl-C is for the owner alone, which then ends the engine.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def _require_package() -> None:
    try:
        found = find_spec("xllamacpp") is not None
    except ValueError:  # someone has put something else in its place
        found = False
    if not found:
        raise ConfigError("the embedded engine needs the package xllamacpp.", hint=f"{_INSTALL}.")


def _first_error(log: str) -> str:
    """The first error in a log of llama.cpp, without time and level; the later ones only follow from it."""
    lines = [line.partition(" E ")[2].strip() for line in log.splitlines() if " E " in line]
    return (lines or log.splitlines()[-1:] or ["it does not say why"])[0].rstrip(".")
