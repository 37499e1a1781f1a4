"""The body of every success; key order as recorded on 0.4.25 where it was recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lmextract.testing.fake.http import Answer
from lmextract.testing.fake.speech import Channel, Said
from lmextract.testing.fake.state import Instance
from lmextract.types import Json

__all__ = [
    "Head",
    "chat_completion",
    "completion",
    "embeddings",
    "messages_reply",
    "native_chat",
    "pretty",
    "responses_reply",
    "usage",
    "v0_extras",
]


@dataclass(frozen=True, slots=True)
class Head:
    """What identifies a reply."""

    id: str
    created: int
    model: str


def pretty(value: Json, status: int = 200) -> Answer:
    """JSON as LM Studio prints it: indented by two blanks."""
    return Answer(status, json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def usage(said: Said, prompt: int) -> dict[str, Json]:
    """The token counts of a reply."""
    prompt = said.prompt_tokens or prompt
    return {
        "prompt_tokens": prompt,
        "completion_tokens": said.completion_tokens,
        "total_tokens": prompt + said.completion_tokens,
        "completion_tokens_details": {"reasoning_tokens": said.reasoning_tokens},
    }


def chat_completion(head: Head, said: Said, prompt: int, extras: dict[str, Json] | None = None) -> Answer:
    """`chat.completion`; with `extras` that of `/api/v0`."""
    if extras is not None:
        return pretty({**_chat(head.id, head.created, head.model, said, prompt), **extras})
    counts = usage(said, prompt)
    key: Channel = "reasoning" if said.text("reasoning") else "reasoning_content"
    values = (
        *(head.id, head.created, said.text("content"), said.text(key), said.finish),
        *(counts["prompt_tokens"], counts["completion_tokens"], counts["total_tokens"], said.reasoning_tokens),
    )
    pieces = _skeleton(head.model, key)
    text = [pieces[0]]
    for value, piece in zip(values, pieces[1:], strict=True):
        text.append(_ENCODE(value))
        text.append(piece)
    return Answer(200, "".join(text).encode("utf-8", "surrogatepass"))


_HOLE = "\x00"
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


@lru_cache(maxsize=64)
def _skeleton(model: str, reasoning: Channel) -> list[str]:
    """The printed body with holes for what changes: printing it anew each time was most of the fake's work."""
    body = _chat(_HOLE, _HOLE, model, Said((("content", _HOLE), (reasoning, _HOLE)), _HOLE, 0, 0), 0)
    counts: dict[str, Json] = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), _HOLE)
    body["usage"] = {**counts, "completion_tokens_details": {"reasoning_tokens": _HOLE}}
    return json.dumps(body, indent=2, ensure_ascii=False).split(json.dumps(_HOLE))


def _chat(name: str, created: Json, model: str, said: Said, prompt: int) -> dict[str, Json]:
    message: dict[str, Json] = {"role": "assistant", "content": said.text("content")}
    if said.text("reasoning"):
        message["reasoning"] = said.text("reasoning")
    else:
        message["reasoning_content"] = said.text("reasoning_content")
    message["tool_calls"] = []
    return {
        "id": name,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": said.finish}],
        "usage": usage(said, prompt),
        "stats": {},
        "system_fingerprint": model,
    }


def completion(head: Head, said: Said, prompt: int, extras: dict[str, Json] | None = None) -> Answer:
    """`text_completion`."""
    text = said.text("reasoning_content") + said.text("content")
    body = {
        "id": head.id.replace("chatcmpl-", "cmpl-"),
        "object": "text_completion",
        "created": head.created,
        "model": head.model,
        "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": said.finish}],
        "usage": usage(said, prompt),
        "stats": {},
    }
    return pretty({**body, **(extras or {})})


def v0_extras(instance: Instance, said: Said, seconds: float) -> dict[str, Json]:
    """What `/api/v0` adds: statistics, the model and the runtime."""
    model = instance.model
    reason = "maxPredictedTokensReached" if said.finish == "length" else "eosFound"
    return {
        "stats": {
            "tokens_per_second": round(said.completion_tokens / max(seconds, 0.001), 3),
            "time_to_first_token": round(seconds, 3),
            "generation_time": round(seconds, 3),
            "stop_reason": reason,
        },
        "model_info": {
            "arch": model.arch,
            "quant": model.quantization,
            "format": instance.engine.format,
            "context_length": instance.context_length,
        },
        "runtime": {"name": "fake-runtime", "version": "0.0.0", "supported_formats": [instance.engine.format]},
    }


def embeddings(model: str, vectors: Iterable[Sequence[float]]) -> Answer:
    """A list of vectors in the order asked for; the counts are 0, as the vendor's example has them."""
    data = [{"object": "embedding", "embedding": list(vector), "index": at} for at, vector in enumerate(vectors)]
    # Not indented: LM Studio may well do it, and at a thousand numbers a vector it would be most of the fake's work.
    body = {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": 0, "total_tokens": 0}}
    return Answer(200, json.dumps(body, separators=(",", ":")).encode("ascii"))


def native_chat(
    instance: Instance, said: Said, prompt: int, seconds: float, response_id: str | None
) -> dict[str, Json]:
    """The body of `/api/v1/chat`, also the `result` of its last event."""
    thought = said.text("reasoning_content") + said.text("reasoning")
    output: list[dict[str, str]] = [{"type": "reasoning", "content": thought}] if thought else []
    if said.text("content") or not thought:
        output.append({"type": "message", "content": said.text("content")})
    body: dict[str, Json] = {
        "model_instance_id": instance.id,
        "output": output,
        "stats": {
            "input_tokens": said.prompt_tokens or prompt,
            "total_output_tokens": said.completion_tokens,
            "reasoning_output_tokens": said.reasoning_tokens,
            "tokens_per_second": round(said.completion_tokens / max(seconds, 0.001), 3),
            "time_to_first_token_seconds": round(seconds, 3),
        },
    }
    return body if response_id is None else {**body, "response_id": response_id}


def responses_reply(head: Head, said: Said, prompt: int) -> Answer:
    """The body of `/v1/responses`; `text.format` is echoed as text whatever was asked (BT#1396)."""
    content: dict[str, Json] = {"type": "output_text", "text": said.text("content"), "annotations": [], "logprobs": []}
    message: dict[str, Json] = {
        "id": f"msg_{head.id[-22:]}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
    }
    return pretty(
        {
            "id": f"resp_{head.id[-20:]:0>48}",
            "object": "response",
            "created_at": head.created,
            "completed_at": head.created,
            "status": "completed",
            "incomplete_details": None,
            "model": head.model,
            "previous_response_id": None,
            "instructions": None,
            "output": [{**message, "content": [content]}],
            "error": None,
            "tools": [],
            "tool_choice": "auto",
            "truncation": "auto",
            "parallel_tool_calls": True,
            "text": {"format": {"type": "text"}},
            "top_p": False,
            "temperature": 0.8,
            "reasoning": {"summary": None, "effort": None},
            "usage": {
                "input_tokens": prompt,
                "output_tokens": said.completion_tokens,
                "total_tokens": prompt + said.completion_tokens,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": said.reasoning_tokens},
            },
            "store": True,
            "metadata": {},
        }
    )


def messages_reply(head: Head, said: Said, prompt: int) -> Answer:
    """The body of `/v1/messages`."""
    return pretty(
        {
            "id": f"msg_{head.id[-20:]}",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": said.text("content")}],
            "model": head.model,
            "stop_reason": "max_tokens" if said.finish == "length" else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": prompt, "output_tokens": said.completion_tokens},
        }
    )
