"""The shapes in which replies come, and the faults that asking again must cure: data for `repair.py` and for tests.

A shape holds what a server was seen to answer (BT# are issues of LM Studio's bug tracker), or what a model without a
grammar writes.  A fault breaks the first reply, or more; the model tells the truth from then on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from benchmarks.repair_lab import BOOK, DRAFT, ORDER, Case, Json, book, order

from lmextract import (
    ContextOverflow,
    InvalidReply,
    Options,
    ReasoningOnlyReply,
    Reply,
    ServerRefused,
    ServerUnavailable,
    TruncatedReply,
)
from lmextract.testing import Fault, Reasoning

__all__ = ["FAULTS", "SHAPES"]


def text(value: Json) -> str:
    """A value as JSON text."""
    return json.dumps(value, ensure_ascii=False)


GOOD, ROUGH = text(BOOK), text(DRAFT)
MARKER = "__LM_STUDIO_INTERNAL_LSEP_SYNTHETIC_REASONING_END_0a1b2c3d__"
LENIENT = "{title: 'Dune', author: 'Frank Herbert', year: '1965', tags: ['desert', 'spice',],}"
COMMENTED = '{"title": "Dune", // the first\n"author": "Frank Herbert", "year": 1965, "tags": ["desert", "spice"]}'
PYTHON = repr(BOOK)
INVENTED = Reply('{"title": "Dune", "author": "Fra', finish="length")
CUT_DRAFT = f"Maybe {ROUGH}? No, the text says"
HARMONY = "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>{}"
DEEP = '{"title": ' + "[" * 100_000
HTML = Fault.body("<html><body>It works!</body></html>")
NO_RETRY_LEFT = [Fault.status(503, retry_after_s=0)] * 9


def thinking(place: Any, thoughts: str = "I think it is Dune.") -> dict[str, Any]:
    """A server whose model thinks, whatever it is told."""
    return {"reasoning": Reasoning(place=place, text=thoughts, obeys=False)}


def with_(**changed: Json) -> Json:
    """The right book with other fields."""
    return {**BOOK, **changed}


def less(*names: str) -> Json:
    """The right book without fields."""
    return {name: value for name, value in BOOK.items() if name not in names}


SHAPES: dict[str, Case] = {
    "ok": book(),
    # --- thinking
    "draft in <think>": book(f"<think>\nFirst {ROUGH}, but no.\n</think>\n{GOOD}", noted="after-think"),
    "orphan </think>": book(f"First {ROUGH}, but no.\n</think>\n{GOOD}", noted="after-think"),
    "draft in [THINK]": book(f"[THINK]Maybe {ROUGH}[/THINK]{GOOD}", noted="after-think"),
    "draft in <thinking>": book(f"<thinking>Maybe {ROUGH}</thinking>\n{GOOD}", noted="after-think"),
    "harmony channels": book(HARMONY.format(ROUGH, GOOD), noted="after-think"),
    "stray braces in <think>": book(f"<think>It wants {{title, author}}.</think>{GOOD}", noted="after-think"),
    "synthetic marker": book(f"Maybe {ROUGH}.{MARKER}{GOOD}", noted="after-marker"),
    "JSON in reasoning_content": book(Reply("", reasoning=GOOD), noted="from-reasoning"),
    "draft, then JSON in reasoning_content": book(
        Reply("", reasoning=f"Maybe {ROUGH}. No: {GOOD}"), noted="from-reasoning"
    ),
    "reasoning apart": book(Reply(GOOD, reasoning=f"Maybe {ROUGH}?")),
    "thinks instead (BT#1773)": book(server=thinking("instead"), noted="from-reasoning"),
    "thinks into message.reasoning": book(server=thinking("field")),
    "thinks in tags": book(server=thinking("tags"), noted="after-think"),
    "thinks before an orphan tag": book(server=thinking("orphan-tag"), noted="after-think"),
    "thinks before a marker": book(server=thinking("marker"), noted="after-marker"),
    "thinks until it is told not to": book(server={"reasoning": Reasoning(place="endless")}),
    "thinks endlessly": book(server=thinking("endless"), errors=(TruncatedReply, ReasoningOnlyReply)),
    "draft in thinking that was cut": book(Reply("", reasoning=CUT_DRAFT, finish="length")),
    "draft in a <think> that was cut": book(Reply(f"<think>{CUT_DRAFT}", finish="length")),
    "draft in an open <think>": book(f"<think>{CUT_DRAFT}"),
    "only thinking, once": book(Reply("", reasoning="It is Dune.")),
    "only thinking, always": book(*[Reply("", reasoning="It is Dune.")] * 3, errors=(ReasoningOnlyReply,)),
    # --- around the JSON
    "fence": book(f"```json\n{GOOD}\n```", noted="fenced"),
    "fence in prose": book(f"Here you are:\n```\n{GOOD}\n```\nAnything else?", noted="fenced"),
    "prose before": book(f"Sure! Here is the JSON: {GOOD}", noted="prose"),
    "prose after": book(f"{GOOD}\nI hope this helps {{and serves}}.", noted="prose"),
    "byte-order mark": book(f"\ufeff{GOOD}", noted="tolerant-json"),
    "draft, then the answer": book(f"{ROUGH}\nCorrected:\n{GOOD}", noted="several"),
    "said twice": book(f"{GOOD}\n{GOOD}"),
    "the type's words, then the answer": book(f'{{"type": "object", "properties": {{}}}}\n{GOOD}'),
    # --- JSON by hand
    "lenient": book(LENIENT, noted="tolerant-json"),
    "comments": book(COMMENTED, noted="tolerant-json"),
    "Python": book(PYTHON, noted="tolerant-json"),
    "raw newline in a string": book(GOOD.replace("Frank Herbert", "Frank\nHerbert").replace("Frank\n", "Frank ")),
    "number as text": book(text(with_(year="1965"))),
    "double-encoded": book(text(GOOD), noted="double-encoded"),
    "in a list of one": book(f"[{GOOD}]", noted="unwrapped"),
    "under the type's name": book(f'{{"Book": {GOOD}}}', noted="unwrapped"),
    "same key twice, same value": book(GOOD[:-1] + ', "year": 1965}'),
    "same key twice, one value fits": book(GOOD[:-1] + ', "year": 9999}'),
    "same key twice, both fit": book(GOOD[:-1] + ', "year": 1984}'),
    # --- wrong at first
    "bad, then good": book(with_(year=19650), noted="repaired"),
    "missing, then good": book(less("tags"), noted="repaired"),
    "two wrong, then good": book(with_(year="soon", tags="desert"), noted="repaired"),
    "NaN, then good": book(
        '{"title": "Dune", "author": "Frank Herbert", "year": NaN, "tags": ["desert", "spice"]}', noted="repaired"
    ),
    "null, then good": book(with_(author=None), noted="repaired"),
    "an item's type, then good": book(with_(tags=["desert", {"tag": "spice"}]), noted="repaired"),
    "schema echoed, then good": book({"type": "object", "properties": {"title": {"type": "string"}}}),
    "bad, always": book(*[with_(year=19650), {"year": 19650}, {"year": 19650}], errors=(InvalidReply,)),
    "prose, then good": book("I am sorry, I cannot do that."),
    "prose, always": book(*["I am sorry, I cannot do that."] * 3, errors=(InvalidReply,)),
    "empty, then good": book(""),
    "blank, then good": book("\n \n"),
    "empty, always": book(*[""] * 3, errors=(InvalidReply,)),
    "nested 100,000 deep": book(*[DEEP] * 3, errors=(InvalidReply, TruncatedReply)),
    # --- cut
    "cut once": book(INVENTED, noted="truncated"),
    "cut once in a list": book(Reply(GOOD[:-9], finish="length"), noted="truncated"),
    "cut without saying so": book(GOOD[:-9], noted="truncated"),
    "cut before the last brace": book(Reply(GOOD[:-1], finish="length"), noted="truncated"),
    "cut after the JSON": book(Reply(f"{GOOD}\nThis", finish="length"), noted="truncated"),
    "cut before it began": book(Reply("", finish="length")),
    "cut, always": book(*[INVENTED] * 3, errors=(TruncatedReply,)),
    "cut once, by the caller's limit": book(how={"options": Options(max_tokens=12)}, noted="truncated"),
    "cut, by too low a limit": book(how={"options": Options(max_tokens=3)}, errors=(TruncatedReply,)),
    # --- the server
    "another model answers (BT#619)": book(Reply(GOOD, model="gemma-3-1b"), noted="other-model"),
    "unloaded in the queue": book(faults=[Fault.unloaded()]),
    "crashed": book(faults=[Fault.crash(6)]),
    "503": book(faults=[Fault.status(503, retry_after_s=0)]),
    "503, always": book(faults=NO_RETRY_LEFT, errors=(ServerUnavailable,)),
    "reset": book(faults=[Fault.reset()]),
    "closed within the body": book(faults=[Fault.cut()]),
    "an error with status 200": book(faults=[Fault.ok_error("No such thing")], errors=(ServerRefused,)),
    "a page of HTML": book(faults=[HTML], errors=(ServerRefused,)),
    "refused grammar": book(faults=[Fault.error("failed to parse grammar")], noted="relaxed-schema"),
    "refused pattern": order(server={"engine": "mlx-llguidance"}, client={"dialect": "gguf"}),
    "a schema for another engine": order(server={"engine": "mlx-outlines"}, client={"dialect": "gguf"}),
    "an engine that ignores schemas": book(with_(year="MCMLXV"), server={"engine": "fail-open"}, noted="repaired"),
    "prompt too long": book(server={"context_length": 64}, errors=(ContextOverflow,)),
}
"""Replies to the Book task by other libraries' comparisons and more, and what must come of each."""


