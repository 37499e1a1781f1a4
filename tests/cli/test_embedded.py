"""The commands with the real engine, in a child process."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Lmextract

from lmextract.cli.specs import target_named
from lmextract.servers._models import BUNDLED
from lmextract.types import Valid

pytest.importorskip("xllamacpp")


def test_the_engine_answers_with_a_valid_value_or_a_typed_error(
    random_gguf: Path, text: Path, lmextract: Lmextract
) -> None:
    ran = lmextract("extract", "-s", "book", "--server", f"embedded:{random_gguf}", "--max-tokens", "300", text)

    assert ran.code in (0, 1), ran.err
    assert "Traceback" not in ran.err
    if ran.code == 0:
        assert isinstance(target_named("book").check(ran.json), Valid)


def test_the_doctor_starts_the_engine_and_says_what_it_is(random_gguf: Path, lmextract: Lmextract) -> None:
    ran = lmextract("doctor", "--json", "--server", "embedded", "--model", random_gguf)
    found = {finding["step"]: finding for finding in ran.json}

    assert [found[step]["state"] for step in ("engine", "model", "start")] == ["ok", "ok", "ok"]
    assert found["engine"]["seen"].startswith("llama.cpp as in xllamacpp ")
    assert str(random_gguf) in found["model"]["seen"]
    assert found["dialect"]["seen"].startswith("gguf")
    assert ran.code == (0 if found["extraction"]["state"] == "ok" else 1)


def test_a_model_that_is_named_beside_another_is_refused(random_gguf: Path, lmextract: Lmextract) -> None:
    ran = lmextract("extract", "-s", "book", "--server", f"embedded:{random_gguf}", "--model", "other", stdin=b"A text")

    assert ran.code == 2
    assert "not other" in ran.err


def test_without_a_model_it_says_how_to_name_one(lmextract: Lmextract) -> None:
    if list(BUNDLED.glob("*.gguf")):
        pytest.skip("a model is bundled")
    ran = lmextract("extract", "-s", "book", "--server", "embedded", stdin=b"A text")

    assert ran.code == 2
    assert "--server embedded:path/to/model.gguf" in ran.err
