"""What `-s` takes, and what it says to everything else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lmextract.cli.specs import target_named
from lmextract.errors import TargetError
from lmextract.ready_made import ready_made_names
from lmextract.types import Valid

SOURCE = """
from __future__ import annotations
from dataclasses import dataclass
from typing import NamedTuple
from neighbour import Author

print("this is no result")

@dataclass
class Book:
    title: str
    author: Author

    class Page(NamedTuple):
        number: int

Books = list[Book]
SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}}}
TEXT = "Book"
def book() -> Book: ...
"""
NEIGHBOUR = "Author = str\n"

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a file into the working folder; modules that a test imports from there are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)

    def make(name: str, content: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")
        return path

    yield make
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def library(write: Write) -> Path:
    """A Python file with types, and one that it imports."""
    write("neighbour.py", NEIGHBOUR)
    return write("library.py", SOURCE)


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ("library:Book", {"title": "T", "author": "A"}),
        ("library.py:Book", {"title": "T", "author": "A"}),
        ("./library.py:Book", {"title": "T", "author": "A"}),
        ("library:Book.Page", {"number": 1}),
        ("library.py:Books", [{"title": "T", "author": "A"}]),
        ("library.py:SCHEMA", {"title": "T"}),
        ("builtins:int", 1),
    ],
)
@pytest.mark.usefixtures("library")
def test_a_type_is_found_in_a_module_and_in_a_file(spec: str, value: object) -> None:
    assert isinstance(target_named(spec).check(value), Valid)


@pytest.mark.usefixtures("library")
def test_what_a_module_prints_is_kept_out_of_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    target_named("library.py:Book")

    assert capsys.readouterr() == ("", "this is no result\n")


@pytest.mark.usefixtures("library")
def test_importing_leaves_the_path_as_it_was() -> None:
    before = list(sys.path)
    target_named("library.py:Book")

    assert sys.path == before


def test_a_file_does_not_take_the_place_of_the_module_of_its_name(write: Write) -> None:
    import types

    write("types.py", "class Mine: x: int\nfrom typing import NamedTuple\nclass Pair(NamedTuple):\n    a: int\n")
    target_named("types.py:Pair")

    assert sys.modules["types"] is types


def test_a_file_in_another_folder_finds_its_neighbours(write: Write) -> None:
    write("there/neighbour.py", NEIGHBOUR)
    write("there/library.py", SOURCE)

    assert target_named("there/library.py:Book").name == "Book"


def test_a_schema_file_is_its_own_target(write: Write) -> None:
    write("note.json", json.dumps({"title": "Note", "type": "object"}))

    assert target_named("note.json").name == "Note"


@pytest.mark.parametrize("name", ready_made_names())
def test_every_ready_made_schema_is_a_target(name: str) -> None:
    assert target_named(name).schema["description"]


def test_a_ready_made_name_is_not_hidden_by_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "book").mkdir()
    monkeypatch.chdir(tmp_path)

    assert target_named("book").name == "Book"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("boook", ("no ready-made schema 'boook'", "book, ", "file.py:Type")),
        ("none.json", ("none.json", "No such file")),
        ("folder/none", ("folder/none", "No such file")),
        ("/", ("cannot be read",)),
        ("library.py", ("is a Python file", "library.py:Book")),
        ("none.py:Book", ("there is no file none.py",)),
        ("nonexistent_module:Book", ("nonexistent_module cannot be imported", "No module named", "in this folder")),
        ("library:Bok", ("library has no Bok", "It has: Book, Books.")),
        ("library:Book.Cover", ("library has no Book.Cover",)),
        ("library:TEXT", ("is a str, not a type",)),
        ("library:book", ("is a function, not a type",)),
        ("neighbour:sys", ("neighbour has no sys",)),
        ("broken:Book", ("broken cannot be imported", "ZeroDivisionError: division by zero", "--debug")),
        ("broken.py:Book", ("broken.py cannot be imported",)),
        ("quitter.py:Book", ("quitter.py cannot be imported", "SystemExit: 3")),
        ("syntax.py:Book", ("syntax.py cannot be imported", "SyntaxError")),
        ("importer:Book", ("importer cannot be imported", "No module named 'nonexistent_module'", "--debug")),
        ("json:JSONDecoder", ("JSONDecoder cannot be expressed as a JSON Schema",)),
        ("list.json", ("a JSON array, not a schema",)),
        ("text.json", ("is no JSON",)),
        ("wrong.json", ("this is no JSON Schema",)),
        ("binary.json", ("is no JSON",)),
        ("https://example.com/book.json", ("cannot be read",)),
        ("", ("no ready-made schema ''",)),
    ],
)
@pytest.mark.usefixtures("library")
def test_what_is_no_target_is_refused_with_what_to_do(spec: str, said: tuple[str, ...], write: Write) -> None:
    write("broken.py", "1 / 0\n")
    write("quitter.py", "raise SystemExit(3)\n")
    write("syntax.py", "class Book\n")
    write("importer.py", "import nonexistent_module\n")
    write("list.json", "[]")
    write("text.json", "a book")
    write("wrong.json", '{"type": "objekt"}')
    write("binary.json", "\x00\x01")

    with pytest.raises(TargetError) as refused:
        target_named(spec)

    assert [words for words in said if words not in str(refused.value)] == []
