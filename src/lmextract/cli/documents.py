"""Texts from files and from stdin."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path

from lmextract.errors import DocumentError
from lmextract.types import Document

__all__ = ["STDIN", "named_files", "read_document", "source_of"]

STDIN = "-"

_KINDS = {
    b"%PDF": ("a PDF", "Extract its text first, for example with pdftotext."),
    b"PK\x03\x04": ("a ZIP file, as .docx and .xlsx are", "Save its text as a .txt file first."),
    b"\xff\xfe": ("UTF-16 text", "Save it as UTF-8, for example: iconv -f UTF-16 -t UTF-8."),
    b"\xfe\xff": ("UTF-16 text", "Save it as UTF-8, for example: iconv -f UTF-16 -t UTF-8."),
    b"\x89PNG": ("an image", "Only text can be read."),
    b"\xff\xd8\xff": ("an image", "Only text can be read."),
}


def named_files(names: Sequence[str]) -> list[str]:
    """The files meant: stdin where none is named; patterns too, which the shell of Windows leaves to programs."""
    return [file for name in names or (STDIN,) for file in _matching(name)]


def _matching(name: str) -> list[str]:
    found = sorted(glob(name, recursive=True)) if has_magic(name) and not Path(name).exists() else []  # noqa: PTH207  # a Path cannot be a pattern
    return found or [name]


def source_of(name: str) -> str:
    """What the text of this name is called in results and messages."""
    return "<stdin>" if name == STDIN else name


def read_document(name: str) -> Document:
    """Read a UTF-8 text, with or without a byte order mark; DocumentError for what is none."""
    source = source_of(name)
    content = _stdin() if name == STDIN else _content(name)
    known = next((kind for magic, kind in _KINDS.items() if content.startswith(magic)), None)
    try:
        if known is None and b"\0" not in content:
            return Document(content.decode("utf-8-sig"), source)
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 text: byte 0x{content[error.start]:02x} at {error.start:,}."
        hint = "Save it as UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8."
    else:
        what, hint = known or ("a binary file", "Only text can be read.")
        problem = f"is {what}, not UTF-8 text."
    raise DocumentError(problem, source=source, hint=hint)


def _stdin() -> bytes:
    if sys.stdin.isatty():
        print("lmextract: reading the text from the terminal; end it with Ctrl-D", file=sys.stderr)
    return sys.stdin.buffer.read()


def _content(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except IsADirectoryError:
        raise DocumentError("is a folder.", source=name, hint=f"Name its files: {Path(name) / '*.txt'}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DocumentError(f"cannot be read: {reason}.", source=name) from None
