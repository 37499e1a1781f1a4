"""`extract`, `aextract` and `Extractor`: arguments, precedence, bad input."""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import pickle
from typing import Any, cast

import pytest
from pydantic import BaseModel, Field

from lmextract import (
    Document,
    DocumentError,
    ExampleError,
    Extractor,
    Options,
    TargetError,
    aextract,
    extract,
    use_server,
)
from lmextract.testing import ScriptedServer


class Book(BaseModel):
    title: str
    year: int | None = Field(default=None, le=2030)
    tags: list[str] = []


DUNE = {"title": "Dune", "year": 1965, "tags": []}


def test_extract_returns_the_typed_value() -> None:
    assert extract(Book, "Dune, 1965", server=ScriptedServer([DUNE])) == Book(title="Dune", year=1965)


def test_aextract_returns_the_typed_value() -> None:
    value = asyncio.run(aextract(Book, "Dune, 1965", server=ScriptedServer([DUNE])))

    assert value == Book(title="Dune", year=1965)


def test_run_tells_the_whole_story() -> None:
    result = Extractor(Book, server=ScriptedServer([{"year": 1965}, DUNE])).run("Dune, 1965")

    assert result.value.title == "Dune"
    assert len(result.attempts) == 2
    assert result.usage.total > 0


def test_a_root_that_is_no_object_is_wrapped_on_the_wire_and_unwrapped_on_return() -> None:
    server = ScriptedServer([{"value": [DUNE]}])

    assert extract(list[Book], "Dune, 1965", server=server) == [Book(title="Dune", year=1965)]
    wire = server.requests[0].schema
    assert wire is not None
    assert wire.schema["type"] == "object"


def test_null_for_an_optional_field_means_absent() -> None:
    value = extract(Book, "Dune", server=ScriptedServer([{"title": "Dune", "year": None, "tags": None}]))

    assert value == Book(title="Dune")


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_an_empty_text_is_a_document_error_and_nothing_is_sent(text: str) -> None:
    server = ScriptedServer([DUNE])

    with pytest.raises(DocumentError, match="empty"):
        extract(Book, text, server=server)
    assert server.requests == ()


def test_half_a_character_is_a_document_error_that_says_where() -> None:
    with pytest.raises(DocumentError, match="at 5"):
        extract(Book, "Dune \ud800", server=ScriptedServer([DUNE]))


def test_bytes_are_a_type_error() -> None:
    with pytest.raises(TypeError, match="decode"):
        Extractor(Book, server=ScriptedServer([DUNE])).run(b"Dune")  # type: ignore[arg-type]


def test_a_document_error_names_the_source() -> None:
    with pytest.raises(DocumentError, match=r"inbox/a\.txt"):
        extract(Book, Document("", source="inbox/a.txt"), server=ScriptedServer([DUNE]))


def test_an_extractor_is_frozen() -> None:
    extractor = Extractor(Book)

    with pytest.raises(dataclasses.FrozenInstanceError):
        extractor.repairs = 5  # type: ignore[misc]


def test_an_extractor_survives_pickling() -> None:
    extractor = Extractor(Book, model="m", instructions="Be brief.", examples=[("Dune", DUNE)], repairs=1)
    copy = pickle.loads(pickle.dumps(extractor))

    assert (copy.target, copy.model, copy.instructions, copy.repairs) == (Book, "m", "Be brief.", 1)
    with use_server(ScriptedServer([DUNE])):
        assert copy.run("Dune").value == Book(title="Dune", year=1965)


def test_negative_repairs_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="repairs"):
        Extractor(Book, repairs=-1)


def test_a_target_that_no_schema_expresses_is_found_at_construction() -> None:
    with pytest.raises(TargetError):
        Extractor(cast("Any", object()))


@pytest.mark.parametrize("value", [Book(title="Dune", year=1965), DUNE, {"title": "Dune"}])
def test_examples_are_turns_before_the_document(value: Any) -> None:
    server = ScriptedServer([DUNE])
    extract(Book, "the document", server=server, examples=[("an example", value)])
    [request] = server.requests

    assert [message.role for message in request.messages] == ["system", "user", "assistant", "user"]
    assert "an example" in request.messages[1].content
    assert '"title":"Dune"' in request.messages[2].content
    assert request.fixed == 3


def test_an_example_is_shown_as_the_wire_wants_it() -> None:
    server = ScriptedServer([{"value": []}])
    extract(list[Book], "the document", server=server, examples=[("an example", [Book(title="Dune")])])

    assert server.requests[0].messages[2].content == '{"value":[{"title":"Dune","year":null,"tags":[]}]}'


@pytest.mark.parametrize("value", [{"title": 1}, {"title": "x", "year": 3000}, object(), [DUNE]])
def test_an_example_that_does_not_fit_is_an_error_before_anything_is_sent(value: Any) -> None:
    with pytest.raises(ExampleError) as caught:
        Extractor(Book, examples=[("text", value)])

    assert isinstance(caught.value, TargetError | ValueError)


def test_examples_may_come_from_an_iterator() -> None:
    server = ScriptedServer([DUNE])
    extract(Book, "text", server=server, examples=cast("Any", zip(["an example"], [DUNE], strict=True)))

    assert "an example" in server.requests[0].messages[1].content


@pytest.mark.parametrize("wrong", [{"max_tokens": 0}, {"max_tokens": -1}, {"think_tokens": 0}])
def test_a_limit_below_one_is_a_value_error(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Options(**wrong)  # type: ignore[arg-type]


def test_stops_may_be_a_list_or_one_word() -> None:
    assert (Options(stop=["a", "b"]).stop, Options(stop="END").stop) == (("a", "b"), ("END",))


@pytest.mark.parametrize("repairs", [1.5, "2", None])
def test_repairs_that_are_no_number_are_a_value_error(repairs: Any) -> None:
    with pytest.raises(ValueError, match="repairs"):
        Extractor(Book, repairs=repairs)


def test_an_address_in_place_of_a_server_is_a_type_error_that_says_what_to_pass() -> None:
    with pytest.raises(TypeError, match="LMStudio"):
        extract(Book, "text", server=cast("Any", "http://127.0.0.1:1234"))


def test_instructions_and_options_reach_the_request() -> None:
    server = ScriptedServer([DUNE])
    options = Options(temperature=0.5, seed=7, max_tokens=99)
    extract(Book, "text", server=server, instructions="Prices are in EUR.", options=options)
    [request] = server.requests

    assert "Prices are in EUR." in request.messages[0].content
    assert request.options == options
    assert request.max_tokens == 99


def test_the_constant_part_is_prepared_once_per_target() -> None:
    server = ScriptedServer([DUNE, DUNE])
    extract(Book, "one", server=server)
    extract(Book, "two", server=server)
    first, second = server.requests

    assert first.schema is second.schema
    assert first.messages[0] is second.messages[0]


def test_an_extractor_serves_threads_at_once() -> None:
    server = ScriptedServer(lambda request: {"title": request.messages[-1].content.split("\n")[1]})
    extractor = Extractor(Book, server=server)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda n: extractor.run(f"{n:03}").value.title, range(64)))

    assert values == [f"{n:03}" for n in range(64)]
