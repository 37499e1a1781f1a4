"""The chat completions wire: a Request as bytes, and an HTTP answer as a Reply or a classified error.  Pure.

LM Studio takes json_schema only on this route (`/v1/responses` ignores it, BT#1396, BT#2403; the native chat refuses
it).  The constant part of a body, schema and system prompt included, is encoded once per target.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from lmextract.errors import SchemaRefused, ServerRefused
from lmextract.servers._http import Answer
from lmextract.servers._refusals import classify, without_secrets
from lmextract.types import Json, Message, Options, Reply, Request, Usage, WireSchema, is_array, is_object

__all__ = ["encode", "json_of", "parse", "serving", "text_of", "thoughts_of", "usage_of"]

_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "repeat_penalty", "seed")


def encode(request: Request, *, extra: str = "", reasoning: bool = True, stream: bool = False) -> bytes:
    """The JSON body of a request.

    `extra` is JSON members to add as they are (`'"a":1,'`); `reasoning` False leaves the reasoning effort out; `stream`
    asks for the reply in pieces, with its usage at the end.
    """
    fixed, rest = request.messages[: request.fixed], request.messages[request.fixed :]
    head = _head(
        model=request.model,
        schema=request.schema,
        name=request.name,
        options=request.options,
        fixed=fixed,
        extra=extra,
        reasoning=reasoning,
        stream=stream,
    )
    turns = ",".join(map(_turn, rest)).encode("utf-8", "replace")
    return b'%s%s],"max_tokens":%d}' % (head, b"," + turns if fixed and turns else turns, request.max_tokens)


@lru_cache(maxsize=256)
def _head(
    *,
    model: str | None,
    schema: WireSchema | None,
    name: str,
    options: Options,
    fixed: tuple[Message, ...],
    extra: str,
    reasoning: bool,
    stream: bool,
) -> bytes:
    body: dict[str, Json] = {} if model is None else {"model": model}
    body |= {"stream": True, "stream_options": {"include_usage": True}} if stream else {"stream": False}
    body |= {key: value for key in _SAMPLING if (value := getattr(options, key)) is not None}
    if options.stop:
        body["stop"] = list(options.stop)
    if options.reasoning is not None and reasoning:
        body["reasoning_effort"] = options.reasoning
    if schema is not None:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": _tool_name(name), "strict": True, "schema": schema.schema},
        }
    turns = ",".join(map(_turn, fixed))
    try:
        constant = _dumps(body)[:-1]
    except RecursionError:
        raise SchemaRefused("the schema is nested too deeply to be written.", detail="nested too deeply") from None
    return f'{constant},{extra}"messages":[{turns}'.encode("utf-8", "replace")


def _turn(message: Message) -> str:
    return f'{{"role":"{message.role}","content":{_dumps(message.content)}}}'


def _dumps(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tool_name(name: str) -> str:
    """OpenAI's limit on schema names: 1 to 64 of letters, digits, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:64] or "answer"


def json_of(answer: Answer, secret: str = "") -> Json:
    """The JSON of an answer; ServerRefused if it is none, since then this is no language model server."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise ServerRefused(
            f"the server answered {answer.status} with something that is no JSON",
            hint="Is this the address of LM Studio? Its server is on port 1234 unless told otherwise.",
            status=answer.status,
            detail=_beginning(answer, secret),
        ) from None


def serving(answer: Answer, secret: str = "") -> Answer:
    """The answer itself, unless it says that the server is busy or broken."""
    if answer.status >= 500 or answer.status == 429:
        raise classify(answer, _json_or_none(answer), secret)
    return answer


def parse(answer: Answer, secret: str = "") -> Reply:
    """The Reply in an answer, or the ServerError that it means; an `error` key counts whatever the status (BT#618).

    `secret` is removed from whatever the error quotes.
    """
    if answer.status in (401, 403):
        raise classify(answer, _json_or_none(answer), secret)
    body = json_of(serving(answer, secret), secret)
    if answer.status != 200 or not is_object(body) or body.get("error"):
        raise classify(answer, body, secret)
    try:
        choice = body["choices"][0]
        message = choice["message"]
        return Reply(
            content=text_of(message.get("content")),
            reasoning=thoughts_of(message),
            finish=text_of(choice.get("finish_reason")) or "stop",
            usage=usage_of(body.get("usage")),
            model=text_of(body.get("model")) or None,
            seconds=answer.seconds,
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        raise ServerRefused(
            "the server's answer is no chat completion",
            hint="Is this the address of LM Studio, or of another OpenAI-compatible server?",
            status=answer.status,
            detail=_beginning(answer, secret),
        ) from None


def _beginning(answer: Answer, secret: str) -> str:
    return without_secrets(answer.body[:200].decode("utf-8", "replace"), secret)


def _json_or_none(answer: Answer) -> Json:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def text_of(value: Json) -> str:
    """The value if it is a string, or the text of its parts; else an empty one: servers say null for no text."""
    if is_array(value):
        return "".join(text_of(part.get("text")) for part in value if is_object(part))
    return value if isinstance(value, str) else ""


def thoughts_of(message: Mapping[str, Any]) -> str:
    """What a message, or a piece of one, files apart from its content as thinking."""
    return text_of(message.get("reasoning_content")) or text_of(message.get("reasoning"))


def usage_of(usage: Json) -> Usage:
    """The tokens that a server counted, 0 for what it does not tell."""
    return Usage(
        prompt=_count(usage, "prompt_tokens"),
        completion=_count(usage, "completion_tokens"),
        reasoning=_count(_member(usage, "completion_tokens_details"), "reasoning_tokens"),
        cached=_count(_member(usage, "prompt_tokens_details"), "cached_tokens"),
    )


def _member(value: Json, name: str) -> Json:
    return value.get(name) if is_object(value) else None


def _count(usage: Json, name: str) -> int:
    count = _member(usage, name)
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else 0
