"""The body of every error, to the byte where one was recorded; docs/testing.md names the source of each.

Two envelopes: a compact string for request validation and for engines, a structured one otherwise, indented by four
blanks on `/v1/chat/completions` and by two on the other routes (both byte-checked against recorded responses).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from lmextract.testing.fake.http import Answer
from lmextract.testing.fake.jsons import as_object
from lmextract.types import Json

__all__ = [
    "CONTEXT_EXCEEDED",
    "Era",
    "Refused",
    "crashed",
    "embeddings_input",
    "engine_request",
    "engine_stream",
    "invalid_reasoning",
    "job_not_found",
    "load_failed",
    "malformed_json",
    "malformed_token",
    "messages_required",
    "missing_field",
    "missing_token",
    "mlx_exception",
    "model_not_found",
    "no_models_loaded",
    "on_messages",
    "on_native",
    "on_responses",
    "previous_response",
    "prompt_too_long",
    "response_format",
    "schema_missing",
    "several_models_loaded",
    "string_error",
    "structured",
    "unexpected_endpoint",
    "unknown_token",
    "unloaded",
    "unloaded_in_queue",
    "unrecognized_keys",
]

Era: TypeAlias = Literal["A", "B", "C", "mlx"]
"""Whose words for a prompt that is too long: see `Overflow`."""

AUTH_PAGE = "https://lmstudio.ai/docs/developer/core/authentication"


class Refused(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body.decode("utf-8", "replace"))
        self.answer = answer

    @property
    def message(self) -> str:
        """The error text alone, as an event in a stream carries it."""
        error = json.loads(self.answer.body)["error"]
        return error if isinstance(error, str) else error["message"]


def string_error(message: str, status: int = 400) -> Answer:
    """The compact envelope."""
    return _json({"error": message}, status)


def structured(error: Json, *, status: int, indent: int) -> Answer:
    """The indented envelope."""
    return Answer(status, json.dumps({"error": error}, indent=indent, ensure_ascii=False).encode("utf-8"))


# --- the same refusal on the other families of routes


def on_responses(answer: Answer) -> Answer:
    """On `/v1/responses` the structured envelope is indented by two."""
    error = _structured_error(answer)
    return answer if error is None else structured(error, status=answer.status, indent=2)


def on_native(answer: Answer) -> Answer:
    """On `/api/v1` also: the type is `invalid_request`, and a model that is not found gives 404."""
    error = _structured_error(answer)
    if error is None:
        return answer
    kind = "invalid_request" if error.get("type") == "invalid_request_error" else error.get("type")
    status = 404 if error.get("code") == "model_not_found" else answer.status
    return structured({**error, "type": kind}, status=status, indent=2)


def on_messages(answer: Answer) -> Answer:
    """On `/v1/messages` Anthropic's envelope; what an engine refuses comes with status 500 (BT#2220)."""
    error = _structured_error(answer)
    kind, status = ("api_error", 500) if error is None else ("invalid_request_error", answer.status)
    if answer.status == 401:
        kind = "authentication_error"
    return _json({"type": "error", "error": {"type": kind, "message": Refused(answer).message}}, status)


def _structured_error(answer: Answer) -> dict[str, Any] | None:
    error = as_object(json.loads(answer.body)).get("error")
    return as_object(error) if isinstance(error, dict) else None


def _json(value: Json, status: int) -> Answer:
    return Answer(status, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))


# --- routes and request bodies


def unexpected_endpoint(method: str, path: str) -> Answer:
    """What every unknown route or method gets, with status 200 (BT#618)."""
    return string_error(f"Unexpected endpoint or method. ({method} {path})", 200)


def malformed_json(*, native: bool, status: int) -> Answer:
    """A body that is not JSON; the words for the `/v1` routes are ours."""
    message = "Invalid body: failed to parse JSON value. Please ensure the request body is valid JSON."
    if not native:
        return string_error(message, status)
    error = {"message": message, "type": "invalid_request", "code": "invalid_json"}
    return _json({"error": error}, 400)


def messages_required() -> Answer:
    """A chat without messages."""
    return string_error("'messages' field is required")


def embeddings_input() -> Answer:
    """Embeddings of anything but texts, token arrays among them (BT#692)."""
    return string_error("'input' field must be a string or an array of strings")


def response_format() -> Answer:
    """`json_object`, and every other type but the two (BT#189)."""
    return string_error("'response_format.type' must be 'json_schema' or 'text'")


def schema_missing() -> Answer:
    """`json_schema` without a schema; the words are ours."""
    return string_error("'response_format.json_schema.schema' must be an object")


def missing_field(name: str) -> Answer:
    """A native request without a field that it needs."""
    error = {
        "message": f'"{name}" is required',
        "type": "invalid_request",
        "param": name,
        "code": "missing_required_parameter",
    }
    return structured(error, status=400, indent=2)


def unrecognized_keys(keys: Iterable[str]) -> Answer:
    """A native request with keys that the route does not know."""
    listed = ", ".join(f"'{key}'" for key in keys)
    error = {
        "message": f"Unrecognized key(s) in object: {listed}",
        "type": "invalid_request",
        "code": "unrecognized_keys",
    }
    return structured(error, status=400, indent=2)


def invalid_reasoning(setting: str, model: str, supported: Iterable[str]) -> Answer:
    """A native chat with a reasoning setting that the model does not have."""
    listed = ", ".join(f"'{option}'" for option in supported)
    message = f"Reasoning setting '{setting}' is not supported by model '{model}'. Supported settings: {listed}."
    if not listed:
        message = f"Model '{model}' does not support reasoning configuration."
    error = {"message": message, "type": "invalid_request", "param": "reasoning", "code": "invalid_value"}
    return structured(error, status=400, indent=2)


