"""What a server's refusal means.  Pure: an HTTP answer in, a ServerError out.

LM Studio says 400 for what will pass in a moment and for what never will, so the text decides, not the status; the
texts are those of its versions 0.3 to 0.4.25 and of llama.cpp.  It has two envelopes (a string, or an object with a
message), and an engine's error travels as JSON inside a string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lmextract.errors import ContextOverflow, SchemaRefused, ServerError, ServerRefused, ServerUnavailable
from lmextract.servers._http import Answer
from lmextract.types import Json, is_object

__all__ = ["classify", "without_secrets"]

_SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What is known of a refusal: the innermost message, its code or type, and its whole inner object."""

    status: int
    message: str
    code: str
    inner: dict[str, Any]
    retry_after_s: float | None


def classify(answer: Answer, body: Json, secret: str = "") -> ServerError:
    """The error that an answer means; `secret` and whatever looks like a key is removed from the server's words."""
    inner = _innermost(body)
    message = inner.get("message")
    code = inner.get("code") or inner.get("type") or ""
    refusal = _Refusal(
        answer.status,
        message if isinstance(message, str) else "",
        str(code),
        inner,
        _seconds(answer.headers.get("retry-after")),
    )
    # Matched first and cleaned after: a short key may be part of the very words that tell what is meant.
    said = f"{refusal.code}\n{refusal.message}"
    meaning = next((meaning for pattern, meaning in _MEANINGS if pattern.search(said)), _by_status)
    return meaning(replace(refusal, message=without_secrets(refusal.message, secret)))


def _innermost(body: Json) -> dict[str, Any]:
    """The error object within the envelopes: `{"error": {...}}`, `{"error": "..."}`, and JSON quoted in the string."""
    error: Json = body.get("error", body) if is_object(body) else body
    if is_object(error):
        found = error
        nested = _quoted_object(found.get("message"))
    else:
        found = {"message": error if isinstance(error, str) else ""}
        nested = _quoted_object(error)
    return _innermost(nested) if nested else found


def _quoted_object(text: Json) -> dict[str, Any] | None:
    if not isinstance(text, str) or "{" not in text:
        return None
    try:
        quoted: Json = json.JSONDecoder().raw_decode(text[text.index("{") :])[0]
    except (ValueError, RecursionError):
        return None
    return quoted if is_object(quoted) and ("error" in quoted or "message" in quoted) else None


def without_secrets(text: str, secret: str) -> str:
    """A server's words without the key; LM Studio's 401 quotes the first ten characters of a malformed one."""
    if len(secret) >= _SHORTEST_SECRET:
        text = text.replace(secret, "[key]")
        text = re.sub(re.escape(secret[:10]) + r"\S*\*+", "[key]", text)
    text = re.sub(r"(token provided:\s*)\S+", r"\1[key]", text)
    return re.sub(r"\bsk-[\w:-]{4,}\**", "[key]", text)


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def _overflow(refusal: _Refusal) -> ServerError:
    numbers = [int(number) for number in re.findall(r"\d+", refusal.message)]
    prompt = refusal.inner.get("n_prompt_tokens") or (numbers[0] if len(numbers) > 1 else None)
    context = refusal.inner.get("n_ctx") or (numbers[1] if len(numbers) > 1 else None)
    size = f": {prompt} tokens in a context of {context}" if prompt and context else ""
    return ContextOverflow(
        f"the prompt is longer than the model's context{size}.",
        hint="Load the model with a longer context (`lms load <model> --context-length N`) or shorten the document.",
        status=refusal.status,
        detail=refusal.message,
        prompt_tokens=prompt,
        context_length=context,
    )


def _context_full(refusal: _Refusal) -> ServerError:
    return ContextOverflow(
        "the model's context filled up while it was answering.",
        hint="Requests that run together share one context: run fewer, or load the model with a longer context.",
        status=refusal.status,
        detail=refusal.message,
        transient=True,
    )


def _schema(refusal: _Refusal) -> ServerError:
    return SchemaRefused(
        f"the engine does not take the schema: {refusal.message[:300]}.",
        hint="Name another dialect, or simplify the type; `lmextract schema` shows what is sent.",
        status=refusal.status,
        detail=refusal.message,
    )


