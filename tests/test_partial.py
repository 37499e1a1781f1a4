"""JSON that is still being written: what is shown of it, and that it only grows."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmextract._absent import Shape
from lmextract.partial import Partial, PartialJson
from lmextract.types import Json, Path

TEXTS = st.text(max_size=8) | st.sampled_from(["\ud83d\ude00", "\ud83d", "\ude00", '"\\/\b\f\n\r\t', "é", "😀"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
NAMES = st.text(max_size=4) | st.sampled_from(['"', "\\", "é", "😀"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=8
)
STYLES: list[dict[str, Any]] = [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}]


@st.composite
def documents(draw: st.DrawFn) -> str:
    return json.dumps(draw(VALUES), **draw(st.sampled_from(STYLES)))


def cut(text: str, at: list[int]) -> list[str]:
    places = sorted({0, len(text), *(place % (len(text) + 1) for place in at)})
    return [text[start:end] for start, end in pairwise(places)]


def read(*pieces: str | bytes, **how: Any) -> PartialJson:
    reader = PartialJson(**how)
    for piece in pieces:
        reader.feed(piece)
    return reader


def seen(*pieces: str | bytes, **how: Any) -> Json:
    snapshot = read(*pieces, **how).snapshot()
    return "nothing" if snapshot is None else snapshot.value


def extends(later: Json, earlier: Json) -> bool:
    """Whether a value is an earlier one with more in it: scalars as they were, strings, lists and objects longer."""
    if type(earlier) is not type(later):
        return False
    match earlier:
        case str():
            return str(later).startswith(earlier)
        case list():
            return len(earlier) <= len(later) and all(map(extends, later, earlier))
        case dict():
            names = list(earlier)
            return list(later)[: len(names)] == names and all(extends(later[name], earlier[name]) for name in names)
        case _:
            return repr(later) == repr(earlier)


@given(text=documents())
def test_every_prefix_reads_to_a_value_that_the_next_only_extends(text: str) -> None:
    reader, before = PartialJson(), None
    for char in text + " ":
        reader.feed(char)
        now = reader.snapshot()
        assert not reader.broken
        if before is not None:
            assert now is not None
            assert extends(now.value, before.value)
        before = now

    assert before is not None
    assert repr(before.value) == repr(json.loads(text))


@given(text=documents(), at=st.lists(st.integers(0, 10_000)))
def test_the_pieces_make_no_difference(text: str, at: list[int]) -> None:
    assert repr(seen(*cut(text, at), " ")) == repr(json.loads(text))


@given(text=documents(), at=st.integers(0, 10_000), more=st.lists(st.integers(0, 10_000)))
def test_what_was_seen_at_one_moment_stays_as_it_was(text: str, at: int, more: list[int]) -> None:
    first, *rest = cut(text, [at, *more]) or [text]
    reader = read(first)
    early, fresh = reader.snapshot(), read(first).snapshot()
    for piece in rest:
        reader.feed(piece)

    assert repr(early and early.value) == repr(fresh and fresh.value)
    assert (early and early.growing) == (fresh and fresh.growing)


@given(text=documents())
def test_bytes_are_read_as_utf_8_wherever_they_are_cut(text: str) -> None:
    raw = text.encode("utf-8", "replace")

    assert seen(*(raw[at : at + 1] for at in range(len(raw))), b" ") == json.loads(raw)


@given(text=st.text(alphabet='{}[],:"\\u0019eE+-.truefalsn \n', max_size=40))
def test_what_is_no_json_never_raises_and_shows_nothing_that_was_not_there(text: str) -> None:
    reader = read(*text, " ")
    try:
        value = json.loads(text, strict=False)
    except ValueError:
        assert reader.broken or not reader.ended or reader.end < len(text)
    else:
        assert json.dumps(seen(*text, " ")) == json.dumps(value) or _has_a_key_twice(text)


def _has_a_key_twice(text: str) -> bool:
    found: list[bool] = []
    json.loads(text, strict=False, object_pairs_hook=lambda pairs: found.append(len(dict(pairs)) < len(pairs)))
    return any(found)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", "nothing"),
        ("  \n", "nothing"),
        ('"', ""),
        ('"Du', "Du"),
        ("12", "nothing"),
        ("12 ", 12),
        ("{", {}),
        ('{"ti', {}),
        ('{"title"', {}),
        ('{"title":', {}),
        ('{"title": "', {"title": ""}),
        ('{"title": "Du', {"title": "Du"}),
        ('{"title": "Dune", "year": 19', {"title": "Dune"}),
        ('{"title": "Dune", "year": 1965', {"title": "Dune"}),
        ('{"title": "Dune", "year": 1965,', {"title": "Dune", "year": 1965}),
        ('{"in_print": tru', {}),
        ('{"in_print": true', {}),
        ('{"in_print": true}', {"in_print": True}),
        ("[1, 2.5e", [1]),
        ('[["a"], [', [["a"], []]),
        ('{"a": {"b": [{"c": "x', {"a": {"b": [{"c": "x"}]}}),
        (r'"caf\u00e', "caf"),
        (r'"caf\u00e9', "café"),
        (r'"\ud83d', ""),
        (r'"\ud83d\ude0', ""),
        (r'"\ud83d\ude00', "😀"),
        (r'"\ud83d!', "\ud83d!"),
        ('"a\\', "a"),
        ('"line\nline', "line\nline"),
    ],
)
def test_what_is_shown(text: str, value: Json) -> None:
    assert seen(*text) == seen(text) == value


@pytest.mark.parametrize(
    ("text", "growing"),
    [
        ('"Du', "$"),
        ("{", "$"),
        ('{"a": "x', "$.a"),
        ('{"a": "x"', "$"),
        ('{"a": [1, 2, {', "$.a[2]"),
        ('{"a": [1, 2', "$.a"),
        ('{"a": [1, "', "$.a[1]"),
        ('{"a": [1, 2]', "$"),
        ('{"a": 1}', "None"),
    ],
)
def test_it_is_told_what_is_still_growing(text: str, growing: str) -> None:
    snapshot = read(text).snapshot()

    assert snapshot is not None
    assert str(snapshot.growing) == growing


@pytest.mark.parametrize("text", ["{,", "[1,]", "[1 2", '{"a" 1', '{"a": }', "[01]", "[nul]", "[NaN]", r'"\x', "{a"])
def test_what_is_no_json_ends_the_reading_and_keeps_what_was_seen(text: str) -> None:
    reader = read(text, " ")

    assert reader.broken
    reader.feed('"more": 1}')
    assert reader.broken


def test_nesting_without_end_ends_the_reading() -> None:
    assert read("[" * 1000).broken


def test_a_number_of_absurd_length_ends_the_reading() -> None:
    assert read("[", "1" * 5000, ",").broken


def test_of_a_key_that_comes_twice_the_first_value_stays() -> None:
    assert seen('{"a": 1, "a": {"b": 2') == {"a": 1}


def test_what_follows_the_value_is_left_alone() -> None:
    reader = read('{"a": 1} and more')

    assert reader.ended
    assert reader.end == len('{"a": 1}')


def test_the_version_changes_with_all_that_there_is_to_see_and_with_nothing_else() -> None:
    reader, changes = PartialJson(), ""
    for char in '{"ab": "x", "c": [12, true]}':
        version = reader.version
        reader.feed(char)
        changes += char if reader.version != version else "."

    assert changes == '{......"x".......[..,.....]}'


class TestAWrappedValue:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("{", "nothing"),
            ('{"value"', "nothing"),
            ('{"value": ', "nothing"),
            ('{"value": [', []),
            ('{"value": [{"a": 1', [{}]),
            ('{"value": "x', "x"),
            ('{"value": 12}', 12),
            ('{"value": [1]}', [1]),
            ('{"value": [1], "x": [2', [1]),
            ('{"value": [1], "x": "y', [1]),
            ("[1, ", [1]),
            ('{"title": "D', {"title": "D"}),
            ("{}", {}),
        ],
    )
    def test_is_shown_without_its_wrapper(self, text: str, value: Json) -> None:
        assert seen(*text, wrapped=True) == seen(text, wrapped=True) == value

    def test_is_shown_with_it_where_value_is_a_name_of_its_own(self) -> None:
        assert seen('{"value": 1}') == {"value": 1}

    def test_grows_at_its_own_path(self) -> None:
        snapshot = read('{"value": [{"a": "', wrapped=True).snapshot()

        assert snapshot is not None
        assert snapshot.growing == Path(0, "a")

    def test_shows_the_items_that_are_complete(self) -> None:
        reader = read('{"value": [{"a": 1}, {"a": 2}, {"a"', wrapped=True)

        assert reader.items() == [{"a": 1}, {"a": 2}]
        reader.feed(": 3}]}")
        assert reader.items() == [{"a": 1}, {"a": 2}, {"a": 3}]


class TestNull:
    SCHEMA: ClassVar[dict[str, Any]] = {
        "$defs": {"Tag": {"type": "object", "properties": {"name": {"type": "string"}, "note": {"type": "string"}}}},
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "year": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "isbn": {"type": "string"},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}},
        },
        "required": ["title"],
    }

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('{"isbn": null, "title": "D', {"title": "D"}),
            ('{"year": null, "title": "D', {"year": None, "title": "D"}),
            ('{"title": null,', {"title": None}),
            ('{"other": null,', {"other": None}),
            ('{"tags": [{"name": "a", "note": null}, {"note": null', {"tags": [{"name": "a"}, {}]}),
        ],
    )
    def test_is_left_out_where_it_stands_for_an_absent_member(self, text: str, value: Json) -> None:
        assert seen(text, shape=Shape.of(self.SCHEMA, wrapped=False)) == value

    def test_is_left_out_within_a_wrapper_too(self) -> None:
        schema = {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}}

        assert seen('{"value": [{"a": null}', shape=Shape.of(schema, wrapped=True), wrapped=True) == [{}]


class TestAPartial:
    @staticmethod
    def of(text: str) -> Partial:
        snapshot = read(text).snapshot()
        assert snapshot is not None
        return Partial(snapshot)

    def test_tells_what_is_complete(self) -> None:
        partial = self.of('{"title": "Dune", "authors": [{"name": "Frank"}, {"name": "He')

        assert partial.has("title")
        assert partial.has("authors", 0)
        assert partial.has("authors", 0, "name")
        assert not partial.has("authors")
        assert not partial.has("authors", 1)
        assert not partial.has("authors", 1, "name")
        assert not partial.has("authors", 2)
        assert not partial.has("year")
        assert not partial.has()
        assert self.of("[]").has()

    def test_shows_itself(self) -> None:
        assert repr(self.of('{"a": [1, ')) == "Partial({'a': [1]}, draft=1)"
