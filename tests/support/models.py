"""Fixtures: small models made on the spot, and a running engine.  Import them in a conftest.py to use them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tests.support.gguf.scripted import Script

from lmextract.servers import Embedded


class MakeScripted(Protocol):
    """Make a model that recites the scripts; the same one for the same scripts."""

    def __call__(self, *scripts: Script) -> Path: ...


@pytest.fixture(scope="session")
def random_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that babbles, so that the shape of what it says is the grammar's work."""
    pytest.importorskip("gguf")
    from tests.support.gguf.random import write_random_model

    return write_random_model(tmp_path_factory.mktemp("models") / "random.gguf")


@pytest.fixture(scope="session")
def scripted_gguf(tmp_path_factory: pytest.TempPathFactory) -> MakeScripted:
    """Make models that recite given answers."""
    pytest.importorskip("gguf")
    from tests.support.gguf.scripted import write_scripted_model

    made: dict[tuple[Script, ...], Path] = {}

    def make(*scripts: Script) -> Path:
        if scripts not in made:
            made[scripts] = write_scripted_model(tmp_path_factory.mktemp("models") / "scripted.gguf", scripts)
        return made[scripts]

    return make


@pytest.fixture(scope="session")
def engine(random_gguf: Path) -> Iterator[Embedded]:
    """A running engine with the babbling model, two requests at a time; not for tests that break engines."""
    pytest.importorskip("xllamacpp")
    with Embedded(random_gguf, parallel=2, timeout_s=60) as embedded:
        embedded.start()
        yield embedded
