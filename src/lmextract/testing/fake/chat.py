"""`chat/completions`, `completions` and `embeddings`, as `/v1` and `/api/v0` have them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

from lmextract.testing.fake import errors, replies
from lmextract.testing.fake.call import Ask, Call
from lmextract.testing.fake.errors import Refused
from lmextract.testing.fake.http import Answer
from lmextract.testing.fake.jsons import as_list, as_object, as_text
from lmextract.testing.fake.replies import Head
from lmextract.testing.fake.speech import Said
from lmextract.testing.fake.sse import ChatFrames, CompletionFrames, Frames
from lmextract.testing.fake.state import Instance, Job
from lmextract.testing.fake.values import Unsettled
from lmextract.testing.script import tokens
from lmextract.types import Json

__all__ = ["chat", "completions", "count_messages", "embeddings", "whole_or_streamed"]

IMAGE_TOKENS = 256


async def chat(call: Call) -> None:
    """POST chat/completions."""
    body = call.body
    if not isinstance(body.get("messages"), list):
        raise Refused(errors.messages_required())
    ask = Ask(
        body,
        as_text(body.get("model")),
        count_messages(body["messages"]),
        _schema(body, call.manners.unsettled),
        _limit(body),
        thinks=body.get("reasoning_effort") != "none" or not call.manners.reasoning.obeys,
        stream=body.get("stream") is True,
        ttl_s=_seconds(body.get("ttl")),
    )
    await whole_or_streamed(call, ask, replies.chat_completion, ChatFrames)


async def completions(call: Call) -> None:
    """POST completions: no template, no schema, and nobody thinks."""
    body = call.body
    prompt = body.get("prompt")
    text = prompt if isinstance(prompt, str) else "".join(str(part) for part in as_list(prompt))
    ask = Ask(
        body,
        as_text(body.get("model")),
        tokens(text),
        limit=_limit(body),
        thinks=False,
        stream=body.get("stream") is True,
        ttl_s=_seconds(body.get("ttl")),
    )
    await whole_or_streamed(call, ask, replies.completion, CompletionFrames)


async def whole_or_streamed(
    call: Call,
    ask: Ask,
    whole: Callable[[Head, Said, int, dict[str, Json] | None], Answer],
    streamed: Callable[..., Frames],
) -> None:
    """Find the model, wait for a slot, and answer in one of the two ways."""
    instance = await call.manners.studio.instance_for(ask.model, ttl_s=ask.ttl_s)
    job = await instance.enter()
    try:
        _refuse_extras(ask, instance, call.manners.unsettled)
        said = await _said(call, instance, job, ask)
        if said is None:
            return
        head = call.head(said.model or instance.id)
        if ask.stream:
            include_usage = as_object(ask.body.get("stream_options")).get("include_usage") is True
            await call.stream(job, said, streamed(head, ask.prompt, include_usage=include_usage))
            return
        await call.wait(job, said)
        v0 = call.record.path.startswith("/api/v0/")
        extras = replies.v0_extras(instance, said, call.seconds) if v0 else None
        call.send(whole(head, said, ask.prompt, extras))
    finally:
        instance.leave(job)


async def _said(call: Call, instance: Instance, job: Job, ask: Ask) -> Said | None:
    """What the model says; None if its engine has refused within a stream already."""
    try:
        return await call.said_by(instance, job, ask)
    except Refused as refused:
        if not (ask.stream and instance.engine.refuses_in_stream and refused.answer.status == 400):
            raise
        await call.refuse_in_stream(refused.answer)
        return None


def _refuse_extras(ask: Ask, instance: Instance, unsettled: Unsettled) -> None:
    """What a model or an engine does not do at all."""
    vision = instance.model.kind == "vlm"
    parts = (
        part for message in as_list(ask.body.get("messages")) for part in as_list(as_object(message).get("content"))
    )
    if not vision and any(as_object(part).get("type") == "image_url" for part in parts):
        raise Refused(
            errors.mlx_exception("ValueError: Vision add-on is not loaded, but images were provided for processing")
        )
    if ask.body.get("draft_model") and instance.engine.format == "mlx" and instance.parallel > 1:
        raise Refused(
            errors.mlx_exception(
                "SpeculativeDecodingNotSupportedError: Speculative decoding is not supported for batched MLX models."
            )
        )
    if ask.schema is not None and ask.body.get("tools") and unsettled.tools_with_schema == "refuse":
        raise Refused(errors.string_error("'tools' and 'response_format' cannot be used together"))


def _schema(body: dict[str, Any], unsettled: Unsettled) -> str | None:
    """The schema of a request as JSON text; None where it asks for free text."""
    wanted = body.get("response_format")
    if wanted is None:
        return None
    kind = as_object(wanted).get("type")
    if kind == "text":
        return None
    if kind != "json_schema":
        raise Refused(errors.response_format())
    schema = as_object(as_object(wanted).get("json_schema")).get("schema")
    if not isinstance(schema, dict):
        if unsettled.missing_schema == "refuse":
            raise Refused(errors.schema_missing())
        return '{"type": "object"}'
    if not schema and unsettled.empty_schema == "refuse":
        raise Refused(errors.schema_missing())
    return json.dumps(schema, ensure_ascii=False)


def _limit(body: dict[str, Any]) -> int | None:
    """`max_tokens`, or its newer name; negative is unlimited."""
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return None if value < 0 else value
    return None


def _seconds(value: Json) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def count_messages(messages: Json) -> int:
    """The tokens of a conversation: of its texts, and a fixed number for each image."""
    count = 0
    for message in as_list(messages):
        content = as_object(message).get("content")
        if isinstance(content, str):
            count += tokens(content)
        for part in as_list(content):
            text = as_text(as_object(part).get("text"))
            count += IMAGE_TOKENS if text is None else tokens(text)
    return count


async def embeddings(call: Call) -> None:
    """POST embeddings."""
    texts = call.body.get("input")
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in as_list(texts)):
        raise Refused(errors.embeddings_input())
    name = as_text(call.body.get("model"))
    instance = await call.manners.studio.instance_for(name, embeds=True, ttl_s=_seconds(call.body.get("ttl")))
    job = await instance.enter()
    try:
        await job.sleep(call.manners.timing.first_token_s)
        embed = call.manners.embed or partial(_vector, dimensions=instance.model.dimensions)
        call.send(replies.embeddings(instance.id, [embed(text) for text in as_list(texts)]))
    finally:
        instance.leave(job)


def _vector(text: str, dimensions: int) -> list[float]:
    """A vector of length 1, the same for the same text and unlike for unlike ones."""
    raw = hashlib.shake_128(text.encode("utf-8", "surrogatepass")).digest(2 * dimensions)
    numbers = [int.from_bytes(raw[at : at + 2], "big") / 32767.5 - 1 for at in range(0, len(raw), 2)]
    size = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return [round(number / size, 7) for number in numbers]
