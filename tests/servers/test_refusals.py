"""What each refusal that LM Studio and llama.cpp are known for means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lmextract import ContextOverflow, SchemaRefused, ServerError, ServerRefused, ServerUnavailable
from lmextract.servers._http import Answer
from lmextract.servers._wire import parse

ENGINE = "Engine protocol predict request returned 400: "


def said(status: int, error: Any, headers: dict[str, str] | None = None, secret: str = "") -> ServerError:
    body = json.dumps({"error": error}).encode()
    with pytest.raises(ServerError) as caught:
        parse(Answer(status, headers or {}, body, 0.0), secret)
    return caught.value


def quoted(**inner: Any) -> str:
    return ENGINE + json.dumps({"error": inner})


CASES: list[tuple[int, Any, type[ServerError], bool]] = [
    (200, "Unexpected endpoint or method. (POST /chat/completions)", ServerRefused, False),
    (
        400,
        {
            "message": 'Invalid model identifier "x". Please specify a valid downloaded model (e.g., a, b).',
            "type": "invalid_request_error",
            "param": "model",
            "code": "model_not_found",
        },
        ServerRefused,
        False,
    ),
    (400, {"message": "Multiple models are loaded. Please specify a model by providing ..."}, ServerRefused, False),
    (400, {"message": "No models loaded. Please load a model ...", "code": None}, ServerRefused, False),
    (400, {"message": 'Failed to load model "x". Error: Operation canceled.'}, ServerUnavailable, False),
    (400, "Model was unloaded while the request was still in queue..", ServerUnavailable, True),
    (400, "The model has crashed without additional information. (Exit code: null)", ServerUnavailable, True),
    (400, "Error in iterating prediction stream: ValueError: 'type' must be a string", SchemaRefused, False),
    (400, "'response_format.type' must be 'json_schema' or 'text'", ServerRefused, False),
    (400, "'messages' field is required", ServerRefused, False),
    (400, "Trying to keep the first 9000 tokens when context the overflows. However, ...", ContextOverflow, False),
    (400, "Cannot truncate prompt with n_keep (9000) >= n_ctx (4096)", ContextOverflow, False),
    (400, "Prepared prompt has 9000 tokens, exceeding the fitted 4096-token context", ContextOverflow, False),
    (400, quoted(code=500, message="Context size has been exceeded.", type="server_error"), ContextOverflow, True),
    (400, quoted(code=400, message="Compute error.", type="server_error"), ServerUnavailable, True),
    (
        400,
        quoted(
            code=400,
            message="Unable to generate parser for this template. Automatic parser generation failed: "
            "JSON schema conversion failed:\nPattern must start with '^' and end with '$'",
            type="invalid_request_error",
        ),
        SchemaRefused,
        False,
    ),
    (
        400,
        quoted(
            code=400, message="Failed to initialize samplers: failed to parse grammar", type="invalid_request_error"
        ),
        SchemaRefused,
        False,
    ),
    (
        400,
        quoted(
            code=400,
            message="Unable to generate parser for this template. Jinja Exception: System message must be first.",
        ),
        ServerRefused,
        False,
    ),
    (401, {"message": "An LM Studio API token is required ...", "code": "invalid_api_key"}, ServerRefused, False),
    (403, {"message": "Permission denied to use plugin x"}, ServerRefused, False),
    (404, {"code": 404, "message": "File Not Found", "type": "not_found_error"}, ServerRefused, False),
    (429, "slow down", ServerUnavailable, True),
    (500, "oops", ServerUnavailable, True),
    (503, {"message": "Loading model", "type": "unavailable_error", "code": 503}, ServerUnavailable, True),
    (500, {"code": 500, "message": "empty grammar stack", "type": "server_error"}, SchemaRefused, False),
    (
        500,
        "The model produced output that does not match the expected peg-native format",
        SchemaRefused,
        False,
    ),
    (
        400,
        quoted(code=400, message="Automatic parser generation failed: JSON schema error at #/a"),
        SchemaRefused,
        False,
    ),
]


@pytest.mark.parametrize(("status", "error", "kind", "transient"), CASES, ids=lambda part: str(part)[:50])
def test_a_refusal_is_classified_by_its_text(
    status: int, error: Any, kind: type[ServerError], *, transient: bool
) -> None:
    found = said(status, error)

    assert type(found) is kind
    assert found.transient is transient
    assert found.status == status


@pytest.mark.parametrize(("status", "error", "kind", "transient"), CASES, ids=lambda part: str(part)[:50])
def test_the_same_text_means_the_same_in_either_envelope(
    status: int, error: Any, kind: type[ServerError], *, transient: bool
) -> None:
    found = said(status, {"message": error} if isinstance(error, str) else error)

    assert (type(found), found.transient) == (kind, transient)


@pytest.mark.parametrize(
    "error",
    [
        quoted(
            code=400,
            message="request (9025 tokens) exceeds the available context size (8192 tokens), try increasing it",
            type="exceed_context_size_error",
            n_prompt_tokens=9025,
            n_ctx=8192,
        ),
        "The number of tokens to keep from the initial prompt is greater than the context length "
        "(n_keep: 9025>= n_ctx: 8192). Try to load the model with a larger context length",
        "Cannot truncate prompt with n_keep (9025) >= n_ctx (8192)",
        "Trying to keep the first 9025 tokens when context the overflows. However, the model is loaded with context "
        "length of only 8192 tokens, which is not enough.",
        "Error in iterating prediction stream: ValueError: Prepared prompt has 9025 tokens, exceeding the fitted "
        "8192-token context",
    ],
)
def test_a_context_overflow_carries_both_numbers_in_every_era(error: str) -> None:
    found = said(400, error)

    assert isinstance(found, ContextOverflow)
    assert (found.prompt_tokens, found.context_length) == (9025, 8192)
    assert "9025" in str(found)
    assert "context-length" in str(found)


def test_the_engines_own_words_are_dug_out_of_the_string() -> None:
    found = said(400, quoted(code=400, message="failed to parse grammar"))

    assert found.detail == "failed to parse grammar"


@pytest.mark.parametrize(
    "message",
    [
        "Malformed LM Studio API token provided: sk-lm-abcd*** is not valid",
        "Malformed LM Studio API token provided: hunter2hun*** is not valid",
        "wrong key hunter2hunter2",
        "wrong key sk-lm-abcdefgh:0123456789",
    ],
)
def test_no_part_of_a_key_is_repeated(message: str) -> None:
    found = said(401, {"message": message, "code": "invalid_api_key"}, secret="hunter2hunter2")

    assert "hunter2" not in str(found) + found.detail + repr(found)
    assert "abcd" not in str(found) + found.detail + repr(found)
    assert "LM_STUDIO_API_KEY" in str(found)


def test_a_short_key_does_not_hide_what_is_meant() -> None:
    found = said(400, "Cannot truncate prompt with n_keep (9025) >= n_ctx (8192)", secret="x")

    assert isinstance(found, ContextOverflow)


def test_retry_after_is_kept() -> None:
    found = said(429, "slow down", {"retry-after": "7"})

    assert isinstance(found, ServerUnavailable)
    assert found.retry_after_s == 7.0


@pytest.mark.parametrize("header", ["soon", "", "-5", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_retry_after_that_is_no_number_of_seconds_is_no_obstacle(header: str) -> None:
    found = said(429, "slow down", {"retry-after": header})

    assert isinstance(found, ServerUnavailable)
    assert not found.retry_after_s


@pytest.mark.parametrize(
    "body", [b"<html>hello</html>", b"", b"[1, 2]", b'"text"', b"null", b'{"a": 1}', b'{"choices": []}']
)
def test_an_answer_that_is_no_chat_completion_is_refused_with_a_hint(body: bytes) -> None:
    with pytest.raises(ServerRefused) as caught:
        parse(Answer(200, {}, body, 0.0))

    assert "LM Studio" in caught.value.hint or caught.value.status == 200


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failing_proxy_that_speaks_html_is_transient(status: int) -> None:
    with pytest.raises(ServerUnavailable):
        parse(Answer(status, {}, b"<html>bad gateway</html>", 0.0))
