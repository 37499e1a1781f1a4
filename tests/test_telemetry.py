"""Spans and metrics, as OpenTelemetry's own SDK collects them; and nothing at all where that is not installed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

import lmextract.telemetry as names_of
from lmextract import (
    Document,
    Extraction,
    Extractor,
    LMExtractError,
    LMStudio,
    Options,
    Reply,
    Retry,
    SchemaRefused,
    ServerUnavailable,
    Usage,
)
from lmextract.testing import FakeLMStudio, Fault, ScriptedServer
from lmextract.types import Request

pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


class Book(BaseModel):
    title: str
    year: int


TEXT = "Dune came out in 1965, on Arrakis."
GOOD = Reply('{"title":"Dune","year":1965}', usage=Usage(100, 50, 20, 30), model="m-loaded")
BAD = Reply('{"title":"Dune","year":"soon"}', usage=Usage(100, 7))
MENDED = Reply('{"year":1965}', usage=Usage(200, 2))


class Collected:
    """What the SDK has been given since the test began."""

    def __init__(self, spans: InMemorySpanExporter, reader: InMemoryMetricReader) -> None:
        self._spans = spans
        self._reader = reader

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended, in order of their beginning."""
        return sorted(self._spans.get_finished_spans(), key=lambda span: span.start_time or 0)

    @property
    def points(self) -> dict[str, list[Any]]:
        """The points of each metric."""
        data = self._reader.get_metrics_data()
        metrics = [m for r in (data.resource_metrics if data else ()) for s in r.scope_metrics for m in s.metrics]
        return {metric.name: list(metric.data.data_points) for metric in metrics}


