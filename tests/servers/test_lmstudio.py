"""LM Studio as a server, against the fake one: models, errors, retries, secrets, reasoning."""

from __future__ import annotations

import asyncio
import logging
import pickle
from typing import Any

import pytest
from pydantic import BaseModel

from lmextract import (
    ConfigError,
    ContextOverflow,
    Extractor,
    LMStudio,
    Options,
    ReasoningOnlyReply,
    Retry,
    SchemaRefused,
    ServerRefused,
    ServerUnavailable,
    TruncatedReply,
    aextract,
    extract,
)
from lmextract.testing import TOKEN, FakeLMStudio, FakeModel, Fault, Loading, Overflow, Reasoning, Timing

SOON = Retry(attempts=4, budget_s=5, first_wait_s=0.001, longest_wait_s=0.002)
DUNE = {"title": "Dune", "year": 1965}


class Book(BaseModel):
    title: str
    year: int


def studio(fake: FakeLMStudio, **how: Any) -> LMStudio:
    return LMStudio(fake.base_url, retry=SOON, **how)


def asked(fake: FakeLMStudio) -> list[dict[str, Any]]:
    """The bodies of the questions."""
    return [request.json for request in fake.requests if request.path.endswith("/chat/completions")]


def test_a_request_is_as_the_design_promises() -> None:
    with FakeLMStudio([DUNE]) as fake:
        assert extract(Book, "Dune, 1965", server=studio(fake)) == Book(title="Dune", year=1965)
        [body] = asked(fake)

    assert body["model"] == "fake-model"
    assert body["temperature"] == 0
    assert body["max_tokens"] > 0
    assert body["reasoning_effort"] == "none"
    assert body["response_format"]["type"] == "json_schema"
    assert body["response_format"]["json_schema"]["schema"]["properties"].keys() == {"title", "year"}


def test_the_listing_is_asked_for_once() -> None:
    with FakeLMStudio([DUNE, DUNE, DUNE]) as fake:
        server = studio(fake)
        for _ in range(3):
            extract(Book, "Dune", server=server)
        listings = [request for request in fake.requests if request.path.endswith("/models")]

    assert len(listings) == 1


@pytest.mark.parametrize("spelling", ["", "/", "/v1", "/v1/"])
def test_the_base_url_may_be_spelt_as_people_do(spelling: str) -> None:
    with FakeLMStudio([DUNE]) as fake:
        server = LMStudio(fake.base_url.removesuffix("/v1").rstrip("/") + spelling)
        assert extract(Book, "Dune", server=server).title == "Dune"


def test_the_model_and_its_context_come_from_the_listing() -> None:
    with FakeLMStudio(models=[FakeModel("qwen3-4b", context_length=8192, parallel=2)]) as fake:
        profile = studio(fake).profile()

    assert (profile.model, profile.context_length, profile.parallel, profile.dialect) == ("qwen3-4b", 8192, 2, "gguf")


@pytest.mark.parametrize(
    ("engine", "parallel", "dialect"),
    [
        ("gguf", 4, "gguf"),
        ("mlx-outlines", 1, "mlx-outlines"),
        ("mlx-llguidance", 4, "mlx-llguidance"),
    ],
)
def test_the_dialect_comes_from_the_engine(engine: Any, parallel: int, dialect: str) -> None:
    with FakeLMStudio([DUNE], engine=engine, parallel=parallel) as fake:
        assert studio(fake).profile().dialect == dialect
        assert extract(Book, "Dune", server=studio(fake)).title == "Dune"


def test_a_dialect_given_overrules() -> None:
    with FakeLMStudio() as fake:
        assert studio(fake, dialect="safe").profile().dialect == "safe"


def test_an_older_lm_studio_is_asked_by_its_older_routes() -> None:
    for newer in ("/api/v1", "/api/"):

        def missing(request: Any, newer: str = newer) -> Fault | None:
            known = not request.path.startswith(newer)
            return None if known else Fault.ok_error(f"Unexpected endpoint or method. (GET {request.path})")

        with FakeLMStudio([DUNE], models=[FakeModel("only")], faults=missing) as fake:
            assert extract(Book, "Dune", server=studio(fake)).title == "Dune"


def test_several_loaded_models_need_a_name() -> None:
    with FakeLMStudio([DUNE], models=[FakeModel("a"), FakeModel("b")]) as fake:
        with pytest.raises(ConfigError, match="a, b"):
            extract(Book, "Dune", server=studio(fake))
        assert extract(Book, "Dune", server=studio(fake), model="lm_studio/b").title == "Dune"
        assert [body["model"] for body in asked(fake)] == ["b"]


def test_no_loaded_model_is_an_error_with_the_command_that_loads_one() -> None:
    with FakeLMStudio(models=[FakeModel("qwen3-4b", loaded=False)]) as fake:
        with pytest.raises(ConfigError, match="lms load qwen3-4b"):
            extract(Book, "Dune", server=studio(fake))
        assert asked(fake) == []