def broken(change: Callable[[Json], object]) -> Json:
    """The right order with a change in place."""
    value = deepcopy(ORDER)
    change(value)
    return value


def put(value: Json, *path: str | int) -> Json:
    """The right order with another value at a place."""

    def change(whole: Json) -> None:
        for step in path[:-1]:
            whole = whole[step]
        whole[path[-1]] = value

    return broken(change)


def gone(*path: str | int) -> Json:
    """The right order without what stands at a place."""

    def change(whole: Json) -> None:
        for step in path[:-1]:
            whole = whole[step]
        del whole[path[-1]]

    return broken(change)


def cut_at(mark: str, *, finish: str = "length") -> Reply:
    """The right order, cut right after a text in it."""
    whole = text(ORDER)
    return Reply(whole[: whole.index(mark) + len(mark)], finish=finish)


def _first(number: int) -> Callable[[Json], Json]:
    return lambda truth: dict(list(truth.items())[:number])


LOOPING = Reply(text(ORDER)[: text(ORDER).index("Saw")] + "Saw, Saw, Saw, " * 300, finish="length")
SAME_ITEMS = text(ORDER)[: text(ORDER).index(', {"sku": "CD-2001"')] + (", " + text(ORDER["lines"][1])) * 60
WHOLE = text(ORDER)

