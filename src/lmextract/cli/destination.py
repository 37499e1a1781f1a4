"""Where results go: stdout, or a file that appears whole."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from lmextract.cli.console import say
from lmextract.errors import ConfigError

__all__ = ["destination"]


@contextmanager
def destination(path: Path | None) -> Generator[TextIO]:
    """Yield a stream to stdout (None) or to a file, which is replaced only when the block has come to its end.

    What was written before an error or Ctrl-C stays beside it, as `<file>.part`.
    """
    if path is None:
        yield sys.stdout
    elif path.exists() and not path.is_file():  # a device or a pipe, which nothing may replace
        with _opened(path, path) as stream:
            yield stream
    else:
        yield from _whole(path.resolve())


def _whole(path: Path) -> Generator[TextIO]:
    part = path.with_name(f"{path.name}.part")
    stream = _opened(part, path)
    try:
        with stream:
            if path.exists():
                shutil.copymode(path, part)
            yield stream
    except BaseException:
        if part.stat().st_size:
            say("note", f"what was done so far is in {part}")
        else:
            part.unlink()
        raise
    part.replace(path)


def _opened(path: Path, named: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigError(f"{named} cannot be written: {error.strerror or error}.") from None