def test_a_downloaded_model_that_is_named_is_loaded_by_lm_studio_itself() -> None:
    with FakeLMStudio([DUNE], models=[FakeModel("qwen3-4b", loaded=False)]) as fake:
        assert extract(Book, "Dune", server=studio(fake), model="qwen3-4b").title == "Dune"


def test_an_answer_by_another_model_is_noted() -> None:
    with FakeLMStudio([DUNE], models=[FakeModel("gemma")]) as fake:
        result = Extractor(Book, server=studio(fake), model="qwen3-4b").run("Dune")

    assert [note.code for note in result.notes] == ["other-model"]
    assert result.model == "gemma"


def test_a_model_loaded_under_another_name_is_the_same_model() -> None:
    with FakeLMStudio([DUNE], models=[FakeModel("qwen/qwen3-4b", identifier="mine")]) as fake:
        result = Extractor(Book, server=studio(fake), model="qwen/qwen3-4b").run("Dune")

    assert result.notes == ()


def test_an_unknown_model_among_several_is_refused_once() -> None:
    with FakeLMStudio(models=[FakeModel("a"), FakeModel("b")]) as fake:
        with pytest.raises(ServerRefused, match="does not know the model"):
            extract(Book, "Dune", server=studio(fake), model="nope")
        assert len(asked(fake)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault.reset(),
        Fault.close(),
        Fault.status(503),
        Fault.status(429, retry_after_s=0.01),
        Fault.unloaded(),
        Fault.engine("Compute error."),
        Fault.pool_full(),
    ],
    ids=["reset", "closed", "503", "429", "unloaded", "compute error", "shared context full"],
)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_is_transient_is_tried_again(fault: Fault, *, asynchronous: bool) -> None:
    with FakeLMStudio([DUNE], faults=[fault, fault]) as fake:
        if asynchronous:
            book = asyncio.run(aextract(Book, "Dune", server=studio(fake), model="fake-model"))
        else:
            book = extract(Book, "Dune", server=studio(fake), model="fake-model")
        bodies = asked(fake)

    assert book == Book(title="Dune", year=1965)
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] == bodies[2]


def test_a_crashed_model_is_waited_for() -> None:
    with FakeLMStudio([DUNE], faults=[Fault.crash()]) as fake:
        assert extract(Book, "Dune", server=studio(fake), model="fake-model").title == "Dune"


def test_a_server_that_stays_down_is_unavailable_after_the_attempts_stated() -> None:
    with FakeLMStudio(faults=[Fault.status(503)] * 9) as fake:
        with pytest.raises(ServerUnavailable):
            extract(Book, "Dune", server=studio(fake))
        assert len(asked(fake)) == SOON.attempts


def test_no_server_is_unavailable_with_the_command_that_starts_it() -> None:
    with FakeLMStudio() as fake:
        server = studio(fake)
    with pytest.raises(ServerUnavailable, match="lms server start"):
        extract(Book, "Dune", server=server)


