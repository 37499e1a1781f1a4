"""A decorated function keeps its signature and returns what it says; its body is `raise NotImplementedError`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Literal, assert_type

from pydantic import BaseModel

from lmextract import Document, Embedded, Extraction, Options, extractor


class Invoice(BaseModel):
    number: str
    total: float


@dataclass
class Reader:
    name: str


@extractor
def invoice_in(text: str, currency: str = "EUR", *, places: int = 2) -> Invoice:
    """Extract the invoice. Amounts without a currency are in {currency}, with {places} places."""
    raise NotImplementedError


@extractor
def invoices_in(text: str | Document) -> list[Invoice]:
    """Extract every invoice."""
    raise NotImplementedError


@extractor
async def invoice_awaited(text: str, currency: str = "EUR") -> Invoice | None:
    """Extract the invoice, if there is one. Amounts without a currency are in {currency}."""
    raise NotImplementedError


@extractor(model="qwen3-4b", repairs=1, options=Options(max_tokens=20), examples=[("Not bad!", "good")])
def mood_of(text: str) -> Literal["good", "bad"]:
    """Say which mood the text is in."""
    raise NotImplementedError


@extractor()
async def number_in(text: str) -> int:
    """The only number of the text."""
    raise NotImplementedError


def reader_with(embedded: Embedded) -> Callable[[str], Reader]:
    @extractor(server=embedded)
    def reader_of(text: str) -> Reader:
        """Who reads?"""
        raise NotImplementedError

    return reader_of


def plain(text: str, document: Document) -> None:
    assert_type(invoice_in(text), Invoice)
    assert_type(invoice_in(text, "USD", places=0), Invoice)
    assert_type(invoice_in.run(text, currency="USD"), Extraction[Invoice])
    assert_type(invoices_in(document), list[Invoice])
    assert_type(invoices_in.run(text).value, list[Invoice])
    assert_type(mood_of(text), Literal["good", "bad"])


async def awaited(text: str) -> None:
    assert_type(await invoice_awaited(text, currency="USD"), Invoice | None)
    assert_type((await invoice_awaited.run(text)).value, Invoice | None)
    assert_type(await number_in(text), int)


def passed_on(texts: list[str]) -> list[Invoice]:
    """A decorated function goes wherever a function of its signature goes."""
    as_function: Callable[[str, str], Invoice] = invoice_in
    as_coroutine_function: Callable[[str], Coroutine[Any, Any, int]] = number_in
    del as_coroutine_function
    return [*map(invoice_in, texts), as_function(texts[0], "USD")]


async def mistakes(text: str) -> None:
    """Each line is an error to both checkers, or its comment would be one."""
    invoice_in()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    invoice_in(text.encode())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    invoice_in(text, curency="USD")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    invoice_in(text, "USD", 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    invoice_in.run(text, currency=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    invoice_in(text).totl()  # type: ignore[attr-defined]  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    invoice_awaited(text).number()  # type: ignore[attr-defined]  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    (await number_in(text)).number()  # type: ignore[attr-defined]  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
    await invoice_in(text)  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    extractor(modle="qwen3-4b")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    extractor(3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]


@extractor
def docstring_only(text: str) -> Invoice:  # type: ignore[empty-body]  # pyright: ignore[reportReturnType]
    """A body without `raise NotImplementedError` returns None, say the checkers."""
