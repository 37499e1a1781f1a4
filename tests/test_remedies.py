"""What is asked after which failure: the requests that cure, seen one by one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from lmextract import (
    ContextOverflow,
    Extraction,
    Extractor,
    InvalidReply,
    Options,
    Path,
    ReasoningOnlyReply,
    Reply,
    ReplyError,
    Request,
    SchemaRefused,
    ServerUnavailable,
    TruncatedReply,
    Usage,
)
from lmextract.testing import ScriptedServer
from lmextract.types import Profile


class Line(BaseModel):
    text: str
    price: float = Field(ge=0)


class Invoice(BaseModel):
    number: str
    lines: list[Line]
    note: str | None = None
    total: float = Field(ge=0)


NAILS, WOOD, SAW = {"text": "nails", "price": 2.5}, {"text": "wood", "price": 10}, {"text": "saw", "price": 20}
RIGHT = Invoice.model_validate({"number": "7", "lines": [NAILS, WOOD], "total": 12.5})
BAD = {"number": "7", "lines": [NAILS, WOOD], "total": "?"}
REST_CUT = Reply('{"number":"7","lines":[{"text":"nails","price":2.5},{"text":"wo', finish="length")
LOOP = '{"text":"nails","price":2.5},'
LOOPED = Reply('{"number":"7","lines":[' + LOOP * 200, finish="length", usage=Usage(100, 1500))
PROFILE = Profile("m", "gguf", 8192)


def asked(*replies: Any, profile: Profile = PROFILE, **how: Any) -> tuple[Extraction[Invoice], tuple[Request, ...]]:
    server = ScriptedServer(replies, profile=profile)
    return Extractor(Invoice, server=server, **how).run("Invoice 7"), server.requests


def failed(
    error: type[ReplyError], *replies: Any, profile: Profile = PROFILE, **how: Any
) -> tuple[ReplyError, tuple[Request, ...]]:
    server = ScriptedServer(replies, profile=profile)
    with pytest.raises(error) as caught:
        Extractor(Invoice, server=server, **how).run("Invoice 7")
    return caught.value, server.requests


def names(request: Request) -> list[str]:
    assert request.schema is not None
    return list(request.schema.schema["properties"])


# --- cut


def test_the_rest_is_asked_for_with_more_room() -> None:
    _, (first, rest) = asked(REST_CUT, {"lines[1:]": [WOOD], "total": 12.5})

    assert rest.kind == "rest"
    assert rest.max_tokens > first.max_tokens


def test_a_rest_that_is_cut_too_is_completed_from_where_it_was_cut() -> None:
    again = Reply('{"lines[1:]":[{"text":"wood","price":10},{"text":"sa', finish="length")
    result, requests = asked(REST_CUT, again, {"lines[2:]": [SAW], "total": 32.5})

    assert [line.text for line in result.value.lines] == ["nails", "wood", "saw"]
    assert names(requests[2]) == ["lines[2:]", "note", "total"]
    assert "truncated" in {note.code for note in result.notes}


def test_a_mend_that_is_cut_asks_for_what_is_still_wrong_with_more_room() -> None:
    wrong = {"number": "7", "lines": [{"text": "nails", "price": -1}, WOOD], "total": "?"}
    cut = Reply('{"lines[0].price":2.5,"to', finish="length")
    result, requests = asked(wrong, cut, {"total": 12.5})

    assert result.value == RIGHT
    assert (requests[2].kind, names(requests[2])) == ("mend", ["total"])
    assert requests[2].max_tokens > requests[1].max_tokens


def test_a_mend_that_is_cut_after_all_it_was_to_give_is_taken_and_noted() -> None:
    result, _ = asked(
        REST_CUT, Reply('{"total":12.5,"note":null,"lines[1:]":[{"text":"wood","price":10}]', finish="length")
    )

    assert result.value == RIGHT
    assert [note.code for note in result.notes if "after all" in note.message] == ["truncated"]


def test_items_told_again_are_not_taken_twice_and_noted() -> None:
    result, _ = asked(REST_CUT, {"lines[1:]": [NAILS, WOOD], "total": 12.5})

    assert result.value == RIGHT
    assert ("told-again", Path("lines")) in {(note.code, note.path) for note in result.notes}


def test_a_rest_that_gives_no_items_is_not_taken_for_the_end_of_the_list() -> None:
    result, requests = asked(REST_CUT, {"total": 12.5}, {"lines": [NAILS, WOOD]})

    assert result.value == RIGHT
    assert requests[2].kind == "mend"


def test_the_whole_in_place_of_the_rest_is_taken() -> None:
    result, requests = asked(REST_CUT, {"number": "7", "lines": [NAILS, WOOD], "total": 12.5})

    assert result.value == RIGHT
    assert len(requests) == 2


class Weather(BaseModel):
    rain: dict[str, int]
    place: str


def test_an_object_without_fixed_names_is_asked_for_again_as_a_whole() -> None:
    server = ScriptedServer(
        [Reply('{"rain":{"May":1,"June":2', finish="length"), {"rain": {"May": 1, "June": 20}, "place": "Oban"}]
    )
    result = Extractor(Weather, server=server).run("Rain")

    assert result.value == Weather(rain={"May": 1, "June": 20}, place="Oban")
    assert names(server.requests[1]) == ["rain", "place"]


class Novel(BaseModel):
    title: str
    pages: int
    index: list[str] = []


class Film(BaseModel):
    title: str
    minutes: int


class Shelf(BaseModel):
    works: list[Novel | Film]


def test_where_a_cut_leaves_open_which_type_is_meant_the_whole_is_asked_for() -> None:
    cut = Reply('{"works":[{"title":"Dune","pages":412,"index":["a"]},{"title":"Solaris","index":["x"', finish="length")
    right = {"works": [{"title": "Dune", "pages": 412, "index": ["a"]}, {"title": "Solaris", "minutes": 167}]}
    server = ScriptedServer([cut, right])
    result = Extractor(Shelf, server=server).run("Shelf")

    assert result.value.works[1] == Film(title="Solaris", minutes=167)


def test_of_a_union_only_the_alternative_that_is_meant_is_asked_about() -> None:
    wrong = {"works": [{"title": "Dune", "pages": "many", "index": []}]}
    server = ScriptedServer([wrong, {"works[0].pages": 412}])
    result = Extractor(Shelf, server=server).run("Shelf")

    assert result.value.works == [Novel(title="Dune", pages=412)]
    assert names(server.requests[1]) == ["works[0].pages"]
    assert "minutes" not in server.requests[1].messages[-1].content


def test_where_a_union_leaves_open_which_is_meant_its_object_is_asked_for() -> None:
    server = ScriptedServer([{"works": [{"title": "Dune"}]}, {"works[0]": {"title": "Dune", "pages": 412}}])
    result = Extractor(Shelf, server=server).run("Shelf")

    assert result.value.works == [Novel(title="Dune", pages=412)]
    assert names(server.requests[1]) == ["works[0]"]


def test_what_the_parts_leave_alone_is_not_lost_where_they_read_as_a_whole() -> None:
    server = ScriptedServer([{"title": [], "pages": [], "index": ["a", 1.5]}, {"title": "Dune", "pages": 412}])
    with pytest.raises(InvalidReply) as caught:
        Extractor(Novel, server=server, repairs=1).run("Dune")

    assert caught.value.partial["title"] == "Dune"
    assert caught.value.problems[0].path == Path("index", 1)


# --- loops


def test_a_loop_is_cut_to_its_first_round_and_asked_to_go_on_with_a_penalty() -> None:
    result, (first, rest) = asked(LOOPED, {"lines[1:]": [WOOD], "total": 12.5})

    assert result.value == RIGHT
    assert names(rest)[0] == "lines[1:]"
    assert first.options.repeat_penalty is None
    assert rest.options.repeat_penalty is not None
    assert rest.options.repeat_penalty > 1
    assert rest.max_tokens == first.max_tokens


def test_each_loop_raises_the_penalty() -> None:
    options = Options(repeat_penalty=1.1)
    again = Reply('{"lines[1:]":[' + LOOP * 200, finish="length")
    _, requests = asked(LOOPED, again, {"lines[2:]": [], "total": 2.5}, options=options)
    penalties = [request.options.repeat_penalty or 0 for request in requests]

    assert penalties == sorted(set(penalties))


def test_a_loop_is_asked_again_also_where_it_has_filled_the_context() -> None:
    full = Reply(LOOPED.content, finish="length", usage=Usage(1000, 7192))
    result, _ = asked(full, {"lines[1:]": [WOOD], "total": 12.5})

    assert result.value == RIGHT


# --- thinking


def test_thinking_that_was_cut_is_switched_off_where_it_was_on() -> None:
    cut = Reply("", reasoning="Let me see.", finish="length")
    _, (first, second) = asked(cut, RIGHT.model_dump(), options=Options(reasoning="high"))

    assert second.options.reasoning == "none"
    assert second.messages == first.messages
    assert second.max_tokens > first.max_tokens


def test_thinking_that_was_cut_is_handed_back_where_it_cannot_be_switched_off() -> None:
    cut = Reply("", reasoning="It is invoice 7 of nails.", finish="length")
    _, (first, second) = asked(cut, RIGHT.model_dump())

    assert second.messages[: len(first.messages)] == first.messages
    assert "invoice 7 of nails" in second.messages[-2].content
    assert second.schema is first.schema


def test_only_thinking_to_the_limit_each_time_is_an_error_of_its_own() -> None:
    error, _ = failed(ReasoningOnlyReply, *[Reply("", reasoning="hm", finish="length")] * 3)

    assert "thinking off" in str(error)


# --- parts


def test_a_part_given_where_it_stands_in_the_whole_is_taken() -> None:
    wrong = {"number": "7", "lines": [{"text": "nails", "price": -1}, WOOD], "total": 12.5}
    result, requests = asked(wrong, {"lines": [{"price": 2.5}]})

    assert result.value == RIGHT
    assert len(requests) == 2


def test_a_part_given_twice_differently_is_not_chosen_by_chance() -> None:
    result, requests = asked(BAD, '{"total": 12.5, "total": 13.5}', {"total": 12.5})

    assert result.value == RIGHT
    assert result.attempts[1].problems[0].path == Path("total")
    assert len(requests) == 3


def test_a_part_whose_json_breaks_off_into_words_is_not_taken_for_whole() -> None:
    result, _ = asked(REST_CUT, '{"lines[1:]": [{"text":"wood","price":10}] and so on', RIGHT.model_dump())

    assert result.value == RIGHT


def test_after_no_answer_to_a_mend_the_whole_is_asked_for_and_told_what_was_wrong() -> None:
    result, requests = asked(BAD, "I do not know.", RIGHT.model_dump())

    assert result.value == RIGHT
    assert requests[2].kind == "repair"
    assert "total" in requests[2].messages[-1].content


def test_after_no_answer_to_a_rest_the_rest_is_asked_for_again() -> None:
    result, requests = asked(REST_CUT, "", {"lines[1:]": [WOOD], "total": 12.5})

    assert result.value == RIGHT
    assert names(requests[2]) == names(requests[1])


@pytest.mark.parametrize("first", [BAD, REST_CUT])
def test_what_was_right_is_kept_where_repairs_bring_no_answer(first: Any) -> None:
    error, _ = failed(ReplyError, first, "", "")

    assert error.partial["number"] == "7"
    assert NAILS in error.partial["lines"]


# --- the server


REFUSAL = SchemaRefused("no", detail="failed to parse grammar")


def test_after_a_refusal_repairs_stay_on_the_lower_rung() -> None:
    result, requests = asked(REFUSAL, BAD, {"total": "?"}, {"total": 12.5})

    assert result.value == RIGHT
    assert [request.schema.dialect for request in requests if request.schema] == ["gguf", "safe", "safe", "safe"]


def test_a_schema_that_was_given_up_does_not_come_back() -> None:
    replies = iter(["no JSON", BAD, {"total": 12.5}])
    server = ScriptedServer(lambda request: REFUSAL if request.schema else next(replies), profile=PROFILE)
    Extractor(Invoice, server=server).run("Invoice 7")

    assert [request.kind for request in server.requests if not request.schema] == ["extract", "repair", "mend"]
    assert all(request.schema is None for request in server.requests[-3:])


@pytest.mark.parametrize("error", [ServerUnavailable("gone"), ContextOverflow("full")])
def test_a_server_that_fails_during_a_repair_tells_of_the_replies_before(error: Any) -> None:
    with pytest.raises(type(error)) as caught:
        asked(BAD, error)

    assert [attempt.kind for attempt in caught.value.attempts] == ["extract"]
    assert caught.value.attempts[0].problems[0].path == Path("total")


def test_a_long_reply_without_json_is_not_sent_back_whole() -> None:
    _, requests = asked("blah " * 20_000, RIGHT.model_dump())

    assert len(requests[1].messages[-2].content) < 10_000


def test_what_was_right_is_kept_where_the_rest_never_comes() -> None:
    error, _ = failed(TruncatedReply, REST_CUT, *[Reply('{"lines[1:]":[{"te', finish="length")] * 2)

    assert error.partial == {"number": "7", "lines": [json.loads(LOOP[:-1])]}
    assert error.problems[0].path == Path("lines")


def test_a_problem_of_a_part_has_its_place_in_the_whole() -> None:
    wrong = {"number": "7", "lines": [NAILS, {"text": "wood", "price": -1}], "total": 12.5}
    error, _ = failed(InvalidReply, wrong, *['{"lines[1].price": 1, "lines[1].price": 2}'] * 2)

    assert error.problems[0].path == Path("lines", 1, "price")


def test_without_any_schema_on_the_wire_a_second_mend_still_shows_the_whole_answer() -> None:
    replies = iter([BAD, {"total": "ten"}, {"total": 12.5}])
    server = ScriptedServer(lambda request: REFUSAL if request.schema else next(replies), profile=PROFILE)
    invoices = Extractor(Invoice, server=server)
    invoices.run("Invoice 7")
    replies = iter([BAD, {"total": "ten"}, {"total": 12.5}])
    result = invoices.run("Invoice 7")

    assert result.value == RIGHT
    assert json.loads(server.requests[-1].messages[-2].content)["lines"][0] == NAILS
