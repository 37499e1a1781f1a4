"""Laws that hold for every reply: nothing raises, plain JSON is read as it is, and a cut reply is never whole."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lmextract import tolerant
from lmextract.reading import Reading, read_reply
from lmextract.target import Target
from lmextract.types import Json, Reply

ANYTHING: Target[Any] = Target.of({})
ROW: Target[Any] = Target.of(
    {
        "type": "object",
        "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
        "required": ["name"],
    }
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=4)
LAYOUTS = st.sampled_from([{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])
SIGNS = """
    { } [ ] " ' : , \\ # // /* */ ( = ; - 1.5 e9 … ... ``` ```json “ ” \\u12 \\ud83d name tags true None NaN
    "name" "tags":[ {"name":" <think> </think> assistantfinal analysis <|channel|>final<|message|>
    __LM_STUDIO_INTERNAL_LSEP_SYNTHETIC_REASONING_END_3f__
"""
PIECES = st.sampled_from([*SIGNS.split(), "\n", " ", "\x00", "\u2028", "\ufeff"])


@given(VALUES, LAYOUTS)
def test_plain_json_reads_back_exactly_and_without_a_note(value: Json, layout: dict[str, Any]) -> None:
    reading = read_reply(json.dumps(value, **layout), ANYTHING)
    assert reading.ok
    if isinstance(value, str) and reading.notes:  # a string that is JSON itself
        return
    assert reading.value == value
    assert type(reading.value) is type(value)
    assert reading.notes == ()


@given(
    st.text() | st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join),
    st.text(),
    st.sampled_from(["stop", "length"]),
)
def test_no_text_raises(content: str, reasoning: str, finish: str) -> None:
    for target in (ANYTHING, ROW):
        reading = read_reply(Reply(content, reasoning=reasoning, finish=finish), target)
        assert reading.ok or reading.problems


@given(OBJECTS, LAYOUTS, st.randoms(use_true_random=False))
def test_a_proper_prefix_of_an_object_is_truncated_and_never_ok(
    value: Json, layout: dict[str, Any], rng: random.Random
) -> None:
    text = json.dumps(value, **layout)
    cut = text[: rng.randrange(1, len(text))]
    for finish in ("stop", "length"):
        reading: Reading[Any] = read_reply(Reply(cut, finish=finish), ANYTHING)
        assert not reading.ok
        assert reading.truncated
        assert reading.problems[0].code == "truncated"


@given(OBJECTS, LAYOUTS, st.randoms(use_true_random=False))
def test_what_a_prefix_reads_to_is_part_of_the_whole(value: Json, layout: dict[str, Any], rng: random.Random) -> None:
    text = json.dumps(value, **layout)
    longer = rng.randrange(1, len(text))
    shorter = rng.randrange(1, longer + 1)
    more, less = tolerant.parse(text[:longer]), tolerant.parse(text[:shorter])
    assert _extends(more.value, less.value)
    assert _extends(value, more.value)
    assert more.tolerated == {}


def _extends(whole: Json, part: Json) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return list(part) == list(whole)[: len(part)] and all(_extends(whole[key], held) for key, held in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(_extends, whole, part))
    return part == whole or part is None


@given(
    OBJECTS,
    st.lists(
        st.tuples(st.floats(0, 1), st.sampled_from(list("{}[]\":,\\'\n /#")) | st.just("")), min_size=1, max_size=6
    ),
)
def test_damage_never_raises(value: Json, blows: list[tuple[float, str]]) -> None:
    text = json.dumps(value)
    for share, char in blows:
        at = int(share * len(text))
        text = text[:at] + char + text[at + 1 :]
    reading = read_reply(text, ANYTHING)
    assert reading.ok or reading.problems