FAULTS: dict[str, Case] = {
    # --- fields
    "a bad field": order(put("R1", "number")),
    "a wrong type": order(put("many", "total")),
    "a value out of range": order(put(0, "lines", 1, "quantity")),
    "a wrong word of an enumeration": order(put("PAID!", "status")),
    "a bad field in an object": order(put("ada at example", "buyer", "email")),
    "a bad field in a list's item": order(put("AB1001", "lines", 0, "sku")),
    "the same bad field in each item": order(
        broken(lambda whole: [line.update(sku=line["sku"].lower()) for line in whole["lines"]])
    ),
    "five bad fields": order(
        broken(
            lambda whole: (
                whole.update(number="?", status="?", total="?"),
                whole["buyer"].update(country="Germany"),
                whole["lines"][2].update(quantity=5000),
            )
        )
    ),
    "a missing field": order(gone("total")),
    "a missing object": order(gone("buyer")),
    "a missing list": order(gone("lines")),
    "a missing field in an object": order(gone("buyer", "country")),
    "a missing field in a list's item": order(gone("lines", 1, "price")),
    "null for a field": order(put(None, "buyer", "email")),
    "a text for an object": order(put("Ada Merz, DE", "buyer")),
    "an object for a list": order(put(ORDER["lines"][0], "lines")),
    "text for a list's item": order(put("10 x nails", "lines", 0)),
    "NaN": order(text(ORDER).replace("168.9", "NaN")),
    "a key given twice": order(text(ORDER)[:-1] + ', "status": "open"}'),
    "a rule across fields": order(put(200.0, "total")),
    "a rule across an object's fields": order(put("2026-03-16", "delivery", "start")),
    # --- twice
    "bad, and bad again": order(put("R1", "number"), {"number": "R2"}),
    "bad, then empty": order(put("R1", "number"), ""),
    "bad, then prose": order(put("R1", "number"), "I am sure."),
    "bad, then the whole": order(put("R1", "number"), WHOLE),
    "two bad, then one of them": order(put("R1", "number") | {"total": "?"}, _first(1)),
    "bad, then cut": order(put("R1", "number"), Reply('{"num', finish="length")),
    "bad, then nested": order(put("?", "buyer", "email"), {"buyer": {"email": "ada@example.org"}}),
    "bad, then bare": order(put("?", "buyer", "email"), text("ada@example.org")),
    # --- cut
    "cut in a text": order(cut_at('"name": "Ada')),
    "cut in a number": order(cut_at('"quantity": 1')),
    "cut in a key": order(cut_at('"deliv')),
    "cut after a colon": order(cut_at('"status":')),
    "cut in an object": order(cut_at('"email": "ada@example.org"')),
    "cut in a list": order(cut_at('"quantity": 4, "price": 31.0}')),
    "cut in a list's item": order(cut_at('"CD-2001", "arti')),
    "cut in a list of texts": order(cut_at('"leave at the')),
    "cut at the last brace": order(cut_at('"total": 168.9')),
    "cut at the first brace": order(cut_at("{")),
    "cut before it began": order(Reply("", finish="length")),
    "cut without saying so": order(cut_at('"CD-2001", "arti', finish="stop")),
    "cut twice": order(cut_at('"sku": "AB-1002"'), Reply('{"lines[1:]": [{"sku": "AB-1002", "arti', finish="length")),
    "cut, then begun anew": order(cut_at('"sku": "AB-1002"'), lambda truth: {**truth, "lines[1:]": ORDER["lines"]}),
    "cut, then the whole": order(cut_at('"sku": "AB-1002"'), WHOLE),
    "cut, then bad": order(cut_at('"sku": "AB-1002"'), lambda truth: {**truth, "total": "?"}),
    "cut in a loop of words": order(LOOPING),
    "cut in a loop of items": order(Reply(SAME_ITEMS, finish="length")),
    # --- nothing
    "empty": order(""),
    "empty, twice": order("", ""),
    "only thinking": order(Reply("", reasoning="The order is R100234.")),
    "only thinking, twice": order(*[Reply("", reasoning="The order is R100234.")] * 2),
    "thinking until the limit": order(Reply("", reasoning="hm " * 2000, finish="length")),
    "prose": order("The order is R100234, of Ada Merz."),
    "a fence with prose": order(f"```\n{WHOLE}\n```\nThat is the order."),
    "no JSON any more": order(WHOLE.replace(":", "=").replace('"', "").replace("{", "(").replace("}", ")")),
    "JSON that breaks off into prose": order(WHOLE[:200] + " and so on, you get the idea."),
    # --- the server
    "unloaded": order(faults=[Fault.unloaded()]),
    "unloaded during a repair": order(put("R1", "number"), faults=[None, Fault.unloaded()]),
    "crashed": order(faults=[Fault.crash()]),
    "503 and 429": order(faults=[Fault.status(503), Fault.status(429, retry_after_s=0)]),
    "reset and closed": order(faults=[Fault.reset(), Fault.close()]),
    "closed within the body": order(faults=[Fault.cut(reset=True)]),
    "an engine's failure": order(faults=[Fault.engine("Compute error.")]),
    "the shared context is full": order(faults=[Fault.pool_full()]),
    "refused grammar": order(faults=[Fault.error("failed to parse grammar")]),
    "refused grammar of a repair": order(put("R1", "number"), faults=[None, Fault.error("failed to parse grammar")]),
    "refused on two rungs": order(faults=[Fault.error("failed to parse grammar")] * 2),
    "refused, then bad": order(put("R1", "number"), faults=[Fault.error("failed to parse grammar")]),
}
"""Faults of one reply to the Order task, or of two, all of which two repairs must cure."""
