"""The page on results is complete: every code of a note, every error."""

from __future__ import annotations

import re
from pathlib import Path

from lmextract import errors

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "results.md").read_text("utf-8")


def _table_below(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def _first_cells(table: str) -> set[str]:
    return {name for row in re.findall(r"^\|([^|]+)\|", table, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)}


def _codes_in_the_source() -> set[str]:
    sources = [path.read_text("utf-8") for path in (ROOT / "src" / "lmextract").rglob("*.py")]
    given = {code for source in sources for code in re.findall(r'\bNote\(\s*"([^"]+)"', source)}
    return given | {"repaired"}  # which `flow` chooses, as it does "truncated"


def test_every_code_of_a_note_is_explained() -> None:
    assert _first_cells(_table_below("Notes")) == _codes_in_the_source()


def test_every_error_is_explained() -> None:
    families = {"LMExtractError", "ServerError", "ReplyError"}

    assert _first_cells(_table_below("Errors")) == set(errors.__all__) - families
