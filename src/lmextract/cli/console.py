"""What is said on stderr, and plain tables; stdout belongs to results."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager

__all__ = ["dumps", "logging_to_stderr", "say", "table", "working"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tabs and line ends: what a model or a document says must not command the terminal."""

_NEVER_RAW = re.compile(r"[\x7f-\x9f\ud800-\udfff]")
"""What JSON does not escape and stdout should not get: controls, and halves of characters, which no encoding has."""


def say(kind: str, message: str) -> None:
    """Print `lmextract: <kind>: <message>` on stderr."""
    print(f"lmextract: {kind}: {without_control(message)}", file=sys.stderr, flush=True)


def without_control(text: str) -> str:
    """A text that is safe to print: control characters become their escapes."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def dumps(value: object, *, indent: int | None = None) -> str:
    """A JSON value as text that stdout can carry: in its own letters where that is UTF-8, escaped elsewhere."""
    import json

    unicode = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"
    text = json.dumps(value, ensure_ascii=not unicode, indent=indent)
    return _NEVER_RAW.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


@contextmanager
def working(text: str, *, quiet: bool = False) -> Generator[None]:
    """Show what is being waited for while a block runs; only to a person who looks at a terminal."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    try:
        from rich.console import Console
        from rich.text import Text
    except ImportError:
        print(f"{without_control(text)} ...", end="\r", file=sys.stderr, flush=True)
        try:
            yield
        finally:
            print("\x1b[K", end="", file=sys.stderr, flush=True)
    else:
        with Console(stderr=True).status(Text(without_control(text))):
            yield


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on stdout: aligned text, or drawn by rich where that is installed and someone looks."""
    rows = [[without_control(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        try:
            _draw(head, rows)
        except ImportError:
            pass
        else:
            return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _draw(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    drawn.add_column(head[0], no_wrap=True, min_width=max(len(row[0]) for row in rows))  # names are there to be copied
    for title in head[1:]:
        drawn.add_column(title, overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    console = Console()
    least = console.measure(drawn, options=console.options.update(width=10_000)).minimum
    console.print(drawn, width=max(console.width, least), crop=False, no_wrap=True)


@contextmanager
def logging_to_stderr(verbosity: int) -> Generator[None]:
    """Pass the library's log to stderr while a block runs: -1 errors only, 0 warnings, 1 information, 2 all."""
    logger = logging.getLogger("lmextract")
    handler = _ToStderr()
    if verbosity <= 0:  # what it warns of is told in the command's own words: notes and errors
        handler.addFilter(lambda record: record.name != "lmextract.extracting")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel({-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _ToStderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(record.levelname.lower(), record.getMessage())
