"""`lmextract models`: what the server has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.cli.conftest import Lmextract

from lmextract.testing import FakeLMStudio, FakeModel

MODELS = (
    FakeModel("qwen/qwen3-4b", identifier="mine", context_length=8192, parallel=2, max_context_length=40_960),
    FakeModel("tiny", loaded=False, quantization="Q8_0", size_bytes=67_000_000, max_context_length=2048),
    FakeModel("nomic", kind="embedding", loaded=False),
)


def test_each_model_has_a_row_with_what_is_known_of_it(lmextract: Lmextract) -> None:
    with FakeLMStudio(models=MODELS) as server:
        ran = lmextract("models", "--server", server.base_url)
    rows = {row.split()[0]: row for row in ran.out.splitlines()}

    assert (ran.code, ran.err) == (0, "")
    assert rows["MODEL"].split() == ["MODEL", "TYPE", "FORMAT", "QUANT", "SIZE", "STATE", "CONTEXT", "SLOTS"]
    assert rows["qwen/qwen3-4b"].split()[1:] == "llm gguf Q4_K_M 2.50 GB loaded 8192 of 40960 2".split()
    assert rows["tiny"].split()[1:] == "llm gguf Q8_0 67.00 MB not loaded max 2048 -".split()
    assert rows["nomic"].split()[1] == "embedding"


def test_json_has_all_that_is_known(lmextract: Lmextract) -> None:
    with FakeLMStudio(models=MODELS) as server:
        models = lmextract("models", "--json", "--server", server.base_url).json

    assert [model["key"] for model in models] == ["qwen/qwen3-4b", "tiny", "nomic"]
    assert models[0] == {
        "key": "qwen/qwen3-4b",
        "type": "llm",
        "format": "gguf",
        "quantization": "Q4_K_M",
        "loaded": True,
        "instances": ["mine"],
        "context_length": 8192,
        "max_context_length": 40960,
        "parallel": 2,
        "size_bytes": 2_500_000_000,
    }


def test_a_server_without_models_is_told_how_to_get_one(lmextract: Lmextract) -> None:
    with FakeLMStudio(models=()) as server:
        ran = lmextract("models", "--server", server.base_url)
        as_json = lmextract("models", "--json", "--server", server.base_url)

    assert (ran.code, ran.out) == (0, "")
    assert "lms get" in ran.err
    assert as_json.json == []


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The models folder of a user of LM Studio."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    folder = tmp_path / ".lmstudio" / "models" / "publisher" / "model"
    folder.mkdir(parents=True)
    return folder


def test_the_models_on_disk_are_those_of_the_embedded_engine(
    models_folder: Path, random_gguf: Path, lmextract: Lmextract
) -> None:
    shutil.copy(random_gguf, models_folder / "babbler.gguf")
    models = lmextract("models", "--json", "--server", "embedded").json

    assert models[-1]["key"] == "babbler"
    assert models[-1]["size_bytes"] == random_gguf.stat().st_size
    assert models[-1]["max_context_length"] > 0


def test_a_broken_download_does_not_hide_the_other_models(
    models_folder: Path, random_gguf: Path, lmextract: Lmextract
) -> None:
    (models_folder / "a-broken.gguf").write_bytes(b"GG")
    shutil.copy(random_gguf, models_folder / "babbler.gguf")
    ran = lmextract("models", "--json", "--server", "embedded")

    assert ran.json[-1]["key"] == "babbler"
    assert "a-broken.gguf is not a GGUF model" in ran.err
