"""Whatever is wrong: one line that says what to do, the promised exit code, no traceback, nothing on stdout."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tests.cli.conftest import BOOK, Lmextract, Ran

from lmextract.testing import TOKEN, FakeLMStudio, FakeModel


def _check(ran: Ran, code: int, *said: str) -> None:
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("lmextract: error: ")
    assert "Traceback" not in ran.err
    assert [words for words in said if words not in ran.err] == []


@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"\xef\xbb\xbf"], ids=["nothing", "white space", "only a mark"])
@pytest.mark.usefixtures("fake")
def test_an_empty_text(content: bytes, lmextract: Lmextract) -> None:
    _check(lmextract("extract", "-s", "book", stdin=content), 4, "<stdin>: the text is empty")


def test_a_text_that_is_longer_than_the_context(lmextract: Lmextract) -> None:
    with FakeLMStudio(lambda _: BOOK, context_length=512) as server:
        ran = lmextract("extract", "-s", "book", "--server", server.url, stdin=b"word " * 2000)

    _check(ran, 4, "in a context of 512", "lms load <model> --context-length", "shorten the document")


@pytest.mark.usefixtures("fake")
def test_a_schema_file_that_is_no_schema(tmp_path: Path, text: Path, lmextract: Lmextract) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "objekt", "properties": 3}', "utf-8")

    _check(lmextract("extract", "-s", schema, text), 2, "this is no JSON Schema")


@pytest.mark.usefixtures("fake")
def test_a_type_that_cannot_be_expressed(tmp_path: Path, text: Path, lmextract: Lmextract) -> None:
    source = tmp_path / "inexpressible.py"
    source.write_text("from typing import Callable\nclass Odd: x: int\nHook = Callable[[int], int]\n", "utf-8")

    for name in ("Odd", "Hook"):
        _check(
            lmextract("extract", "-s", f"{source}:{name}", text),
            2,
            "cannot be expressed as a JSON Schema",
            "Use models",
        )


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("spec", ["boook", "none.json", "nonexistent_module:Book", "none.py:Book"])
def test_a_schema_that_is_not_there(spec: str, text: Path, lmextract: Lmextract) -> None:
    _check(lmextract("extract", "-s", spec, text), 2, spec.partition(":")[0])


@pytest.mark.usefixtures("fake")
def test_a_text_that_is_not_there(tmp_path: Path, lmextract: Lmextract) -> None:
    _check(lmextract("extract", "-s", "book", tmp_path / "none.txt"), 4, "none.txt: cannot be read: No such file")


@pytest.mark.usefixtures("fake")
def test_a_folder(tmp_path: Path, lmextract: Lmextract) -> None:
    _check(lmextract("extract", "-s", "book", tmp_path), 4, "is a folder", "*.txt")


@pytest.mark.usefixtures("fake")
def test_a_binary_file(tmp_path: Path, lmextract: Lmextract) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(b"%PDF-1.7\x00\xff")

    _check(lmextract("extract", "-s", "book", path), 4, "is a PDF, not UTF-8 text", "pdftotext")


EVERY_COMMAND = pytest.mark.parametrize("command", [("extract", "-s", "book"), ("models",)], ids=["extract", "models"])


@EVERY_COMMAND
def test_a_port_without_a_server(command: tuple[str, ...], nowhere: str, lmextract: Lmextract) -> None:
    _check(lmextract(*command, "--server", nowhere, stdin=b"A text"), 3, nowhere, "lms server start")


@EVERY_COMMAND
def test_a_port_with_a_web_server(command: tuple[str, ...], web_server: str, lmextract: Lmextract) -> None:
    _check(lmextract(*command, "--server", web_server, stdin=b"A text"), 3, "is not LM Studio", "LM_STUDIO_API_BASE")


@EVERY_COMMAND
def test_a_port_with_a_server_that_speaks_no_http(
    command: tuple[str, ...], garbage_server: str, lmextract: Lmextract
) -> None:
    _check(lmextract(*command, "--server", garbage_server, stdin=b"A text"), 3, garbage_server, "LM Studio")


def test_a_server_that_is_silent_is_given_up_after_the_timeout(lmextract: Lmextract) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ran = lmextract("models", "--server", address, "--timeout", "0.2")

    _check(ran, 3, "within 0.2 s")


@EVERY_COMMAND
@pytest.mark.parametrize("key", [None, "wrong"])
def test_a_wrong_key(
    command: tuple[str, ...], key: str | None, lmextract: Lmextract, monkeypatch: pytest.MonkeyPatch
) -> None:
    if key:
        monkeypatch.setenv("LM_STUDIO_API_KEY", key)
    with FakeLMStudio(lambda _: BOOK, token=TOKEN) as server:
        ran = lmextract(*command, "--server", server.url, stdin=b"A text")

    _check(ran, 3, "does not accept the API key", "LM_STUDIO_API_KEY")


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ((), ("no language model", "lms get")),
        (("a", "b"), ("several models are loaded: a, b", "--model")),
        ((FakeModel("a", loaded=False),), ("no model is loaded", "lms load a")),
    ],
)
def test_a_server_without_just_one_model(
    models: tuple[str | FakeModel, ...], said: tuple[str, ...], lmextract: Lmextract
) -> None:
    with FakeLMStudio(lambda _: BOOK, models=models) as server:
        ran = lmextract("extract", "-s", "book", "--server", server.url, stdin=b"A text")

    _check(ran, 2, *said)


@EVERY_COMMAND
@pytest.mark.parametrize("server", ["foo", "http://", "ftp://localhost", "http://user:secret@localhost", "localhost:x"])
def test_a_server_that_is_no_address(command: tuple[str, ...], server: str, lmextract: Lmextract) -> None:
    ran = lmextract(*command, "--server", server, stdin=b"A text")

    _check(ran, 2)
    assert "secret" not in ran.err


@pytest.mark.parametrize("gguf", ["none.gguf", "no-such-model", __file__], ids=["no file", "no model", "no GGUF"])
def test_an_embedded_model_that_is_not_there(gguf: str, lmextract: Lmextract) -> None:
    _check(lmextract("extract", "-s", "book", "--server", f"embedded:{gguf}", stdin=b"A text"), 2, gguf)
