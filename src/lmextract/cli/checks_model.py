"""The steps of the check-up that look at the model: which one, how much it can read, and whether it extracts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lmextract.cli.case import Case, Seen
from lmextract.cli.console import dumps
from lmextract.cli.finding import Finding, failed, ok, warning
from lmextract.errors import ConfigError, ServerUnavailable
from lmextract.ready_made import ready_made
from lmextract.types import Extraction, Reply

if TYPE_CHECKING:
    from lmextract.servers._listing import ModelRecord

__all__ = ["context", "dialect", "loaded_context", "model", "reasoning", "round_trip"]

_SMALL_CONTEXT = 4096
_GOOD_CONTEXT = 8192

_TEXT = "The Left Hand of Darkness is a novel by Ursula K. Le Guin.\nAce Books published it in 1969.\n"
_SLOW = "A slow model, or one that is being loaded, may need longer: --timeout 600"
_BOOK = {"title": "The Left Hand of Darkness", "year": 1969}


def model(case: Case) -> Seen:
    """Which model would be asked, and why that one."""
    try:
        profile = case.lmstudio.profile(None)
    except ConfigError as error:
        return case, (failed("model", error, _choice(case.records)),)
    case = replace(case, profile=profile)
    record, asked = case.record, case.connection.model
    if asked is None:
        return case, (
            ok(
                "model", f"{profile.model}: the only one {'that is loaded' if record and record.loaded else 'there is'}"
            ),
        )
    why = f"{profile.model}: named by {case.connection.model_from}"
    if record is None:
        cure = (
            "LM Studio answers an unknown name with the model that is loaded; `lmextract models` lists those there are."
        )
        return case, (warning("model", f"{why}, but not listed", cure),)
    if record.loaded is False:
        cure = f"LM Studio loads it at the first request, if it may; better: {_load(profile.model)}"
        return case, (warning("model", f"{why}, but not loaded", cure),)
    return case, (ok("model", why),)


def _choice(records: Iterable[ModelRecord]) -> str:
    """The command that settles which model is meant, where none or several are loaded."""
    chat = [record for record in records if record.chats]
    loaded = [record for record in chat if record.loaded or record.loaded is None]
    if loaded:
        return f"Name one: --model {loaded[0].key}, or LMEXTRACT_MODEL={loaded[0].key}"
    return f"Load one: {_load(chat[0].key)}" if chat else "Download one and load it: lms get <model>; lms load <model>"


def loaded_context(case: Case) -> Seen:
    """How much text a model can read that was loaded for the extraction just done."""
    if case.record is None or case.record.loaded is not False:
        return case, ()
    case = replace(case, records=case.lmstudio.models())
    return context(replace(case, profile=case.record.profile(case.record.key))) if case.record else (case, ())


def context(case: Case) -> Seen:
    """How much text the model can read at once."""
    length, record = case.profile.context_length, case.record
    most = record.max_context_length if record else None
    if length is None:
        return case, (ok("context", _unknown_length(record) + (f"; at most {most:,} tokens" if most else "")),)
    seen = f"{length:,} tokens" + (f" of {most:,}" if most and most > length else "")
    if case.profile.parallel > 1:
        seen += f", which {case.profile.parallel} requests at once may have to share"
    if length >= _SMALL_CONTEXT:
        return case, (ok("context", seen),)
    if case.connection.embedded or (most or _GOOD_CONTEXT) <= length:
        return case, (warning("context", f"{seen}: about {length * 3:,} characters", "Another model can read more."),)
    cure = f"lms unload {case.profile.model}; {_load(case.profile.model, most)}"
    return case, (warning("context", f"{seen}: a page or two of text", cure),)


def _unknown_length(record: ModelRecord | None) -> str:
    return "not loaded yet" if record and record.loaded is False else "the server does not tell its length"


def _load(model: str | None, most: int | None = None) -> str:
    return f"lms load {model} --context-length {min(_GOOD_CONTEXT, most or _GOOD_CONTEXT)}"


def dialect(case: Case) -> Seen:
    """In which dialect schemas are written for the engine."""
    name, record = case.profile.dialect, case.record
    told = f"the model's format is {record.format}" if record and record.format else "what every engine takes"
    return case, (ok("dialect", f"{name} ({told})"),)


def round_trip(case: Case) -> Seen:
    """Whether a real extraction works, how long it takes, and whether the answer is right."""
    from lmextract.extracting import Extractor

    schema = ready_made("book")
    if schema is None:
        raise ConfigError("the ready-made schemas are missing.", hint="Install lmextract again.")
    extractor: Extractor[Any] = Extractor(schema, server=case.server)
    try:
        extraction = extractor.run(_TEXT)
    except ServerUnavailable as error:
        silent = error.status is None and not error.transient
        return case, (failed("extraction", error, _SLOW if silent else ""),)
    seconds = sum(attempt.reply.seconds for attempt in extraction.attempts)
    usage = extraction.usage
    seen = f"{dumps(extraction.value)} after {seconds:.1f} s ({usage.prompt} + {usage.completion} tokens)"
    return replace(case, extraction=extraction), (ok("extraction", seen), *_doubts(extraction))


def _doubts(extraction: Extraction[Any]) -> tuple[Finding, ...]:
    notes = tuple(warning("note", str(note)) for note in extraction.notes if note.code != "from-reasoning")
    if _BOOK.items() <= extraction.value.items():
        return notes
    wrong = f"the form is right, the content is not: the text says {_BOOK['title']!r}, {_BOOK['year']}"
    return *notes, warning("answer", wrong, "A larger model does better: `lms get <model>`.")


def reasoning(case: Case) -> Seen:
    """Whether the model thinks before it answers, and where its thoughts go."""
    assert case.extraction is not None
    reply = case.extraction.attempts[-1].reply
    tokens = case.extraction.usage.reasoning
    if reply.reasoning.strip() and not reply.content.strip():
        return case, (warning("reasoning", "the answer comes in the field for thoughts; it is read from there"),)
    if tokens or reply.reasoning.strip() or "</think>" in reply.content:
        cure = "Thinking was asked to be off. Turn it off in LM Studio's settings of the model to get answers faster."
        return case, (warning("reasoning", f"the model thinks first ({_thoughts(reply, tokens)})", cure),)
    return case, (ok("reasoning", "none; the answer is in its place"),)


def _thoughts(reply: Reply, tokens: int) -> str:
    return f"{tokens} tokens" if tokens else f"{len(reply.reasoning) or reply.content.find('</think>')} characters"
