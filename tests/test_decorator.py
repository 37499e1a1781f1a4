"""The decorator: a signature is a question."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from typing import Any

import pytest
from pydantic import BaseModel

from lmextract import TargetError, extractor, use_server
from lmextract.testing import ScriptedServer


class Book(BaseModel):
    title: str


DUNE = {"title": "Dune"}


@extractor
def book_in(text: str) -> Book:
    """Find the book."""
    raise NotImplementedError


@extractor(repairs=0)
def priced_in(text: str, currency: str = "EUR", *, places: int = 2) -> Book:
    """Prices are in {currency} with {places} places; {{braces}} stay."""
    raise NotImplementedError


@extractor
async def book_later(text: str) -> Book:
    """Find the book."""
    raise NotImplementedError


@extractor()
async def books_later(text: str) -> list[Book]:
    raise NotImplementedError


def test_a_decorated_function_returns_the_value() -> None:
    with use_server(ScriptedServer([DUNE])):
        assert book_in("Dune") == Book(title="Dune")


def test_run_returns_the_extraction() -> None:
    with use_server(ScriptedServer([{}, DUNE])):
        assert [note.code for note in book_in.run("Dune").notes] == ["repaired"]


def test_a_decorated_coroutine_function_is_awaited() -> None:
    with use_server(ScriptedServer([DUNE, {"value": [DUNE]}])):
        assert asyncio.run(book_later("Dune")) == Book(title="Dune")
        assert asyncio.run(books_later.run("Dune")).value == [Book(title="Dune")]


def test_the_docstring_is_the_instruction() -> None:
    server = ScriptedServer([DUNE])
    with use_server(server):
        book_in("Dune")

    assert "Find the book." in server.requests[0].messages[0].content


@pytest.mark.parametrize(
    ("args", "kwargs", "told"),
    [
        (("x",), {}, "Prices are in EUR with 2 places; {braces} stay."),
        (("x", "USD"), {}, "Prices are in USD with 2 places; {braces} stay."),
        (("x",), {"currency": "JPY", "places": 0}, "Prices are in JPY with 0 places; {braces} stay."),
    ],
)
def test_the_other_parameters_are_formatted_into_it(args: Any, kwargs: Any, told: str) -> None:
    server = ScriptedServer([DUNE])
    with use_server(server):
        priced_in(*args, **kwargs)

    assert told in server.requests[0].messages[0].content


def test_a_braced_word_in_an_argument_stays_as_it_is() -> None:
    server = ScriptedServer([DUNE])
    with use_server(server):
        priced_in("x", "{places}")

    assert "Prices are in {places} with 2" in server.requests[0].messages[0].content


def test_the_function_keeps_its_name_docstring_and_signature() -> None:
    assert book_in.__name__ == "book_in"  # type: ignore[attr-defined]
    assert book_in.__doc__ == "Find the book."
    assert list(inspect.signature(priced_in).parameters) == ["text", "currency", "places"]


def test_wrong_arguments_are_a_type_error_as_of_any_function() -> None:
    with pytest.raises(TypeError, match="nonsense"):
        book_in("Dune", nonsense=1)  # type: ignore[call-arg]


def no_return(text: str):  # type: ignore[no-untyped-def]  # noqa: ANN201  # the case
    """Find the book."""


def returns_none(text: str) -> None:
    """Find the book."""


def no_document() -> Book:
    raise NotImplementedError


def only_keywords(*, text: str) -> Book:
    raise NotImplementedError


def unknown_field(text: str) -> Book:
    """Prices are in {currency}."""
    raise NotImplementedError


def stray_brace(text: str) -> Book:
    """A JSON object looks like { this."""
    raise NotImplementedError


def attribute(text: str) -> Book:
    """Prices are in {text.__class__}."""
    raise NotImplementedError


def unresolved(text: str) -> Nowhere:  # type: ignore[name-defined]  # noqa: F821
    raise NotImplementedError


@pytest.mark.parametrize(
    "function", [no_return, returns_none, no_document, only_keywords, unknown_field, stray_brace, attribute, unresolved]
)
def test_a_declaration_that_says_too_little_is_a_type_error_at_decoration(function: Any) -> None:
    with pytest.raises(TypeError, match=function.__name__):
        extractor(function)


def test_a_return_type_that_no_schema_expresses_is_a_target_error_at_decoration() -> None:
    with pytest.raises(TargetError):

        @extractor
        def plain(text: str) -> type:
            raise NotImplementedError


def test_a_decorated_function_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(book_in)) is book_in


def test_a_class_cannot_be_decorated() -> None:
    with pytest.raises(TypeError, match="functions"):
        extractor(Book)


def test_types_declared_within_a_function_resolve() -> None:
    class Local(BaseModel):
        name: str

    @extractor
    def local(text: str) -> Local:
        raise NotImplementedError

    with use_server(ScriptedServer([{"name": "x"}])):
        assert local("x") == Local(name="x")