def previous_response(given: str) -> Answer:
    """A native chat that continues a reply which is not stored."""
    message = (
        f"Could not find stored response for previous_response_id '{given}'. Please ensure the ID is correct. "
        "Current previous response auto-deletion policy: Responses older than 30 days are automatically deleted."
    )
    error = {"message": message, "type": "invalid_request", "param": "previous_response_id", "code": "invalid_value"}
    return structured(error, status=400, indent=2)


def job_not_found(job: str) -> Answer:
    """The status of a download that never was; the words are ours."""
    error = {"message": f"Download job '{job}' not found.", "type": "job_not_found", "code": "job_not_found"}
    return structured(error, status=404, indent=2)


# --- keys


def missing_token() -> Answer:
    """No token where one is needed."""
    return _unauthorized(
        "An LM Studio API token is required to make requests to this server, but none was provided using the "
        "Authorization header using the 'Bearer' scheme (i.e., 'Authorization: Bearer $LM_API_TOKEN'). "
        f"Learn more at: {AUTH_PAGE}."
    )


def malformed_token(token: str) -> Answer:
    """A token that is none of LM Studio's; its first ten characters are echoed."""
    return _unauthorized(f"Malformed LM Studio API token provided: {token[:10]}***. Learn more at: {AUTH_PAGE}.")


def unknown_token(token: str) -> Answer:
    """A token of the right form that is not known, or no longer; the words are ours."""
    return _unauthorized(f"Invalid LM Studio API token provided: {token[:10]}***. Learn more at: {AUTH_PAGE}.")


def _unauthorized(message: str) -> Answer:
    error = {"type": "invalid_request", "code": "invalid_api_key", "message": message}
    return structured(error, status=401, indent=2)


# --- models


def model_not_found(name: str, known: Iterable[str]) -> Answer:
    """An id that stands for no model, or for the wrong kind of model."""
    examples = ", ".join(list(known)[:3])
    hint = f" (e.g., {examples})" if examples else ""
    message = f'Invalid model identifier "{name}". Please specify a valid downloaded model{hint}.'
    return _model_error(message, "model_not_found")


def several_models_loaded(loaded: Iterable[str]) -> Answer:
    """No model named where several are loaded."""
    listed = "\n\n".join(loaded)
    return _model_error(
        f"Multiple models are loaded. Please specify a model by providing a 'model' field in the request body. "
        f"Loaded models:\n\n{listed}"
    )


def no_models_loaded() -> Answer:
    """Nothing is loaded, and nothing gets loaded."""
    return _model_error("No models loaded. Please load a model in the developer page or use the 'lms load' command.")


def load_failed(name: str, reason: str) -> Answer:
    """A model that could not be loaded."""
    return _model_error(f'Failed to load model "{name}". Error: {reason}')


def _model_error(message: str, code: str | None = None) -> Answer:
    error = {"message": message, "type": "invalid_request_error", "param": "model", "code": code}
    return structured(error, status=400, indent=4)


def unloaded_in_queue() -> Answer:
    """The model left while the request waited for a slot; two dots."""
    return string_error("Model was unloaded while the request was still in queue..")


def unloaded() -> Answer:
    """The model left while it answered (BT#1796); the words are ours."""
    return string_error("Model unloaded.")


def crashed(exit_code: int | None = None) -> Answer:
    """The model's process died."""
    code = "null" if exit_code is None else exit_code
    return string_error(f"The model has crashed without additional information. (Exit code: {code})")


# --- engines

CONTEXT_EXCEEDED = "Context size has been exceeded."


def engine_request(message: str, kind: str = "invalid_request_error", **more: Json) -> Answer:
    """What llama.cpp refuses, as GGUF models pass it on since 0.4.19: JSON within a string."""
    inner = {"error": {"code": 400, "message": message, "type": kind, **more}}
    return string_error(f"Engine protocol predict request returned 400: {_compact(inner)}")


def engine_stream(message: str) -> Answer:
    """What goes wrong in llama.cpp while it answers."""
    inner = {"code": 500, "message": message, "type": "server_error"}
    return string_error(f"Engine protocol predict stream returned an error: {_compact(inner)}")


def mlx_exception(message: str) -> Answer:
    """What goes wrong in mlx-engine; `message` begins with the Python exception's name."""
    return string_error(f"Error in iterating prediction stream: {message}")


def prompt_too_long(era: Era, prompt: int, limit: int) -> Answer:
    """A prompt of `prompt` tokens for a context of `limit`."""
    advice = "Try to load the model with a larger context length, or provide a shorter input"
    match era:
        case "A":
            return string_error(
                f"Trying to keep the first {prompt} tokens when context the overflows. However, the model is loaded "
                f"with context length of only {limit} tokens, which is not enough. {advice}"
            )
        case "B":
            return string_error(
                "The number of tokens to keep from the initial prompt is greater than the context length "
                f"(n_keep: {prompt}>= n_ctx: {limit}). {advice}."
            )
        case "C":
            message = (
                f"request ({prompt} tokens) exceeds the available context size ({limit} tokens), try increasing it"
            )
            return engine_request(message, "exceed_context_size_error", n_prompt_tokens=prompt, n_ctx=limit)
        case "mlx":
            return mlx_exception(
                f"ValueError: Prepared prompt has {prompt} tokens, exceeding the fitted {limit}-token context"
            )


def _compact(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
