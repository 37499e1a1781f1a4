"""The program around its commands: help, usage, errors, Ctrl-C, and a reader that goes away."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import BOOK, Lmextract

from lmextract.cli.exits import Exit, exit_code
from lmextract.errors import (
    ConfigError,
    ContextOverflow,
    DocumentError,
    InvalidReply,
    LMExtractError,
    SchemaRefused,
    ServerRefused,
    ServerUnavailable,
    TargetError,
)
from lmextract.testing import FakeLMStudio, Fault

COMMANDS = ("extract", "models", "doctor", "schema")

Start = Callable[..., "subprocess.Popen[str]"]


def test_help_names_every_command_and_every_exit_code(lmextract: Lmextract) -> None:
    ran = lmextract("--help")

    assert ran.code == 0
    assert [command for command in COMMANDS if f"    {command} " not in ran.out] == []
    assert [code for code in Exit if f"\n  {int(code)} " not in ran.out] == []


def test_help_fits_a_terminal_of_120_columns(lmextract: Lmextract) -> None:
    assert max(map(len, lmextract("--help").out.splitlines())) <= 120


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, lmextract: Lmextract) -> None:
    ran = lmextract(command, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"usage: lmextract {command}")


def test_help_loads_nothing_that_is_slow() -> None:
    script = """if True:
        import sys, lmextract.cli
        lmextract.cli.main(["--help"])
        print(*{"pydantic", "httpx", "jsonschema", "tenacity", "rich", "asyncio"} & set(sys.modules), file=sys.stderr)
    """
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert result.stderr.split() == []


def test_the_version_is_that_of_the_package(lmextract: Lmextract) -> None:
    ran = lmextract("--version")

    assert ran.code == 0
    assert ran.out.startswith("lmextract ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "COMMAND"),
        (("extrac",), "invalid choice"),
        (("extract", "text.txt"), "-s/--schema"),
        (("extract", "-s", "book", "--repairs", "-1"), "-1 is less than 0"),
        (("extract", "-s", "book", "--repairs", "two"), "'two' is no whole number"),
        (("extract", "-s", "book", "--max-tokens", "0"), "0 is less than 1"),
        (("extract", "-s", "book", "--timeout", "0"), "must be more than 0"),
        (("extract", "-s", "book", "--timeout", "nan"), "nan is not a number from 0"),
        (("extract", "-s", "book", "--temperature", "-1"), "-1 is not a number from 0"),
        (("extract", "-s", "book", "--temperature", "warm"), "'warm' is no number"),
        (("models", "-q", "-v"), "not allowed with"),
        (("extract", "--sch", "book"), "-s/--schema"),  # no abbreviations: they would bind us
    ],
)
def test_a_wrong_command_line_is_2_and_says_what_is_wrong(
    arguments: tuple[str, ...], said: str, lmextract: Lmextract
) -> None:
    ran = lmextract(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidReply("no"), 1),
        (TargetError("no"), 2),
        (ConfigError("no"), 2),
        (OSError("no"), 2),
        (ServerUnavailable("no"), 3),
        (ServerRefused("no"), 3),
        (SchemaRefused("no"), 3),
        (ContextOverflow("no"), 4),
        (DocumentError("no"), 4),
    ],
)
def test_an_error_has_its_exit_code(error: LMExtractError | OSError, code: int) -> None:
    assert exit_code(error) == code


def test_an_expected_error_is_said_without_a_traceback(nowhere: str, lmextract: Lmextract) -> None:
    ran = lmextract("models", "--server", nowhere)

    assert ran.code == 3
    assert ran.err.startswith("lmextract: error: ")
    assert len(ran.err.splitlines()) == 1


def test_debug_shows_the_traceback_too(nowhere: str, lmextract: Lmextract) -> None:
    ran = lmextract("models", "--server", nowhere, "--debug")

    assert ran.code == 3
    assert "Traceback" in ran.err
    assert ran.err.splitlines()[-1].startswith("lmextract: error: ")


def test_ctrl_c_is_130_and_lets_go_of_the_server(fake: FakeLMStudio, text: Path, start: Start) -> None:
    fake.script(faults={0: Fault.hang()})
    process = start("extract", "-s", "book", text)
    assert fake.wait_for(lambda: fake.call_count == 1, 20)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (130, "")
    assert err.split() == ["lmextract:", "interrupted"]
    assert fake.wait_idle()


def test_a_reader_that_has_seen_enough_ends_the_run_without_a_word(
    fake: FakeLMStudio, text: Path, start: Start
) -> None:
    """As in `lmextract extract ... | head -1`; no document is asked about that nobody waits for."""
    fake.script(lambda _: BOOK, faults=lambda request: Fault.delay(0.3) if request.call else None)
    process = start("extract", "-s", "book", "-q", *[text] * 50)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()

    assert (process.wait(20), err) == (141, "")
    assert fake.call_count < 5


def test_a_full_disk_is_said(fake: FakeLMStudio, text: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    command = [sys.executable, "-m", "lmextract.cli", "extract", "-s", "book", str(text)]
    with full.open("w") as stdout:
        ran = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)

    assert ran.returncode == 2
    assert "No space left" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_terminal_without_a_letter_gets_its_escape(start: Start) -> None:
    process = start("schema", PYTHONIOENCODING="ascii")
    out, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (0, "")
    assert "r\\xe9sum\\xe9" in out
