"""The words that a model reads: where they stand, what they promise, and that nobody changes them unnoticed."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmextract.prompt import (
    PROMPT_VERSION,
    answer_message,
    conversation,
    describe,
    document_message,
    empty_message,
    preamble,
    reasoning_message,
    repair_message,
    truncated_message,
    wire_text,
)
from lmextract.types import Message, Path, Problem, WireSchema

FINGERPRINTS = {"1": "7e10a64bf3fe9113"}
"""What the samples below come to under each version of the prompt; a new version gets a new entry."""

BOOK: dict[str, Any] = {
    "title": "Book",
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "year": {"type": "integer", "minimum": 1450, "description": "year of first publication"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 5},
    },
    "required": ["title"],
}
INVOICE: dict[str, Any] = {
    "type": "object",
    "description": "An invoice as issued by the seller.",
    "properties": {
        "number": {"type": "string", "pattern": "^[A-Z]{2}-\\d+$"},
        "issued": {"type": "string", "format": "date"},
        "seller": {"$ref": "#/$defs/Party"},
        "buyer": {"anyOf": [{"$ref": "#/$defs/Party"}, {"type": "null"}]},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"item": {"type": "string"}, "amount": {"type": "number", "exclusiveMinimum": 0}},
                "required": ["item", "amount"],
            },
        },
        "currency": {"enum": ["EUR", "USD"], "default": "EUR"},
        "rates": {"type": "object", "additionalProperties": {"type": "number"}},
        "paid by": {
            "oneOf": [
                {"type": "object", "properties": {"kind": {"const": "card"}, "last4": {"type": "string"}}},
                {"type": "object", "properties": {"kind": {"const": "cash"}}},
            ]
        },
        "grid": {"type": "array", "prefixItems": [{"type": "string"}, {"type": ["number", "null"]}]},
    },
    "required": ["number", "issued", "seller", "buyer", "lines", "currency"],
    "$defs": {
        "Party": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "email": {"type": "string", "format": "email"}},
            "required": ["name"],
        }
    },
}
WIRE = WireSchema(
    {
        "type": "object",
        "properties": {
            "value": {
                "type": "array",
                "items": {**BOOK, "required": ["title", "year", "tags"]},
            }
        },
        "required": ["value"],
    },
    (),
    fully_enforced=True,
    dialect="safe",
    wrapped=True,
)
PROBLEMS = (
    Problem(Path("authors", 0, "first name"), "missing", "Field required", {"born": 1920}),
    Problem(Path("year"), "less_than_equal", "Input should be less than\nor equal to 2030", 3020),
    Problem(Path(), "type", "Input should be an object", "x" * 200),
)


def _samples() -> list[list[str]]:
    books = {"type": "array", "items": BOOK}
    examples = [("Über Dune, 1965.", {"value": [{"title": "Über Dune", "year": 1965, "tags": None}]})]
    turns: list[Message] = [
        *conversation(BOOK, "Dune, 1965.", name="Book", instructions="\n    Only novels.\n      Not essays.\n    "),
        *conversation(books, "a </text> b", wire=WIRE, examples=examples, name="answer"),
        *conversation(INVOICE, ""),
        answer_message(" "),
        repair_message(PROBLEMS),
        repair_message(PROBLEMS * 5, wire=WIRE),
        truncated_message(),
        empty_message(),
        reasoning_message(),
    ]
    return [[turn.role, turn.content] for turn in turns]


def test_words_change_together_with_the_version() -> None:
    """Models are trained on these prompts: a changed word needs a new PROMPT_VERSION and a new fingerprint here."""
    samples = json.dumps(_samples(), ensure_ascii=False)

    assert FINGERPRINTS.get(PROMPT_VERSION) == hashlib.sha256(samples.encode()).hexdigest()[:16], samples


def test_the_preamble_comes_first_and_is_the_same_for_every_document() -> None:
    fixed = preamble(BOOK, name="Book", examples=[("a", {})])

    assert conversation(BOOK, "one", name="Book", examples=[("a", {})]) == (*fixed, document_message("one"))
    assert conversation(BOOK, "two", name="Book", examples=[("a", {})]) == (*fixed, document_message("two"))


def test_the_system_prompt_has_the_target_between_instructions_and_rules() -> None:
    (system,) = preamble(BOOK, instructions="Only novels.")

    places = [system.content.index(part) for part in ("Only novels.", describe(BOOK), "Never invent.")]
    assert system.role == "system"
    assert places == sorted(places)


def test_instructions_lose_the_indentation_of_a_docstring() -> None:
    (system,) = preamble(BOOK, instructions="Only novels.\n\n        Years as printed.\n        ")

    assert "\nOnly novels.\n\nYears as printed.\n\nAnswer" in system.content


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Book", "this type, Book:"), ("answer", "this type:"), ("", "this type:"), ("x" * 99, "this type:")],
)
def test_the_name_of_the_target_is_said_if_it_says_anything(name: str, shown: str) -> None:
    assert shown in preamble(BOOK, name=name)[0].content


def test_examples_look_like_the_document_and_the_answer() -> None:
    turns = conversation(BOOK, "now", examples=[("then", {"title": "Über", "tags": []})])[1:]

    assert turns == (
        document_message("then"),
        Message("assistant", '{"title":"Über","tags":[]}'),
        document_message("now"),
    )


def test_turns_alternate() -> None:
    roles = [turn.role for turn in conversation(BOOK, "c", examples=[("a", {}), ("b", {})])]

    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]


TEXTS = st.text() | st.lists(
    st.sampled_from(["<text>", "</text>", "</TEXT>", "</ text >", "</text-2>", "<text-3>", "\n", "ignore this", "é"])
).map("".join)


@given(TEXTS)
def test_the_document_is_verbatim_and_its_marks_do_not_occur_in_it(text: str) -> None:
    content = document_message(text).content
    mark = content[1 : content.index(">")]

    assert content == f"<{mark}>\n{text}\n</{mark}>"
    assert not re.search(rf"</?\s*{mark}\s*>", text, re.IGNORECASE)


def test_plain_documents_have_plain_marks() -> None:
    assert document_message("Dune").content == "<text>\nDune\n</text>"


def test_a_blank_turn_of_the_model_is_filled() -> None:
    assert answer_message("\n").content == "(no answer)"
    assert answer_message(' {"a": 1}').content == ' {"a": 1}'


def test_problems_name_the_place_the_fault_and_what_was_written() -> None:
    lines = repair_message(PROBLEMS).content.splitlines()

    assert '- authors[0]["first name"]: Field required' in lines
    assert "- year: Input should be less than or equal to 2030 (you wrote 3020)" in lines
    assert any(line.startswith("- the answer: Input should be an object (you wrote ") for line in lines)


def test_problems_of_a_wrapped_target_are_placed_in_the_models_own_json() -> None:
    content = repair_message(
        [Problem(Path(0, "year"), "type", "wrong"), Problem(Path(), "type", "no list")], wire=WIRE
    ).content

    assert "- value[0].year: wrong" in content
    assert "- value: no list" in content


def test_long_values_messages_and_lists_are_shortened() -> None:
    content = repair_message([Problem(Path("a", number), "x", "m" * 5000, "v" * 5000) for number in range(500)]).content

    assert len(content) < 5000
    assert "- and 490 more" in content


def test_wire_text_is_json_on_one_line_in_the_documents_letters() -> None:
    assert wire_text({"größe": [1, None]}) == '{"größe":[1,null]}'
