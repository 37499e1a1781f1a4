"""Beginning and end: no thread, no socket, no process stays behind."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
from tests.testing.asking import CLIENT, MESSAGES, chat, connected, content, read_to_end, request_bytes

from lmextract.testing import FakeLMStudio, Timing


def _sockets() -> int:
    return sum(
        1 for link in list(Path("/proc/self/fd").iterdir()) if link.is_symlink() and "socket" in str(link.readlink())
    )


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files can be counted on Linux only")
def test_it_leaves_neither_thread_nor_socket_behind() -> None:
    threads, sockets = threading.active_count(), _sockets()
    for _ in range(3):
        with FakeLMStudio(timing=Timing(first_token_s=30)) as fake, connected(fake) as sock:
            sock.sendall(request_bytes({"messages": MESSAGES}))
            assert fake.wait_for(lambda fake=fake: fake.underway == 1)  # type: ignore[misc]

    assert (threading.active_count(), _sockets()) == (threads, sockets)


def test_a_client_in_the_middle_of_an_answer_is_cut_off_by_the_end() -> None:
    with FakeLMStudio(timing=Timing(first_token_s=30)) as fake, connected(fake) as sock:
        sock.sendall(request_bytes({"messages": MESSAGES}))
        assert fake.wait_for(lambda: fake.underway == 1)
        fake.close()
        try:
            received = read_to_end(sock)
        except ConnectionResetError:
            received = b""

    assert received == b""


def test_nothing_is_left_for_the_garbage_collector_to_complain_about() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with FakeLMStudio() as fake:
            chat(fake, stream=True)
        del fake
        gc.collect()

    assert [str(warning.message) for warning in caught] == []


def test_closing_twice_is_harmless_and_it_can_be_started_again() -> None:
    fake = FakeLMStudio(["first", "second"]).start()
    base_url = fake.base_url
    try:
        assert content(chat(fake)) == "first"
        fake.close()
        fake.close()
        fake.start()

        assert fake.base_url == base_url
        assert content(chat(fake)) == "second"
    finally:
        fake.close()


def test_starting_twice_is_an_error() -> None:
    with FakeLMStudio() as fake, pytest.raises(RuntimeError, match="running already"):
        fake.start()


def test_what_needs_it_running_says_so() -> None:
    with pytest.raises(RuntimeError, match="not running: use it in a with block"):
        FakeLMStudio().unload("fake-model")


def test_several_run_side_by_side() -> None:
    with FakeLMStudio(["one"]) as one, FakeLMStudio(["two"]) as two:
        assert (content(chat(one)), content(chat(two))) == ("one", "two")


def test_a_taken_port_is_told_and_leaves_nothing_behind() -> None:
    with FakeLMStudio() as fake:
        port = int(fake.url.rpartition(":")[2])
        threads = threading.active_count()
        with pytest.raises(OSError, match="in use"):
            FakeLMStudio(port=port).start()

        assert threading.active_count() == threads


def test_its_repr_tells_where_it_is() -> None:
    fake = FakeLMStudio()
    assert repr(fake) == "FakeLMStudio(<not running, 0 calls so far>)"
    with fake:
        assert fake.base_url in repr(fake)


@pytest.mark.parametrize("way", ["eof", "SIGTERM", "SIGINT"])
def test_it_runs_as_a_process_until_told_to_end(way: str, tmp_path: Path) -> None:
    replies = tmp_path / "replies.json"
    replies.write_text('["one", {"two": 2}]', "utf-8")
    command = [sys.executable, "-m", "lmextract.testing", "--replies", str(replies), "--until-eof", "--model", "mine"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        base_url = json.loads(process.stdout.readline())["base_url"]
        answers = [CLIENT.post(f"{base_url}/chat/completions", json={"messages": MESSAGES}) for _ in range(3)]
        if way == "eof":
            process.stdin.close()
        else:
            process.send_signal(getattr(signal, way))
        last = json.loads(process.stdout.readline())

        assert process.wait(timeout=20) == 0

    assert [content(answer) for answer in answers] == ["one", '{"two": 2}', "one"]
    assert answers[0].json()["model"] == "mine"
    assert last["calls"] == 3


@pytest.mark.parametrize("wrong", [["--engine", "onnx"], ["--reasoning", "loud"], ["--era", "D"], ["--port", "x"]])
def test_a_wrong_option_of_the_process_is_told(wrong: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "lmextract.testing", *wrong], capture_output=True, text=True, check=False
    )

    assert result.returncode == 2
    assert wrong[0] in result.stderr
