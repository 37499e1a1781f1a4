"""The bundled model at its one trade, through the public API and the real engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import gguf
import pytest
from pydantic import BaseModel

from lmextract import Embedded, Extractor, extract
from lmextract.prompt import PROMPT_VERSION, preamble
from lmextract.ready_made import ready_made
from lmextract.types import JsonSchema

ROOT = Path(__file__).parent.parent


class Book(BaseModel):
    title: str
    author: str
    year: int | None


@pytest.fixture(scope="module")
def server() -> Iterator[Embedded]:
    with Embedded() as server:
        yield server


@pytest.fixture(scope="module")
def bundled() -> Any:
    return gguf.GGUFReader(Embedded().path)


def test_the_demonstration_is_right_on_three_values_in_four_at_least() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "of 32 values right" in done.stdout
    assert f"by {Embedded().model}" in done.stdout


PLAIN = {
    "In 1987 Karl Vennberg published The Orchard at Midnight.": ("The Orchard at Midnight", "Karl Vennberg", 1987),
    "The Glass Harbour is a novel by Edna Thorsen. It came out in 1931 and sold 4,000 copies.": (
        "The Glass Harbour",
        "Edna Thorsen",
        1931,
    ),
    "We read The Clockmaker's Son by Ruth Adeyemi last week.": ("The Clockmaker's Son", "Ruth Adeyemi", None),
}


def test_it_fills_a_plain_class_from_plain_sentences_right_in_three_values_of_four(server: Embedded) -> None:
    found = [extract(Book, text, server=server) for text in PLAIN]
    values = [value for book in found for value in (book.title, book.author, book.year)]
    right = sum(got == wanted for got, wanted in zip(values, chain(*PLAIN.values()), strict=True))

    assert right >= 0.75 * len(values)


def test_it_follows_the_fields_and_the_order_of_the_type(server: Embedded) -> None:
    @dataclass
    class Printed:
        publisher: str | None
        title: str

    found = extract(Printed, "Harbour Lights was published by Ostrander Press in 1968.", server=server)

    assert found == Printed("Ostrander Press", "Harbour Lights")


def test_what_a_sentence_does_not_say_is_null(server: Embedded) -> None:
    schema = ready_made("book")
    assert schema is not None

    found = extract(schema, "The author of A Winter in Lund is Maja Holm.", server=server)

    assert found == {"title": "A Winter in Lund", "author": "Maja Holm", "year": None, "publisher": None}


def test_a_result_names_the_toy_that_made_it(server: Embedded) -> None:
    extraction = Extractor(Book, server=server).run("Stone and Rain was written by Ivo Marek in 1949.")

    assert extraction.model == server.model
    assert extraction.model.startswith("lmextract-book-")


def test_it_was_trained_on_the_words_that_prompts_have_now(bundled: Any) -> None:
    """A change of the prompt's words needs a new model: see training/README.md."""
    tokens = set(bundled.fields["tokenizer.ggml.tokens"].contents())
    schemas: list[JsonSchema] = [
        {"type": "object", "properties": {name: {"type": "boolean"}}, "required": [name]} for name in ("one", "other")
    ]
    prompts = [preamble(schema, name="Thing")[0].content.splitlines() for schema in schemas]
    constant = {line.removesuffix(", Thing:") for line in prompts[0] if line in prompts[1] and len(line) > 1}

    assert bundled.fields["lmextract.prompt_version"].contents() == PROMPT_VERSION
    assert constant <= tokens


def test_its_file_says_what_it_is_and_is_small(bundled: Any) -> None:
    assert bundled.fields["general.license"].contents() == "Apache-2.0"
    assert "toy" in bundled.fields["general.description"].contents()
    assert Embedded().path.stat().st_size < 4_000_000
    assert (Embedded().path.parent / "MODEL_CARD.md").is_file()
