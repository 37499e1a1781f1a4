"""Mending: the smallest question that cures, and its answer in place."""

from __future__ import annotations

from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, model_validator

from lmextract import Invalid, Path, Problem, Target
from lmextract.mending import mend_of, mended, rest_of, settled, without


class Line(BaseModel):
    text: str
    price: float
    note: str | None = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    lives: str


class Invoice(BaseModel):
    number: str
    lines: list[Line]
    pets: dict[str, Cat | Dog] = {}
    total: float

    @model_validator(mode="after")
    def adds_up(self) -> Invoice:
        if sum(line.price for line in self.lines) != self.total:
            raise ValueError("the lines do not add up to the total")
        return self


TARGET = Target.of(Invoice)
RIGHT = {"number": "7", "lines": [{"text": "a", "price": 1.0}, {"text": "b", "price": 2.0}], "pets": {}, "total": 3.0}


def problems(value: Any) -> tuple[Problem, ...]:
    checked = TARGET.check(value)
    return checked.problems if isinstance(checked, Invalid) else ()


def labels(value: Any) -> list[str] | None:
    mend = mend_of(TARGET.schema, value, problems(value))
    return None if mend is None else [part.label for part in mend.parts]


def test_each_wrong_place_is_a_part() -> None:
    lines = [{"text": 1, "price": 1}, {"text": "b"}]

    assert labels(RIGHT | {"lines": lines, "total": "x"}) == ["lines[0].text", "lines[1].price", "total"]


def test_a_missing_field_is_a_part() -> None:
    assert labels({"number": "7", "lines": []}) == ["total"]


def test_a_place_in_a_place_is_asked_for_once() -> None:
    value = RIGHT | {"lines": [7]}
    two = (Problem(Path("lines", 0), "type", "no"), Problem(Path("lines", 0, "text"), "type", "no"))
    mend = mend_of(TARGET.schema, value, two)

    assert mend is not None
    assert [part.label for part in mend.parts] == ["lines[0]"]


def test_a_problem_of_the_whole_has_no_part() -> None:
    value = RIGHT | {"total": 4.0}

    assert problems(value)[0].path == Path()
    assert labels(value) is None


def test_a_field_that_does_not_belong_is_the_matter_of_its_object() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {}, "additionalProperties": False}},
    }
    value = {"a": {"b": 1}}
    checked = Target.of(schema).check(value)

    assert isinstance(checked, Invalid)
    mend = mend_of(schema, value, checked.problems)
    assert mend is not None
    assert [part.label for part in mend.parts] == ["a"]


def test_of_a_union_only_the_branch_that_is_meant_is_asked_about() -> None:
    assert labels(RIGHT | {"pets": {"Tom": {"kind": "cat", "lives": "many"}}}) == ["pets.Tom.lives"]


def test_a_place_that_the_schema_leads_to_in_two_ways_is_asked_for_further_up() -> None:
    schema = {"properties": {"a": {"anyOf": [{"properties": {"b": {"type": "integer"}}}, {"properties": {"b": {}}}]}}}
    mend = mend_of(schema, {"a": {"b": "x"}}, (Problem(Path("a", "b"), "type", "no"),))

    assert mend is not None
    assert [part.label for part in mend.parts] == ["a"]


def test_the_parts_travel_with_the_definitions_they_refer_to() -> None:
    mend = mend_of(TARGET.schema, RIGHT | {"lines": 5}, problems(RIGHT | {"lines": 5}))

    assert mend is not None
    assert mend.target.schema["$defs"].keys() == TARGET.schema["$defs"].keys()


def test_the_answer_goes_to_its_place_and_nothing_else_changes() -> None:
    wrong = RIGHT | {"total": "x"}
    mend = mend_of(TARGET.schema, wrong, problems(wrong))

    assert mend is not None
    assert mended(mend, wrong, {"total": 3.0}) == RIGHT
    assert wrong["total"] == "x"


def test_an_optional_part_that_the_answer_leaves_out_is_absent() -> None:
    wrong = RIGHT | {"lines": [{"text": "a", "price": 3.0, "note": 7}]}
    mend = mend_of(TARGET.schema, wrong, problems(wrong))

    assert mend is not None
    assert mended(mend, wrong, {})["lines"] == [{"text": "a", "price": 3.0}]


def test_what_is_no_answer_changes_nothing_that_is_required() -> None:
    wrong = RIGHT | {"total": "x"}
    mend = mend_of(TARGET.schema, wrong, problems(wrong))

    assert mend is not None
    assert mended(mend, wrong, [1]) == wrong


def test_the_rest_of_a_cut_value_is_what_it_lacks() -> None:
    kept, cut_at = settled({"number": "7", "lines": [{"text": "a", "price": 1.0}, {"text": "b"}]}, Path("lines", 1))
    rest = rest_of(TARGET.schema, kept, cut_at)

    assert rest is not None
    assert [part.label for part in rest.parts] == ["lines[1:]", "pets", "total"]
    assert mended(rest, kept, {"lines[1:]": [{"text": "b", "price": 2.0}], "total": 3.0, "pets": {}}) == RIGHT


def test_an_item_with_lists_of_its_own_is_completed_in_place() -> None:
    schema = {
        "type": "array",
        "items": {"type": "object", "properties": {"n": {"type": "array", "items": {"type": "integer"}}, "m": {}}},
    }
    kept, cut_at = settled([{"n": [1, 2]}], Path(0))
    rest = rest_of(schema, kept, cut_at)

    assert rest is not None
    assert [part.label for part in rest.parts] == ["[0].m", "[1:]"]


def test_without_takes_items_out_from_behind() -> None:
    assert without({"a": [0, 1, 2, 3]}, [Path("a", 1), Path("a", 3), Path("b")]) == {"a": [0, 2]}
    assert without([1], [Path()]) is None


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(spoilt=st.dictionaries(st.sampled_from(["number", "lines", "pets", "total"]), JSONS), answer=JSONS)
def test_mending_twice_is_mending_once_and_never_fails(spoilt: dict[str, Any], answer: Any) -> None:
    value = {key: item for key, item in (RIGHT | spoilt).items() if item is not None}
    mend = mend_of(TARGET.schema, value, problems(value))
    if mend is None:
        return
    filled = {part.label: answer for part in mend.parts}
    once = mended(mend, value, filled)

    assert mended(mend, once, filled) == once


def test_two_places_of_one_name_are_not_asked_for_by_it() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "integer"}}}
    schema = {"type": "object", "properties": {"a.b": {"type": "integer"}, "a": inner}}
    checked = Target.of(schema).check({"a.b": "x", "a": {"b": "y"}})

    assert isinstance(checked, Invalid)
    assert mend_of(schema, {"a.b": "x", "a": {"b": "y"}}, checked.problems) is None
