"""From an answer to what a model says: where its thinking goes, and where the token limit cuts it.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from lmextract.testing.fake.values import Reasoning
from lmextract.testing.script import tokens
from lmextract.types import Reply

__all__ = ["MARKER", "Channel", "Said", "say", "say_reply"]

Channel: TypeAlias = Literal["content", "reasoning_content", "reasoning"]

MARKER = "__LM_STUDIO_INTERNAL_LSEP_SYNTHETIC_REASONING_END_5f3b2c1d__"
"""How LM Studio's own marker leaked into the content (any-llm#1167); the hex digits differ from run to run."""


@dataclass(frozen=True, slots=True)
class Said:
    """Text by channel, in the order of speaking, and the count of it in tokens."""

    parts: tuple[tuple[Channel, str], ...]
    finish: str
    completion_tokens: int
    reasoning_tokens: int
    prompt_tokens: int | None = None
    model: str | None = None

    def text(self, channel: Channel) -> str:
        """Everything said on one channel."""
        return "".join(text for at, text in self.parts if at == channel)


def say_reply(reply: Reply) -> Said:
    """A scripted `Reply` is said as it stands; counts that it leaves open are filled in."""
    usage = reply.usage
    parts: list[tuple[Channel, str]] = [("reasoning_content", reply.reasoning)] if reply.reasoning else []
    parts.append(("content", reply.content))
    return Said(
        tuple(parts),
        reply.finish,
        usage.completion or tokens(reply.reasoning) + tokens(reply.content),
        usage.reasoning or tokens(reply.reasoning),
        usage.prompt or None,
        reply.model,
    )


def say(answer: str, reasoning: Reasoning, *, thinks: bool, limit: int | None, room: int) -> Said:
    """Place the thinking and cut at `limit` tokens, or where the context has no more `room`.

    At a limit of N tokens the text and the count stop at N - 1 (BT#2335).
    """
    most = room if limit is None or limit < 0 else min(limit, room)
    parts = _placed(answer, reasoning if thinks else Reasoning(), most)
    total = sum(tokens(text) for _, text in parts)
    if total <= most and not (thinks and reasoning.place == "endless"):
        return Said(tuple(parts), "stop", total, _thought(parts))
    kept = _cut(parts, max(0, most - 1))
    return Said(tuple(kept), "length", max(0, most - 1), _thought(kept))


def _placed(answer: str, reasoning: Reasoning, most: int) -> list[tuple[Channel, str]]:
    thought = reasoning.text
    match reasoning.place:
        case "none":
            return [("content", answer)]
        case "apart":
            return [("reasoning_content", thought), ("content", answer)]
        case "field":
            return [("reasoning", thought), ("content", answer)]
        case "instead":
            return [("reasoning_content", answer)]
        case "endless":
            return [("reasoning_content", f"{thought} " * (4 * most // (len(thought) + 1) + 1))]
        case "tags":
            return [("content", f"<think>\n{thought}\n</think>\n\n{answer}")]
        case "orphan-tag":
            return [("content", f"{thought}\n</think>\n\n{answer}")]
        case "marker":
            return [("content", f"{thought}{MARKER}{answer}")]


def _cut(parts: list[tuple[Channel, str]], most: int) -> list[tuple[Channel, str]]:
    kept: list[tuple[Channel, str]] = []
    for channel, text in parts:
        kept.append((channel, text[: 4 * most]))
        most -= tokens(kept[-1][1])
    return [part for part in kept if part[1]]


def _thought(parts: list[tuple[Channel, str]]) -> int:
    return sum(tokens(text) for channel, text in parts if channel != "content")
