"""`lmextract schema`: what would be sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import BOOK, Lmextract

from lmextract.dialects import DIALECTS
from lmextract.ready_made import ready_made, ready_made_names
from lmextract.target import Target
from lmextract.testing import FakeLMStudio


def test_without_a_schema_the_ready_made_ones_are_listed(lmextract: Lmextract) -> None:
    ran = lmextract("schema")

    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == ["SCHEMA", *ready_made_names()]


def test_the_list_as_json_has_the_descriptions(lmextract: Lmextract) -> None:
    listed = lmextract("schema", "--json").json
    path = ready_made("book")
    assert path is not None

    assert listed["book"] == Target.of(path).schema["description"]


def test_it_shows_wire_schema_prompt_and_what_is_checked_afterwards(lmextract: Lmextract) -> None:
    ran = lmextract("schema", "invoice")
    titles = [line.partition(" (")[0] for line in ran.out.splitlines() if line and line[0].isupper() and " (" in line]

    assert ran.code == 0
    assert [title for title in ("Wire schema", "Prompt", "Checked afterwards") if title not in titles] == []
    assert "$.seller.email" in ran.out
    assert "[system]" in ran.out


def test_a_schema_that_is_enforced_as_a_whole_is_said_to_be(tmp_path: Path, lmextract: Lmextract) -> None:
    path = tmp_path / "flag.json"
    path.write_text('{"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}', "utf-8")
    shown = lmextract("schema", path, "--dialect", "gguf", "--json").json

    if shown["fully_enforced"]:
        assert "Checked afterwards (nothing" in lmextract("schema", path, "--dialect", "gguf").out
    else:
        assert shown["checked_afterwards"]


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_every_dialect_can_be_shown(dialect: str, lmextract: Lmextract) -> None:
    assert lmextract("schema", "book", "--dialect", dialect, "--json").json["dialect"] == dialect


def test_an_unknown_dialect_is_2_and_lists_those_there_are(lmextract: Lmextract) -> None:
    ran = lmextract("schema", "book", "--dialect", "klingon")

    assert (ran.code, ran.out) == (2, "")
    assert "There are: gguf" in ran.err


def test_what_is_shown_is_what_is_sent(fake: FakeLMStudio, text: Path, lmextract: Lmextract) -> None:
    """A promise that would be easy to break: two ways to the same prompt."""
    fake.script([BOOK])
    shown = lmextract("schema", "book", "--dialect", "gguf", "--instructions", "Be exact.", "--json").json
    lmextract("extract", "-s", "book", "--instructions", "Be exact.", text)
    sent = fake.calls[0].json

    assert sent["response_format"]["json_schema"]["schema"] == shown["wire_schema"]
    assert sent["messages"][:-1] == shown["prompt"]


def test_nothing_is_sent(fake: FakeLMStudio, lmextract: Lmextract) -> None:
    lmextract("schema", "book")

    assert fake.requests == ()
