"""Targets: what may be declared, what is refused, and how a value is judged."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path as FilePath
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar, cast
from uuid import UUID

import pytest
from pydantic import AliasPath, BaseModel, Field, ValidationInfo, field_validator, model_validator
from typing_extensions import TypedDict

from lmextract import Invalid, Path, Target, TargetError, Valid

T = TypeVar("T")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Book(BaseModel):
    title: str
    year: int | None = None


@dataclass
class Point:
    x: int
    y: int = 0


class Movie(TypedDict, total=False):
    name: typing.Required[str]
    year: int


class OldMovie(typing.TypedDict, total=False):  # pydantic itself refuses these before Python 3.12
    name: typing.Required[str]
    year: int


class Pair(NamedTuple):
    left: int
    right: str = "r"


class Box(BaseModel, Generic[T]):
    content: T


class Node(BaseModel):
    name: str
    children: list[Node] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]

FITS: list[tuple[Any, Any, Any]] = [
    (Book, {"title": "Dune", "year": 1965}, Book(title="Dune", year=1965)),
    (Book, {"title": "Dune"}, Book(title="Dune")),
    (Point, {"x": 1}, Point(1)),
    (Movie, {"name": "Alien", "year": 1979}, {"name": "Alien", "year": 1979}),
    (OldMovie, {"name": "Alien"}, {"name": "Alien"}),
    (list[OldMovie], [{"name": "Alien"}], [{"name": "Alien"}]),
    (Pair, {"left": 1}, Pair(1)),
    (list[Book], [{"title": "Dune"}], [Book(title="Dune")]),
    (dict[str, int], {"a": 1}, {"a": 1}),
    (dict[str, Book], {"a": {"title": "Dune"}}, {"a": Book(title="Dune")}),
    (int | str, "a", "a"),
    (Book | None, None, None),
    (Optional[Book], {"title": "Dune"}, Book(title="Dune")),
    (Literal["a", 1], 1, 1),
    (Colour, "red", Colour.RED),
    (str, "x", "x"),
    (int, 3, 3),
    (float, 3, 3.0),
    (bool, True, True),
    (date, "2024-02-29", date(2024, 2, 29)),
    (datetime, "2024-02-29T12:30:00Z", datetime(2024, 2, 29, 12, 30, tzinfo=UTC)),
    (time, "12:30:00", time(12, 30)),
    (timedelta, "P1DT2H", timedelta(days=1, hours=2)),
    (Decimal, "1.20", Decimal("1.20")),
    (Decimal, 1.5, Decimal("1.5")),
    (UUID, "12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),
    (set[int], [1, 2], {1, 2}),
    (tuple[int, str], [1, "a"], (1, "a")),
    (Box[int], {"content": 1}, Box[int](content=1)),
    (Node, {"name": "a", "children": [{"name": "b"}]}, Node(name="a", children=[Node(name="b")])),
    (Pet, {"kind": "dog", "name": "Rex"}, Dog(kind="dog", name="Rex")),
    (Annotated[int, Field(ge=1, le=5)], 5, 5),
    ({"type": "integer", "minimum": 1}, 2, 2),
]


@pytest.mark.parametrize(("spec", "value", "typed"), FITS, ids=lambda part: str(part)[:40])
def test_a_value_that_fits_comes_back_typed_and_without_notes(spec: Any, value: Any, typed: Any) -> None:
    assert Target.of(spec).check(value) == Valid(typed)


@pytest.mark.parametrize(("spec", "value", "typed"), FITS, ids=lambda part: str(part)[:40])
def test_a_typed_value_dumps_to_json_that_fits_again(spec: Any, value: Any, typed: Any) -> None:
    dumped = json.loads(json.dumps(Target.of(spec).dump(typed)))

    assert Target.of(spec).check(dumped) == Valid(typed)


@pytest.mark.parametrize(
    ("spec", "value", "path", "code"),
    [
        (Book, {"year": 1}, Path("title"), "missing"),
        (Book, {"title": 1}, Path("title"), "string_type"),
        (list[Book], [{"title": "a"}, {"title": "b", "year": "x"}], Path(1, "year"), "int_parsing"),
        (dict[str, Book], {"k": {"title": None}}, Path("k", "title"), "string_type"),
        (Pet, {"kind": "cat", "lives": "many"}, Path("lives"), "int_parsing"),
        (list[Cat | Dog], [{"kind": "dog"}], Path(0, "name"), "missing"),
        ({"properties": {"a": {"type": "integer"}}}, {"a": "x"}, Path("a"), "type"),
        ({"required": ["a"]}, {}, Path("a"), "missing"),
        ({"items": {"format": "date"}}, ["2023-02-31"], Path(0), "format"),
        ({"items": {"format": "uuid"}, "$schema": "http://json-schema.org/draft-07/schema#"}, ["x"], Path(0), "format"),
    ],
)
def test_a_problem_says_where_by_json_path_and_what_by_code(spec: Any, value: Any, path: Path, code: str) -> None:
    checked = Target.of(spec).check(value)

    assert isinstance(checked, Invalid)
    assert (path, code) in [(problem.path, problem.code) for problem in checked.problems]


def test_a_problem_carries_the_offending_value() -> None:
    checked = Target.of(Book).check({"title": "Dune", "year": "soon"})

    assert isinstance(checked, Invalid)
    assert checked.problems[0].value == "soon"


@pytest.mark.parametrize(
    ("spec", "value", "typed"), [(int, "1965", 1965), (int, 5.0, 5), (bool, "yes", True), (int, True, 1)]
)
def test_a_coerced_value_comes_with_a_note(spec: Any, value: Any, typed: Any) -> None:
    checked = Target.of(spec).check(value)

    assert isinstance(checked, Valid)
    assert checked.value == typed
    assert [note.code for note in checked.notes] == ["coerced"]


@pytest.mark.parametrize("spec", [date, datetime, time, timedelta])
def test_a_number_is_never_read_as_a_point_in_time(spec: Any) -> None:
    assert isinstance(Target.of(spec).check(0), Invalid)


@pytest.mark.parametrize(
    "spec",
    [
        Callable,
        object(),
        [int],
        type("Plain", (), {}),
        {"type": "strin"},
        {"type": object},
        {"properties": []},
        "no/such/file.json",
    ],
    ids=lambda spec: str(spec)[:30],
)
def test_what_is_no_target_is_a_target_error(spec: Any) -> None:
    with pytest.raises(TargetError):
        Target.of(spec)


@pytest.mark.parametrize("content", ["not json", "[1]", '"text"', '{"type": 7}', ""])
def test_a_file_without_a_schema_is_a_target_error(tmp_path: FilePath, content: str) -> None:
    file = tmp_path / "schema.json"
    file.write_text(content)

    with pytest.raises(TargetError):
        Target.of(file)


def test_a_schema_file_is_a_target(tmp_path: FilePath) -> None:
    file = tmp_path / "schema.json"
    file.write_text('{"title": "Age", "type": "integer"}')

    assert Target.of(file).name == "Age"
    assert Target.of(str(file)).check(3) == Valid(3)


def test_the_dialect_of_a_raw_schema_is_the_one_it_names() -> None:
    draft4 = {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 5, "exclusiveMaximum": True}

    assert isinstance(Target.of(draft4).check(5), Invalid)


def test_a_schema_that_its_owner_changes_later_is_another_schema() -> None:
    schema = {"type": "integer"}
    before = Target.of(schema)
    schema["type"] = "string"

    assert before.check(1) == Valid(1)
    assert Target.of(schema).check("a") == Valid("a")


def test_a_reference_to_elsewhere_is_never_fetched() -> None:
    checked = Target.of({"$ref": "http://127.0.0.1:9/schema.json"}).check(1)

    assert isinstance(checked, Invalid)
    assert checked.problems[0].code == "unresolvable"


def test_the_same_type_is_the_same_target() -> None:
    assert Target.of(list[Book]) is Target.of(list[Book])


def test_named_tuples_are_asked_for_by_name() -> None:
    assert Target.of(Pair).schema["properties"].keys() == {"left", "right"}


def test_context_reaches_validators() -> None:
    class Checked(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def known(cls, name: str, info: ValidationInfo) -> str:
            if name not in (info.context or ()):
                raise ValueError("unknown")
            return name

    assert isinstance(Target.of(Checked).check({"name": "a"}, context=["a"]), Valid)
    assert isinstance(Target.of(Checked).check({"name": "a"}, context=["b"]), Invalid)


@pytest.mark.parametrize("spec", [Node, {"type": "array", "items": {"$ref": "#"}}], ids=["pydantic", "jsonschema"])
def test_a_value_nested_without_end_is_a_problem_not_a_crash(spec: Any) -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]

    assert isinstance(Target.of(spec).check(value), Invalid)


@pytest.mark.parametrize("spec", [date, datetime, datetime | date | None, time, timedelta])
@pytest.mark.parametrize("value", ["2024", "20240115", "0", "86400", 1577923200])
def test_neither_is_a_number_in_quotes(spec: Any, value: Any) -> None:
    assert isinstance(Target.of(spec).check(value), Invalid)


def test_validators_that_see_the_input_first_cause_no_false_notes() -> None:
    class Seen(BaseModel):
        day: date
        ids: set[int]
        pair: tuple[int, Decimal]
        span: timedelta

        @model_validator(mode="before")
        @classmethod
        def look(cls, value: Any) -> Any:
            return value

    value = {"day": "2024-02-29", "ids": [1, 2], "pair": [1, "2.5"], "span": "P1D"}
    checked = Target.of(Seen).check(value)

    assert isinstance(checked, Valid)
    assert checked.notes == ()


def test_validators_run_once() -> None:
    class Counted(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def count(cls, name: str, info: ValidationInfo) -> str:
            assert info.context is not None
            info.context.append(name)
            return name

    seen: list[str] = []
    Target.of(Counted).check({"name": "a"}, context=seen)

    assert seen == ["a"]


def test_an_alias_that_is_a_path_is_filled_by_the_name_that_the_schema_shows() -> None:
    class Deep(BaseModel):
        inner: int = Field(1, validation_alias=AliasPath("x", "y"))

    assert Target.of(Deep).check({"inner": 5}) == Valid(Deep.model_validate({"x": {"y": 5}}))


def test_of_a_tagged_union_only_the_branch_that_is_meant_is_judged() -> None:
    checked = Target.of(list[Cat | Dog]).check([{"kind": "cat", "lives": "many"}])

    assert isinstance(checked, Invalid)
    assert [str(problem.path) for problem in checked.problems] == ["$[0].lives"]


def test_half_a_character_is_replaced_and_noted() -> None:
    checked = Target.of(Book).check({"title": "Du\ud800ne"})

    assert isinstance(checked, Valid)
    assert checked.value.title == "Du\ufffdne"
    assert [note.code for note in checked.notes] == ["replaced"]


def test_a_number_beyond_every_float_is_a_problem() -> None:
    assert isinstance(Target.of(float).check(10**400), Invalid)


def test_named_tuples_within_models_are_shown_by_name() -> None:
    class Holder(BaseModel):
        pairs: list[Pair]

    assert Target.of(Holder).dump(Holder(pairs=[Pair(1)])) == {"pairs": [{"left": 1, "right": "r"}]}


def test_a_function_is_no_target_and_is_not_called() -> None:
    with pytest.raises(TargetError):
        Target.of(cast("Any", print_and_fail))


def print_and_fail() -> None:
    raise AssertionError("called")


def test_names_listed_twice_do_not_make_a_schema_unusable() -> None:
    assert Target.of({"enum": ["a", "a"], "required": []}).check("a") == Valid("a")


def test_a_pattern_that_cannot_be_checked_is_a_target_error_that_says_so() -> None:
    with pytest.raises(TargetError, match="pattern"):
        Target.of({"pattern": r"^\p{L}+$"})


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "date-time",
            ["2024-02-29T12:30:00Z", "2024-02-29t12:30:00.123+01:00"],
            ["2023-02-29T12:30:00Z", "2024-02-29T12:30:00"],
        ),
        ("time", ["12:30:00Z", "23:59:60Z"], ["12:30:00", "24:00:00Z", "12:30Z"]),
        ("duration", ["P1DT2H", "P3W", "PT0.5S"], ["P", "1D", "PT", "P1DT"]),
        (
            "uri",
            ["https://a.example/x?y#z", "urn:isbn:1", "mailto:a@b.c"],
            ["/a/b", "a b:c", "http://[x", "http://ü.de/ "],
        ),
        ("uri-reference", ["/a/b", "?q", "", "http://x"], ["\\a", "a b"]),
        ("iri", ["http://ü.example/ä"], ["ü", "http://a b"]),
        ("hostname", ["a.example", "xn--bcher-kva.example"], ["-a.example", "a..b", "a_b", "x" * 64]),
        ("json-pointer", ["", "/a/0/~0~1"], ["a", "/~2"]),
        ("relative-json-pointer", ["0", "1/a", "2#"], ["/a", "01"]),
        ("uri-template", ["http://x/{id}{?q,r*}"], ["http://x/{id", "{}"]),
    ],
)
def test_every_format_of_2020_12_is_checked(name: str, good: list[str], bad: list[str]) -> None:
    target = Target.of({"format": name})

    assert [text for text in good if not isinstance(target.check(text), Valid)] == []
    assert [text for text in bad if isinstance(target.check(text), Valid)] == []
    assert target.check(7) == Valid(7)
