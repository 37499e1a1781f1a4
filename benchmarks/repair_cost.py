"""What a repair costs: tokens generated for each field put right, and bytes sent, beside asking for the whole again."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from statistics import mean
from typing import Any, Literal

from benchmarks.repair_lab import BOOK, BOOK_TEXT, ORDER, ORDER_TEXT, Book, Case, Json, Order, at, book, order, played
from pydantic import BaseModel, Field

from lmextract import Extraction, Reply
from lmextract.testing.script import text_of, tokens

__all__ = ["Cost", "costs", "growths", "leaves"]

TRIALS = 12
MOST_WRONG = 5


class Customer(BaseModel):
    """Five fields."""

    name: str
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    phone: str = Field(pattern=r"^\+\d{8,14}$")
    born: date
    vip: bool


class Site(BaseModel):
    """Five fields."""

    street: str
    postcode: str = Field(pattern=r"^\d{5}$")
    city: str
    country: str = Field(pattern=r"^[A-Z]{2}$")
    floor: int = Field(ge=-3, le=60)


class Item(BaseModel):
    """Three fields."""

    sku: str = Field(pattern=r"^[A-Z]{2}-\d{4}$")
    quantity: int = Field(ge=1, le=999)
    price: float = Field(ge=0)


class Claim(BaseModel):
    """Thirty fields, with those of the customer, the site and three items."""

    number: str = Field(pattern=r"^C\d{6}$")
    kind: Literal["damage", "delay", "loss"]
    opened: date
    priority: int = Field(ge=1, le=5)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    amount: float = Field(ge=0)
    tax: float = Field(ge=0)
    paid: bool
    language: str = Field(pattern=r"^[a-z]{2}$")
    reference: str
    summary: str
    customer: Customer
    site: Site
    items: list[Item]


CLAIM: Json = {
    "number": "C204417",
    "kind": "damage",
    "opened": "2026-02-11",
    "priority": 2,
    "currency": "EUR",
    "amount": 1840.5,
    "tax": 349.7,
    "paid": False,
    "language": "de",
    "reference": "Letter of 9 February",
    "summary": "Two boards were wet on arrival and have warped since.",
    "customer": {
        "name": "Ada Merz",
        "email": "ada.merz@example.org",
        "phone": "+4934155501234",
        "born": "1984-07-30",
        "vip": True,
    },
    "site": {"street": "Karl-Heine-Strasse 12", "postcode": "04229", "city": "Leipzig", "country": "DE", "floor": 3},
    "items": [
        {"sku": "AB-1001", "quantity": 10, "price": 2.5},
        {"sku": "AB-1002", "quantity": 4, "price": 31.0},
        {"sku": "CD-2001", "quantity": 1, "price": 19.9},
    ],
}
CLAIM_TEXT = "Claim C204417 of Ada Merz, opened on 11 February 2026, as in her letter of 9 February: " + "words " * 200


def leaves(value: Json, label: str = "") -> Iterator[str]:
    """The places of all plain values, as labels."""
    if isinstance(value, dict):
        for key, held in value.items():
            yield from leaves(held, f"{label}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from leaves(held, f"{label}[{index}]")
    else:
        yield label


def spoilt(truth: Json, labels: list[str]) -> Json:
    """The truth with a wrong value at these places: null for a text, a question mark for anything else."""
    value = deepcopy(truth)
    for label in labels:
        above, dot, key = label.rpartition(".")
        holder = at(value, above) if dot else value
        holder[key] = None if isinstance(holder[key], str) else "?"
    return value


@dataclass(frozen=True, slots=True)
class Cost:
    """Completion tokens of the repairs, in proportion to those of the whole object, over some trials."""

    wrong: int
    share: float
    worst: float

    @property
    def per_field(self) -> float:
        """The mean share for each field that was put right."""
        return self.share / self.wrong


def costs(seed: int = 1) -> Iterator[Cost]:
    """What it costs to put 1 to 5 wrong fields of 30 right, wherever they are."""
    rng = random.Random(seed)
    places = list(leaves(CLAIM))
    for wrong in range(1, MOST_WRONG + 1):
        shares = [_share(rng.sample(places, wrong)) for _ in range(TRIALS)]
        yield Cost(wrong, mean(shares), max(shares))


def _share(labels: list[str]) -> float:
    played_out = played(Case(Claim, CLAIM_TEXT, CLAIM, [spoilt(CLAIM, labels)]))
    result = played_out.outcome
    if not isinstance(result, Extraction) or result.value != Claim.model_validate(CLAIM):
        raise AssertionError(f"{labels} were not put right: {result}")
    return sum(attempt.usage.completion for attempt in result.attempts[1:]) / tokens(text_of(CLAIM))


TASKS: dict[str, tuple[Any, str, Json, list[str]]] = {
    "book, 1 wrong": (Book, BOOK_TEXT, BOOK, ["year"]),
    "book, all wrong": (Book, BOOK_TEXT, BOOK, ["title", "author", "year"]),
    "order, 1 wrong": (Order, ORDER_TEXT, ORDER, ["number"]),
    "order, 3 wrong": (Order, ORDER_TEXT, ORDER, ["number", "buyer.email", "lines[1].sku"]),
    "claim, 1 wrong": (Claim, CLAIM_TEXT, CLAIM, ["site.postcode"]),
    "claim, 5 wrong": (Claim, CLAIM_TEXT, CLAIM, ["opened", "customer.born", "site.floor", "items[0].sku", "tax"]),
}
OTHERS: dict[str, Case] = {
    "book, prose": book("I am sorry, I cannot do that.", "I am sorry, I cannot do that."),
    "book, empty": book("", ""),
    "order, prose": order("The order is R100234, of Ada Merz.", "The order is R100234, of Ada Merz."),
    "order, cut": order(
        Reply(text_of(ORDER)[:300], finish="length"), Reply('{"lines[1:]": [{"sku": "AB-1', finish="length")
    ),
}
"""Replies that fail as a whole: nothing of them is a fragment."""


def growths() -> Iterator[tuple[str, float]]:
    """Bytes of the third request, less the failing fragment, in proportion to those of the first."""
    for name, (target, text, truth, labels) in TASKS.items():
        wrong = spoilt(truth, labels)
        again = {label: at(wrong, label) for label in labels}
        fragment = len(json.dumps(again, ensure_ascii=False).encode())
        yield name, _growth(name, Case(target, text, truth, [wrong, again]), fragment)
    for name, case in OTHERS.items():
        yield name, _growth(name, case, 0)


def _growth(name: str, case: Case, fragment: int) -> float:
    result = played(case)
    if not isinstance(result.outcome, Extraction) or len(result.sizes) != 3:
        raise AssertionError(f"{name}: {result.outcome}")
    first, _, third = result.sizes
    return (third - fragment) / first
