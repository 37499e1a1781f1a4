"""The makers of test models: the same file for the same arguments, and a script that is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.gguf.random import write_random_model
from tests.support.gguf.scripted import Script, write_scripted_model
from tests.support.requests import ask, wire

from lmextract.servers import Embedded
from lmextract.types import Message, Request

pytest.importorskip("xllamacpp")

BOOK = wire(
    {
        "type": "object",
        "properties": {"title": {"type": "string"}, "year": {"type": "integer", "maximum": 2100}},
        "required": ["title", "year"],
    }
)


def test_the_random_model_is_the_same_byte_for_byte_for_a_seed(tmp_path: Path) -> None:
    first, again, other = (tmp_path / name for name in ("a", "b", "c"))
    write_random_model(first, seed=7)
    write_random_model(again, seed=7)
    write_random_model(other, seed=8)

    assert first.read_bytes() == again.read_bytes() != other.read_bytes()


def test_the_scripted_model_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    scripts = [Script("an answer", ("word",)), Script("another answer")]
    first = write_scripted_model(tmp_path / "a", scripts).read_bytes()

    assert first == write_scripted_model(tmp_path / "b", scripts).read_bytes()


def test_the_answer_with_most_triggers_present_is_given_however_often_they_occur(tmp_path: Path) -> None:
    scripts = [
        Script("none of them"),
        Script("only alpha", ("alpha",)),
        Script("only beta", ("beta",)),
        Script("both of these", ("alpha", "beta")),
        Script("all of the three", ("alpha", "beta", "gamma")),
    ]
    said = {
        "hello": "none of them",
        "gamma": "none of them",
        "alpha": "only alpha",
        "beta gamma": "only beta",
        "beta " * 50 + "alpha": "both of these",
        "gamma, xalphax and " + "beta " * 9: "all of the three",
        "Alpha BETA": "none of them",
    }
    with Embedded(write_scripted_model(tmp_path / "m.gguf", scripts)) as server:
        assert {prompt: server.send(ask(prompt)).content for prompt in said} == said


def test_any_text_can_be_recited(tmp_path: Path) -> None:
    answer = '{"title": "Grüße an Ähre 😀", "lines": ["\\n", "aaaaaaaaaaaa"], "year": -1.5e3}'
    with Embedded(write_scripted_model(tmp_path / "m.gguf", [Script(answer)])) as server:
        assert server.send(ask(max_tokens=500)).content == answer


def test_answers_that_begin_or_end_alike_are_kept_apart(tmp_path: Path) -> None:
    answers = {"one": '{"title":"Dune","year":1965}', "two": '{"title":"Dune","year":1966}', "three": '{"title":"Du"}'}
    scripts = [Script(answer, (word,)) for word, answer in answers.items()]
    with Embedded(write_scripted_model(tmp_path / "m.gguf", scripts)) as server:
        assert {word: server.send(ask(word)).content for word in answers} == answers


def test_where_the_grammar_forbids_the_script_the_answer_fits_the_grammar(tmp_path: Path) -> None:
    model = write_scripted_model(tmp_path / "m.gguf", [Script('{"title":"Dune","year":19650}')])
    with Embedded(model) as server:
        free, bound = server.send(ask()).content, server.send(ask(schema=BOOK)).content

    assert json.loads(free)["year"] == 19650
    assert json.loads(bound)["title"] == "Dune"
    assert json.loads(bound)["year"] <= 2100


def test_a_trigger_in_an_earlier_turn_counts(tmp_path: Path) -> None:
    scripts = [Script("first answer", ("Dune",)), Script("second answer", ("Dune", "invalid"))]
    turns = (Message("user", "On Dune."), Message("assistant", "first answer"), Message("user", "That is invalid."))
    with Embedded(write_scripted_model(tmp_path / "m.gguf", scripts)) as server:
        assert server.send(Request(turns, None, 50)).content == "second answer"


def test_answers_and_triggers_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too short"):
        write_scripted_model(tmp_path / "m.gguf", [Script("x")])
    with pytest.raises(ValueError, match="break"):
        write_scripted_model(tmp_path / "m.gguf", [Script("some answer", ("abcd", "bcx", "zbc"))])
