"""Importing the library stays light: what is heavy loads where it is first used."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = frozenset({"httpx", "jsonschema", "tenacity", "xllamacpp", "rich", "asyncio", "http.server", "multiprocessing"})

LIGHT = (
    "lmextract",
    "lmextract.types",
    "lmextract.errors",
    "lmextract.target",
    "lmextract.dialects",
    "lmextract.reading",
    "lmextract.prompt",
    "lmextract.flow",
    "lmextract.drive",
    "lmextract.settings",
    "lmextract.extracting",
    "lmextract.decorator",
    "lmextract.servers",
    "lmextract.cli",
    "lmextract.testing.pytest_plugin",
)
"""The last one is loaded by every pytest run of everyone who has the library installed."""


@pytest.mark.parametrize("module", LIGHT)
def test_importing_a_module_loads_nothing_heavy(module: str) -> None:
    script = f"import sys, {module}; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert result.stdout.split() == []


def test_every_exported_name_of_the_core_is_there_without_a_server_library() -> None:
    script = "import sys, lmextract; lmextract.extract, lmextract.extractor, lmextract.Extractor; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert HEAVY & set(result.stdout.split()) == set()
