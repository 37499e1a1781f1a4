"""Ctrl-C during a call leaves nothing behind: no thread, no socket, no engine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lmextract.testing import FakeLMStudio, Fault

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at open sockets through /proc")

PROGRAM = """
import asyncio, json, os, sys, threading
from lmextract import LMStudio, aextract, extract

def sockets():
    links = [os.path.join("/proc/self/fd", fd) for fd in os.listdir("/proc/self/fd")]
    return sum(os.readlink(link).startswith("socket:") for link in links if os.path.islink(link))

server = LMStudio(sys.argv[2])
server.profile()
before = sockets()
try:
    if sys.argv[1] == "sync":
        extract(int, "seven", server=server)
    else:
        asyncio.run(aextract(int, "seven", server=server))
except KeyboardInterrupt:
    server.close()
    print(json.dumps({"sockets": sockets(), "threads": threading.active_count()}), flush=True)
"""


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_ctrl_c_during_a_call_leaves_no_thread_and_no_socket(colour: str) -> None:
    with FakeLMStudio(faults=[Fault.hang()]) as fake:
        command = [sys.executable, "-W", "error", "-c", PROGRAM, colour, fake.base_url]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with child:
            assert fake.wait_for(lambda: fake.call_count == 1, timeout_s=30)
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=30)
        left: dict[str, Any] = json.loads(out) if out else {}

        assert (left, err) == ({"sockets": 0, "threads": 1}, "")
        assert fake.wait_for(lambda: len(fake.disconnected) == 1)
