"""Titles, people and publishers that nobody has heard of, so that they can only be copied."""

from __future__ import annotations

import random

__all__ = ["authors", "invented", "person", "publisher", "title", "word"]

Rng = random.Random

_ONSETS = "b br c ch cl cr d dr f fl fr g gl gr h j k kr l m n p ph pl pr qu r s sh sk sl sp st t th tr v w y z".split()
_VOWELS = [*"a e i o u a e i o u ai ea ee ei ia ie io oa oo ou y a e i o".split() * 4, *"ü é ö á ø è å ñe ç".split()]
_CODAS = [*[""] * 8, *"n n r r l l s s t m ck nd rt ll ng x th sk ff b d g k p z ld rn".split()]
_ENDS = (
    "son sen ford ley ton ham berg mann ski ska ova ov ez ini elli eau wood field worth well man stein quist er ers "
    "ing more land by wick dale ov enko adze oglu ides opoulos ura moto awa ian yan escu aux in ert ard ock itt"
).split()
_FIRST = (
    "Anna Peter Maria John Elena Marco Ingrid Paul Sofia Hans Clara David Yuki Omar Lucia Ivan Nora Felix Amara Kofi "
    "Mei Ravi Leila Tomas Greta Hugo Iris Oscar Rosa Viktor Colm Siobhan Agnes Edward Margaret William George Louise "
    "Charles Emily Henry Virginia Thomas Harriet Walter Edith James Kate Robert Alice Arthur Jules Emile Anton Kazuo "
    "Daphne Ruth Samuel Grace Philip Doris Martin Helen Stephen Susan Richard Barbara Michael Judith Daniel Sarah "
    "Patrick Fiona Simon Julia Andrew Laura Roger Isabel Carlos Gabriel Pablo Jorge Italo Umberto Primo Gunter "
    "Heinrich Max Franz Astrid Selma Knut Halldor Fyodor Nikolai Boris Svetlana Olga Haruki Kenzo Sanae Junichi Lin "
    "Wei Bao Arundhati Salman Amit Rohinton Kamila Ngozi Wole Buchi Abdul Naguib Orhan Elif Ismail Toni Maya Zora "
    "Ralph Langston Alex Sam Robin Jo"
).split()
_TITLE_WORDS = (
    "house river night winter summer blood stone silver garden last first king queen road sea memory silence letters "
    "shadow light fire city moon sun journey history war peace love time dream days hundred little great island clock "
    "glass tower forest wind stars bridge child daughter hand heart wolf bird horse tiger door book song ghost "
    "machine mirror gold red black white blue old new long lost hidden broken empty secret strange quiet wild bitter "
    "sweet bright cold two three seven honour wonder fear hope truth storm mountain desert ocean village street "
    "mother father sons brothers sisters soldier stranger thief doctor teacher hunter painter lady lord prince name "
    "years death life world man woman people men women girl boy country water earth sky rain snow autumn spring "
    "morning evening midnight kitchen room window station train ship boat harbour lighthouse castle palace church "
    "market school hotel hospital prison farm field tree leaf rose apple orange lemon honey salt bread wine coffee "
    "paper ink word story tale ballad poem essay lesson guide notes chronicle diary confessions portrait study theory "
    "origin nature art science music murder crime trial mystery case spy detective judge captain pilot sailor nurse "
    "butcher baker widow orphan master servant clown magician wizard witch dragon giant angel devil god heaven hell "
    "paradise kingdom empire republic revolution rebellion return arrival departure exile escape fall rise end "
    "beginning middle edge heart bone skin eye run goes falls comes sings waits burns knows remember forget told said "
    "never always again after before without"
).split()
_SMALL = "of the and in for a to from with on at under or by is are as into against between".split()
_STARTS = "The The The The A A An My All Their Our His Her To On In Of How Why What Where When Who As No One If".split()
_HOUSES = (
    "Press;Books;Verlag;Publishing;House;& Sons;Editions;Classics;University Press;Brothers;& "
    "Co;Publishers;Publications;Editore;Éditions;and Company;Publishing House;Library;& "
    "Daughters;Academic;Media;Group;Inc;Ltd"
).split(";")
_SHAPES = [
    *("W", "W", "W", "W W", "W W", "The W", "The W", "The W W", "A W", "My W W", "W of W", "The W of W", "The W of W"),
    *(
        "The W of the W",
        "The W W of W",
        "W and W",
        "W and W",
        "The W and the W",
        "W in W",
        "A W in W",
        "The W in the W",
    ),
    *("W's W", "W's W W", "W's W in W", "The W's W", "To the W", "On W", "Of W and W", "W Without W", "W Before W"),
    *(
        "W W W",
        "W of the W",
        "The W Who W W",
        "How the W W",
        "No W for the W",
        "All the W W",
        "W from the W",
        "W for W",
    ),
]
_CAPITALS = "ABCDEFGHIJKLMNOPRSTUVW"


