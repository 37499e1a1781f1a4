"""The command line as a test calls it, and servers that are not what they should be."""

from __future__ import annotations

import io
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.support.models import random_gguf

from lmextract.cli import main
from lmextract.testing import FakeLMStudio

__all__ = ["Lmextract", "Ran", "random_gguf"]

BOOK = {"title": "The Left Hand of Darkness", "author": "Ursula K. Le Guin", "year": 1969, "publisher": None}


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout, which must be one JSON value."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Stdout, which must be JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Lmextract(Protocol):
    """Run a command line in this process, with a text as its stdin."""

    def __call__(self, *arguments: str | Path, stdin: bytes = b"") -> Ran: ...


@pytest.fixture
def lmextract(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lmextract:
    """Run `lmextract` with arguments."""

    def run(*arguments: str | Path, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `lmextract` as a process of its own."""
    started = list[subprocess.Popen[str]]()

    def begin(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "lmextract.cli", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLMStudio]:
    """An LM Studio that answers every question with the same book, and that the environment names."""
    with FakeLMStudio(lambda _: BOOK) as server:
        monkeypatch.setenv("LM_STUDIO_API_BASE", server.base_url)
        yield server


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A file with a text about a book."""
    path = tmp_path / "text.txt"
    path.write_text("The Left Hand of Darkness (1969) is by Ursula K. Le Guin.\n", "utf-8")
    return path


@pytest.fixture
def nowhere() -> str:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def web_server() -> Iterator[str]:
    """The address of a server of web pages."""
    yield from serving(ThreadingHTTPServer(("127.0.0.1", 0), _Pages))


@pytest.fixture
def garbage_server() -> Iterator[str]:
    """The address of a server that speaks no HTTP."""
    yield from serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Garbage))


def serving(server: socketserver.TCPServer) -> Iterator[str]:
    """Run a server in a thread, and give its address."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Pages(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


class _Garbage(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(1 << 16)
        self.request.sendall(b"\x00\xff SSH-2.0 or so\r\n\r\n")
