"""Sentences about invented books, by composition: thousands of forms, and names that can only be copied.

Values are made of syllables, so that a model has to learn where they stand and not which books there are.  Nothing here
comes from the example documents.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

__all__ = ["Book", "document"]

Rng = random.Random


@dataclass(frozen=True, slots=True)
class Book:
    """What a document says; None where it does not say it."""

    title: str
    author: str | None
    year: int | None
    publisher: str | None


_ONSETS = "b br c ch cl d dr f fl g gr h j k kr l m n p pl qu r s sh sl st t th tr v w y z".split()
_VOWELS = "a a e e i i o o u ai ea ee ie oo ou y ü é ö á".split()
_CODAS = ["", "", "", "n", "r", "l", "s", "t", "m", "ck", "nd", "rt", "ll", "ng", "x", "th", "sk", "ff"]
_ENDS = "son sen ford ley ton ham berg mann ski ska ova ov ez ini elli eau wood field worth well man stein quist".split()
_FIRST = (
    "Anna Peter Maria John Elena Marco Ingrid Paul Sofia Hans Clara David Yuki Omar Lucia Ivan Nora Felix Amara Kofi Mei "
    "Ravi Leila Tomas Greta Hugo Iris Oscar Rosa Viktor Zadie Colm Siobhan Agnes Edward Margaret William George Louise "
    "Charles Emily Henry Virginia Thomas Harriet Walter Edith James Kate Robert Alice Arthur Jules Emile Lev Anton Kazuo"
).split()
_COMMON = (
    "house river night winter summer blood stone silver garden last first king queen road sea memory silence letters "
    "shadow light fire city moon sun journey history war peace love time dream days hundred little great island clock "
    "glass tower forest wind stars bridge child daughter hand heart wolf bird horse tiger door book song ghost machine "
    "mirror gold red black white blue old new long lost hidden broken empty secret strange quiet wild bitter sweet dark "
    "bright cold two three seven pride honour sense wonder fear hope truth storm mountain desert ocean village street "
    "mother father sons brothers sisters soldier stranger thief doctor teacher hunter painter lady lord prince"
).split()
_SMALL = "of the and in for a to from with on at under".split()
_HOUSES = "Press,Books,Verlag,Publishing,House,& Sons,Editions,Classics,University Press,Brothers,& Co.,Publishers".split(",")


def _syllables(rng: Rng, low: int, high: int) -> str:
    parts = (rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(rng.randint(low, high)))
    return "".join(parts)


def _name(rng: Rng) -> str:
    name = _syllables(rng, 1, 2) + (rng.choice(_ENDS) if rng.random() < 0.35 else "")
    name = name[0].upper() + name[1:]
    if rng.random() < 0.05:
        name = rng.choice(["Mc", "O'", "Le ", "de ", "van ", "von ", "Mac"]) + name
    if rng.random() < 0.05:
        name += "-" + _name(rng)
    return name


def _person(rng: Rng) -> str:
    first = rng.choice(_FIRST) if rng.random() < 0.5 else _name(rng)
    middle = ""
    if rng.random() < 0.25:
        middle = f" {rng.choice('ABCDEFGHIJKLMNOPRSTUVW')}." if rng.random() < 0.8 else f" {rng.choice(_FIRST)}"
    if rng.random() < 0.08:
        first, middle = f"{rng.choice('ABCDEGHJKLMPRST')}. {rng.choice('ABCDEFHJKLMRST')}.", ""
    return f"{first}{middle} {_name(rng)}" if rng.random() < 0.95 else _name(rng)


def _authors(rng: Rng) -> str:
    if rng.random() < 0.12:
        return f"{_person(rng)} [and|and|&] {_person(rng)}"
    return _person(rng)


def _title(rng: Rng) -> str:
    words = [_title_word(rng) for _ in range(rng.choice([1, 1, 2, 2, 2, 3, 3, 4, 5, 6]))]
    if len(words) > 2 and rng.random() < 0.7:
        words[rng.randint(1, len(words) - 2)] = rng.choice(_SMALL)
    if len(words) > 1 and rng.random() < 0.35:
        words[0] = rng.choice(["The", "The", "A", "An", "My", "All", "Their"])
    if rng.random() < 0.08:
        words[0] = f"{_name(rng)}'s"
    text = " ".join(words)
    if rng.random() < 0.06:
        text += f": {rng.choice(['A', 'The'])} {_title_word(rng)} of {_title_word(rng)}"
    if rng.random() < 0.03:
        text += rng.choice(["!", "?", " II", f" {rng.randint(2, 99)}"])
    if rng.random() < 0.03:
        text = str(rng.randint(10, 3000)) if rng.random() < 0.5 else f"{rng.randint(2, 99)} {text}"
    return text


def _title_word(rng: Rng) -> str:
    word = rng.choice(_COMMON) if rng.random() < 0.55 else _syllables(rng, 1, 3)
    return word[0].upper() + word[1:]


def _publisher(rng: Rng) -> str:
    name = _name(rng)
    kind = rng.random()
    if kind < 0.45:
        return f"{name} {rng.choice(_HOUSES)}"
    if kind < 0.6:
        return f"{name} [&|and] {_name(rng)}"
    if kind < 0.7:
        word = rng.choice(_COMMON)
        return f"{word[0].upper()}{word[1:]} {rng.choice(_HOUSES)}"
    return name


# Patterns: [a|b] chooses, {t} {a} {y} {p} are the values.  Each list is keyed by what it tells, the title apart.
_OPEN: dict[str, list[str]] = {
    "": [
        "{T} is [a|an old|a long|a strange|an epic|a short] [novel|poem|story|book|tale] [about|of] {filler}.",
        "[We read|I read|They sell|Have you read|I have just finished] {T}[.|| last week.| again.]",
        "[The book|The novel|The title] is [called|named] {T}.",
        "Title: {T}.",
        "{T}. {Filler}.",
    ],
    "a": [
        "{T} [was written|is] by {a}.",
        "{T} is [a|the] [|first |second |best-known |last |only ][novel|book|work|story|poem] [by|of] {a}.",
        "{a} [wrote|is the author of|finished|is known for|gave us|penned] {T}[.|, {filler}.]",
        "{a}'s [|famous |first |last |great ][novel |book |]{T} [is|tells] {filler}.",
        "[I have just read|I am reading|We discussed|My aunt gave me|She loves] {T} by {a}[.| for the second time.| again.]",
        "{T}, [written |a novel |a book |]by {a}, is {filler}.",
        "[The author of|The writer of] {T} is {a}.",
        "{a}: {T}.",
        "{T} by {a}.",
        "{T} - {a}.",
        "Author: {a}. Title: {T}.",
        "{a} was [|only |just |barely ]{age} when [he|she] wrote {T}.",
    ],
    "y": [
        "{T} [came out|appeared|was published|was first published|was printed|was first printed|dates from] in {y}.",
        "{T} ({y}) is {filler}.",
        "In {y} {T} [came out|appeared|was published|went on sale].",
        "{T} is a [novel|book|poem|story] [of|from|published in] {y}.",
        "{T}, {y}.",
    ],
    "p": [
        "{T} [was published|was brought out|was issued|was printed|is published|came out] by {p}.",
        "{p} [published|issued|brought out|printed] {T}.",
        "{T} [appeared|came out] [with|at] {p}.",
        "{T}, {p}.",
    ],
    "ay": [
        "{T} was [written|published] by {a} in {y}.",
        "In {y}[,|] {a} [published|wrote|finished|brought out] {T}.",
        "{a} [published|wrote|finished|brought out] {T} in {y}.",
        "{T} ({y}) [was written |]by {a}.",
        "{a} is the author of {T} ({y}).",
        "{T}, a [novel|book|poem] by {a}, [came out|appeared|was published] in {y}.",
        "{a}'s [novel |book |first novel |]{T} [came out|appeared|was published|was first printed] in {y}.",
        "[Published|First published|Printed] in {y}, {T} is [the work of|a novel by|a book by] {a}.",
        "{a}, {T}, {y}.",
        "{a} ({y}): {T}.",
        "It was [|in ]{y} when {a} [finished|published|wrote] {T}.",
        "{a} was [|only |just ]{age} when [his|her] [first |second |] novel, {T}, [was published|came out|appeared] in {y}.",
        "[The year {y} saw|{y} was the year of] {T} by {a}.",
    ],
    "ap": [
        "{T} was written by {a} and published by {p}.",
        "{a}'s [novel |book |]{T} [was published|is published|came out] [by|with] {p}.",
        "{p} [published|issued|brought out] {T} by {a}.",
        "{a}, {T}, {p}.",
        "{T}, by {a} ({p}).",
    ],
    "yp": [
        "{T} [was published|was issued|was brought out|was printed] by {p} in {y}.",
        "In {y} {p} [published|issued|brought out|printed] {T}.",
        "{p} [published|issued|brought out] {T} in {y}.",
        "{T} ({p}, {y}).",
        "{T}. {p}, {y}.",
        "{T}, published in {y} by {p}, is {filler}.",
    ],
    "ayp": [
        "{a}'s [novel |book |]{T}, [published|issued|brought out] by {p} in {y}, is {filler}.",
        "{T} [was|is] [written |]by {a} and [was |]published by {p} in {y}.",
        "{T} was written by {a} and [came out|appeared] in {y} [with|from] {p}.",
        "In {y}[,|] {p} [published|issued|brought out] {T}, [a novel |a book |]by {a}.",
        "{a}, {T}, {p}, {y}.",
        "{a}: {T}. {p}, {y}.",
        "{a}. {T}. {p}, {y}.",
        "{a}. {y}. {T}. {p}.",
        "{T}, by {a} ({p}, {y}).",
        "{T} - {a} - {p} - {y}.",
        "{p} [published|brought out|issued] {a}'s {T} in {y}.",
        "{a} was [|only |just ]{age} when [his|her] [first |] novel, {T}, was published by {p} in {y}.",
        "Title: {T}. Author: {a}. Publisher: {p}. Year: {y}.",
        "[First published|Published] [by {p} in {y}|in {y} by {p}], {T} [is|was] [a novel by|the work of|written by] {a}.",
        "{T}, [a novel|a book|written] by {a}, was [first |]published in {y} by {p}.",
    ],
}
_MORE: dict[str, list[str]] = {
    "": ["{Filler}."],
    "a": [
        "[It|The book|The novel] was written by {a}.",
        "[Its|The] author is {a}.",
        "{a} [wrote it|is its author|is the author].",
        "{a} was [|only |just ]{age} when [he|she] wrote it.",
    ],
    "y": [
        "[It|The book|The novel] [came out|appeared|was published|was first published|was printed] in {y}[.|, {filler}.]",
        "[It|The book] dates from {y}.",
        "[First published|First printed|Published|First edition]: {y}.",
        "It came out in {y} and {fillerverb}.",
        "[She|He] was only {age} when it was first [printed|published], in {y}.",
        "The year was {y}.",
    ],
    "p": [
        "[It|The book] [was published|was brought out|was issued|came out] by {p}.",
        "{p} [published|issued|printed] it.",
        "Publisher: {p}.",
        "The publisher [was|is] {p}.",
    ],
    "ay": ["{a} [wrote|published|finished] it in {y}.", "[It|The book] was [written|published] by {a} in {y}."],
    "ap": ["It was written by {a} and published by {p}.", "{p} published it for {a}."],
    "yp": [
        "[It|The book|The novel] was [first |]published by {p} in {y}.",
        "{p} [published|issued|brought out] it in {y}.",
        "Published by {p}, {y}.",
        "It came out in {y} [with|from] {p}.",
        "{p}, {y}.",
    ],
    "ayp": ["{a} wrote it, and {p} published it in {y}.", "{p} published it in {y}; the author is {a}."],
}
_ABSENT = {
    "a": [
        "Nobody knows who wrote it[.|, or when.]",
        "[The|Its] author is [unknown|not known|anonymous].",
        "It did not carry [her|his|a] name on the title page.",
        "The [book|poem|story] is anonymous.",
    ],
    "y": ["[The year|The date] is [unknown|not given|not known].", "Nobody knows when it was written."],
    "p": ["The publisher is not named."],
}
_FILLERS = (
    "a story of [two|three] [brothers|sisters|friends]; [a|one] long winter; the end of the world; a girl who falls down a "
    "well; a planet of [sand|ice|water]; the sea and those who live by it; more than [three|two|ten] thousand lines; a man "
    "who cannot sleep; [love|war|money] and what comes after; an old house in the hills; the price of silence; set on a "
    "lonely island; the only source of the [spice|gold|truth]; full of [maps|jokes|letters]; a cat that talks; a journey to "
    "the north; a family that loses everything; life in a small town; the last days of a king; a war nobody wins; a "
    "detective with a bad memory; an Old English poem; a tale told by a dog; hard to forget; funnier than it sounds; the "
    "best of its kind; a classic by now; about growing up; what happens when the lights go out"
).split("; ")
_VERBS = (
    "[won|was awarded] [a|the] {Word} [Award|Prize|Medal]; won both the {Word} and the {Word} Award; sold {n} copies; was soon "
    "forgotten; has {n} pages; was made into a film; is still read today; costs {n} [euros|dollars|pounds]; divided the "
    "critics; has been translated into {n} languages; made [him|her] famous"
).split("; ")
_TAILS = (
    "{Filler}; It {fillerverb}; It {fillerverb}; It is {filler}; I liked it [a lot|very much]; The cover is "
    "[red|blue|green|black]; It has {n} pages; My [aunt|uncle|sister|teacher] recommended it; A girl falls down a rabbit hole "
    "and meets a cat; It makes the end of the world funny; The [film|translation|second edition] followed [later|much later]; "
    "The critics [loved|hated] it; [Paperback|Hardcover], {n} pages; It is in stock; Many people like it"
).split("; ")
_LEADS = (
    "From the catalogue; New in the library; Dear reader; A note from our book club; Recommended; Blurb; On the shelf; "
    "Review; Shop talk; Reading list"
).split("; ")


def _chosen(rng: Rng, pattern: str) -> str:
    """Resolve [a|b] choices."""
    return re.sub(r"\[([^\[\]]*)\]", lambda found: rng.choice(found.group(1).split("|")), pattern)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _quoted(rng: Rng, title: str) -> str:
    marks = rng.choice([("", "")] * 11 + [('"', '"')] * 3 + [("“", "”"), ("'", "'"), ("*", "*"), ("_", "_"), ("«", "»")])
    noun = rng.choice([""] * 12 + ["the novel ", "the book "])
    return f"{noun}{marks[0]}{title}{marks[1]}"


def _split(rng: Rng, told: str) -> tuple[str, list[str]]:
    """Which of the things told stand with the title, and which in sentences after it."""
    kept = "".join(letter for letter in told if rng.random() < 0.7)
    rest = "".join(letter for letter in told if letter not in kept)
    if len(rest) > 1 and rng.random() < 0.4:
        return kept, list(rest)
    return kept, [rest] if rest else []


def document(rng: Rng) -> tuple[str, Book]:
    """A text of one to five sentences, and what it says."""
    told = "".join(letter for letter, often in (("a", 0.88), ("y", 0.82), ("p", 0.5)) if rng.random() < often)
    author, publisher = _chosen(rng, _authors(rng)), _chosen(rng, _publisher(rng))
    title, year = _title(rng), rng.randint(1450, 2026) if rng.random() < 0.9 else rng.randint(700, 1449)
    kept, rest = _split(rng, told)
    sentences = [rng.choice(_OPEN[kept])]
    later = [rng.choice(_MORE[part]) for part in rest]
    later += [rng.choice(_ABSENT[letter]) for letter in "ayp" if letter not in told and rng.random() < 0.15]
    later += [rng.choice(_TAILS) + "." for _ in range(rng.choice([0, 0, 0, 1, 1, 2]))]
    sentences += later
    text = " ".join(_filled(rng, sentence, title, author, year, publisher) for sentence in sentences)
    if rng.random() < 0.1:
        text = f"{rng.choice(_LEADS)}{rng.choice([': ', '. ', chr(10)])}{text}"
    return text, Book(
        title,
        author if "a" in told else None,
        year if "y" in told else None,
        publisher if "p" in told else None,
    )


def _filled(rng: Rng, pattern: str, title: str, author: str, year: int, publisher: str) -> str:
    pattern = _chosen(rng, pattern)
    for _ in range(3):  # fillers may hold fields of their own
        pattern = _chosen(rng, _without_fillers(rng, pattern))
    sentence = pattern.format(T=_quoted(rng, title), a=author, y=year, p=publisher)
    return _capital(re.sub(r"\.\.$", ".", sentence.strip()))


def _without_fillers(rng: Rng, pattern: str) -> str:
    ages = ["twenty", "nineteen", "thirty-one", "twenty-seven", "forty", "sixty", str(rng.randint(17, 80))]
    number = rng.choice([str(rng.randint(2, 999)), f"{rng.randint(1, 99)},000", "a million"])
    return (
        pattern.replace("{filler}", rng.choice(_FILLERS))
        .replace("{Filler}", _capital(rng.choice(_FILLERS)))
        .replace("{fillerverb}", rng.choice(_VERBS))
        .replace("{Word}", _name(rng))
        .replace("{age}", rng.choice(ages))
        .replace("{n}", number)
    )
