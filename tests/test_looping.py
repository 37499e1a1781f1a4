"""Telling a model that loops from data that repeats."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmextract import Reply
from lmextract.looping import Loop, LoopWatch, find_loop, without_loop

BEFORE = '{"title": "Dune", "chapters": ["The beginning", '
ROUNDS = [
    "\n",
    " \n\t",
    "0, ",
    "ha",
    '"Paul", ',
    '{"name": "Paul", "age": 15}, ',
    '{"name": "Paul", "age": 15}, {"name": "Chani", "age": 16}, ',
    "Wait, let me check that again. The year is 1965, is it not? ",
    "na " * 60 + "hey " * 40,
    '{"text": "' + "lorem ipsum " * 60 + '"}, ',
    "日本語のテキスト。",
]


def watched(text: str, size: int = 7) -> int | None:
    """How many characters have come when the watch says that they loop."""
    watch = LoopWatch()
    for at in range(0, len(text), size):
        if watch.loops(text[at : at + size]):
            return min(at + size, len(text))
    return None


@pytest.mark.parametrize("round_", ROUNDS)
def test_a_model_that_loops_is_stopped_soon(round_: str) -> None:
    seen = watched(BEFORE + round_ * (20_000 // len(round_)))

    assert seen is not None
    assert seen <= len(BEFORE) + max(3000, 8 * len(round_)) + 600


@pytest.mark.parametrize("round_", ROUNDS)
def test_of_a_loop_the_first_round_is_kept(round_: str) -> None:
    reply = without_loop(Reply(BEFORE + round_ * (9000 // len(round_)), finish="length"))

    assert reply.looped
    assert reply.content == BEFORE + round_[: len(reply.content) - len(BEFORE)]
    assert len(BEFORE) < len(reply.content) <= len(BEFORE) + len(round_)


def test_it_is_told_where_a_loop_begins_and_how_long_a_round_is() -> None:
    assert find_loop("Once upon a time " + "abcd" * 1000) == Loop(start=17, period=4)
    assert find_loop("ab" * 100_000) == Loop(start=0, period=2)


def test_a_loop_that_begins_in_the_midst_of_a_round_is_found_all_the_same() -> None:
    loop = find_loop("xyz " + ("Paul, Chani, " * 400)[3:-5])

    assert loop is not None
    assert loop.period == len("Paul, Chani, ")


def test_thinking_that_loops_is_cut_too() -> None:
    reply = without_loop(Reply("", "Hm:" + "But wait. " * 1000, finish="length"))

    assert (reply.looped, reply.reasoning) == (True, "Hm:But wait. ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        json.dumps([0] * 999),
        json.dumps([[0.0] * 8] * 70),
        json.dumps([{"name": "Paul", "age": 15, "home": "Caladan"}] * 7),
        json.dumps([{"name": "Paul " * 30}] * 7),
        json.dumps([{"reading": number, "unit": "kWh", "meter": "A-17"} for number in range(1000)]),
        json.dumps(list(range(5000))),
        "-" * 2999,
        json.dumps({"rule": "=" * 2000, "title": "Dune"}) * 3,
        ("0, " * 2000) + "1, 2, 3]",
    ],
)
def test_data_that_repeats_itself_is_no_loop(text: str) -> None:
    assert find_loop(text) is None
    assert without_loop(Reply(text)) == Reply(text)


@given(st.text(max_size=50), st.text(min_size=1, max_size=300), st.integers(0, 3), st.integers(1, 400))
def test_the_watch_and_the_search_agree_on_the_end_of_a_text(before: str, part: str, extra: int, size: int) -> None:
    text = before + part * (max(3000, 8 * len(part)) // len(part) + 1 + extra)
    loop = find_loop(text)

    assert loop is not None
    assert text[loop.start : -loop.period] == text[loop.start + loop.period :]
    assert loop.start <= len(before)
    assert watched(text + part * (600 // len(part) + 1), size) is not None


@given(st.lists(st.integers(0, 10**9), min_size=90, max_size=100, unique=True))
def test_a_list_of_different_values_never_loops(values: list[int]) -> None:
    assert watched(json.dumps([{"id": value, "kind": "measurement"} for value in values])) is None
