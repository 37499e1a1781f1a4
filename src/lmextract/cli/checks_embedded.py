"""The steps of the check-up that look at the engine of this library, run in a child process."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from lmextract.cli.case import Case, Seen
from lmextract.cli.finding import ok
from lmextract.errors import ConfigError
from lmextract.servers import Embedded

__all__ = ["model_file", "package", "start"]


def package(case: Case) -> Seen:
    """Whether llama.cpp is installed."""
    try:
        return case, (ok("engine", f"llama.cpp as in xllamacpp {version('xllamacpp')}"),)
    except PackageNotFoundError:
        raise ConfigError("the embedded engine is not installed.", hint="pip install 'lmextract[embedded]'") from None


def model_file(case: Case) -> Seen:
    """Which GGUF file would be run."""
    server = case.connection.open_embedded()
    why = "named by you" if case.connection.gguf else "the bundled one"
    case = replace(case, server=server, profile=server.profile())
    return case, (ok("model", f"{server.model}, {why}: {server.path}"),)


def start(case: Case) -> Seen:
    """Whether the engine starts."""
    assert isinstance(case.server, Embedded)
    started = time.perf_counter()
    case.server.start()
    return case, (ok("start", f"the engine is ready after {time.perf_counter() - started:.1f} s"),)
