"""An engine ends with its owner, however that ends; seen from outside, with owners that are processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from tests.support.gguf.random import write_random_model

from lmextract.servers import _engine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

PRELUDE = """
import asyncio, os, sys, threading, warnings
from pathlib import Path
from lmextract.servers import Embedded
from lmextract.types import Message, Request, WireSchema

def tell(*words):
    print(*words, flush=True)

def engines():
    tasks = Path("/proc/self/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]

def ask(schema=None):
    wire = schema and WireSchema(schema, (), True, "gguf")
    return Request((Message("user", "Hello"),), wire, 100_000)

ENDLESS = {"type": "object", "properties": {"a": {"type": "string", "minLength": 5, "maxLength": 2}}, "required": ["a"]}
server = Embedded(sys.argv[1])
"""


@pytest.fixture(scope="module")
def slow_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_model(tmp_path_factory.mktemp("models") / "slow.gguf", width=256, layers=4, end_bias=-9.0)


@contextmanager
def owner(script: str, model: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a script as a user's program that shows every warning."""
    process = subprocess.Popen(
        [sys.executable, "-W", "always", "-c", PRELUDE + script, str(model)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_an_owner_that_is_killed_takes_its_engine_along(random_gguf: Path, signal_number: int) -> None:
    with owner("server.start(); tell(*engines()); threading.Event().wait()", random_gguf) as process:
        engine = int(line(process))
        assert not ended(engine)
        process.send_signal(signal_number)
        wait_until(lambda: ended(engine))


@pytest.mark.parametrize("question", ["ask()", "ask(ENDLESS)"])
def test_an_owner_that_is_killed_takes_even_a_busy_engine_along(slow_gguf: Path, question: str) -> None:
    with owner(f"server.start(); tell(*engines()); server.send({question})", slow_gguf) as process:
        engine = int(line(process))
        time.sleep(0.3)
        process.kill()
        wait_until(lambda: ended(engine))


def test_a_program_that_just_ends_leaves_no_engine_and_no_warning(random_gguf: Path) -> None:
    script = """
server.start()
asyncio.run(server.asend(Request((Message("user", "Hello"),), None, 5)))
tell(*engines())
"""
    with owner(script, random_gguf) as process:
        engine = int(line(process))
        _, errors = process.communicate(timeout=20)
        assert ended(engine)
        assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("call", ["server.send(ask())", "asyncio.run(server.asend(ask()))"])
def test_ctrl_c_during_a_call_leaves_nothing_behind(slow_gguf: Path, call: str) -> None:
    script = f"""
server.start()
tell(*engines())
try:
    {call}
except KeyboardInterrupt:
    sockets = [link for link in os.scandir("/proc/self/fd") if os.readlink(link.path).startswith("socket:")]
    tell(engines(), threading.active_count(), sockets)
"""
    with owner(script, slow_gguf) as process:
        engine = int(line(process))
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert line(process) == "[] 1 []"
        assert ended(engine)
        _, errors = process.communicate(timeout=20)
        assert (process.returncode, errors) == (0, "")


def test_a_terminal_does_not_interrupt_the_engine_itself(random_gguf: Path) -> None:
    with owner("server.start(); tell(*engines()); threading.Event().wait()", random_gguf) as process:
        engine = int(line(process))
        assert os.getsid(engine) != os.getsid(process.pid)
        os.kill(engine, signal.SIGINT)
        time.sleep(0.1)
        assert not ended(engine)


def test_a_fork_has_an_engine_of_its_own_and_ends_only_that(random_gguf: Path) -> None:
    script = """
question = Request((Message("user", "Hello"),), None, 5)
server.send(question)
before = engines()
child = os.fork()
if child == 0:
    server.send(question)
    tell(*engines())
    sys.exit()
_, status = os.waitpid(child, 0)
server.send(question)
tell(status, engines() == before)
"""
    with owner(script, random_gguf) as process:
        engine_of_fork = int(line(process))
        assert line(process) == "0 True"
        assert ended(engine_of_fork)
        _, errors = process.communicate(timeout=20)
        assert errors == ""


def in_the_engine(script: str, log: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Run a script with the engine's own functions at hand; returns when it has printed a line."""
    prelude = f"import ctypes, os, sys; sys.path.append({str(Path(_engine.__file__).parent)!r}); import _engine; "
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", prelude + script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
    )
    assert process.stdout
    process.stdout.readline()
    return process


def holding_the_interpreter(start_timeout_s: float) -> subprocess.Popen[bytes]:
    """A process in the state of an engine that loads a model: prepared, and in native code with the lock held."""
    return in_the_engine(f"_engine._prepare({start_timeout_s}); print(flush=True); ctypes.PyDLL(None).sleep(60)")


def test_an_engine_that_is_loading_ends_with_its_owner() -> None:
    with holding_the_interpreter(60) as process:
        assert process.stdin
        process.stdin.close()
        assert process.wait(10) == -signal.SIGIO


def test_an_engine_that_is_loading_too_long_ends_by_itself() -> None:
    with holding_the_interpreter(0.2) as process:
        assert process.wait(10) == 1


def test_an_engine_cuts_its_log_before_it_fills_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "log"
    script = "os.write(2, b'x' * (2 << 20)); print(flush=True); _engine._watch(os.getppid(), 1 << 30, sys.executable)"
    with path.open("ab") as log, in_the_engine(script, log) as process:
        wait_until(lambda: path.stat().st_size == 0)
        process.kill()


def test_an_engine_ends_when_another_process_has_inherited_it() -> None:
    with in_the_engine("print(flush=True); _engine._watch(os.getpid(), 1 << 30, sys.executable)") as process:
        assert process.wait(10) == 0
