"""`/v1/responses` and `/v1/messages`, as far as extraction meets them: whole replies, no schema, no tools."""

from __future__ import annotations

from collections.abc import Callable

from lmextract.testing.fake import errors, replies
from lmextract.testing.fake.call import Ask, Call
from lmextract.testing.fake.chat import count_messages
from lmextract.testing.fake.errors import Refused
from lmextract.testing.fake.http import Answer
from lmextract.testing.fake.jsons import as_object, as_text
from lmextract.testing.fake.replies import Head
from lmextract.testing.fake.speech import Said
from lmextract.testing.script import tokens
from lmextract.types import Json

__all__ = ["messages", "responses"]


async def responses(call: Call) -> None:
    """POST /v1/responses: `text.format` is ignored, prose comes back (BT#1396)."""
    body = call.body
    if "text" in body and "format" not in as_object(body["text"]):
        raise Refused(_missing("text.format"))
    if "input" not in body:
        raise Refused(_missing("input"))
    given: Json = body["input"]
    prompt = tokens(given) if isinstance(given, str) else count_messages(given)
    effort = as_object(body.get("reasoning")).get("effort")
    limit = body.get("max_output_tokens")
    ask = Ask(
        body,
        as_text(body.get("model")),
        prompt,
        limit=limit if isinstance(limit, int) else None,
        thinks=effort != "none" or not call.manners.reasoning.obeys,
    )
    await _whole(call, ask, replies.responses_reply)


async def messages(call: Call) -> None:
    """POST /v1/messages."""
    body = call.body
    if not isinstance(body.get("messages"), list):
        raise Refused(errors.messages_required())
    limit = body.get("max_tokens")
    ask = Ask(
        body,
        as_text(body.get("model")),
        count_messages(body["messages"]),
        limit=limit if isinstance(limit, int) else None,
    )
    await _whole(call, ask, replies.messages_reply)


async def _whole(call: Call, ask: Ask, reply: Callable[[Head, Said, int], Answer]) -> None:
    if ask.body.get("stream") is True:
        raise Refused(errors.string_error(f"FakeLMStudio does not stream on {call.record.path}", 501))
    instance = await call.manners.studio.instance_for(ask.model)
    job = await instance.enter()
    try:
        said = await call.said_by(instance, job, ask)
        await call.wait(job, said)
        call.send(reply(call.head(said.model or instance.id), said, ask.prompt))
    finally:
        instance.leave(job)


def _missing(name: str) -> Answer:
    error = {"message": "Required", "type": "invalid_request_error", "param": name}
    return errors.structured({**error, "code": "missing_required_parameter"}, status=400, indent=2)
