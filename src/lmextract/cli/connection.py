"""Which server and model the command line and the environment mean, and where they were named."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lmextract.cli.values import positive_seconds
from lmextract.errors import ConfigError
from lmextract.settings import DEFAULT_BASE, Settings

if TYPE_CHECKING:
    from lmextract.servers import Embedded, LMStudio

_NAME_ONE = (
    "Name one: --server embedded:path/to/model.gguf, or a model of LM Studio: --server embedded --model qwen3-4b"
)

__all__ = ["Connection", "add_connection"]


def add_connection(parser: ArgumentParser, *, timeout_s: float) -> None:
    """Add the options that say which server to ask."""
    group = parser.add_argument_group("server")
    group.add_argument(
        "--server",
        metavar="WHERE",
        help="lmstudio, embedded, embedded:GGUF, or a URL (default: LMEXTRACT_SERVER, else lmstudio at "
        f"LM_STUDIO_API_BASE, else {DEFAULT_BASE}); an API key is read from LM_STUDIO_API_KEY only",
    )
    group.add_argument(
        "--model", metavar="NAME", help="the model to ask (default: LMEXTRACT_MODEL, else the one that is loaded)"
    )
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=positive_seconds,
        default=timeout_s,
        help="the longest silence of the server (default: %(default)g)",
    )


@dataclass(frozen=True, slots=True)
class Connection:
    """A choice of server and model, and who made it; `has_key` tells that the environment holds an API key."""

    server: str
    server_from: str
    model: str | None
    model_from: str
    timeout_s: float
    has_key: bool

    @classmethod
    def of(cls, arguments: Namespace, settings: Settings | None = None) -> Connection:
        """Read the options of `add_connection`, then the environment."""
        settings = settings or Settings.from_environment()
        server, server_from = (
            arguments.server or settings.server,
            "--server" if arguments.server else "LMEXTRACT_SERVER",
        )
        if server == "lmstudio":
            server_from = "LM_STUDIO_API_BASE" if settings.lmstudio_base != DEFAULT_BASE else "LM Studio's own default"
        model, model_from = arguments.model or settings.model, "--model" if arguments.model else "LMEXTRACT_MODEL"
        return cls(server, server_from, model, model_from, arguments.timeout, bool(settings.lmstudio_key))

    @property
    def embedded(self) -> bool:
        """Whether the engine of this library is meant, not a server that runs already."""
        return self.server.partition(":")[0] == "embedded"

    @property
    def gguf(self) -> str | None:
        """The model that the embedded engine is to run; None for the bundled one."""
        return self.server.partition(":")[2] or self.model if self.embedded else None

    def open(self) -> LMStudio | Embedded:
        """Make the server, to be used in a `with`; ConfigError for a word that names none."""
        return self.open_embedded() if self.embedded else self.open_lmstudio()

    def check(self) -> None:
        """Raise at once what a patient server would raise after many tries: someone may be waiting."""
        if not self.embedded:
            with self.open_lmstudio(patient=False) as server:
                server.profile(None)

    def open_embedded(self) -> Embedded:
        """Make the embedded engine, which starts when it is first asked."""
        from lmextract.servers import Embedded

        try:
            embedded = Embedded(self.gguf, timeout_s=self.timeout_s)
        except ConfigError as error:
            raise ConfigError(error.reason, hint=error.hint if self.gguf else _NAME_ONE) from error
        embedded.profile(self.model if self.model_from == "--model" else None)  # ConfigError for another model's name
        return embedded

    def open_lmstudio(self, *, patient: bool = True) -> LMStudio:
        """Make the client of a server that runs already; one that is not `patient` tries everything once."""
        from lmextract.servers import LMStudio, Retry
        from lmextract.servers._current import server_named

        named = server_named(self.server)
        assert isinstance(named, LMStudio)
        return LMStudio(
            named.base_url, model=self.model, timeout_s=self.timeout_s, retry=None if patient else Retry(attempts=1)
        )
