"""Where faults are made and cures are watched: tasks, a model that knows the answers, and how a case is played.

The server is `FakeLMStudio` throughout, so everything goes over HTTP.  The cases are in `repair_cases`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Self, TypeAlias

from pydantic import BaseModel, Field, model_validator

from lmextract import Extraction, Extractor, LMExtractError, LMStudio, Retry
from lmextract.testing import FakeLMStudio, Fault

__all__ = [
    "BOOK",
    "BOOK_TEXT",
    "DRAFT",
    "MODES",
    "ORDER",
    "ORDER_TEXT",
    "Book",
    "Case",
    "Model",
    "Order",
    "Played",
    "Verdict",
    "at",
    "book",
    "order",
    "played",
    "verdict",
]

Json: TypeAlias = Any


# --- a model that knows the answer


def at(value: Json, label: str) -> Json:
    """What stands at a place named as in `items[1].price` or `items[2:]`; raises LookupError where nothing does."""
    for key, index, start in re.findall(r"([^.\[\]]+)|\[(\d+)\]|\[(\d+):\]", label):
        value = value[key] if key else value[int(index)] if index else value[int(start) :]
    return value


class Model:
    """Says what it was scripted to say, then the truth: of the parts that the schema of the request names.

    A script's item is whatever `FakeLMStudio` takes, or a function from the truthful answer to a reply.
    """

    def __init__(self, truth: Json, script: Sequence[Any] = ()) -> None:
        self._truth = truth
        self._script = list(script)

    def __call__(self, body: dict[str, Any]) -> Json:
        """Answer one request."""
        said = self._script.pop(0) if self._script else self._truthful(body)
        return said(self._truthful(body)) if callable(said) else said

    def _truthful(self, body: dict[str, Any]) -> Json:
        schema: dict[str, Any] = body.get("response_format", {}).get("json_schema", {}).get("schema", {})
        names = schema.get("properties", {})
        if not names or not isinstance(self._truth, dict):
            return {"value": self._truth} if list(names) == ["value"] else self._truth
        return {name: held for name in names if (held := _found(self._truth, name)) is not None}


def _found(truth: Json, name: str) -> Json:
    try:
        return at(truth, name)
    except (LookupError, TypeError):
        return None


# --- what is asked for


class Book(BaseModel):
    """The task of other libraries' comparisons."""

    title: str
    author: str
    year: int = Field(le=2030)
    tags: list[str]


class Line(BaseModel):
    """A line of an order."""

    sku: str = Field(pattern=r"^[A-Z]{2}-\d{4}$")
    article: str
    quantity: int = Field(ge=1, le=999)
    price: float = Field(ge=0)


class Person(BaseModel):
    """Someone with an address."""

    name: str
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    country: str = Field(pattern=r"^[A-Z]{2}$")


class Period(BaseModel):
    """Two days, of which the first is not the later one."""

    start: date
    end: date

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """Refuse a period that ends before it begins."""
        if self.end < self.start:
            raise ValueError("the end should not be before the start")
        return self


class Order(BaseModel):
    """An order, with nested parts, a list and rules across fields."""

    number: str = Field(pattern=r"^R\d{6}$")
    status: Literal["open", "paid", "sent"]
    buyer: Person
    delivery: Period
    lines: list[Line]
    remarks: list[str]
    total: float = Field(ge=0)

    @model_validator(mode="after")
    def adds_up(self) -> Self:
        """Refuse a total that is not that of the lines."""
        due = sum(line.quantity * line.price for line in self.lines)
        if abs(due - self.total) > 0.01:
            raise ValueError(f"total should be {due:g}, the sum of quantity x price")
        return self


BOOK: Json = {"title": "Dune", "author": "Frank Herbert", "year": 1965, "tags": ["desert", "spice"]}
DRAFT: Json = {"title": "Draft", "author": "Nobody", "year": 1, "tags": []}
BOOK_TEXT = "Dune by Frank Herbert appeared in 1965; it is about a desert and about spice."

