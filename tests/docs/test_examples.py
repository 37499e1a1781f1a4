"""Every Python example in the README and the docs runs, and prints what the page says it prints.

The examples of a page run in order and share their names, so that a page reads as one session.  What a page shows as

    print(book.title)
    #> The Left Hand of Darkness

is compared with what was printed.  Two comments, which no reader sees, steer the run:

- ``<!-- setup`` ... ``-->`` holds Python that runs at its place: the doubles that stand in for a server.  There,
  ``enter(context_manager)`` enters a context manager until the page ends.
- ``<!-- not run: a reason -->`` directly above an example skips it.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [page for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))] if page.exists()]

PIECE = re.compile(
    r"^<!-- setup\n(?P<setup>.*?)^-->"
    r"|(?P<skipped>^<!-- not run: [^\n]+ -->\s+)?^(?P<indent> *)```python[^\n]*\n(?P<example>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Python from a page: the line it begins on, the code, and what it should print (None: anything)."""

    line: int
    code: str
    printed: str | None


def pieces(page: str) -> Iterator[Piece]:
    """The code of a page in order, hidden set-up included."""
    for found in PIECE.finditer(page):
        if found["skipped"]:
            continue
        group = "setup" if found["setup"] is not None else "example"
        code = re.sub(rf"^{found['indent'] or ''}", "", found[group], flags=re.MULTILINE)
        expected = "".join(f"{line}\n" for line in re.findall(r"^\s*#> ?(.*)$", code, re.MULTILINE))
        yield Piece(page.count("\n", 0, found.start(group)), code, expected or None)


def run(page: Path, module: ModuleType) -> None:
    """Execute a page in `module`; an error's traceback names the page and the line."""
    with contextlib.ExitStack() as stack:
        module.__dict__["enter"] = stack.enter_context
        for piece in pieces(page.read_text("utf-8")):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile("\n" * piece.line + piece.code, page, "exec"), module.__dict__)
            if piece.printed is not None:
                assert piece.printed == printed.getvalue(), f"{page.name}, line {piece.line + 1}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page_run_and_print_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("example_of_the_docs")
    # Forward references in an example's classes are looked up in the module of that name.
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)

    run(page, module)


def test_a_wrong_promise_on_a_page_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- setup\nx = 1\n-->\n\n```python\nprint(x)\n#> 2\n```\n", "utf-8")

    with pytest.raises(AssertionError, match=r"page\.md, line 6"):
        run(page, ModuleType("wrong"))


def test_an_example_marked_as_not_run_is_left_out() -> None:
    page = "<!-- not run: it needs a server -->\n\n```python\n1 / 0\n```\n\n```python\nx = 1\n```\n"

    assert [piece.code for piece in pieces(page)] == ["x = 1\n"]
