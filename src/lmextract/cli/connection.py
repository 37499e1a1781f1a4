"""Which server and model the command line and the environment mean, and where they were named."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lmextract.settings import DEFAULT_BASE, Settings

if TYPE_CHECKING:
    from lmextract.servers import Embedded, LMStudio, Retry

__all__ = ["Connection", "add_connection"]


def add_connection(parser: ArgumentParser, *, timeout_s: float) -> None:
    """Add the options that say which server to ask."""
    from lmextract.cli.values import positive_seconds

    group = parser.add_argument_group("server")
    group.add_argument(
        "--server",
        metavar="WHERE",
        help="lmstudio, embedded, embedded:GGUF, or a URL (default: LMEXTRACT_SERVER, else lmstudio at "
        f"LM_STUDIO_API_BASE, else {DEFAULT_BASE}); an API key is read from LM_STUDIO_API_KEY only",
    )
    group.add_argument("--model", metavar="NAME", help="the model to ask (default: LMEXTRACT_MODEL, else the one that is loaded)")
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=positive_seconds,
        default=timeout_s,
        help="the longest silence of the server (default: %(default)g)",
    )


@dataclass(frozen=True, slots=True)
class Connection:
    """A choice of server: its word, who named it, likewise the model, and the longest silence."""

    server: str
    server_from: str
    base_url: str
    model: str | None
    model_from: str
    timeout_s: float
    has_key: bool

    @classmethod
    def of(cls, arguments: Namespace, settings: Settings | None = None) -> Connection:
        """Read the options of `add_connection`, then the environment."""
        settings = settings or Settings.from_environment()
        server, server_from = _first((arguments.server, "--server"), (settings.server, "LMEXTRACT_SERVER"))
        if server == "lmstudio":
            named = settings.lmstudio_base != DEFAULT_BASE
            server_from = "LM_STUDIO_API_BASE" if named else "LM Studio's default"
        model, model_from = _first((arguments.model, "--model"), (settings.model, "LMEXTRACT_MODEL"))
        base_url = settings.lmstudio_base if server == "lmstudio" else server
        key = bool(settings.lmstudio_key)
        return cls(server or "lmstudio", server_from, base_url or "", model, model_from, arguments.timeout, key)

    @property
    def embedded(self) -> bool:
        """Whether the engine of this library is meant, not a server that runs already."""
        return self.server.partition(":")[0] == "embedded"

    def open(self, retry: Retry | None = None) -> LMStudio | Embedded:
        """Make the server, to be used in a `with`; ConfigError for a word that names none."""
        if self.embedded:
            from lmextract.servers.embedded import Embedded

            gguf = self.server.partition(":")[2]
            return Embedded(gguf or self.model, timeout_s=self.timeout_s)
        from lmextract.servers._current import server_named
        from lmextract.servers.lmstudio import LMStudio

        named = server_named(self.server)
        assert isinstance(named, LMStudio)
        return LMStudio(named.base_url, model=self.model, timeout_s=self.timeout_s, retry=retry)

    @property
    def asked_model(self) -> str | None:
        """The model to name in requests: none where the server was made of it."""
        return None if self.server == "embedded" else self.model


def _first(*named: tuple[str | None, str]) -> tuple[str | None, str]:
    return next(((value, by) for value, by in named if value), (None, ""))
