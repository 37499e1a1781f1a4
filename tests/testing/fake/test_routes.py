"""Routes that are none, bodies that are none, and the bytes of the envelopes."""

from __future__ import annotations

import pytest
from tests.testing.asking import CLIENT, chat, error, get, post

from lmextract.testing import FakeLMStudio, Unsettled


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/chat/completions"),
        ("GET", "/v1/chat/completions"),
        ("POST", "/v1/models"),
        ("OPTIONS", "/v1/chat/completions"),
        ("POST", "//v1/chat/completions"),
        ("GET", "/"),
        ("GET", "/api/v1/models/fake-model"),
        ("DELETE", "/api/v1/models/load"),
    ],
)
def test_an_unknown_route_or_method_gets_200_and_an_error_string(method: str, path: str) -> None:
    with FakeLMStudio() as fake:
        response = CLIENT.request(method, fake.url + path)

    assert response.status_code == 200
    assert response.text == f'{{"error":"Unexpected endpoint or method. ({method} {path})"}}'


def test_a_wrong_path_is_no_stream_although_one_was_asked_for() -> None:
    with FakeLMStudio() as fake:
        response = post(fake, "/chat/completions", {"stream": True})

    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_the_greeting() -> None:
    with FakeLMStudio() as fake:
        assert get(fake, "/lmstudio-greeting").text == '{"lmstudio":true}'


def test_the_structured_envelope_of_chats_is_indented_by_four() -> None:
    """The bytes of a response recorded on 0.4.25 but for the names of the models."""
    with FakeLMStudio(models=["a", "b"]) as fake:
        response = chat(fake, model="not-a-model")

    assert response.status_code == 400
    assert response.text == (
        '{\n    "error": {\n'
        '        "message": "Invalid model identifier \\"not-a-model\\". Please specify a valid downloaded model '
        '(e.g., a, b).",\n'
        '        "type": "invalid_request_error",\n'
        '        "param": "model",\n'
        '        "code": "model_not_found"\n    }\n}'
    )


def test_the_structured_envelope_of_native_routes_is_indented_by_two() -> None:
    """Recorded on 0.4.25: 354 bytes."""
    with FakeLMStudio() as fake:
        body = {"model": "fake-model", "input": "Hi", "previous_response_id": "resp_not_a_stored_reply"}
        response = post(fake, "/api/v1/chat", body)

    assert response.status_code == 400
    assert len(response.content) == 354
    assert response.text.startswith('{\n  "error": {\n    "message": "Could not find stored response for')
    assert response.headers["etag"].startswith('W/"162-')


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"\xff", b'{"messages": [}'])
def test_a_body_that_is_no_json_object_is_an_error_on_v1(body: bytes) -> None:
    with FakeLMStudio(unsettled=Unsettled(malformed_json_status=422)) as fake:
        response = post(fake, "/v1/chat/completions", body)

    assert response.status_code == 422
    assert "failed to parse JSON" in error(response)


def test_a_body_that_is_no_json_has_a_code_on_native_routes() -> None:
    with FakeLMStudio() as fake:
        response = post(fake, "/api/v1/chat", b"{")

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_json"
    assert response.json()["error"]["type"] == "invalid_request"


@pytest.mark.parametrize("body", [{}, {"messages": None}, {"messages": {"messages": []}}])
def test_a_chat_needs_messages(body: dict[str, object]) -> None:
    with FakeLMStudio() as fake:
        response = post(fake, "/v1/chat/completions", body)

    assert (response.status_code, response.text) == (400, '{"error":"\'messages\' field is required"}')


def test_unknown_keys_are_no_matter_on_v1() -> None:
    with FakeLMStudio() as fake:
        assert chat(fake, enable_thinking=False, reasoning={"enabled": False}, nonsense=1).status_code == 200


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/api/v1/chat", {"model": "fake-model", "input": "Hi"}),
        ("/api/v1/models/load", {"model": "fake-model"}),
        ("/api/v1/models/unload", {"instance_id": "fake-model"}),
        ("/api/v1/models/download", {"model": "fake-model"}),
    ],
)
def test_unknown_keys_are_refused_on_native_routes(path: str, needed: dict[str, str]) -> None:
    with FakeLMStudio() as fake:
        response = post(fake, path, {**needed, "ttl": 60, "response_format": {}})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "unrecognized_keys"
    assert error(response) == "Unrecognized key(s) in object: 'ttl', 'response_format'"
