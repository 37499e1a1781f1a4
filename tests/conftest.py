"""What holds for the whole suite: no setting of the developer's machine is seen, and nothing is sent beyond it."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("LM_STUDIO_", "LM_API_", "LMEXTRACT_")):
            monkeypatch.delenv(name)


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio, the loop that httpx users have."""
    return "asyncio"


def _local_only(event: str, arguments: tuple[Any, ...]) -> None:
    # An audit hook sees every connection of this process, whichever library makes it, and needs no patching.
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not _is_local(str(arguments[1][0])):
        raise AssertionError(f"a test tried to connect to {arguments[1][0]}")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


sys.addaudithook(_local_only)
