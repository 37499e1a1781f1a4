"""Where a model's thinking ends and its answer begins.

Tags and markers are known by their spelling, for any model: LM Studio's synthetic marker (mozilla-ai/any-llm issue
1167), `<think>` and its kin, Harmony channels with and without their special tokens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["Split", "split_thinking", "tagged"]

_NAMES = "think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis|scratchpad|seed:think|inner_monologue"
_MARKER = re.compile(
    r"__LM_STUDIO_INTERNAL_LSEP_SYNTHETIC_REASONING_END_\w*?__(?=[^\w]|$)"
    r"|__LM_STUDIO_INTERNAL_LSEP_SYNTHETIC_REASONING_END_[0-9a-fA-F]+_*"
)
_CHANNEL = r"(?<=<)(?:\|start\|>assistant<)?\|channel\|>"
# A set of first characters lets the engine skip what can be no tag.
_TAG = re.compile(
    rf"[<\[◁](?:(?P<open>(?<=<)(?:{_NAMES})(?:\s[^<>]{{0,80}})?>|(?<=\[)THINK\]|(?<=◁)think▷"
    r"|(?<=<)\|(?:START_THINKING|begin_of_thought|thinking)\|>|(?<=<)\|channel>thought"
    rf"|{_CHANNEL}(?:analysis|commentary)[^<]{{0,80}}<\|message\|>)"
    rf"|(?P<close>(?<=<)/(?:{_NAMES})\s{{0,9}}>|(?<=\[)/THINK\]|(?<=◁)/think▷"
    r"|(?<=<)\|(?:END_THINKING|end_of_thought|/thinking)\|>|(?<=<)channel\|>|(?<=<)\|end\|>(?=\s{0,9}<\|start\|>))"
    rf"|(?P<final>{_CHANNEL}final[^<]{{0,80}}<\|message\|>|(?<=\[)BEGIN FINAL RESPONSE\]))",
    re.IGNORECASE,
)
_HARMONY_FINAL = re.compile(r"assistant\s*final(?=\s*[\[{\"`])")
_HARMONY_START = re.compile(
    r"\s*(?:assistant)?(?:analysis|commentary)(?=[A-Z]|.*assistant\s*final\s*[\[{\"`])", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Split:
    """A content in two: `answers`, likeliest first, and `thoughts`; `source` says what told them apart."""

    answers: tuple[str, ...]
    thoughts: tuple[str, ...] = ()
    source: Literal["content", "after-marker", "after-think"] = "content"


def tagged(content: str) -> tuple[int, int] | None:
    """Where the first tag or marker of thinking begins and the last ends; None where there is none."""
    spans = [mark.span() for pattern in (_MARKER, _TAG) for mark in pattern.finditer(content)]
    return (min(spans)[0], max(end for _, end in spans)) if spans else None


def split_thinking(content: str) -> Split:
    """Tell the answer from the thinking around it."""
    marks = list(_MARKER.finditer(content))
    if marks:
        inner = split_thinking(content[marks[-1].end() :])
        return Split(inner.answers, (content[: marks[-1].start()], *inner.thoughts), "after-marker")
    if _HARMONY_START.match(content):
        finals = list(_HARMONY_FINAL.finditer(content))
        if not finals:
            return Split(("",), (content,), "after-think")
        return Split((content[finals[-1].end() :],), (content[: finals[-1].start()],), "after-think")
    return _split_at_tags(content)


def _split_at_tags(content: str) -> Split:
    outside: list[str] = []
    thoughts: list[str] = []
    at, inside = 0, False
    for tag in _TAG.finditer(content):
        piece = content[at : tag.start()]
        if inside:
            thoughts.append(piece)
        elif tag["open"]:
            outside.append(piece)
        else:  # a close tag without its opener: all before it was thinking
            thoughts.extend((*outside, piece))
            outside.clear()
        if tag["final"]:
            thoughts.extend(outside)
            outside.clear()
        at, inside = tag.end(), tag["open"] is not None
    if at == 0:
        return Split((content,))
    answers = tuple(reversed(outside))
    if inside:
        return Split(answers, (*thoughts, content[at:]), "after-think")
    return Split((content[at:], *answers), tuple(thoughts), "after-think")
