"""Every kind of target, round trip, sync and async: against the fake LM Studio and against the real llama.cpp.

The fake says a right answer in the form of the wire; the real engine runs a model that babbles, so that whatever comes
back is valid by the work of the grammar and the checks, or is a typed error.
"""

from __future__ import annotations

import asyncio
import json
import typing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

import pytest
from pydantic import BaseModel, Field
from tests.support.models import engine, random_gguf

from lmextract import Embedded, Extractor, LMStudio, Options, ReplyError, Target, Valid
from lmextract.dialects import compile_schema, to_wire
from lmextract.testing import FakeLMStudio

__all__ = ["engine", "random_gguf"]

T = TypeVar("T")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Author(BaseModel):
    name: str = Field(max_length=20)


class Book(BaseModel):
    title: str = Field(max_length=20)
    year: int | None = Field(default=None, ge=1400, le=2100)
    author: Author | None = None
    tags: list[str] = Field(default=[], max_length=3)


@dataclass
class Point:
    x: int
    y: int = 0


class Movie(typing.TypedDict):
    name: str
    year: typing.NotRequired[int]


class Pair(NamedTuple):
    left: int
    right: bool


class Box(BaseModel, Generic[T]):
    content: T


class Node(BaseModel):
    leaf: bool
    child: Node | None = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    good: bool


Short = Annotated[str, Field(max_length=8)]

TARGETS: dict[str, tuple[Any, Any]] = {
    "model": (Book, {"title": "Dune", "year": 1965, "author": {"name": "Frank Herbert"}, "tags": ["sand"]}),
    "model with gaps": (Book, {"title": "Beowulf"}),
    "dataclass": (Point, {"x": 1, "y": 2}),
    "typed dict": (Movie, {"name": "Alien"}),
    "named tuple": (Pair, {"left": 1, "right": True}),
    "list of models": (list[Book], [{"title": "Dune"}, {"title": "Emma", "year": 1815}]),
    "empty list": (list[Book], []),
    "list": (list[int], [1, 2, 3]),
    "dict": (dict[str, int], {"a": 1, "b c": 2}),
    "dict of models": (dict[str, Author], {"x": {"name": "y"}}),
    "union": (int | Short, "abc"),
    "union of models": (Cat | Dog, {"kind": "dog", "good": True}),
    "discriminated union": (Annotated[Cat | Dog, Field(discriminator="kind")], {"kind": "cat", "lives": 9}),
    "optional": (Author | None, {"name": "y"}),
    "optional and absent": (Author | None, None),
    "literal": (Literal["a", "b"], "b"),
    "mixed literal": (Literal["a", 1] | None, 1),
    "enum": (Colour, "blue"),
    "int enum": (Level, 2),
    "str": (Short, "text"),
    "int": (int, -7),
    "float": (float, 1.5),
    "bool": (bool, False),
    "date": (date, "2024-02-29"),
    "datetime": (datetime, "2024-02-29T12:30:00Z"),
    "time": (time, "12:30:00Z"),
    "timedelta": (timedelta, "P1DT2H"),
    "decimal": (Decimal, "1.20"),
    "uuid": (UUID, "12345678-1234-5678-1234-567812345678"),
    "set": (set[Literal["a", "b", "c"]], ["a", "c"]),
    "tuple": (tuple[int, bool], [1, True]),
    "generic": (Box[int], {"content": 1}),
    "nested generic": (Box[Box[bool]], {"content": {"content": True}}),
    "recursive": (Node, {"leaf": False, "child": {"leaf": True, "child": None}}),
    "constrained int": (Annotated[int, Field(ge=1, le=5)], 5),
    "constrained float": (Annotated[float, Field(gt=0, lt=1)], 0.25),
    "pattern": (Annotated[str, Field(pattern=r"^[A-Z]{2}\d{2}$")], "AB12"),
    "schema": (
        {
            "type": "object",
            "properties": {"name": {"type": "string", "maxLength": 9}, "age": {"type": "integer", "minimum": 0}},
            "required": ["name"],
        },
        {"name": "Ann"},
    ),
    "schema of an array": ({"type": "array", "items": {"enum": ["x", "y"]}, "maxItems": 3}, ["y"]),
}
ENGINES = {"gguf": 4, "mlx-outlines": 1, "mlx-llguidance": 4}


def is_valid(spec: Any, value: Any) -> bool:
    """Whether a returned value survives being written and read again."""
    target = Target.of(spec)
    return target.check(json.loads(json.dumps(target.dump(value)))) == Valid(value)


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("engine_name", ENGINES)
def test_every_target_comes_back_from_the_fake(kind: str, engine_name: Any) -> None:
    spec, said = TARGETS[kind]
    wire = to_wire(said, compile_schema(spec, engine_name))
    with FakeLMStudio(lambda _: wire, engine=engine_name, parallel=ENGINES[engine_name]) as fake:
        extractor: Extractor[Any] = Extractor(spec, server=LMStudio(fake.base_url))
        sync = extractor.run("some text")
        awaited = asyncio.run(extractor.arun("some text"))

    assert Target.of(spec).check(said) == Valid(sync.value)
    assert (sync.value, sync.notes) == (awaited.value, awaited.notes) == (sync.value, ())


@pytest.mark.parametrize("kind", TARGETS)
def test_every_target_is_valid_or_a_typed_error_from_the_real_engine(kind: str, engine: Embedded) -> None:
    spec, _ = TARGETS[kind]
    options = Options(temperature=1.0, seed=7, max_tokens=200)
    extractor: Extractor[Any] = Extractor(spec, server=engine, options=options, repairs=1)
    for run in (extractor.run, lambda text: asyncio.run(extractor.arun(text))):
        try:
            value = run("some text").value
        except ReplyError as error:
            assert error.problems
            assert error.attempts
        else:
            assert is_valid(spec, value)
