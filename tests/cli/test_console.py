"""Words on stderr and tables on stdout."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest

from lmextract.cli.console import dumps, logging_to_stderr, say, table, working


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("encoding", "written"), [("utf-8", '"Gödel"'), ("latin-1", '"G\\u00f6del"'), ("ascii", '"G\\u00f6del"')]
)
def test_json_is_in_its_own_letters_only_where_stdout_is_utf_8(
    encoding: str, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))

    assert dumps("Gödel") == written


def test_json_holds_no_control_character() -> None:
    every = "".join(map(chr, range(0xA1)))

    assert dumps(every).isprintable() or "\xa0" in dumps(every)
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in dumps(every))
    assert json.loads(dumps(every)) == every


def test_a_message_stays_readable_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    say("note", "Gödel\n\tsays \x1b[31mred\x9b")

    assert capsys.readouterr() == ("", "lmextract: note: Gödel\n\tsays \\x1b[31mred\\x9b\n")


def test_a_table_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    table(("NAME", "N"), [("a", "1"), ("longer", "22")])

    assert capsys.readouterr().out == "NAME    N\na       1\nlonger  22\n"


def test_a_table_on_a_terminal_shows_names_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stdout", terminal := _Terminal())
    name = "publisher/" + "x" * 50
    table(("NAME", "ABOUT"), [(name, "a word " * 10)])

    assert name in terminal.getvalue()


def test_waiting_is_shown_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with working("extracting"):
        pass
    assert capsys.readouterr() == ("", "")

    monkeypatch.setattr(sys, "stderr", terminal := _Terminal())
    with working("extracting"):
        pass
    assert "extracting" in terminal.getvalue()


def test_waiting_is_shown_without_rich_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setattr(sys, "stderr", terminal := _Terminal())
    with working("extracting"):
        assert "extracting ..." in terminal.getvalue()


def test_quiet_shows_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := _Terminal())
    with working("extracting", quiet=True):
        pass

    assert terminal.getvalue() == ""


@pytest.mark.parametrize(("verbosity", "heard"), [(-1, ""), (0, "W"), (1, "WI"), (2, "WID")])
def test_the_log_is_as_loud_as_asked(verbosity: int, heard: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("lmextract.servers")
    with logging_to_stderr(verbosity):
        log.warning("W")
        log.info("I")
        log.debug("D")

    assert "".join(line[-1] for line in capsys.readouterr().err.splitlines()) == heard


def test_the_log_is_as_it_was_afterwards() -> None:
    log = logging.getLogger("lmextract")
    before = (log.level, list(log.handlers))
    with logging_to_stderr(2):
        pass

    assert (log.level, list(log.handlers)) == before


def test_half_a_character_does_not_end_the_run() -> None:
    """A file name that is no UTF-8 holds them, and so may a reply."""
    assert dumps("\udcff") == '"\\udcff"'
