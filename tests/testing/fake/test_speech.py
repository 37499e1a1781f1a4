"""Where thinking goes and where the token limit cuts."""

from __future__ import annotations

from typing import get_args

import pytest
from tests.testing.asking import BOOK, chat, content, deltas, message, post, wanted

from lmextract.testing import FakeLMStudio, Reasoning
from lmextract.testing.fake.speech import MARKER
from lmextract.testing.fake.values import Place

ANSWER = '{"title": "Dune"}'
THOUGHT = "Let me think."
PLACES: tuple[Place, ...] = get_args(Place)


def thinking(place: Place, *, obeys: bool = True) -> FakeLMStudio:
    return FakeLMStudio(lambda _: ANSWER, reasoning=Reasoning(place=place, text=THOUGHT, obeys=obeys))


@pytest.mark.parametrize(
    ("place", "said", "thought"),
    [
        ("none", ANSWER, ""),
        ("apart", ANSWER, THOUGHT),
        ("instead", "", ANSWER),
        ("tags", f"<think>\n{THOUGHT}\n</think>\n\n{ANSWER}", ""),
        ("orphan-tag", f"{THOUGHT}\n</think>\n\n{ANSWER}", ""),
        ("marker", f"{THOUGHT}{MARKER}{ANSWER}", ""),
    ],
)
def test_thinking_goes_where_it_is_told_whole_and_streamed(place: Place, said: str, thought: str) -> None:
    with thinking(place) as fake:
        whole, streamed = message(chat(fake)), chat(fake, stream=True)

    assert (whole["content"], whole["reasoning_content"]) == (said, thought)
    assert (deltas(streamed), deltas(streamed, "reasoning_content")) == (said, thought)


def test_thinking_in_a_field_of_its_own_has_no_reasoning_content() -> None:
    with thinking("field") as fake:
        whole, streamed = message(chat(fake)), chat(fake, stream=True)

    assert whole == {"role": "assistant", "content": ANSWER, "reasoning": THOUGHT, "tool_calls": []}
    assert deltas(streamed, "reasoning") == THOUGHT


def test_an_answer_in_the_wrong_place_ends_with_stop() -> None:
    with thinking("instead") as fake:
        body = chat(fake).json()

    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5


@pytest.mark.parametrize("limit", [None, -1, 50])
def test_endless_thinking_ends_with_the_tokens_and_leaves_no_content(limit: int | None) -> None:
    with FakeLMStudio(reasoning=Reasoning(place="endless"), context_length=200) as fake:
        body = chat(fake, max_tokens=limit).json()

    most = 50 if limit == 50 else 200 - body["usage"]["prompt_tokens"]
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["choices"][0]["message"]["content"] == ""
    assert body["usage"]["completion_tokens"] == most - 1
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == most - 1


@pytest.mark.parametrize("place", PLACES)
def test_effort_none_switches_every_kind_of_thinking_off(place: Place) -> None:
    with thinking(place) as fake:
        assert message(chat(fake, reasoning_effort="none"))["content"] == ANSWER


def test_a_model_may_ignore_effort_none() -> None:
    with thinking("instead", obeys=False) as fake:
        assert message(chat(fake, reasoning_effort="none"))["content"] == ""


@pytest.mark.parametrize("body", [{"enable_thinking": False}, {"reasoning": "off"}, {"reasoning_effort": "low"}])
def test_other_switches_do_nothing_on_v1(body: dict[str, object]) -> None:
    with thinking("apart") as fake:
        assert message(chat(fake, **body))["reasoning_content"] == THOUGHT


def test_the_responses_route_has_a_switch_of_its_own() -> None:
    with thinking("tags") as fake:
        body = post(fake, "/v1/responses", {"input": "Hi", "reasoning": {"effort": "none"}}).json()

    assert body["output"][0]["content"][0]["text"] == ANSWER


def test_a_cut_answer_counts_one_token_less_than_the_limit() -> None:
    """BT#2335; recorded: max_tokens 5, completion_tokens 4."""
    with FakeLMStudio() as fake:
        body = chat(fake, max_tokens=5, **wanted(BOOK)).json()

    assert body["choices"][0]["message"]["content"] == '{"title": "title'
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 4


@pytest.mark.parametrize(
    ("limit", "text", "finish"),
    [(1, "", "length"), (2, "abcd", "length"), (3, "abcdefghij", "stop"), (0, "", "length")],
)
def test_the_limit_is_in_tokens_of_four_characters(limit: int, text: str, finish: str) -> None:
    with FakeLMStudio(["abcdefghij"]) as fake:
        body = chat(fake, max_tokens=limit).json()

    assert (body["choices"][0]["message"]["content"], body["choices"][0]["finish_reason"]) == (text, finish)


def test_the_newer_name_of_the_limit_counts_too() -> None:
    with FakeLMStudio(["abcdefghij"]) as fake:
        assert content(chat(fake, max_completion_tokens=2)) == "abcd"


def test_thinking_counts_against_the_limit_first() -> None:
    with thinking("apart") as fake:
        body = chat(fake, max_tokens=6).json()

    assert body["choices"][0]["message"]["reasoning_content"] == THOUGHT
    assert body["choices"][0]["message"]["content"] == ANSWER[:4]


def test_an_answer_longer_than_the_context_is_cut_there() -> None:
    with FakeLMStudio(["x" * 400], context_length=50) as fake:
        body = chat(fake).json()

    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["total_tokens"] == 49
