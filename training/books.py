"""Documents about invented books, by composition: thousands of forms, and names that can only be copied.

A tenth of the forms, always the same, is kept out of training, so that what a model does with new ones can be measured.
Nothing here comes from the example documents; `measure.py --overlap` counts what words they have in common.
"""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import forms
import names

__all__ = ["Book", "Forms", "document", "held_out"]

Rng = random.Random
Forms = Literal["training", "held-out"]

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_ARTICLE = re.compile(r"\b([Aa])n? ([a-z])")
_SLOT = re.compile(r"\{(\w+'?s?)\}")
_MARKS = [("", "")] * 12 + [('"', '"')] * 3 + [("“", "”")] * 2
_MARKS += [("'", "'"), ("‘", "’"), ("*", "*"), ("_", "_"), ("«", "»")]
_AGES = (
    "seventeen eighteen nineteen twenty twenty-one twenty-two twenty-four twenty-six twenty-eight twenty-nine thirty "
    "thirty-one thirty-four thirty-eight forty forty-two forty-five fifty fifty-three sixty sixty-six seventy eighty"
).split()


@dataclass(frozen=True, slots=True)
class Book:
    """What a document says; None where it does not say it."""

    title: str
    author: str | None
    year: int | None
    publisher: str | None


def document(rng: Rng, which: Forms = "training") -> tuple[str, Book]:
    """A text of one to five sentences, and what it says; `held-out` begins with a form that training never shows."""
    told = "".join(letter for letter, often in (("a", 0.87), ("y", 0.8), ("p", 0.55)) if rng.random() < often)
    book = Book(
        names.title(rng),
        names.authors(rng) if "a" in told else None,
        _year(rng) if "y" in told else None,
        names.publisher(rng) if "p" in told else None,
    )
    kept, rest = _split(rng, told)
    sentences = [_one(rng, forms.OPEN, kept, which), *(_one(rng, forms.MORE, part, which) for part in rest)]
    sentences += [_one(rng, forms.ABSENT, gap, which) for gap in "ayp" if gap not in told and rng.random() < 0.12]
    if "a" in told and "y" in told and rng.random() < 0.12:
        sentences.append(rng.choice(forms.LOOSE))
    sentences += [rng.choice(forms.TAILS) for _ in range(rng.choice([0, 0, 0, 0, 1, 1, 2]))]
    text = _joined(rng, [_filled(rng, sentence, book) for sentence in sentences])
    if rng.random() < 0.08:
        text = _filled(rng, rng.choice(forms.LEADS), book) + rng.choice([": ", ". ", "\n", " - "]) + text
    return text, book


@lru_cache
def held_out(choice: tuple[str, ...]) -> tuple[str, ...]:
    """The tenth of some forms that training never shows, fixed by their words; none where there are few."""
    if len(choice) < 5:
        return ()
    return tuple(sorted(choice, key=lambda form: zlib.crc32(form.encode()))[: round(len(choice) / 10) or 1])


def _one(rng: Rng, where: Mapping[str, Sequence[str]], told: str, which: Forms) -> str:
    choice = tuple(where[told])
    hidden = held_out(choice)
    wanted = hidden if hidden and which == "held-out" else [form for form in choice if form not in hidden]
    form = rng.choice(wanted)
    return form if "\n" not in form or rng.random() < 0.3 else rng.choice(wanted)  # most texts are prose


def _split(rng: Rng, told: str) -> tuple[str, list[str]]:
    """Which of the things told stand with the title, and which in sentences after it."""
    kept = "".join(letter for letter in told if rng.random() < 0.72)
    rest = "".join(letter for letter in told if letter not in kept)
    if len(rest) > 1 and rng.random() < 0.4:
        parts = list(rest)
        rng.shuffle(parts)
        return kept, parts
    return kept, [rest] if rest else []


def _year(rng: Rng) -> int:
    kind = rng.random()
    if kind < 0.55:
        return rng.randint(1880, 2026)
    return rng.randint(1500, 1900) if kind < 0.93 else rng.randint(800, 2090)


def _joined(rng: Rng, sentences: Sequence[str]) -> str:
    gap = "\n" if rng.random() < 0.07 else " "
    text = sentences[0]
    for sentence in sentences[1:]:
        text += ("" if text.endswith((".", "!", "?")) or "\n" in text else ".") + gap + sentence
    return text[:-1] if rng.random() < 0.04 and text.endswith(".") else text


def _filled(rng: Rng, form: str, book: Book) -> str:
    """Resolve choices and slots until none is left; the values come last, so that nothing in them is resolved."""
    slots = {"filler": forms.FILLERS, "verb": forms.VERBS, "noun": forms.NOUNS, "adj": forms.ADJECTIVES}
    for _ in range(4):
        form = form.replace("{Filler}", _capital(rng.choice(forms.FILLERS)))
        for slot, choices in slots.items():
            while f"{{{slot}}}" in form:
                form = form.replace(f"{{{slot}}}", rng.choice(choices), 1)
        while _CHOICE.search(form):
            form = _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), form)
    form = _ARTICLE.sub(lambda found: f"{found[1]}{'n' if found[2] in 'aeiou' else ''} {found[2]}", form)
    title = _quoted(rng, book.title)
    author = book.author or ""
    year = book.year or 1900
    values = {
        "T": title,
        "T's": _possessive(rng, title),
        "a": author,
        "a's": _possessive(rng, author),
        "y": str(year),
        "p": book.publisher or "",
        "y0": str(year - rng.randint(2, 90)),
        "y2": str(min(2090, year + rng.randint(1, 80))),
    }
    sentence = _SLOT.sub(lambda found: values[found[1]] if found[1] in values else _other(rng, found[1]), form)
    return _capital(
        re.sub(r"(\(\d+)\.$", r"\1).", sentence.strip()).replace("..", ".").replace("!.", "!").replace("?.", "?")
    )


def _other(rng: Rng, slot: str) -> str:
    match slot:
        case "age":
            return rng.choice(_AGES) if rng.random() < 0.7 else str(rng.randint(16, 90))
        case "n":
            return rng.choice([str(rng.randint(2, 999)), str(rng.randint(2, 99)), f"{rng.randint(1, 99)},000"])
        case "w":
            return names.word(rng)
        case "who":
            return names.person(rng)
        case "house":
            return names.publisher(rng)
        case _:
            return names.invented(rng)


def _quoted(rng: Rng, title: str) -> str:
    before, after = rng.choice(_MARKS)
    noun = rng.choice([*[""] * 14, "the novel ", "the book "])
    return f"{noun}{before}{title}{after}"


def _possessive(rng: Rng, name: str) -> str:
    mark = "'" if rng.random() < 0.85 else "’"
    return f"{name}{mark}" if name.endswith("s") and rng.random() < 0.6 else f"{name}{mark}s"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
