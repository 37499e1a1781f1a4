"""`lmextract extract`: what goes in, what comes out, and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import BOOK, Lmextract

from lmextract.testing import TOKEN, FakeLMStudio, Fault

REFUSED = Fault.error("Failed to load model")
"""A failure of the server that is not worth another try."""


def test_one_text_gives_its_value_and_nothing_else(fake: FakeLMStudio, text: Path, lmextract: Lmextract) -> None:
    ran = lmextract("extract", "-s", "book", text)

    assert (ran.code, ran.json, ran.err) == (0, BOOK, "")
    assert text.read_text("utf-8") in fake.calls[0].json["messages"][-1]["content"]


@pytest.mark.parametrize("files", [(), ("-",)], ids=["no file", "a dash"])
def test_a_text_may_come_from_stdin(files: tuple[str, ...], fake: FakeLMStudio, lmextract: Lmextract) -> None:
    ran = lmextract("extract", "-s", "book", *files, stdin="Gödel, Escher, Bach".encode())

    assert (ran.code, ran.json) == (0, BOOK)
    assert "Gödel" in fake.calls[0].json["messages"][-1]["content"]


@pytest.mark.usefixtures("fake")
def test_several_texts_give_a_line_each_in_their_order(text: Path, tmp_path: Path, lmextract: Lmextract) -> None:
    other = tmp_path / "another.txt"
    other.write_text("Another text", "utf-8")
    ran = lmextract("extract", "-s", "book", text, other)

    assert ran.code == 0
    assert ran.lines == [{"source": str(text), "value": BOOK}, {"source": str(other), "value": BOOK}]
    assert ran.err == "lmextract: done: 2 of 2 texts extracted\n"


@pytest.mark.usefixtures("fake")
def test_jsonl_gives_a_line_for_a_single_text_too(lmextract: Lmextract) -> None:
    ran = lmextract("extract", "-s", "book", "--jsonl", stdin=b"A text")

    assert ran.lines == [{"source": "<stdin>", "value": BOOK}]


def test_a_value_of_a_python_type_is_written_as_json(fake: FakeLMStudio, tmp_path: Path, lmextract: Lmextract) -> None:
    source = tmp_path / "types_of_mine.py"
    source.write_text("import datetime\nDays = list[datetime.date]\n", "utf-8")
    fake.script([{"value": ["2026-11-22"]}])

    assert lmextract("extract", "-s", f"{source}:Days", stdin=b"22 November 2026").json == ["2026-11-22"]


def test_full_tells_how_it_went(fake: FakeLMStudio, text: Path, lmextract: Lmextract) -> None:
    fake.script([{**BOOK, "year": "unknown"}, BOOK])
    full = lmextract("extract", "-s", "book", "--full", text).json

    assert full["value"] == BOOK
    assert full["notes"] == [{"code": "repaired", "path": "$.year", "message": full["notes"][0]["message"]}]
    assert (full["model"], full["attempts"]) == ("fake-model", 2)
    assert full["usage"]["prompt"] > full["usage"]["completion"] > 0


def test_full_lines_have_a_source(fake: FakeLMStudio, text: Path, lmextract: Lmextract) -> None:
    ran = lmextract("extract", "-s", "book", "--full", "--jsonl", text)

    assert set(ran.lines[0]) == {"source", "value", "notes", "usage", "model", "attempts"}


def test_notes_are_told_on_stderr(fake: FakeLMStudio, text: Path, lmextract: Lmextract) -> None:
    fake.script([{**BOOK, "year": "unknown"}, BOOK])
    ran = lmextract("extract", "-s", "book", text)

    assert (ran.code, ran.json) == (0, BOOK)
    assert ran.err.startswith("lmextract: note: repaired at $.year: ")


def test_quiet_leaves_notes_out(fake: FakeLMStudio, text: Path, lmextract: Lmextract) -> None:
    fake.script([{**BOOK, "year": "unknown"}, BOOK])

    assert lmextract("extract", "-s", "book", "-q", text).err == ""


def test_a_reply_that_never_fits_is_1_with_the_problems(fake: FakeLMStudio, text: Path, lmextract: Lmextract) -> None:
    fake.script(lambda _: {**BOOK, "year": "unknown"})
    ran = lmextract("extract", "-s", "book", "--repairs", "1", text)

    assert (ran.code, ran.out, fake.call_count) == (1, "", 2)
    assert "$.year" in ran.err


def test_a_text_that_fails_does_not_stop_the_others(fake: FakeLMStudio, text: Path, lmextract: Lmextract) -> None:
    fake.script(["no JSON at all", BOOK])
    ran = lmextract("extract", "-s", "book", "--repairs", "0", text, text)

    assert ran.code == 1
    assert [set(line) for line in ran.lines] == [{"source", "error"}, {"source", "value"}]
    assert ran.lines[0]["error"]["kind"] == "InvalidReply"
    assert f"lmextract: error: {text}: " in ran.err
    assert "1 of 2 texts extracted" in ran.err


@pytest.mark.usefixtures("fake")
def test_texts_that_cannot_be_read_are_4_and_have_their_lines(text: Path, tmp_path: Path, lmextract: Lmextract) -> None:
    ran = lmextract("extract", "-s", "book", tmp_path / "none.txt", text)

    assert ran.code == 4
    assert [line.get("value") for line in ran.lines] == [None, BOOK]
    assert ran.err.count(str(tmp_path / "none.txt")) == 1


def test_the_worst_failure_decides_the_exit_code(
    fake: FakeLMStudio, text: Path, tmp_path: Path, lmextract: Lmextract
) -> None:
    fake.script(["no JSON", BOOK], faults={1: REFUSED})
    ran = lmextract("extract", "-s", "book", "--repairs", "0", text, text, tmp_path / "none.txt")

    assert [line["error"]["kind"] for line in ran.lines] == ["InvalidReply", "ServerUnavailable", "DocumentError"]
    assert ran.code == 3


def test_a_server_that_fails_twice_in_a_row_is_not_asked_again(
    fake: FakeLMStudio, text: Path, lmextract: Lmextract
) -> None:
    fake.script(lambda _: BOOK, faults=lambda request: REFUSED if request.call else None)
    ran = lmextract("extract", "-s", "book", *[text] * 6)

    assert fake.call_count == 3
    assert ran.code == 3
    assert [line.get("error", {}).get("message", "")[:10] for line in ran.lines] == [
        *("", "the model ", "the model "),
        *["not asked:"] * 3,
    ]


def test_a_failure_between_successes_is_that_of_one_text(fake: FakeLMStudio, text: Path, lmextract: Lmextract) -> None:
    fake.script(lambda _: BOOK, faults={0: REFUSED, 2: REFUSED, 4: REFUSED})
    ran = lmextract("extract", "-s", "book", *[text] * 6)

    assert ["value" in line for line in ran.lines] == [False, True] * 3


def test_what_is_chosen_goes_over_the_wire(fake: FakeLMStudio, text: Path, lmextract: Lmextract) -> None:
    lmextract(
        *("extract", "-s", "book", "--model", "lm_studio/fake-model", "--temperature", "0.5", "--max-tokens", "77"),
        *("--instructions", "Years are those of the first edition.", text),
    )
    body = fake.calls[0].json

    assert (body["model"], body["temperature"], body["max_tokens"]) == ("fake-model", 0.5, 77)
    assert "first edition" in body["messages"][0]["content"]


def test_the_model_may_be_named_by_the_environment(
    fake: FakeLMStudio, text: Path, lmextract: Lmextract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LMEXTRACT_MODEL", "fake-model")
    fake.load("fake-model")
    ran = lmextract("extract", "-s", "book", text)

    assert ran.code == 0
    assert fake.calls[0].json["model"] == "fake-model"


def test_examples_are_shown_to_the_model(fake: FakeLMStudio, text: Path, tmp_path: Path, lmextract: Lmextract) -> None:
    shown, value = tmp_path / "shown.txt", tmp_path / "shown.json"
    shown.write_text("Dune, 1965", "utf-8")
    value.write_text('{"title": "Dune", "author": null, "year": 1965, "publisher": null}', "utf-8")
    ran = lmextract("extract", "-s", "book", "--example", shown, value, text)
    messages = fake.calls[0].json["messages"]

    assert ran.code == 0
    assert "Dune, 1965" in messages[1]["content"]
    assert json.loads(messages[2]["content"])["year"] == 1965


@pytest.mark.parametrize(
    ("value", "said"),
    [('{"title": 1}', "does not fit"), ("{", "is no JSON")],
    ids=["wrong value", "no JSON"],
)
def test_an_example_that_does_not_fit_is_2_and_nothing_is_sent(
    value: str, said: str, fake: FakeLMStudio, text: Path, lmextract: Lmextract
) -> None:
    wrong = text.with_name("wrong.json")
    wrong.write_text(value, "utf-8")
    ran = lmextract("extract", "-s", "book", "--example", text, wrong, text)

    assert (ran.code, fake.calls) == (2, ())
    assert said in ran.err


def test_the_address_given_is_asked_not_that_of_the_environment(
    text: Path, nowhere: str, fake: FakeLMStudio, lmextract: Lmextract
) -> None:
    with FakeLMStudio([BOOK]) as other:
        ran = lmextract("extract", "-s", "book", "--server", other.base_url, text)

    assert (ran.code, other.call_count, fake.call_count) == (0, 1, 0)


@pytest.mark.parametrize("key", [TOKEN, "sk-lm-12345678:abcdefghijklmnopqrst", "placeholder-key"])
def test_a_key_is_never_shown(key: str, text: Path, lmextract: Lmextract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_STUDIO_API_KEY", key)
    with FakeLMStudio(lambda _: BOOK, token=TOKEN) as server:
        for command in (("extract", "-s", "book", str(text)), ("models",), ("doctor",)):
            ran = lmextract(*command, "-vv", "--debug", "--server", server.url)
            assert ran.code == (0 if key == TOKEN else 3)
            assert [part for part in (key, key[:10]) if part in ran.out + ran.err] == []


def test_a_message_cannot_command_the_terminal(lmextract: Lmextract, tmp_path: Path) -> None:
    ran = lmextract("extract", "-s", "book", tmp_path / "\x1b[2J.txt")

    assert "\x1b" not in ran.err
    assert "\\x1b[2J.txt" in ran.err
