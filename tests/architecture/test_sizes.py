"""Files and functions stay small enough to be read in one go."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "tests", "examples", "benchmarks", "scripts")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
SOURCES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in FILES}


def _functions(source: str) -> Iterator[tuple[str, int]]:
    """The name and the number of lines of every function in a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def test_files_have_fewer_than_400_lines() -> None:
    lengths = {name: len(source.splitlines()) for name, source in SOURCES.items()}

    assert {name: lines for name, lines in lengths.items() if lines >= 400} == {}


def test_functions_have_fewer_than_60_lines() -> None:
    lengths = {
        f"{name}:{function}": lines for name, source in SOURCES.items() for function, lines in _functions(source)
    }

    assert {function: lines for function, lines in lengths.items() if lines >= 60} == {}
