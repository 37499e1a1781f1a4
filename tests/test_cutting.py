"""A law: wherever an answer is cut, once or again, a truthful model's value comes out whole, or a typed error does."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from benchmarks.repair_lab import ORDER, Order, at
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from lmextract import Extraction, Extractor, Reply, Request, Target, TruncatedReply, Valid
from lmextract.dialects import to_wire
from lmextract.testing import ScriptedServer
from lmextract.types import Json, Profile


class Leaf(BaseModel):
    name: str
    size: int | None = None
    tags: list[str] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    toys: list[str]


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: dict[str, int]
    owner: str | None = None


class Novel(BaseModel):
    title: str
    pages: int
    index: list[str] = []


class Film(BaseModel):
    title: str
    minutes: int


class Tree(BaseModel):
    label: str
    children: list[Tree] = []


class Everything(BaseModel):
    leaf: Leaf
    leaves: list[Leaf]
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]]
    works: list[Novel | Film]
    table: list[list[int]]
    rain: dict[str, list[int]]
    pair: tuple[int, str]
    perhaps: Leaf | None = None
    free: dict[str, Any] = {}
    ends: float


LEAF: Json = {"name": 'a "q" b', "size": 3, "tags": ["x", "y"]}
DOG: Json = {"kind": "dog", "tricks": {"sit": 1, "roll": 2}, "owner": "Ada"}
WORKS: Json = [{"title": "A", "pages": 10, "index": ["i1", "i2"]}, {"title": "B", "minutes": 90}]
EVERYTHING: Json = {
    "leaf": LEAF,
    "leaves": [{"name": "l1", "size": None, "tags": []}, {"name": "l2", "size": 5, "tags": ["t1", "t2"]}],
    "pets": [{"kind": "cat", "toys": ["ball", "mouse"]}, DOG],
    "works": WORKS,
    "table": [[1, 2], [3, 4, 5], []],
    "rain": {"jan": [1, 2], "feb": [3]},
    "pair": [4, "four"],
    "perhaps": LEAF,
    "free": {"x": {"y": [1, 2]}, "z": "w"},
    "ends": 2.5,
}
RAW: Json = {
    "type": "object",
    "properties": {
        "a": {"type": "string"},
        "b": {
            "type": "array",
            "items": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "object"}}},
        },
        "c": {"type": "integer"},
    },
    "required": ["a", "b"],
}
CASES: list[tuple[Any, Json]] = [
    (Everything, EVERYTHING),
    (Order, ORDER),
    (Tree, {"label": "r", "children": [{"label": "a", "children": [{"label": "b"}]}, {"label": "c", "children": []}]}),
    (RAW, {"a": "s", "b": [{"x": 1, "y": {"q": [1, 2]}}, {"x": 2}, {"x": 3, "y": {}}], "c": 10}),
    (Dog, DOG),
    (list[Leaf], EVERYTHING["leaves"]),
    (dict[str, Leaf], {"p": LEAF, "q": LEAF}),
    (Novel | Film, WORKS[0]),
    (list[list[str]], [["a", "b"], [], ["c"]]),
    (list[int], [1, 20, 300, 4000]),
    (str, "hello world"),
]


def truthful(truth: Json, request: Request) -> str:
    """The right answer to a request: the whole, or the parts that it names."""
    assert request.schema is not None
    if request.kind in ("extract", "repair"):
        return json.dumps(to_wire(truth, request.schema))
    parts: dict[str, Json] = {}
    for name in request.schema.schema["properties"]:
        try:
            parts[name] = at(truth, name)
        except (LookupError, TypeError):
            continue
    return json.dumps(to_wire(parts, request.schema))


def extracted(target: Any, truth: Json, cuts: list[float], finish: str, dialect: str) -> Extraction[Any]:
    left = list(cuts)

    def answer(request: Request) -> Reply:
        said = truthful(truth, request)
        return Reply(said[: int(left.pop(0) * len(said))], finish=finish) if left else Reply(said)

    server = ScriptedServer(answer, profile=Profile("m", dialect))
    return Extractor(target, server=server).run("a text")


def right(target: Any, truth: Json) -> Any:
    checked = Target.of(target).check(truth)
    assert isinstance(checked, Valid)
    return checked.value


PLACES = st.floats(0, 1, exclude_max=True)
DIALECTS = st.sampled_from(["gguf", "safe", "mlx-outlines"])
HOW_IT_ENDED = st.sampled_from(["length", "stop"])


@settings(max_examples=150)
@given(case=st.sampled_from(CASES), place=PLACES, finish=HOW_IT_ENDED, dialect=DIALECTS)
def test_an_answer_cut_once_comes_out_whole(case: tuple[Any, Json], place: float, finish: str, dialect: str) -> None:
    result = extracted(*case, [place], finish, dialect)

    assert result.value == right(*case)
    assert result.notes


@settings(max_examples=100)
@given(case=st.sampled_from(CASES), places=st.lists(PLACES, min_size=2, max_size=3), dialect=DIALECTS)
def test_an_answer_cut_again_and_again_comes_out_whole_or_not_at_all(
    case: tuple[Any, Json], places: list[float], dialect: str
) -> None:
    try:
        result = extracted(*case, places, "length", dialect)
    except TruncatedReply:
        return
    assert result.value == right(*case)


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_of_a_large_object_cut_late_the_rest_is_less_than_the_whole(place: float) -> None:
    result = extracted(Everything, EVERYTHING, [place], "length", "gguf")

    assert len(result.attempts[1].reply.content) < len(json.dumps(EVERYTHING)) * (1 - place) * 1.3
