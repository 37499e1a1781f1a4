"""Reading texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmextract.cli.documents import named_files, read_document
from lmextract.errors import DocumentError


@pytest.mark.parametrize(
    "content", ["Gödel".encode(), b"\xef\xbb\xbf" + "Gödel".encode()], ids=["plain", "with a mark"]
)
def test_a_utf_8_file_is_read_with_and_without_a_byte_order_mark(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    document = read_document(str(path))

    assert (document.text, document.source) == ("Gödel", str(path))


def test_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    """Positions in a text are those of the file."""
    path = tmp_path / "text.txt"
    path.write_bytes(b"a\r\nb\n")

    assert read_document(str(path)).text == "a\r\nb\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Gödel".encode("latin-1"), ("byte 0xf6 at 1", "iconv")),
        (b"%PDF-1.7 ...", ("a PDF", "pdftotext")),
        (b"PK\x03\x04rest", ("a ZIP file",)),
        ("Gödel".encode("utf-16"), ("UTF-16", "iconv")),
        (b"\x89PNG\r\n", ("an image",)),
        (b"\xff\xd8\xff\xe0", ("an image",)),
        (b"a\0b", ("a binary file",)),
    ],
)
def test_what_is_no_utf_8_text_is_refused_by_name_with_what_to_do(
    content: bytes, said: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(DocumentError) as refused:
        read_document(str(path))

    assert str(refused.value).startswith(f"{path}: is ")
    assert [words for words in said if words not in str(refused.value)] == []


def test_a_folder_is_refused_with_how_to_name_its_files(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"is a folder. Name its files: .*\*\.txt"):
        read_document(str(tmp_path))


@pytest.mark.parametrize("name", ["none.txt", "a\0b", "x" * 5000])
def test_a_file_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        read_document(name)


def test_no_file_named_means_stdin() -> None:
    assert named_files([]) == ["-"]


def test_a_pattern_that_the_shell_has_left_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a.txt", "[c].txt"):
        (tmp_path / name).touch()

    assert named_files(["?.txt", "[c].txt", "*.md"]) == ["a.txt", "b.txt", "[c].txt", "*.md"]
