"""Questions as this library asks them: a schema in one of many shapes, its prompt, documents, and the right answers.

Half of the schemas are `schemas/book.json` as it is; the others are what a user's own class or schema for the same
things may look like: fields left out or in another order, nullable or not, described or not, under several names.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from books import Book, Forms, document
from tokens import END, Tokens, shared_pieces

from lmextract import compile_schema
from lmextract.prompt import document_message, preamble, wire_text
from lmextract.types import Json, JsonSchema, Message

__all__ = ["READY_MADE", "Question", "Row", "own_schema", "questions", "rows", "tokens"]

Rng = random.Random

READY_MADE: JsonSchema = json.loads((Path(__file__).parent.parent / "schemas" / "book.json").read_text("utf-8"))
FIELDS = {"title": "string", "author": "string", "year": "integer", "publisher": "string"}
_NAMES = (
    "Book Book Book Book BookInfo Novel Work Publication Entry Volume Record BookRecord CatalogueEntry Item".split()
)
_ABOUT = (
    "A book.; One book.; What a text says about a book.; A book in our library.; A catalogue entry.; A published "
    "work.; Bibliographic data.; A novel and who wrote it.; The book that the text is about.; Data about one book."
).split("; ")
_DESCRIPTIONS = {
    "title": "Title of the book|The title|Title as written|Full title, with the subtitle|Name of the book|"
    "Without quotation marks",
    "author": "Author of the book|Who wrote it|The author's full name|Author as written|Name of the writer|"
    "First and last name",
    "year": "Year of publication|When it was published|Four digits|The year of the first edition|Publication year|Year",
    "publisher": "Who published it|The publishing house|Publisher's name|Name of the publisher|Publisher as written",
}
_INSTRUCTIONS = (
    "Extract the book.; Find the book in the text.; Extract the book that the text is about.; Who wrote what, and "
    "when?; The text is a sentence about a book.; Read the catalogue entry.; Get the data of the book.; Extract the "
    "bibliographic data of the book."
).split("; ")


@dataclass(frozen=True, slots=True)
class Question:
    """A schema with its name and the messages that are the same for every document."""

    schema: JsonSchema
    name: str
    fixed: tuple[Message, ...]

    def answer(self, book: Book) -> dict[str, Json] | None:
        """What a careful person answers, in wire order; None where the schema asks for a number that nobody has."""
        said, value = asdict(book), {}
        for field, described in self.schema["properties"].items():
            nullable = "null" in described["type"]
            if said[field] is None and not nullable and field == "year":
                return None
            value[field] = "" if said[field] is None and not nullable else said[field]
        return value


@dataclass(frozen=True, slots=True)
class Row:
    """One document: the tokens after the prefix, and how many of them are the question."""

    tokens: tuple[int, ...]
    asked: int


def tokens() -> Tokens:
    """The vocabulary for the prompts of this version of the library."""
    other = {"type": "object", "properties": {"count": {"type": "number"}}, "required": ["count"]}
    return Tokens(shared_pieces(READY_MADE, other, [document(random.Random(seed))[0] for seed in range(4000)]))


def questions(rng: Rng) -> Iterator[Question]:
    """Schemas without end."""
    while True:
        schema, name = (READY_MADE, "Book") if rng.random() < 0.5 else own_schema(rng)
        yield _question(rng, schema, name)


def rows(
    rng: Rng, question: Question, vocabulary: Tokens, count: int, *, which: Forms = "training", longest: int = 1000
) -> list[Row]:
    """Documents for a question, with their answers, as tokens; those of more than `longest` tokens are passed over."""
    found: list[Row] = []
    while len(found) < count:
        text, book = document(rng, which)
        answer = question.answer(book)
        if answer is None:
            continue
        asked = [*vocabulary.turns([document_message(text)]), vocabulary.role("assistant")]
        row = Row((*asked, *vocabulary.encode(wire_text(answer)), END), len(asked))
        found += [row] if len(row.tokens) <= longest else []
    return found


def own_schema(rng: Rng) -> tuple[JsonSchema, str]:
    """A schema as a user may write it, and its name."""
    often = {"title": 0.95, "author": 0.85, "year": 0.8, "publisher": 0.5}
    fields = [field for field in FIELDS if rng.random() < often[field]] or ["title"]
    if rng.random() < 0.4:
        rng.shuffle(fields)
    described = 0.8 if rng.random() < 0.4 else 0.0
    schema: dict[str, Json] = {"type": "object"}
    if rng.random() < 0.3:
        schema["description"] = rng.choice(_ABOUT)
    schema["properties"] = {field: _field(rng, field, described) for field in fields}
    return schema | {"required": fields, "additionalProperties": False}, rng.choice(_NAMES)


def _field(rng: Rng, field: str, described: float) -> dict[str, Json]:
    nullable = rng.random() < {"title": 0.08, "author": 0.5, "year": 0.65, "publisher": 0.7}[field]
    schema: dict[str, Json] = {"type": [FIELDS[field], "null"] if nullable else [FIELDS[field]]}
    if rng.random() < described:
        schema["description"] = rng.choice(_DESCRIPTIONS[field].split("|")) + rng.choice(["", "", "."])
        if nullable and rng.random() < 0.3:
            schema["description"] += rng.choice(["; null if not given", ", if known", "; null if unknown"])
    return schema


def _question(rng: Rng, schema: JsonSchema, name: str) -> Question:
    bare = Question(schema, name, ())
    shown: list[tuple[str, Json]] = []
    while not shown and rng.random() < 0.06:
        text, book = document(rng)
        answer = bare.answer(book)
        shown += [] if answer is None else [(text, answer)]
    said = rng.choice(_INSTRUCTIONS) if rng.random() < 0.1 else None
    wire = compile_schema(schema, "gguf")
    return Question(schema, name, preamble(schema, wire=wire, instructions=said, examples=shown, name=name))
