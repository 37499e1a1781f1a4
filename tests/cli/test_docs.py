"""docs/cli.md says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.cli.conftest import Lmextract

from lmextract.cli.exits import Exit

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cli.md").read_text("utf-8")
COMMANDS = ("extract", "models", "doctor", "schema")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_on_the_page(command: str, lmextract: Lmextract) -> None:
    options = set(re.findall(r"--[a-z][a-z-]+", lmextract(command, "--help").out)) - {"--help"}

    assert [option for option in sorted(options) if f"`{option}" not in PAGE and f", {option}" not in PAGE] == []


def test_the_page_promises_no_option_that_there_is_not(lmextract: Lmextract) -> None:
    known = set(re.findall(r"--[a-z][a-z-]+", "".join(lmextract(command, "--help").out for command in COMMANDS)))
    shown = re.findall(r"lmextract (?:extract|models|doctor|schema)[^\n|`]*", PAGE)
    used = {option for line in shown for option in re.findall(r"--[a-z][a-z-]+", line)}

    assert used
    assert used - known == set()


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_is_in_the_table(code: Exit) -> None:
    assert f"| {int(code)} |" in PAGE
