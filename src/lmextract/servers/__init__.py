"""What answers requests: LM Studio, a llama.cpp of our own, and whatever else keeps the `Server` protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lmextract.servers._protocol import Server, StreamingServer

if TYPE_CHECKING:
    from lmextract.servers._http import Retry
    from lmextract.servers.embedded import Embedded
    from lmextract.servers.lmstudio import LMStudio

__all__ = ["Embedded", "LMStudio", "Retry", "Server", "StreamingServer"]

_HOMES = {"Embedded": "embedded", "LMStudio": "lmstudio", "Retry": "_http"}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: an HTTP client is not needed to write a server double or to declare a target.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