@pytest.mark.parametrize("key", ["", "sk-lm-wrongwro:wrongwrongwrongwrongw", "lm-studio"])
def test_a_wrong_key_is_refused_once_and_never_shown(key: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeLMStudio([DUNE], token=TOKEN) as fake:
        server = studio(fake, api_key=key)
        with pytest.raises(ServerRefused, match="LM_STUDIO_API_KEY") as caught:
            extract(Book, "Dune", server=server)
        assert len(fake.requests) == 1
    shown = f"{caught.value} {caught.value!r} {caught.value.__dict__} {server!r} {caplog.text}"

    assert not key or key not in shown
    assert "sk-lm-wrong" not in shown


def test_the_right_key_opens() -> None:
    with FakeLMStudio([DUNE], token=TOKEN) as fake:
        assert extract(Book, "Dune", server=studio(fake, api_key=TOKEN)).title == "Dune"


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeLMStudio([DUNE], token=TOKEN) as fake:
        monkeypatch.setenv("LM_STUDIO_API_BASE", fake.base_url)
        monkeypatch.setenv("LM_STUDIO_API_KEY", TOKEN)
        assert extract(Book, "Dune").title == "Dune"


@pytest.mark.parametrize("era", ["A", "B", "C", "mlx"])
def test_a_text_longer_than_the_context_is_an_overflow_with_both_numbers(era: Any) -> None:
    with FakeLMStudio(context_length=512, overflow=Overflow(era=era)) as fake:
        with pytest.raises(ContextOverflow) as caught:
            extract(Book, "word " * 5000, server=studio(fake))
        assert len(asked(fake)) == 1

    assert caught.value.context_length == 512
    assert caught.value.prompt_tokens is not None
    assert caught.value.prompt_tokens > 512


@pytest.mark.parametrize("place", ["none", "apart", "instead", "tags", "orphan-tag", "marker", "field"])
@pytest.mark.parametrize("obeys", [True, False])
def test_the_answer_is_found_wherever_reasoning_puts_it(place: Any, *, obeys: bool) -> None:
    draft = 'Maybe {"title": "Duna", "year": 1}? No.'
    with FakeLMStudio([DUNE], reasoning=Reasoning(place=place, text=draft, obeys=obeys)) as fake:
        assert extract(Book, "Dune", server=studio(fake)) == Book(title="Dune", year=1965)


def test_a_model_that_only_thinks_ends_in_a_typed_error() -> None:
    thinker = Reasoning(place="endless", obeys=False)
    with FakeLMStudio(reasoning=thinker) as fake, pytest.raises((TruncatedReply, ReasoningOnlyReply)):
        extract(Book, "Dune", server=studio(fake), options=Options(max_tokens=50))


def test_a_model_that_takes_no_reasoning_setting_is_asked_without_one() -> None:
    refusal = Fault.error("Reasoning setting 'none' is not supported by model 'm'. Supported settings: low, high")
    with FakeLMStudio([DUNE, DUNE], faults=[refusal]) as fake:
        server = studio(fake)
        extract(Book, "Dune", server=server)
        extract(Book, "Dune", server=server)
        bodies = asked(fake)

    assert ["reasoning_effort" in body for body in bodies] == [True, False, False]


def test_a_cut_answer_is_never_returned_as_whole() -> None:
    with FakeLMStudio([{"title": "D" * 4000, "year": 1}] * 3) as fake, pytest.raises(TruncatedReply):
        extract(Book, "Dune", server=studio(fake), options=Options(max_tokens=20))


def test_a_refused_schema_is_lowered_and_noted() -> None:
    refusal = Fault.error("Error in iterating prediction stream: ValueError: 'type' must be a string")
    with FakeLMStudio([DUNE], faults=[refusal]) as fake:
        result = Extractor(Book, server=studio(fake)).run("Dune")

    assert result.value.title == "Dune"
    assert "relaxed-schema" in [note.code for note in result.notes]


def test_a_server_that_refuses_every_schema_ends_in_schema_refused() -> None:
    refusal = Fault.error("Failed to initialize samplers: failed to parse grammar")
    with FakeLMStudio(faults=[refusal] * 20) as fake, pytest.raises(SchemaRefused):
        extract(Book, "Dune", server=studio(fake))


def test_an_answer_with_an_error_and_status_200_is_an_error() -> None:
    with FakeLMStudio(faults=[Fault.ok_error("Unexpected endpoint or method. (POST /x)")]) as fake:
        with pytest.raises(ServerRefused):
            extract(Book, "Dune", server=studio(fake))
        assert len(asked(fake)) == 1


def test_a_server_that_closes_idle_connections_is_no_trouble() -> None:
    with FakeLMStudio([DUNE, DUNE], timing=Timing(keep_alive_s=0.05)) as fake:
        server = studio(fake)
        extract(Book, "Dune", server=server)
        asyncio.run(asyncio.sleep(0.15))
        assert extract(Book, "Dune", server=server).title == "Dune"


def test_a_server_pickles_without_its_connections() -> None:
    with FakeLMStudio([DUNE, DUNE]) as fake:
        server = studio(fake, model="fake-model")
        extract(Book, "Dune", server=server)
        copy = pickle.loads(pickle.dumps(server))

        assert extract(Book, "Dune", server=copy).title == "Dune"


def test_a_server_closes_what_it_opened() -> None:
    with FakeLMStudio([DUNE]) as fake:
        with studio(fake) as server:
            extract(Book, "Dune", server=server)
        assert fake.wait_for(lambda: fake.open_connections == 0)


def test_without_jit_an_unloaded_model_is_refused_with_the_command_that_loads_one() -> None:
    models = [FakeModel("qwen3-4b", loaded=False)]
    fake = FakeLMStudio(models=models, loading=Loading(jit=False))
    with fake, pytest.raises((ServerRefused, ConfigError), match="lms load"):
        extract(Book, "Dune", server=studio(fake), model="qwen3-4b")


def test_a_server_that_is_only_starting_is_waited_for() -> None:
    failures = iter([Fault.status(503), Fault.reset()])

    def starting(request: Any) -> Fault | None:
        return next(failures, None) if request.path.endswith("/models") else None

    with FakeLMStudio([DUNE], faults=starting) as fake:
        assert extract(Book, "Dune", server=studio(fake)).title == "Dune"


def test_the_rung_that_a_server_took_is_where_the_next_question_starts() -> None:
    refusal = Fault.error("Failed to initialize samplers: failed to parse grammar")
    coded = {"type": "object", "properties": {"code": {"type": "string", "pattern": "^[A-Z]$"}}, "required": ["code"]}
    with FakeLMStudio([{"code": "A"}] * 3, faults=[refusal]) as fake:
        extractor = Extractor(coded, server=studio(fake))
        results = [extractor.run("Dune") for _ in range(2)]
        bodies = asked(fake)

    assert len(bodies) == 3
    assert bodies[2]["response_format"] == bodies[1]["response_format"] != bodies[0]["response_format"]
    assert [{note.code for note in result.notes} for result in results] == [{"relaxed-schema"}] * 2