def _passing(reason: str, hint: str = "", *, transient: bool = True) -> Callable[[_Refusal], ServerError]:
    def unavailable(refusal: _Refusal) -> ServerError:
        return ServerUnavailable(
            f"{reason}: {refusal.message[:300]}",
            hint=hint,
            status=refusal.status,
            detail=refusal.message,
            transient=transient,
            retry_after_s=refusal.retry_after_s,
        )

    return unavailable


def _final(reason: str, hint: str = "") -> Callable[[_Refusal], ServerError]:
    def refused(refusal: _Refusal) -> ServerError:
        return ServerRefused(
            f"{reason}: {refusal.message[:500]}", hint=hint, status=refusal.status, detail=refusal.message
        )

    return refused


def _by_status(refusal: _Refusal) -> ServerError:
    if refusal.status in (401, 403):
        return _KEY(refusal)
    if refusal.status == 404:
        return _ROUTE(refusal)
    if refusal.status >= 500 or refusal.status == 429:
        busy = "the server is busy" if refusal.status == 429 else "the server failed"
        return _passing(f"{busy} ({refusal.status})")(refusal)
    return _final(f"the server refused the request ({refusal.status})")(refusal)


_KEY = _final(
    "the server does not accept the API key",
    "Set LM_STUDIO_API_KEY or pass api_key; keys are made in LM Studio's settings.",
)
_ROUTE = _final(
    "the server does not know this route",
    "The base URL should be that of LM Studio, for example http://127.0.0.1:1234.",
)

# In order: the first that matches decides.  Matched against "<code or type>\n<message>".
_MEANINGS: tuple[tuple[re.Pattern[str], Callable[[_Refusal], ServerError]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        (r"invalid_api_key|API token|authentication_error|unauthorized", _KEY),
        (r"exceed_context_size_error|exceeds the available context size", _overflow),
        (r"tokens to keep from the initial prompt|Trying to keep the first \d+ tokens", _overflow),
        (
            r"Cannot truncate prompt with n_keep|exceeding the fitted \d+-token context|context_length_exceeded",
            _overflow,
        ),
        (r"Context size has been exceeded", _context_full),
        (r"JSON schema conversion failed|failed to parse grammar|empty grammar stack|grammar_init", _schema),
        (r"Failed to initialize samplers|Pattern must start with|Automatic parser generation failed: JSON", _schema),
        # A pattern that lets a raw quote through: the same schema would fail again (llama.cpp, 500).
        (r"does not match the expected peg-native format|output is not valid JSON", _schema),
        (r"'type' must be a string|Unsupported JSON Schema|Ref recusion|supported by Outlines", _schema),
        (
            r"Unimplemented keys?\b|json.?schema (is )?(invalid|not supported)|(invalid json.?|Unsatisfiable )schema",
            _schema,
        ),
        (r"unloaded while the request|model (was )?unloaded", _passing("the model was unloaded")),
        (
            r"has crashed|exit code",
            _passing("the model crashed", "If it happens again, load it with less context or fewer parallel slots."),
        ),
        (
            r"Compute error|decode\(\) failed|bad alloc|failed to process speculative",
            _passing("the engine failed", "If it happens again, load the model with less context."),
        ),
        (
            r"Failed to load model",
            _passing("the model could not be loaded", "`lms load <model>` shows why.", transient=False),
        ),
        (
            r"No models loaded",
            _final("no model is loaded", "Load one: `lms load <model>`; `lms ls` lists those there are."),
        ),
        (r"Multiple models are loaded", _final("several models are loaded", "Name one of them: model=...")),
        (
            r"model_not_found|Invalid model identifier|model .* (does not exist|not found)",
            _final("the server does not know the model", "`lmextract models` lists those there are."),
        ),
        (r"Unexpected endpoint or method", _ROUTE),
        (r"Vision add-on is not loaded|Invalid image", _final("the model cannot read the image")),
        (r"Loading model|still loading", _passing("the model is still loading")),
    )
)
