"""The shapes in which local models answer, as synthetic replies with what each must be read as."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import BaseModel, Field

from lmextract.reading import read_reply
from lmextract.types import Reply

MARKER = "__LM_STUDIO_INTERNAL_LSEP_SYNTHETIC_REASONING_END_3f2a9c__"


class Book(BaseModel):
    """What the replies are about."""

    title: str
    author: str
    year: int = Field(le=2030)
    tags: list[str]


DUNE = {"title": "Dune", "author": "Frank Herbert", "year": 1965, "tags": ["sf", "classic"]}
GOOD = json.dumps(DUNE)
DRAFT = json.dumps({"title": "Draft", "author": "Nobody", "year": 1900, "tags": []})
LENIENT = "{title: 'Dune', author: 'Frank Herbert', year: '1965', tags: ['sf', 'classic',],}"


@dataclass(frozen=True, slots=True)
class Shape:
    """A reply, and the code of the problem that it must end in; none: it must give Dune."""

    reply: Reply
    problem: str = ""


SHAPES = {
    "ok": Shape(Reply(GOOD)),
    "think": Shape(Reply(f"<think>perhaps {DRAFT}</think>\n{GOOD}")),
    "close": Shape(Reply(f"perhaps {DRAFT}\n</think>\n{GOOD}")),
    "think without JSON": Shape(Reply(f"<think>hm {{title, author}}</think>\n{GOOD}")),
    "rc": Shape(Reply("", reasoning=GOOD)),
    "rc with thoughts": Shape(Reply("", reasoning=f"perhaps {DRAFT}\n\n{GOOD}")),
    "marker": Shape(Reply(f"perhaps {DRAFT}{MARKER}{GOOD}")),
    "harmony": Shape(Reply(f"analysisPerhaps {DRAFT}assistantfinal{GOOD}")),
    "fence": Shape(Reply(f"```json\n{GOOD}\n```")),
    "prose": Shape(Reply(f"Here it is:\n{GOOD}\nHope this helps!")),
    "lenient": Shape(Reply(LENIENT)),
    "double-encoded": Shape(Reply(json.dumps(GOOD))),
    "same twice": Shape(Reply(GOOD[:-1] + ', "year": 1965}')),
    "cut after the end": Shape(Reply(GOOD + "\n" * 9, finish="length")),
    "bad": Shape(Reply(GOOD.replace("1965", "2065")), "less_than_equal"),
    "miss": Shape(Reply(GOOD.replace('"year": 1965, ', "")), "missing"),
    "cut": Shape(Reply(GOOD[:-12], finish="length"), "truncated"),
    "cut at stop": Shape(Reply(GOOD[:-1]), "truncated"),
    "cut after a draft": Shape(Reply(f"{DRAFT}\nBetter:\n{GOOD[:-12]}", finish="length"), "truncated"),
    "cut in thought": Shape(Reply(f"<think>perhaps {DRAFT}", finish="length"), "truncated"),
    "draft in reasoning": Shape(Reply("", reasoning=f"perhaps {DRAFT}, but"), "reasoning_only"),
    "empty": Shape(Reply(""), "empty"),
    "refusal": Shape(Reply("I cannot help with that."), "no_json"),
    "nan": Shape(Reply(GOOD.replace("1965", "NaN")), "finite_number"),
    "contradicts itself": Shape(Reply(GOOD[:-1] + ', "year": 1966}'), "duplicate_keys"),
}


def shapes() -> dict[str, str]:
    """The verdict on each shape."""
    return {name: _verdict(shape) for name, shape in SHAPES.items()}


def _verdict(shape: Shape) -> str:
    reading = read_reply(shape.reply, Book)
    if reading.ok:
        value = reading.value.model_dump()
        return "right" if value == DUNE and not shape.problem else f"read as {value}"
    codes = {problem.code for problem in reading.problems}
    return "right" if shape.problem in codes else f"problems {sorted(codes)}"
