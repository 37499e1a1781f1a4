"""Results appear whole in their file, or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

import pytest
from tests.cli.conftest import Lmextract

from lmextract.cli.destination import destination
from lmextract.errors import ConfigError
from lmextract.testing import FakeLMStudio


def test_a_result_is_written_to_the_file_and_not_to_stdout(
    fake: FakeLMStudio, text: Path, tmp_path: Path, lmextract: Lmextract
) -> None:
    path = tmp_path / "book.json"
    ran = lmextract("extract", "-s", "book", "-o", path, text)

    assert (ran.code, ran.out) == (0, "")
    assert '"title": "The Left Hand of Darkness"' in path.read_text("utf-8")


def test_a_failure_leaves_the_file_of_before(
    fake: FakeLMStudio, text: Path, tmp_path: Path, lmextract: Lmextract
) -> None:
    path = tmp_path / "book.json"
    path.write_text("before", "utf-8")
    fake.script(lambda _: "no JSON")
    ran = lmextract("extract", "-s", "book", "-o", path, text)

    assert (ran.code, path.read_text("utf-8")) == (1, "before")
    assert sorted(tmp_path.iterdir()) == [path, text]


def test_a_file_that_cannot_be_written_is_2_before_anything_is_asked(
    fake: FakeLMStudio, text: Path, tmp_path: Path, lmextract: Lmextract
) -> None:
    ran = lmextract("extract", "-s", "book", "-o", tmp_path / "none" / "book.json", text)

    assert (ran.code, fake.calls) == (2, ())
    assert f"{tmp_path / 'none' / 'book.json'} cannot be written" in ran.err


def test_the_file_of_before_is_there_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("before", "utf-8")
    with destination(path) as stream:
        stream.write("after")
        stream.flush()
        assert path.read_text("utf-8") == "before"

    assert path.read_text("utf-8") == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_done_before_an_interruption_is_kept_beside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt), destination(path) as stream:
        _write_and_be_interrupted(stream)

    assert not path.exists()
    assert (tmp_path / "out.jsonl.part").read_text("utf-8") == "one line\n"
    assert "out.jsonl.part" in capsys.readouterr().err


def _write_and_be_interrupted(stream: TextIO) -> None:
    stream.write("one line\n")
    raise KeyboardInterrupt


def test_the_permissions_of_the_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "private.jsonl"
    path.touch(0o600)
    with destination(path) as stream:
        stream.write("after")

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "file.jsonl", tmp_path / "link.jsonl"
    file.touch()
    link.symlink_to(file)
    with destination(link) as stream:
        stream.write("after")

    assert link.is_symlink()
    assert file.read_text("utf-8") == "after"


@pytest.mark.skipif(not Path(os.devnull).exists(), reason="devices are no files here")
def test_a_device_is_written_to_and_not_replaced() -> None:
    with destination(Path(os.devnull)) as stream:
        stream.write("after")

    assert not Path(os.devnull).is_file()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"), destination(tmp_path):
        pass


def test_without_a_file_results_go_to_stdout() -> None:
    with destination(None) as stream:
        assert stream is sys.stdout
