"""The steps of the check-up that look at the engine of this library, run in a child process."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from lmextract.cli.case import Case, Seen
from lmextract.cli.finding import failed, ok
from lmextract.errors import ConfigError
from lmextract.servers import Embedded

_NAME_ONE = "Name one: --server embedded:path/to/model.gguf, or a model of LM Studio: --server embedded:qwen3-4b"

__all__ = ["model_file", "package", "start"]


def package(case: Case) -> Seen:
    """Whether llama.cpp is installed."""
    try:
        return case, (ok("engine", f"llama.cpp as in xllamacpp {version('xllamacpp')}"),)
    except PackageNotFoundError:
        raise ConfigError("the embedded engine is not installed.", hint="pip install 'lmextract[embedded]'") from None


def model_file(case: Case) -> Seen:
    """Which GGUF file would be run."""
    try:
        server = case.connection.open_embedded()
    except ConfigError as error:
        return case, (failed("model", error, "" if case.connection.gguf else _NAME_ONE),)
    why = "named by you" if case.connection.gguf else "the bundled one"
    case = replace(case, server=server, profile=server.profile())
    return case, (ok("model", f"{server.model}, {why}: {server.path}"),)


def start(case: Case) -> Seen:
    """Whether the engine starts."""
    assert isinstance(case.server, Embedded)
    started = time.perf_counter()
    case.server.start()
    return case, (ok("start", f"the engine is ready after {time.perf_counter() - started:.1f} s"),)
