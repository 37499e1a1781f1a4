"""Which server answers where a call names none: the one of the enclosing `use_server`, else the environment's."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from lmextract.errors import ConfigError
from lmextract.servers._protocol import Server
from lmextract.settings import Settings

__all__ = ["current_server", "server_named", "use_server"]

_ADDRESS = re.compile(r"(localhost|\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d+)(/.*)?|(\d+\.){3}\d+(/.*)?")
_CURRENT: ContextVar[Server | None] = ContextVar("lmextract_server", default=None)


@contextmanager
def use_server(server: Server) -> Generator[Server]:
    """Let every extraction within the block that names no server use this one; also in tasks started there.

    Threads of a pool do not see it, as with every context variable: pass `server` there, or copy the context.
    """
    token = _CURRENT.set(server)
    try:
        yield server
    finally:
        _CURRENT.reset(token)


def current_server() -> Server:
    """The server of the innermost `use_server`, else the one that the environment names; the latter is kept open."""
    server = _CURRENT.get()
    return server if server is not None else _of_settings(Settings.from_environment())


@lru_cache(maxsize=8)
def _of_settings(settings: Settings) -> Server:
    return server_named(settings.server)


def server_named(name: str) -> Server:
    """Make the server that a word stands for: `lmstudio`, `embedded`, `embedded:<GGUF>`, or a base URL."""
    kind, _, rest = name.partition(":")
    if kind == "embedded":
        from lmextract.servers.embedded import Embedded

        return Embedded(rest or None)
    from lmextract.servers.lmstudio import LMStudio

    if name == "lmstudio":
        return LMStudio()
    if "://" in name or _ADDRESS.fullmatch(name):
        return LMStudio(name)
    raise ConfigError(
        f"there is no server {name.rpartition('@')[2]!r}.",
        hint="Name `lmstudio`, `embedded`, `embedded:<path of a GGUF>` or a base URL.",
    )
