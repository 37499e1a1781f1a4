"""The flow, driven by hand: request by request, without any server."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field

from lmextract import (
    Document,
    Extraction,
    InvalidReply,
    Note,
    Options,
    Path,
    ReasoningOnlyReply,
    Reply,
    ReplyError,
    Request,
    SchemaRefused,
    ServerRefused,
    Target,
    TruncatedReply,
    Usage,
)
from lmextract.dialects import compile_schema
from lmextract.flow import Plan, extraction
from lmextract.prompt import preamble
from lmextract.types import Profile


class Book(BaseModel):
    title: str
    year: int = Field(le=2030)


GOOD = Reply('{"title":"Dune","year":1965}', usage=Usage(10, 5), model="m")
BAD = Reply('{"title":"Dune","year":19650}', usage=Usage(10, 5), model="m")
CUT = Reply('{"title":"Du', finish="length", usage=Usage(10, 4096), model="m")


def plan(
    *, repairs: int = 2, options: Options = Options(), context_length: int | None = None, model: str | None = None
) -> Plan[Book]:
    target = Target.of(Book)
    wire = compile_schema(target, "gguf")
    constant = preamble(target.schema, wire=wire, name="Book")
    profile = Profile(model, "gguf", context_length)
    return Plan(target, wire, constant, profile, options, repairs)


def drive(plan: Plan[Book], *replies: Reply | Exception) -> tuple[Extraction[Book] | ReplyError, list[Request]]:
    """What becomes of a flow that gets these replies, and what it asked for."""
    flow = extraction(plan, Document("Dune, 1965."))
    requests = [next(flow)]
    try:
        for reply in replies:
            requests.append(flow.throw(reply) if isinstance(reply, Exception) else flow.send(reply))
    except StopIteration as end:
        done: Extraction[Book] = end.value
        return done, requests
    except ReplyError as error:
        return error, requests
    raise AssertionError("the flow asks for more replies")


def extracted(plan: Plan[Book], *replies: Reply | Exception) -> tuple[Extraction[Book], list[Request]]:
    result, requests = drive(plan, *replies)
    assert isinstance(result, Extraction)
    return result, requests


def refused(plan: Plan[Book], *replies: Reply | Exception) -> tuple[ReplyError, list[Request]]:
    result, requests = drive(plan, *replies)
    assert isinstance(result, ReplyError)
    return result, requests


def test_a_good_first_reply_ends_the_flow_without_notes() -> None:
    result, requests = extracted(plan(), GOOD)

    assert result.value == Book(title="Dune", year=1965)
    assert result.notes == ()
    assert len(requests) == 1
    assert result.model == "m"


def test_the_document_is_the_last_message_and_the_constant_part_comes_first() -> None:
    _, [request] = extracted(plan(), GOOD)

    assert "Dune, 1965." in request.messages[-1].content
    assert request.fixed == len(request.messages) - 1
    assert all("Dune, 1965." not in message.content for message in request.messages[:-1])


def test_a_repair_adds_the_latest_answer_and_its_problems_to_the_first_question() -> None:
    _, requests = extracted(plan(repairs=3), BAD, Reply('{"year": 19651}'), Reply('{"year": 19652}'), GOOD)
    first = requests[0].messages

    for later, wrong in zip(requests[1:], ("19650", "19651", "19652"), strict=True):
        assert later.messages[: len(first)] == first
        assert [message.role for message in later.messages[len(first) :]] == ["assistant", "user"]
        assert wrong in later.messages[-2].content
        assert wrong in later.messages[-1].content


def test_a_repair_request_tells_what_was_wrong_where_and_with_what() -> None:
    _, requests = extracted(plan(), BAD, GOOD)
    told = requests[1].messages[-1].content

    assert requests[1].messages[-2].content == BAD.content
    assert "year" in told
    assert "2030" in told
    assert "19650" in told


def test_a_repaired_value_says_so() -> None:
    result, _ = extracted(plan(), BAD, GOOD)

    assert [(note.code, note.path) for note in result.notes] == [("repaired", Path("year"))]
    assert [attempt.kind for attempt in result.attempts] == ["extract", "mend"]
    assert result.attempts[0].problems[0].value == 19650


def test_usage_is_summed_over_all_attempts() -> None:
    assert extracted(plan(), BAD, GOOD)[0].usage == Usage(20, 10)


@pytest.mark.parametrize("repairs", [0, 1, 2, 5])
def test_giving_up_takes_just_the_repairs_allowed_and_carries_every_attempt(repairs: int) -> None:
    error, requests = refused(plan(repairs=repairs), *[BAD] * (repairs + 1))

    assert isinstance(error, InvalidReply)
    assert len(requests) == len(error.attempts) == repairs + 1
    assert error.problems[0].path == Path("year")
    assert error.usage == Usage(10 * (repairs + 1), 5 * (repairs + 1))
    assert "year" in str(error)


def test_a_cut_reply_is_asked_again_with_more_room_and_the_same_conversation() -> None:
    result, requests = extracted(plan(), CUT, GOOD)

    assert requests[1].messages == requests[0].messages
    assert requests[1].max_tokens > requests[0].max_tokens
    assert [note.code for note in result.notes] == ["truncated"]


def test_a_reply_that_is_cut_always_is_a_truncated_reply() -> None:
    error, _ = refused(plan(), CUT, CUT, CUT)

    assert isinstance(error, TruncatedReply)
    assert "max_tokens" in str(error)


def test_a_limit_that_the_caller_set_is_never_raised() -> None:
    error, requests = refused(plan(options=Options(max_tokens=5)), CUT)

    assert isinstance(error, TruncatedReply)
    assert [request.max_tokens for request in requests] == [5]


def test_a_full_context_is_not_asked_again() -> None:
    full = Reply('{"title":"Du', finish="length", usage=Usage(1000, 1048))
    error, _ = refused(plan(context_length=2048), full)

    assert isinstance(error, TruncatedReply)


@pytest.mark.parametrize("context_length", [None, 512, 2048, 100_000])
def test_there_is_always_a_limit_on_the_answer_that_fits_the_context(context_length: int | None) -> None:
    _, [request] = extracted(plan(context_length=context_length), GOOD)

    assert 0 < request.max_tokens <= (context_length or 4096)


def test_a_reply_of_nothing_but_thinking_is_its_own_error() -> None:
    error, _ = refused(plan(), *[Reply("", reasoning="hm, a book")] * 3)

    assert isinstance(error, ReasoningOnlyReply)


@pytest.mark.parametrize("empty", [Reply(""), Reply("", reasoning="hm"), Reply("I cannot do that.")])
def test_no_turn_of_the_conversation_is_ever_empty(empty: Reply) -> None:
    _, requests = extracted(plan(), empty, GOOD)

    assert all(message.content.strip() for message in requests[1].messages)


@pytest.mark.parametrize(
    ("asked", "answered", "noted"),
    [
        ("qwen3-4b", "qwen3-4b", False),
        ("Qwen3-4B", "qwen3-4b", False),
        ("qwen3-4b", "qwen3-4b:2", False),
        ("qwen3-4b", "gemma-3-1b", True),
        (None, "gemma-3-1b", False),
    ],
)
def test_an_answer_by_another_model_is_noted(asked: str | None, answered: str, *, noted: bool) -> None:
    reply = Reply(GOOD.content, model=answered)
    result, _ = extracted(plan(model=asked), reply)

    assert [note.code for note in result.notes] == (["other-model"] if noted else [])


def test_a_refused_schema_is_lowered_until_the_server_takes_it_and_noted() -> None:
    refusal = SchemaRefused("no", detail="failed to parse grammar")
    result, requests = extracted(plan(), refusal, GOOD)

    assert requests[1].schema is not requests[0].schema
    assert requests[1].messages == requests[0].messages
    assert [note.code for note in result.notes] == ["relaxed-schema"]


def test_a_server_that_refuses_even_no_schema_is_believed() -> None:
    flow = extraction(plan(), Document("Dune"))
    request = next(flow)
    refusal = SchemaRefused("no", detail="failed to parse grammar")
    for _ in range(10):
        if request.schema is None:
            break
        request = flow.throw(refusal)

    with pytest.raises(SchemaRefused):
        flow.throw(refusal)


def test_any_other_refusal_passes_through() -> None:
    flow = extraction(plan(), Document("Dune"))
    next(flow)

    with pytest.raises(ServerRefused):
        flow.throw(ServerRefused("no"))


def test_notes_print_with_their_place() -> None:
    assert str(Note("repaired", "was wrong", Path("a", 0, "b c"))) == "repaired at $.a[0]['b c']: was wrong"


class Line(BaseModel):
    text: str
    price: float


class Invoice(BaseModel):
    number: str
    lines: list[Line]
    total: float


def invoice_plan(*, context_length: int | None = None) -> Plan[Invoice]:
    target = Target.of(Invoice)
    wire = compile_schema(target, "gguf")
    profile = Profile("m", "gguf", context_length)
    return Plan(target, wire, preamble(target.schema, wire=wire, name="Invoice"), profile)


def drive_invoice(*replies: str | Reply) -> tuple[Extraction[Invoice], list[Request]]:
    flow = extraction(invoice_plan(), Document("Invoice 7: nails 2.50, wood 10, total 12.50."))
    requests = [next(flow)]
    try:
        for reply in replies:
            requests.append(flow.send(Reply(reply) if isinstance(reply, str) else reply))
    except StopIteration as end:
        done: Extraction[Invoice] = end.value
        return done, requests
    raise AssertionError("the flow asks for more replies")


RIGHT = Invoice(number="7", lines=[Line(text="nails", price=2.5), Line(text="wood", price=10)], total=12.5)


def test_only_the_wrong_places_are_asked_for_again() -> None:
    wrong = '{"number":"7","lines":[{"text":"nails","price":2.5},{"text":"wood","price":"ten"}],"total":"?"}'
    result, requests = drive_invoice(wrong, '{"lines[1].price":10,"total":12.5}')
    wire = requests[1].schema

    assert result.value == RIGHT
    assert wire is not None
    assert list(wire.schema["properties"]) == ["lines[1].price", "total"]
    assert {str(note.path) for note in result.notes} == {"$.lines[1].price", "$.total"}


def test_a_mend_that_does_not_cure_is_mended_again() -> None:
    wrong = '{"number":"7","lines":[{"text":"nails","price":2.5},{"text":"wood","price":"ten"}],"total":12.5}'
    result, requests = drive_invoice(wrong, '{"lines[1].price":"10 EUR or so"}', '{"lines[1].price":10}')

    assert result.value == RIGHT
    assert [attempt.kind for attempt in result.attempts] == ["extract", "mend", "mend"]
    assert "ten" not in requests[2].messages[-1].content


def test_a_mend_without_json_falls_back_to_the_whole() -> None:
    wrong = '{"number":"7","lines":[],"total":"?"}'
    right = '{"number":"7","lines":[{"text":"nails","price":2.5},{"text":"wood","price":10}],"total":12.5}'
    result, requests = drive_invoice(wrong, "I do not know.", right)

    assert result.value == RIGHT
    assert requests[2].schema is requests[0].schema


def test_of_a_cut_answer_only_the_rest_is_asked_for() -> None:
    cut = Reply('{"number":"7","lines":[{"text":"nails","price":2.5},{"text":"wo', finish="length")
    result, requests = drive_invoice(cut, '{"lines[1:]":[{"text":"wood","price":10}],"total":12.5}')
    wire = requests[1].schema

    assert result.value == RIGHT
    assert wire is not None
    assert "number" not in wire.schema["properties"]
    assert "truncated" in {note.code for note in result.notes}


def test_giving_up_keeps_what_was_right() -> None:
    flow = extraction(invoice_plan(), Document("Invoice 7"))
    reply = Reply('{"number":"7","lines":[{"text":"nails","price":2.5}],"total":"?"}')
    next(flow)
    with pytest.raises(InvalidReply) as caught:
        for said in (reply, Reply('{"total":"?"}'), Reply('{"total":"?"}')):
            flow.send(said)

    assert caught.value.partial == {"number": "7", "lines": [{"text": "nails", "price": 2.5}]}


def test_thinking_first_is_one_more_request_without_a_schema_on_the_same_conversation() -> None:
    thoughtful = Plan(**{name: getattr(plan(), name) for name in Plan.__slots__} | {"think": True})
    result, requests = extracted(thoughtful, Reply("It says Dune, of 1965.", usage=Usage(10, 7)), GOOD)

    assert requests[0].schema is None
    assert requests[0].options.reasoning is None
    assert requests[0].max_tokens == Options().think_tokens
    assert requests[1].messages[: len(requests[0].messages)] == requests[0].messages
    assert "It says Dune, of 1965." in requests[1].messages[-2].content
    assert requests[1].schema is not None
    assert [attempt.kind for attempt in result.attempts] == ["think", "extract"]
    assert result.notes == ()
