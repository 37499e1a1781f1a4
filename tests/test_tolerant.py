"""The tolerant parser: what it reads, what it says about it, and what it refuses to guess."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lmextract.tolerant import parse
from lmextract.types import Json, Path


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ('{"a": 1,}', {"a": 1}, "trailing commas"),
        ('["a", "b",]', ["a", "b"], "trailing commas"),
        ('{"a": 1,, "b": 2}', {"a": 1, "b": 2}, "extra commas"),
        ("{'a': 'b'}", {"a": "b"}, "single quotes"),
        ("{'a': 'it's'}", {"a": "it's"}, "single quotes"),
        (r"{'a': 'it\'s'}", {"a": "it's"}, "single quotes"),
        ("{“a”: “b”}", {"a": "b"}, "other quotes"),
        ('{“a”: “say "hi" now”}', {"a": 'say "hi" now'}, "other quotes"),
        ("{«a»: «b»}", {"a": "b"}, "other quotes"),
        ("{a: 1, b_c: 2}", {"a": 1, "b_c": 2}, "unquoted keys"),
        ("{$ref: 1, en-US: 2}", {"$ref": 1, "en-US": 2}, "unquoted keys"),
        ('{"a": 1 // one\n}', {"a": 1}, "comments"),
        ('{"a": 1, # one\n"b": 2}', {"a": 1, "b": 2}, "comments"),
        ('{/* x */"a": /* , */ 1}', {"a": 1}, "comments"),
        ("[True, False, None]", [True, False, None], "other literals"),
        ("[TRUE, nil, undefined]", [True, None, None], "other literals"),
        ('{"a" 1, "b" "x"}', {"a": 1, "b": "x"}, "missing colons"),
        ('{"a" = 1, "b" => 2}', {"a": 1, "b": 2}, "other colons"),
        ('{"a": 1 "b": 2}', {"a": 1, "b": 2}, "missing commas"),
        ('{"a":true"b":"x""c":null}', {"a": True, "b": "x", "c": None}, "missing commas"),
        ('["a" "b"]', ["a", "b"], "missing commas"),
        ('["a""b"1]', ["a", "b", 1], "missing commas"),
        ("[true false 1]", [True, False, 1], "missing commas"),
        ("[{} {}]", [{}, {}], "missing commas"),
        ('{"a": 1; "b": 2}', {"a": 1, "b": 2}, "other commas"),
        ('{"a"：1，"b"：2}', {"a": 1, "b": 2}, "other commas"),
        ('["a\nb\tc"]', ["a\nb\tc"], "control characters"),
        (r'["\(x\) \mathbb"]', [r"\(x\) \mathbb"], "bad escapes"),
        (r'["\(x\) \frac"]', [r"\(x\) \frac"], "bad escapes"),
        ('["say "hi" now"]', ['say "hi" now'], "unescaped quotes"),
        ('{"a": "say "hi", then "ho"", "b": 1}', {"a": 'say "hi", then "ho"', "b": 1}, "unescaped quotes"),
        ('{"a": "5" wide", "b": 1}', {"a": '5" wide', "b": 1}, "unescaped quotes"),
        ('{"a": "x, "b": 1}', {"a": "x", "b": 1}, "missing quotes"),
        ('{"a: "x", "b": 1}', {"a": "x", "b": 1}, "missing quotes"),
        ('{a": "x", "b": 1}', {"a": "x", "b": 1}, "missing quotes"),
        ('{"a": x", "b": 1}', {"a": "x", "b": 1}, "missing quotes"),
        ('{"a": Smith, John, "b": 1}', {"a": "Smith, John", "b": 1}, "missing quotes"),
        ('{"a": 12 kg, "b": 1}', {"a": "12 kg", "b": 1}, "missing quotes"),
        ('{{"a": {{"b": 1}}}}', {"a": {"b": 1}}, "doubled braces"),
        ('{"a": [1, 2, "b": 3}', {"a": [1, 2], "b": 3}, "missing brackets"),
        ('{"x": {"a": [1, 2, "b": 3}}', {"x": {"a": [1, 2], "b": 3}}, "missing brackets"),
        ('{"a": [1, 2}', {"a": [1, 2]}, "missing brackets"),
        ('{"a": [1, 2}, "b": 3}', {"a": [1, 2], "b": 3}, "wrong brackets"),
        ('[{"a": 1], {"a": 2}]', [{"a": 1}, {"a": 2}], "wrong brackets"),
        ('[{"a": 1, {"a": 2}]', [{"a": 1}, {"a": 2}], "missing brackets"),
        ('{"a": {"b": 1}}, "c": 2}', {"a": {"b": 1}, "c": 2}, "extra brackets"),
        ("(1, 2)", [1, 2], "parentheses"),
        ('{"a": , "b": 1}', {"b": 1}, "missing values"),
        ("{'a': 'long '\n 'text'}", {"a": "long text"}, "joined strings"),
        ('{"a": "long" +\n "er"}', {"a": "longer"}, "joined strings"),
        ('{"a": """x\ny"""}', {"a": "x\ny"}, "tripled quotes"),
        ("[+1, .5, 5., 0x1F, 1_000]", [1, 0.5, 5.0, 31, 1000], "odd numbers"),
        ('{"a": 1,234, "b": 2}', {"a": 1234, "b": 2}, "odd numbers"),
        ('{"a": 1, "a": 1}', {"a": 1}, "duplicate keys"),
        ("[0.12345678901234567890]", [0.12345678901234568], "rounded numbers"),
    ],
)
def test_it_reads_what_was_meant_and_names_what_it_tolerated(text: str, value: Json, kind: str) -> None:
    parsed = parse(text)
    assert (parsed.state, parsed.value, parsed.flaws) == ("whole", value, ())
    assert kind in parsed.tolerated


@pytest.mark.parametrize(
    "text",
    [
        '["he said "yes", "no", and left"]',  # one string, or three
        '{"a": [1, 2, ...]}',
        '{"a": 1, // ... and so on\n "b": 2}',
        '{"a": 1, "a": 2}',
    ],
)
def test_what_reads_two_ways_or_was_left_out_is_a_flaw(text: str) -> None:
    assert parse(text).flaws


def test_repeated_keys_offer_the_other_value_as_a_choice() -> None:
    (choice,) = parse('{"x": {"a": 1, "a": 2}}').choices
    assert (choice.path, choice.others) == (Path("x", "a"), (1,))


def test_a_leading_zero_is_read_as_a_code_with_the_number_as_a_choice() -> None:
    parsed = parse('{"zip": 01234}')
    assert parsed.value == {"zip": "01234"}
    assert parsed.choices[0].others == (1234,)


def test_a_quoted_looking_literal_is_text_with_the_literal_as_a_choice() -> None:
    parsed = parse('{"a": true", "b": 1}')
    assert parsed.value == {"a": "true", "b": 1}
    assert parsed.choices[0].others == (True,)


def test_infinities_and_nan_are_numbers() -> None:
    value = parse("[NaN, Infinity, -inf]").value
    assert math.isnan(value[0])
    assert value[1:] == [math.inf, -math.inf]


@pytest.mark.parametrize(
    ("text", "value", "cut_at"),
    [
        ("{", {}, Path()),
        ('{"a', {}, Path()),
        ('{"a"', {}, Path()),
        ('{"a": ', {}, Path()),
        ('{"a": tr', {}, Path()),
        ('{"a": 12', {}, Path()),
        ('{"a": 12,', {"a": 12}, Path()),
        ('{"a": "x', {}, Path()),
        ('{"a": "x"', {"a": "x"}, Path()),
        ('{"a": [{"b": 1, "c": "x', {"a": [{"b": 1}]}, Path("a", 0)),
        ('{"a": [{"b": 1}, {', {"a": [{"b": 1}, {}]}, Path("a", 1)),
        ("[1, 2", [1], Path()),
    ],
)
def test_a_cut_text_keeps_what_was_complete_and_says_where_it_was_open(text: str, value: Json, cut_at: Path) -> None:
    parsed = parse(text)
    assert (parsed.state, parsed.value, parsed.cut_at) == ("cut", value, cut_at)


def test_brackets_are_closed_only_where_the_writer_went_on_to_something_else() -> None:
    text = '{"a": [1, 2]\n```'
    assert parse(text).value == {"a": [1, 2]}
    assert parse(text).tolerated == {"missing brackets": 1}
    assert parse(text, may_close=False).state == "broken"


def test_a_value_that_ends_too_early_is_doubted() -> None:
    assert parse('{"a": "x"}: "y", "b": 2}').flaws


def test_known_keys_tell_a_key_from_the_rest_of_a_string() -> None:
    text = '{"a": "x" b: 1}'
    assert parse(text, keys=frozenset({"a", "b"})).value == {"a": "x", "b": 1}
    assert parse(text).state != "whole"


@pytest.mark.parametrize("opener", ["[", '{"a":', '[{"a":', "[["])
def test_nesting_without_end_is_refused(opener: str) -> None:
    parsed = parse(opener * 50_000)
    assert parsed.state == "broken"
    assert parsed.flaws[0].code == "too_deep"


def test_numbers_that_python_cannot_hold_are_flaws() -> None:
    digits = "9" * 10_000
    assert [flaw.code for flaw in parse(f"[{digits}, 1e999]").flaws] == ["too_large", "too_large"]


def test_it_reads_from_where_it_is_told_to_where_the_value_ends() -> None:
    text = 'see {"a": 1} there'
    assert parse(text, 4).end == 12


DAMAGED: list[Any] = ['{"a": "' + '"x' * 100_000, "[" + "'" * 100_000, '{"a": b,' * 50_000, '["x", /* ' * 20_000]


@pytest.mark.parametrize("text", DAMAGED)
def test_hostile_texts_end_in_a_result(text: str) -> None:
    assert parse(text).state in {"cut", "broken"}