ORDER: Json = {
    "number": "R100234",
    "status": "paid",
    "buyer": {"name": "Ada Merz", "email": "ada@example.org", "country": "DE"},
    "delivery": {"start": "2026-03-02", "end": "2026-03-06"},
    "lines": [
        {"sku": "AB-1001", "article": "Nails, 60 mm", "quantity": 10, "price": 2.5},
        {"sku": "AB-1002", "article": "Boards, oak", "quantity": 4, "price": 31.0},
        {"sku": "CD-2001", "article": "Saw", "quantity": 1, "price": 19.9},
    ],
    "remarks": ["leave at the door", "call before"],
    "total": 168.9,
}
ORDER_TEXT = "Order R100234 of Ada Merz (ada@example.org, DE), paid, to be delivered on 2 to 6 March 2026: ..."


# --- cases


@dataclass(frozen=True, slots=True)
class Case:
    """A server's behaviour, and what must come of it.

    `script` is what the model says before it tells the truth, and `faults` go wrong before it can.  `errors` are those
    that must come where there is no right answer; without them the value must be the `truth`, with the notes `noted`.
    """

    target: Any
    text: str
    truth: Json
    script: Sequence[Any] = ()
    faults: Sequence[Fault | None] = ()
    noted: frozenset[str] = frozenset()
    errors: tuple[type[LMExtractError], ...] = ()
    server: Mapping[str, Any] = field(default_factory=dict[str, Any])
    client: Mapping[str, Any] = field(default_factory=dict[str, Any])
    how: Mapping[str, Any] = field(default_factory=dict[str, Any])


def book(*script: Any, noted: str = "", **more: Any) -> Case:
    """A case of the Book task."""
    return Case(Book, BOOK_TEXT, BOOK, script, noted=frozenset(noted.split()), **more)


def order(*script: Any, **more: Any) -> Case:
    """A case of the Order task."""
    return Case(Order, ORDER_TEXT, ORDER, script, **more)


Verdict: TypeAlias = Literal["right", "typed error", "wrong error", "loud", "silently wrong"]
"""`loud` is a value that is not the right one, or without its note, and with some other note on it."""


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a case; `sizes` are the bytes of each request for work."""

    outcome: Extraction[Any] | LMExtractError
    sizes: tuple[int, ...]

    @property
    def repairs(self) -> int:
        """How many requests were answered beyond the first."""
        return max(0, len(getattr(self.outcome, "attempts", ())) - 1)


def _sync(extractor: Extractor[Any], text: str) -> Extraction[Any]:
    return extractor.run(text)


def _async(extractor: Extractor[Any], text: str) -> Extraction[Any]:
    return asyncio.run(extractor.arun(text))


def _streamed(extractor: Extractor[Any], text: str) -> Extraction[Any]:
    *_, last = extractor.stream(text)
    assert isinstance(last, Extraction)
    return last


def _streamed_async(extractor: Extractor[Any], text: str) -> Extraction[Any]:
    async def last_of() -> Extraction[Any]:
        *_, last = [event async for event in extractor.astream(text)]
        assert isinstance(last, Extraction)
        return last

    return asyncio.run(last_of())


MODES: dict[str, Callable[[Extractor[Any], str], Extraction[Any]]] = {
    "sync": _sync,
    "async": _async,
    "streamed": _streamed,
    "streamed async": _streamed_async,
}
"""Every way to run an extraction."""


def played(case: Case, mode: str = "sync") -> Played:
    """Run a case against a fake LM Studio."""
    retry = Retry(first_wait_s=0.001, longest_wait_s=0.002)
    model = Model(case.truth, case.script)
    with FakeLMStudio(model, faults=case.faults, **case.server) as fake:
        server = LMStudio(fake.base_url, retry=retry, **case.client)
        try:
            outcome: Extraction[Any] | LMExtractError = MODES[mode](
                Extractor(case.target, server=server, **case.how), case.text
            )
        except LMExtractError as error:
            outcome = error
        server.close()
        return Played(outcome, tuple(len(call.body) for call in fake.calls))


def verdict(case: Case, outcome: Extraction[Any] | LMExtractError) -> Verdict:
    """Whether that is what must come of a case."""
    if isinstance(outcome, LMExtractError):
        return "typed error" if isinstance(outcome, case.errors) else "wrong error"
    value = case.target.model_validate(case.truth) if not case.errors else None
    codes = {note.code for note in outcome.notes}
    if outcome.value == value and case.noted <= codes:
        return "right"
    return "loud" if codes else "silently wrong"
