"""Reading replies: the right object out of every shape, a note for whatever was unusual, never a silent guess."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

import pytest
from pydantic import BaseModel, Field, ValidationInfo, field_validator

from lmextract.dialects import compile_schema
from lmextract.errors import InvalidReply, ReasoningOnlyReply, TruncatedReply
from lmextract.reading import Reading, read_reply
from lmextract.target import Target
from lmextract.types import Path, Reply


class Book(BaseModel):
    title: str
    author: str
    year: int = Field(le=2030)
    tags: list[str]


DUNE = Book(title="Dune", author="Frank Herbert", year=1965, tags=["sf", "classic"])
GOOD = '{"title": "Dune", "author": "Frank Herbert", "year": 1965, "tags": ["sf", "classic"]}'
DRAFT = '{"title": "Draft", "author": "Nobody", "year": 1900, "tags": ["draft"]}'
LENIENT = "{title: 'Dune', author: \"Frank Herbert\", year: '1965', tags: ['sf', 'classic',],}"
MARKER = "__LM_STUDIO_INTERNAL_LSEP_SYNTHETIC_REASONING_END_3f2a9c__"


def codes(reading: Reading[Any]) -> list[str]:
    return [note.code for note in reading.notes]


def wrong(reading: Reading[Any]) -> list[tuple[str, str]]:
    return [(str(problem.path), problem.code) for problem in reading.problems]


def test_plain_json_is_read_without_a_note() -> None:
    reading = read_reply(GOOD, Book)
    assert reading.value == DUNE
    assert (reading.notes, reading.source, reading.json) == ((), "content", json.loads(GOOD))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"<think>perhaps {DRAFT}?</think>\n{GOOD}", ["after-think"]),
        (f"perhaps {DRAFT}?\n</think>\n{GOOD}", ["after-think"]),
        (f"<think>a<think>b</think>{DRAFT}</think>{GOOD}", ["after-think"]),
        (f"<thinking>{DRAFT}</thinking>{GOOD}", ["after-think"]),
        (f"[THINK]{DRAFT}[/THINK]{GOOD}", ["after-think"]),
        (f"◁think▷{DRAFT}◁/think▷{GOOD}", ["after-think"]),
        (f"<seed:think>{DRAFT}</seed:think>{GOOD}", ["after-think"]),
        (f"<|START_THINKING|>{DRAFT}<|END_THINKING|>{GOOD}", ["after-think"]),
        (f"<|channel>thought\n{DRAFT}<channel|>{GOOD}", ["after-think"]),
        (
            f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>{GOOD}<|return|>",
            ["after-think"],
        ),
        (f"analysisWe need {DRAFT}.assistantfinal{GOOD}", ["after-think"]),
        (f"{GOOD}\n<think>done</think>", ["after-think"]),
        (f"so {DRAFT} {MARKER}{GOOD}", ["after-marker"]),
        (f"<think>x</think>```json\n{GOOD}\n```", ["after-think", "fenced"]),
        (f"```json\n{GOOD}\n```", ["fenced"]),
        (f"```json\n{GOOD}", ["fenced"]),
        (f"```json {GOOD}```", ["fenced"]),
        (f"```json\n{DRAFT}\n```\n```json\n{GOOD}\n```", ["fenced", "several"]),
        (f"~~~\n{GOOD}\n~~~", ["fenced"]),
        (f"Sure! Here it is:\n{GOOD}\nHope this helps {{you}}.", ["prose"]),
        (f"The schema was {{title, author}}, so [1]:\n```\n{GOOD}\n```\nDone.", ["fenced", "prose"]),
        (f"{GOOD}<|im_end|>", []),
        (f"<answer>{GOOD}</answer>", []),
        (f"\ufeff{GOOD}", ["tolerant-json"]),
        (LENIENT, ["tolerant-json", "coerced"]),
        (GOOD[:-1] + ",}", ["tolerant-json"]),
        (json.dumps(GOOD), ["double-encoded"]),
        (json.dumps(json.dumps(GOOD)), ["double-encoded", "double-encoded"]),
        (GOOD.replace('"', '\\"'), ["double-encoded"]),
        (f"> {GOOD}", ["tolerant-json"]),
        (f'<tool_call>{{"name": "book", "arguments": {GOOD}}}</tool_call>', ["unwrapped"]),
        (f'{{"book": {GOOD}}}', ["unwrapped"]),
        (f"[{GOOD}]", ["unwrapped"]),
        (GOOD.replace('"year"', '"year": 1965, "year"'), ["tolerant-json"]),
        (GOOD.replace("1965", '"x", "year": 1965'), ["tolerant-json", "duplicate-keys"]),
        (GOOD.replace('["sf', '"[\\"sf\\", \\"classic\\"]", "_": ["sf'), ["double-encoded"]),
        (f"{DRAFT}\n{GOOD}", ["several"]),
        (f'{GOOD}\n\nI set {{"year": 1965}} aside.', ["prose"]),
        (GOOD[1:], ["tolerant-json"]),
    ],
)
def test_the_right_object_comes_out_of_every_shape(content: str, expected: list[str]) -> None:
    reading = read_reply(content, Book)
    assert reading.value == DUNE
    assert codes(reading) == expected


@pytest.mark.parametrize(
    "reply",
    [
        Reply("", reasoning=GOOD),
        Reply("\n\n", reasoning=f"Let me see. First {DRAFT}, no: {GOOD}"),
        Reply("", reasoning=f"<think>first {DRAFT}</think>{GOOD}"),
        Reply("<think>\n\n</think>\n", reasoning=f"```json\n{GOOD}\n```"),
        Reply("", reasoning=GOOD, finish="length"),
        Reply(f"<think>so it is {GOOD}"),
        Reply("", reasoning=f"Answer: {GOOD}."),
    ],
)
def test_json_that_was_filed_as_reasoning_is_found_where_nothing_was_answered(reply: Reply) -> None:
    reading = read_reply(reply, Book)
    assert reading.value == DUNE
    assert codes(reading)[0] == "from-reasoning"
    assert reading.source == "reasoning"


@pytest.mark.parametrize(
    "reply",
    [
        Reply("", reasoning=f"First {DRAFT}. But the year is off, so I will"),
        Reply("", reasoning=f"First {DRAFT}", finish="length"),
        Reply("", reasoning=GOOD.replace("1965", "2065")),
        Reply("", reasoning="no idea"),
        Reply(f"<think>first {DRAFT}, then", finish="length"),
        Reply(f"<think>first {DRAFT}.</think>There is no book in this text.", reasoning=""),
        Reply("There is no book in this text.", reasoning=DRAFT),
        Reply("analysisWe need a book: " + DRAFT + ". Let me check"),
    ],
)
def test_a_draft_is_never_the_answer(reply: Reply) -> None:
    reading = read_reply(reply, Book)
    assert not reading.ok
    assert not reading.found


def test_an_invalid_answer_is_not_replaced_by_a_draft_in_the_reasoning() -> None:
    reading = read_reply(Reply('{"title": "Dune"}', reasoning=DRAFT), Book)
    assert wrong(reading) == [("$.author", "missing"), ("$.year", "missing"), ("$.tags", "missing")]


def test_tags_inside_a_string_are_part_of_the_string() -> None:
    text = '```json\n{"title": "<think>a</think> b", "author": "x", "year": 1, "tags": [],}\n```'
    assert read_reply(text, Book).value.title == "<think>a</think> b"


@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize("before", ["", "```json\n", "Sure: ", f"<think>{DRAFT}</think>", f"{DRAFT}\nBetter:\n"])
def test_a_cut_answer_is_never_whole_and_keeps_what_was_complete(before: str, finish: str) -> None:
    reading = read_reply(Reply(before + GOOD[:-9], finish=finish), Book)
    assert not reading.ok
    assert reading.truncated
    assert wrong(reading) == [("$.tags", "truncated")]
    assert reading.json == {"title": "Dune", "author": "Frank Herbert", "year": 1965, "tags": ["sf"]}
    assert reading.cut_at == Path("tags")


def test_an_answer_that_lacks_only_its_last_bracket_is_cut() -> None:
    assert read_reply(GOOD[:-1], Book).truncated


def test_brackets_missing_before_a_closing_fence_were_forgotten_unless_the_reply_was_cut() -> None:
    text = f"```json\n{GOOD[:-1]}\n```"
    assert codes(read_reply(text, Book)) == ["fenced", "tolerant-json"]
    assert not read_reply(Reply(text, finish="length"), Book).ok


def test_a_reply_cut_after_its_json_is_whole_and_says_so() -> None:
    reading = read_reply(Reply(GOOD + "\n\n\n", finish="length"), Book)
    assert reading.value == DUNE
    assert codes(reading) == ["truncated"]
    assert not reading.truncated


@pytest.mark.parametrize(
    ("reply", "code", "truncated"),
    [
        (Reply(""), "empty", False),
        (Reply("", finish="length"), "truncated", True),
        (Reply("", reasoning="hm"), "reasoning_only", False),
        (Reply("<think>hm", finish="length"), "truncated", True),
        (Reply("I cannot."), "no_json", False),
        (Reply("{title, author}"), "no_json", False),
    ],
)
def test_a_reply_without_an_answer_says_what_it_is(reply: Reply, code: str, *, truncated: bool) -> None:
    reading = read_reply(reply, Book)
    assert reading.problems[0].code == code
    assert reading.truncated is truncated
    assert (reading.found, reading.json) == (False, None)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(GOOD[:-9]), TruncatedReply),
        (Reply("", reasoning="hm"), ReasoningOnlyReply),
        (Reply("no"), InvalidReply),
        (Reply("{}"), InvalidReply),
    ],
)
def test_asking_for_a_value_that_is_not_there_raises_why(reply: Reply, error: type[Exception]) -> None:
    with pytest.raises(error):
        _ = read_reply(reply, Book).value


def test_repeated_keys_that_contradict_each_other_are_a_problem() -> None:
    reading = read_reply(GOOD.replace('"year"', '"year": 1960, "year"'), Book)
    assert wrong(reading) == [("$.year", "duplicate_keys")]


def test_of_repeated_keys_the_only_value_that_fits_is_taken_wherever_it_stands() -> None:
    for pair in ('"year": 1965, "year": 2065', '"year": 2065, "year": 1965'):
        assert read_reply(GOOD.replace('"year": 1965', pair), Book).value == DUNE


def test_nan_is_a_note_where_the_type_admits_it_and_a_problem_elsewhere() -> None:
    class Reading(BaseModel):
        value: float

    schema = {"type": "object", "properties": {"value": {"type": "number"}}, "required": ["value"]}
    lax = read_reply('{"value": NaN}', Reading)
    assert math.isnan(lax.value.value)
    assert "not-finite" in codes(lax)
    assert wrong(read_reply('{"value": NaN}', schema)) == [("$.value", "not_finite")]


def test_nan_reads_as_null_where_only_null_fits() -> None:
    class Person(BaseModel):
        age: int | None

    reading = read_reply('{"age": NaN}', Person)
    assert reading.value.age is None
    assert codes(reading) == ["tolerant-json", "normalised"]


def test_numbers_that_nothing_can_hold_are_problems() -> None:
    for digits in ("9" * 10_000, "1e999"):
        assert ("$.year", "too_large") in wrong(read_reply(GOOD.replace("1965", digits), Book))


def test_a_number_with_more_digits_than_a_float_holds_is_noted() -> None:
    class Price(BaseModel):
        amount: float

    assert codes(read_reply('{"amount": 0.12345678901234567890}', Price)) == ["tolerant-json"]
    assert codes(read_reply('{"amount": 0.1234567890123456}', Price)) == []


def test_a_decimal_keeps_all_its_digits() -> None:
    class Price(BaseModel):
        amount: Decimal

    assert read_reply('{"amount": 12345678901234567.89}', Price).value.amount == Decimal("12345678901234567.89")


@pytest.mark.parametrize("text", ['{"tags": ["x", ...]}', '{"tags": ["x"], ...}', '{"tags": ["x"] // ... more\n}'])
def test_what_was_left_out_is_a_problem(text: str) -> None:
    assert "elided" in [code for _, code in wrong(read_reply(text, {}))]


@pytest.mark.parametrize("opener", ["[", '{"title":', '{"title": [{"title":'])
def test_endless_nesting_is_a_problem(opener: str) -> None:
    assert not read_reply(opener * 100_000, Book).ok


def test_a_reply_of_ten_million_characters_is_read() -> None:
    rows = json.dumps([{"n": 1, "t": "x" * 960}] * 10_000)
    assert len(read_reply(f"Here: {rows}", {"type": "array"}).value) == 10_000
    assert read_reply(rows[:-1], {"type": "array"}).truncated


@pytest.mark.parametrize(
    ("text", "schema", "value", "code"),
    [
        ('{"a": null}', {"properties": {"a": {"type": "string"}}}, {}, "normalised"),
        ('{"a": "1965"}', {"properties": {"a": {"type": "integer"}}}, {"a": 1965}, "normalised"),
        ('{"a": "1,234"}', {"properties": {"a": {"type": "integer"}}}, {"a": 1234}, "normalised"),
        ('{"a": "true"}', {"properties": {"a": {"type": "boolean"}}}, {"a": True}, "normalised"),
        ('{"a": 5}', {"properties": {"a": {"type": "string"}}}, {"a": "5"}, "normalised"),
        ('{"a": 007}', {"properties": {"a": {"type": "integer"}}}, {"a": 7}, "normalised"),
        ('{"a": "[1]"}', {"properties": {"a": {"type": "array"}}}, {"a": [1]}, "double-encoded"),
    ],
)
def test_the_same_information_in_the_declared_form_is_noted(text: str, schema: Any, value: Any, code: str) -> None:
    reading = read_reply(text, schema)
    assert reading.value == value
    assert code in codes(reading)


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ('{"a": "12 kg"}', {"properties": {"a": {"type": "number"}}}),
        ('{"a": 1.5}', {"properties": {"a": {"type": "string"}}}),
        ('{"a": null}', {"properties": {"a": {"type": "string"}}, "required": ["a"]}),
        ('{"a": "x"}', {"properties": {"a": {"type": "array"}}}),
    ],
)
def test_nothing_is_made_up_to_fit(text: str, schema: Any) -> None:
    reading = read_reply(text, schema)
    assert wrong(reading) == [("$.a", "type")]
    assert reading.json == json.loads(text)


def test_an_envelope_is_opened_only_where_its_names_are_foreign() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}, "book": {}}, "required": ["title"]}
    assert not read_reply('{"book": {"title": "Dune"}}', schema).ok


def test_a_fragment_of_an_unreadable_answer_is_not_the_answer() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    reading = read_reply('{"name": "x", "inner" oops {"name": "y"}}', schema)
    assert wrong(reading)[0] == ("$", "unreadable")


def test_a_wrapped_root_is_unwrapped_and_so_are_the_paths() -> None:
    target = Target.of(list[Book])
    wire = compile_schema(target)
    assert read_reply(f'{{"value": [{GOOD}]}}', target, wire=wire).value == [DUNE]
    cut = read_reply(f'{{"value": [{GOOD}, {GOOD[:-9]}', target, wire=wire)
    assert cut.cut_at == Path(1, "tags")
    assert wrong(cut) == [("$[1].tags", "truncated")]
    assert len(cut.json) == 2


def test_null_on_the_wire_stands_for_absent_without_a_note() -> None:
    class Note(BaseModel):
        text: str
        mood: str = "calm"

    target = Target.of(Note)
    reading = read_reply('{"text": "hi", "mood": null}', target, wire=compile_schema(target))
    assert reading.value == Note(text="hi")
    assert reading.notes == ()


def test_items_that_stand_one_after_the_other_make_the_list_that_was_wanted() -> None:
    reading = read_reply(f"{GOOD}\n{DRAFT}", list[Book])
    assert [book.title for book in reading.value] == ["Dune", "Draft"]
    assert codes(reading) == ["assembled"]


@pytest.mark.parametrize(
    ("text", "value"), [('"red"', "red"), ("'red'", "red"), ('```\n"red"\n```', "red"), ('It is:\n"red"', "red")]
)
def test_a_scalar_is_read_where_a_scalar_is_wanted(text: str, value: str) -> None:
    assert read_reply(text, {"enum": ["red", "green"]}).value == value


def test_a_string_of_json_stays_a_string_where_a_string_is_wanted() -> None:
    assert read_reply('"{\\"a\\": 1}"', {"type": "string"}).value == '{"a": 1}'


def test_context_reaches_the_validators() -> None:
    class Pick(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def _known(cls, name: str, info: ValidationInfo) -> str:
            assert name in (info.context or ()), "unknown name"
            return name

    assert read_reply('{"name": "x"}', Pick, context={"x"}).ok
    assert not read_reply('{"name": "x"}', Pick, context={"y"}).ok


def test_the_page_on_reading_lists_every_code() -> None:
    root = FilePath(__file__).parents[1]
    page = (root / "docs" / "reading.md").read_text()
    readers = ("reading", "candidates", "tolerant", "_spots", "_normalise", "_tree", "_numbers")
    source = "".join((root / "src" / "lmextract" / f"{name}.py").read_text() for name in readers)
    used = set(re.findall(r"""(?:Note|Problem|flaw)\((?:Path\(\), |path, |where, )?"([a-z_-]+)\"""", source))
    assert len(used) > 15
    assert [code for code in sorted(used) if f"`{code}`" not in page] == []