def invented(rng: Rng) -> str:
    """A surname, or the name of a place or a prize."""
    name = _syllables(rng, 1, 2) + (rng.choice(_ENDS) if rng.random() < 0.35 else "")
    if rng.random() < 0.12:
        name = rng.choice(_TITLE_WORDS)
    name = _capital(name)
    if rng.random() < 0.06:
        name = rng.choice(["Mc", "O'", "Le ", "de ", "van ", "von ", "Mac", "De ", "Van der ", "La ", "St. "]) + name
    return f"{name}-{invented(rng)}" if rng.random() < 0.04 else name


def person(rng: Rng) -> str:
    """A name with its first names or initials; seldom one word."""
    kind = rng.random()
    last = invented(rng)
    if kind < 0.02:
        return last
    if kind < 0.14:
        gap = rng.choice([" ", " ", ""])
        return f"{gap.join(f'{rng.choice(_CAPITALS)}.' for _ in range(rng.choice([1, 2, 2, 3])))} {last}"
    first = rng.choice(_FIRST) if rng.random() < 0.55 else _capital(_syllables(rng, 1, 2))
    if kind < 0.32:
        middle = f"{rng.choice(_CAPITALS)}." if rng.random() < 0.7 else rng.choice(_FIRST)
        first = f"{first} {middle}"
    if kind > 0.97:
        first = f"{first} {invented(rng)}"
    return f"{first} {last}"


def authors(rng: Rng) -> str:
    """One person, or several in one string."""
    kind = rng.random()
    if kind < 0.83:
        return person(rng)
    if kind < 0.97:
        return f"{person(rng)} {rng.choice(['and', 'and', 'and', '&'])} {person(rng)}"
    return f"{person(rng)}, {person(rng)} and {person(rng)}"


def title(rng: Rng) -> str:
    """What stands on a cover: one to seven words, seldom a number, a subtitle or a mark of punctuation."""
    kind = rng.random()
    if kind < 0.02:
        return person(rng)
    if kind < 0.75:
        words = [_title_word(rng) if word == "W" else word for word in rng.choice(_SHAPES).split()]
        return _marked(rng, " ".join(f"{invented(rng)}'s" if word == "W's" else word for word in words))
    words = [_title_word(rng) for _ in range(rng.choice([1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7]))]
    for at in range(1, len(words) - 1):
        if rng.random() < 0.4:
            words[at] = rng.choice(_SMALL)
    if len(words) > 1 and rng.random() < 0.4:
        words[0] = rng.choice(_STARTS)
    return _marked(rng, " ".join(words))


def _marked(rng: Rng, text: str) -> str:
    kind = rng.random()
    if kind < 0.04:
        return f"{text}: {rng.choice(['A', 'The', 'An'])} {_title_word(rng)} {rng.choice(_SMALL)} {_title_word(rng)}"
    if kind < 0.07:
        return text + rng.choice(["!", "?", " II", f" {rng.randint(2, 99)}", f"-{rng.randint(2, 99)}"])
    if kind < 0.09:
        return str(rng.randint(10, 3000))
    if kind < 0.11:
        return f"{rng.randint(2, 9999)} {text}"
    if kind < 0.118:
        return f"{text}, {_title_word(rng)} and {_title_word(rng)}"
    if kind < 0.13:
        return f"{rng.choice(['Mr', 'Mrs', 'Dr', 'Mr.', 'Mrs.', 'Dr.', 'St.'])} {invented(rng)}"
    return text


def publisher(rng: Rng) -> str:
    """A publishing house."""
    name, kind = invented(rng), rng.random()
    if kind < 0.42:
        return f"{name} {rng.choice(_HOUSES)}"
    if kind < 0.54:
        return f"{name} {rng.choice(['&', 'and'])} {invented(rng)}"
    if kind < 0.64:
        return f"{_capital(rng.choice(_TITLE_WORDS))} {rng.choice(_HOUSES)}"
    if kind < 0.66:
        return f"{name}, {invented(rng)} {rng.choice(['&', 'and'])} {invented(rng)}"
    return f"{name} {invented(rng)}" if kind < 0.74 else name


def word(rng: Rng) -> str:
    """A word in small letters, as may stand around the things that matter."""
    return rng.choice(_TITLE_WORDS) if rng.random() < 0.7 else _syllables(rng, 1, 3)


def _syllables(rng: Rng, low: int, high: int) -> str:
    parts = (rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(rng.randint(low, high)))
    return "".join(parts)


def _title_word(rng: Rng) -> str:
    return _capital(rng.choice(_TITLE_WORDS) if rng.random() < 0.68 else _syllables(rng, 1, 3))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
