"""What goes wrong when it is told to."""

from __future__ import annotations

import httpx
import pytest
from tests.testing.asking import CLIENT, MESSAGES, chat, content, error, get, post

from lmextract.testing import FakeLMStudio, FakeModel, Fault, RecordedRequest


def outcome(fake: FakeLMStudio, **body: object) -> str | int:
    """The status, or the name of the exception."""
    try:
        return chat(fake, **body).status_code
    except httpx.TransportError as failure:
        return type(failure).__name__


def test_faults_come_in_the_order_of_the_calls() -> None:
    with FakeLMStudio(faults=[Fault.status(503), None, Fault.status(429)]) as fake:
        assert [outcome(fake) for _ in range(4)] == [503, 200, 429, 200]


def test_faults_come_by_the_number_of_the_call() -> None:
    with FakeLMStudio(faults={2: Fault.status(502)}) as fake:
        get(fake, "/v1/models")

        assert [outcome(fake) for _ in range(4)] == [200, 200, 502, 200]


def test_faults_come_by_any_property_of_any_request() -> None:
    def listing(request: RecordedRequest) -> Fault | None:
        return Fault.status(500) if request.path == "/api/v1/models" else None

    with FakeLMStudio(faults=listing) as fake:
        assert [get(fake, path).status_code for path in ("/api/v1/models", "/api/v0/models")] == [500, 200]
        assert outcome(fake) == 200


def test_a_fault_uses_up_no_reply() -> None:
    with FakeLMStudio(["first"], faults=[Fault.reset(), Fault.status(503)]) as fake:
        assert [outcome(fake), outcome(fake)] == ["ReadError", 503]
        assert content(chat(fake)) == "first"


def test_replies_and_faults_can_be_exchanged_while_it_runs() -> None:
    with FakeLMStudio(["old"]) as fake:
        fake.script(["new", "newer"], faults=[Fault.status(503)])

        assert outcome(fake) == 503
        assert [content(chat(fake)), content(chat(fake))] == ["new", "newer"]


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (Fault.reset(), "ReadError"),
        (Fault.close(), "RemoteProtocolError"),
        (Fault.cut(), "RemoteProtocolError"),
        (Fault.cut(reset=True), "ReadError"),
    ],
)
def test_a_connection_can_end_before_or_within_an_answer(fault: Fault, seen: str) -> None:
    with FakeLMStudio(faults=[fault]) as fake:
        assert [outcome(fake), outcome(fake)] == [seen, 200]


def test_a_cut_stream_gives_its_first_pieces() -> None:
    with FakeLMStudio(["abcdefghijkl"], faults=[Fault.cut(after=2)]) as fake:
        received: list[bytes] = []
        body = {"messages": MESSAGES, "stream": True}
        with (
            pytest.raises(httpx.RemoteProtocolError),
            CLIENT.stream("POST", fake.base_url + "/chat/completions", json=body) as response,
        ):
            received.extend(response.iter_raw())

    assert b'"content":"abcd"' in b"".join(received)
    assert b'"content":"efgh"' in b"".join(received)
    assert b'"content":"ijkl"' not in b"".join(received)


def test_a_status_may_ask_for_patience() -> None:
    with FakeLMStudio(faults=[Fault.status(429, message="slow down", retry_after_s=1.5)]) as fake:
        response = chat(fake)

    assert (response.status_code, response.headers["retry-after"], error(response)) == (429, "1.5", "slow down")


def test_an_error_may_come_with_200() -> None:
    with FakeLMStudio(faults=[Fault.ok_error("Something")]) as fake:
        response = chat(fake)

    assert (response.status_code, response.text) == (200, '{"error":"Something"}')


def test_an_engine_fails_in_its_wrapping() -> None:
    with FakeLMStudio(faults=[Fault.engine("Compute error."), Fault.pool_full()]) as fake:
        first, second = error(chat(fake)), error(chat(fake))

    inner = '{"code":500,"message":"Compute error.","type":"server_error"}'
    assert first == f"Engine protocol predict stream returned an error: {inner}"
    assert "Context size has been exceeded." in second


def test_an_unloaded_model_can_be_had_again() -> None:
    with FakeLMStudio(faults=[Fault.unloaded()]) as fake:
        text = error(chat(fake))
        gone = fake.loaded

        assert text == "Model was unloaded while the request was still in queue.."
        assert gone == ("fake-embedding",)
        assert outcome(fake) == 200


def test_the_model_that_leaves_is_one_that_could_have_answered() -> None:
    models = [FakeModel("embedder", kind="embedding"), FakeModel("talker")]
    with FakeLMStudio(models=models, faults=[Fault.crash(), Fault.crash()]) as fake:
        outcome(fake, model="whatever")
        left = fake.loaded
        post(fake, "/v1/embeddings", {"model": "whatever", "input": "a"})

        assert (left, fake.loaded) == (("embedder",), ())


def test_after_a_crash_the_model_is_no_longer_loaded() -> None:
    with FakeLMStudio(faults=[Fault.crash(exit_code=6)]) as fake:
        assert error(chat(fake)) == "The model has crashed without additional information. (Exit code: 6)"
        assert error(chat(fake, model=None)).startswith("No models loaded.")


def test_a_load_can_fail() -> None:
    with FakeLMStudio(faults=[Fault.load_failed("fake-model", "Operation canceled.")]) as fake:
        assert error(chat(fake)) == 'Failed to load model "fake-model". Error: Operation canceled.'


@pytest.mark.parametrize("path", ["/api/v1/chat", "/v1/messages", "/v1/responses"])
def test_a_scripted_answer_is_not_put_into_the_envelope_of_the_route(path: str) -> None:
    page = Fault.body("<html>Bad gateway</html>", status=502)
    with FakeLMStudio(faults=[page]) as fake:
        response = post(fake, path, {"model": "fake-model", "input": "Hi", "messages": []})

    assert (response.status_code, response.text) == (502, "<html>Bad gateway</html>")
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_any_json_can_stand_in_place_of_an_answer() -> None:
    with FakeLMStudio(faults=[Fault.body({"choices": []})]) as fake:
        assert chat(fake).json() == {"choices": []}


def test_an_answer_may_hang_until_the_client_gives_up() -> None:
    with FakeLMStudio(faults=[Fault.hang()]) as fake:
        with pytest.raises(httpx.ReadTimeout):
            CLIENT.post(fake.base_url + "/chat/completions", json={"messages": MESSAGES}, timeout=0.05)

        assert fake.wait_idle()
        assert len(fake.disconnected) == 1


def test_a_delayed_answer_comes() -> None:
    with FakeLMStudio(["late"], faults=[Fault.delay(0.05)]) as fake:
        assert content(chat(fake)) == "late"


def test_a_server_that_is_down_refuses_connections_and_comes_back() -> None:
    with FakeLMStudio(["still here"]) as fake:
        with fake.down():
            assert outcome(fake) == "ConnectError"

        assert content(chat(fake)) == "still here"


def test_a_fault_function_that_fails_is_told_and_raised() -> None:
    def wrong(request: RecordedRequest) -> Fault | None:
        raise LookupError(request.path)

    fake = FakeLMStudio(faults=wrong).start()
    response = chat(fake)

    assert (response.status_code, error(response)) == (500, "FakeLMStudio: LookupError: /v1/chat/completions")
    with pytest.raises(LookupError):
        fake.__exit__(None, None, None)