@pytest.fixture(scope="module")
def exporter() -> Iterator[InMemorySpanExporter]:
    """The SDK can be configured once in a process, so all tests of this file share it."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter
    provider.shutdown()


@pytest.fixture(scope="module")
def reader() -> Iterator[InMemoryMetricReader]:
    reader = InMemoryMetricReader(preferred_temporality=_deltas())
    provider = MeterProvider([reader])
    metrics.set_meter_provider(provider)
    yield reader
    provider.shutdown()


def _deltas() -> Any:
    from opentelemetry.sdk.metrics import Histogram
    from opentelemetry.sdk.metrics.export import AggregationTemporality

    return {Histogram: AggregationTemporality.DELTA}


@pytest.fixture
def collected(
    exporter: InMemorySpanExporter, reader: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch
) -> Collected:
    monkeypatch.delenv(CAPTURE, raising=False)
    exporter.clear()
    reader.get_metrics_data()
    return Collected(exporter, reader)


def run(server: Any, **how: Any) -> Extraction[Book]:
    return Extractor(Book, server=server, **how).run(TEXT)


def arun(server: Any, **how: Any) -> Extraction[Book]:
    return asyncio.run(Extractor(Book, server=server, **how).arun(TEXT))


both = pytest.mark.parametrize("drive", [run, arun])


@both
def test_an_extraction_is_a_span_with_a_span_for_each_request_within(drive: Any, collected: Collected) -> None:
    drive(ScriptedServer([BAD, MENDED]))

    whole, *calls = collected.spans
    assert (whole.name, whole.kind, whole.parent) == ("extract Book", SpanKind.INTERNAL, None)
    assert [(call.name, call.kind, call.parent and call.parent.span_id) for call in calls] == [
        ("chat scripted-model", SpanKind.CLIENT, whole.context.span_id)
    ] * 2
    assert [call.attributes and call.attributes["lmextract.request.kind"] for call in calls] == ["extract", "mend"]


def test_the_span_of_an_extraction_tells_attempts_notes_and_schema(collected: Collected) -> None:
    run(ScriptedServer([BAD, MENDED]))
    run(ScriptedServer([GOOD]))

    first, second = (dict(span.attributes or {}) for span in collected.spans if span.name == "extract Book")
    assert first["lmextract.target"] == "Book"
    assert (first["lmextract.attempts"], second["lmextract.attempts"]) == (2, 1)
    assert (first["lmextract.notes"], second["lmextract.notes"]) == (("repaired",), ("other-model",))
    assert first["lmextract.schema.hash"] == second["lmextract.schema.hash"] != ""


def test_the_span_of_a_request_has_the_attributes_of_the_conventions(collected: Collected) -> None:
    with FakeLMStudio([GOOD]) as fake:
        run(LMStudio(fake.base_url), options=Options(max_tokens=99, seed=3, top_p=0.5))
        port = int(fake.url.rpartition(":")[2])

    call = dict(collected.spans[1].attributes or {})
    assert call == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "lm_studio",
        "gen_ai.output.type": "json",
        "gen_ai.request.model": "fake-model",
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.seed": 3,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.response.model": "m-loaded",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.reasoning.output_tokens": 20,
        "server.address": "127.0.0.1",
        "server.port": port,
        "lmextract.request.kind": "extract",
    }


@both
def test_what_is_tried_again_below_is_one_span(drive: Any, collected: Collected) -> None:
    with FakeLMStudio([GOOD], faults=[Fault.status(503), Fault.reset()]) as fake:
        drive(LMStudio(fake.base_url, retry=Retry(first_wait_s=0.001, longest_wait_s=0.002)))

    assert [span.name for span in collected.spans] == ["extract Book", "chat fake-model"]
    assert all(span.status.status_code is StatusCode.UNSET for span in collected.spans)


@both
def test_an_error_fails_both_spans_by_its_type(drive: Any, collected: Collected) -> None:
    with pytest.raises(ServerUnavailable):
        drive(ScriptedServer([ServerUnavailable("gone")]))

    for span in collected.spans:
        assert (span.attributes or {})["error.type"] == "lmextract.errors.ServerUnavailable"
        assert span.status.status_code is StatusCode.ERROR


def test_a_refused_schema_fails_its_request_and_not_the_extraction(collected: Collected) -> None:
    run(ScriptedServer([SchemaRefused("no", detail="failed to parse grammar"), GOOD]))

    whole, refused, taken = collected.spans
    assert (refused.attributes or {})["error.type"] == "lmextract.errors.SchemaRefused"
    assert "error.type" not in {**(whole.attributes or {}), **(taken.attributes or {})}


def test_giving_up_fails_the_extraction_and_not_its_requests(collected: Collected) -> None:
    with pytest.raises(LMExtractError):
        run(ScriptedServer([BAD]), repairs=0)

    whole, call = collected.spans
    assert (whole.attributes or {})["error.type"] == "lmextract.errors.InvalidReply"
    assert (whole.attributes or {})["lmextract.problems"] == ("int_parsing",)
    assert call.status.status_code is StatusCode.UNSET


@both
@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError, ZeroDivisionError])
def test_an_interruption_leaves_no_span_open(drive: Any, error: type[BaseException], collected: Collected) -> None:
    with pytest.raises(error):
        drive(ScriptedServer([error()]))

    assert len(collected.spans) == 2
    assert error.__name__ in str((collected.spans[0].attributes or {})["error.type"])


@both
def test_the_span_of_a_request_is_current_while_it_is_sent_and_gone_after(drive: Any, collected: Collected) -> None:
    seen: list[int] = []

    def answer(request: Request) -> Reply:
        seen.append(trace.get_current_span().get_span_context().span_id)
        return GOOD

    drive(ScriptedServer(answer))

    assert seen == [collected.spans[1].context.span_id]
    assert not trace.get_current_span().get_span_context().is_valid


def test_an_extraction_is_part_of_the_span_around_it(collected: Collected) -> None:
    with trace.get_tracer("a program").start_as_current_span("night job") as job:
        run(ScriptedServer([GOOD]))

    [whole] = [span for span in collected.spans if span.name == "extract Book"]
    assert whole.parent == job.get_span_context()


def test_tasks_that_run_together_keep_their_spans_apart(collected: Collected) -> None:
    class Slow(ScriptedServer):
        async def asend(self, request: Request) -> Reply:
            await asyncio.sleep(0)
            return self.send(request)

    async def all_of() -> None:
        books = Extractor(Book, server=Slow([BAD] * 3 + [MENDED] * 3))
        await asyncio.gather(*(books.arun(TEXT) for _ in range(3)))

    asyncio.run(all_of())

    parents = [span.parent.span_id for span in collected.spans if span.parent]
    assert sorted(parents.count(parent) for parent in set(parents)) == [2, 2, 2]


def test_a_flow_left_early_ends_its_spans_without_an_error(collected: Collected) -> None:
    server = ScriptedServer([])
    # The driver of a stream stops like this when its reader breaks off.
    steps = Extractor(Book)._flow(Document(TEXT), server.profile(), server, attached=False)
    next(steps)
    assert not trace.get_current_span().get_span_context().is_valid
    steps.close()

    assert [span.name for span in collected.spans] == ["extract Book", "chat scripted-model"]
    assert all(span.status.status_code is StatusCode.UNSET for span in collected.spans)


def test_time_and_tokens_are_measured_for_each_request(collected: Collected) -> None:
    run(ScriptedServer([BAD, MENDED]))

    points = collected.points
    [duration] = points["gen_ai.client.operation.duration"]
    tokens = {
        point.attributes["gen_ai.token.type"]: (point.count, point.sum) for point in points["gen_ai.client.token.usage"]
    }
    assert duration.count == 2
    assert duration.attributes["gen_ai.operation.name"] == "chat"
    assert duration.attributes["gen_ai.request.model"] == "scripted-model"
    assert tokens == {"input": (2, 300), "output": (2, 9)}


def test_a_failure_is_measured_with_its_type(collected: Collected) -> None:
    with pytest.raises(ServerUnavailable):
        run(ScriptedServer([ServerUnavailable("gone")]))

    [duration] = collected.points["gen_ai.client.operation.duration"]
    assert duration.attributes["error.type"] == "lmextract.errors.ServerUnavailable"
    assert "gen_ai.client.token.usage" not in collected.points


def everything(collected: Collected) -> str:
    spans = [span.to_json() for span in collected.spans]
    return "".join(spans) + repr([dict(point.attributes) for points in collected.points.values() for point in points])


@pytest.mark.parametrize("setting", [None, "", "false", "no"])
def test_content_is_not_recorded(setting: str | None, collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    if setting is not None:
        monkeypatch.setenv(CAPTURE, setting)
    replies: list[Callable[[], list[Any]]] = [
        lambda: [BAD, MENDED],
        lambda: [BAD, BAD, BAD],
        lambda: [ServerUnavailable(f"gone: {TEXT}", detail=TEXT)],
    ]
    for script in replies:
        try:
            run(ScriptedServer(script()))
        except LMExtractError:
            continue

    told = everything(collected)
    assert [word for word in ("Arrakis", "Dune", "1965", "soon") if word in told] == []


@pytest.mark.parametrize("setting", ["true", "TRUE"])
def test_content_is_recorded_where_the_environment_says_so(
    setting: str, collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CAPTURE, setting)
    run(ScriptedServer([Reply(GOOD.content, reasoning="hm")]))

    call = dict(collected.spans[1].attributes or {})
    asked = json.loads(str(call["gen_ai.input.messages"]))
    assert [turn["role"] for turn in asked] == ["system", "user"]
    assert TEXT in asked[-1]["parts"][0]["content"]
    assert json.loads(str(call["gen_ai.output.messages"])) == [
        {
            "role": "assistant",
            "parts": [{"type": "reasoning", "content": "hm"}, {"type": "text", "content": GOOD.content}],
            "finish_reason": "stop",
        }
    ]


def test_every_name_is_on_the_page() -> None:
    page = (Path(__file__).parents[1] / "docs" / "accounting.md").read_text("utf-8")
    names = [value for name, value in vars(names_of).items() if name.isupper() and isinstance(value, str)]

    assert len(names) > 20
    assert [name for name in names if f"`{name}`" not in page] == []


def modules_after(script: str) -> set[str]:
    command = [sys.executable, "-c", f"import sys\n{script}\nprint(*sys.modules)"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_importing_the_library_does_not_import_opentelemetry() -> None:
    modules = modules_after("import lmextract; lmextract.extract; import lmextract.telemetry, lmextract.watching")

    assert [name for name in modules if name.startswith("opentelemetry")] == []


def test_without_opentelemetry_an_extraction_is_the_same() -> None:
    script = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name.startswith("opentelemetry") else found(name, package)
from lmextract import extract
from lmextract.testing import ScriptedServer
assert extract(int, "one", server=ScriptedServer(['{"value": 1}'])) == 1
"""

    assert [name for name in modules_after(script) if name.startswith("opentelemetry")] == []
