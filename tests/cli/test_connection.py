"""Which server and model are meant: argument, then environment, then default."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from lmextract.cli.connection import Connection
from lmextract.errors import ConfigError
from lmextract.settings import Settings


def _meant(*, server: str | None = None, model: str | None = None, **environment: str) -> Connection:
    return Connection.of(Namespace(server=server, model=model, timeout=5.0), Settings.from_environment(environment))


@pytest.mark.parametrize(
    ("argument", "environment", "server", "by"),
    [
        (None, {}, "lmstudio", "LM Studio's own default"),
        (None, {"LM_STUDIO_API_BASE": "http://box:1"}, "lmstudio", "LM_STUDIO_API_BASE"),
        (None, {"LM_STUDIO_API_BASE": "http://box:1", "LMEXTRACT_SERVER": "embedded"}, "embedded", "LMEXTRACT_SERVER"),
        ("http://other:2", {"LM_STUDIO_API_BASE": "http://box:1"}, "http://other:2", "--server"),
        ("embedded", {"LMEXTRACT_SERVER": "http://box:1"}, "embedded", "--server"),
        ("lmstudio", {"LMEXTRACT_SERVER": "embedded"}, "lmstudio", "LM Studio's own default"),
    ],
)
def test_the_server_and_who_named_it(argument: str | None, environment: dict[str, str], server: str, by: str) -> None:
    meant = _meant(server=argument, **environment)

    assert (meant.server, meant.server_from) == (server, by)


@pytest.mark.parametrize(
    ("argument", "environment", "model", "by"),
    [
        (None, {}, None, "LMEXTRACT_MODEL"),
        (None, {"LMEXTRACT_MODEL": "a"}, "a", "LMEXTRACT_MODEL"),
        ("b", {"LMEXTRACT_MODEL": "a"}, "b", "--model"),
    ],
)
def test_the_model_and_who_named_it(
    argument: str | None, environment: dict[str, str], model: str | None, by: str
) -> None:
    meant = _meant(model=argument, **environment)

    assert (meant.model, meant.model_from) == (model, by)


@pytest.mark.parametrize(
    ("server", "model", "gguf"),
    [
        ("embedded", None, None),
        ("embedded:", None, None),
        ("embedded", "qwen3-4b", "qwen3-4b"),
        ("embedded:models/tiny.gguf", None, "models/tiny.gguf"),
        (r"embedded:C:\models\tiny.gguf", None, r"C:\models\tiny.gguf"),
        ("lmstudio", "qwen3-4b", None),
    ],
)
def test_the_embedded_engine_runs_the_model_that_is_named(server: str, model: str | None, gguf: str | None) -> None:
    assert _meant(server=server, model=model).gguf == gguf


def test_the_environments_model_does_not_disturb_an_engine_that_is_named_with_its_own(random_gguf: Path) -> None:
    with _meant(server=f"embedded:{random_gguf}", LMEXTRACT_MODEL="qwen3-4b").open() as server:
        assert server.model == random_gguf.stem


def test_a_model_that_is_not_the_engines_is_refused(random_gguf: Path) -> None:
    with pytest.raises(ConfigError, match="not qwen3-4b"):
        _meant(server=f"embedded:{random_gguf}", model="qwen3-4b").open()


def test_an_address_is_asked_for_the_model_that_is_named() -> None:
    with _meant(server="127.0.0.1:4321/v1", model="lm_studio/qwen3-4b").open_lmstudio() as server:
        assert (server.base_url, server.model, server.timeout_s) == ("http://127.0.0.1:4321", "qwen3-4b", 5.0)
