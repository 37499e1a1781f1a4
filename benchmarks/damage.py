"""Eighteen ways in which models damage JSON, each a seeded function from a JSON value to a text that means the same.

A damage returns None where the value offers no place for it.  None of them loses information for a human reader; the
last table, `HOPELESS`, does, and its texts must be refused.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable
from typing import Any

Damage = Callable[[Any, random.Random], str | None]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+|\s+')


def spelled(value: Any, rng: random.Random) -> str:
    """The value as JSON, in one of the layouts that models use."""
    layout = rng.choice(({}, {"indent": 2}, {"separators": (",", ":")}))
    return json.dumps(value, ensure_ascii=rng.random() < 0.3, **layout)


def tokens(text: str) -> list[str]:
    """The tokens of a JSON text, blanks included."""
    return _TOKEN.findall(text)


def _keys(parts: list[str]) -> list[int]:
    """Where in a list of tokens the keys are."""
    solid = [(at, part) for at, part in enumerate(parts) if not part.isspace()]
    return [at for (at, part), (_, after) in itertools.pairwise(solid) if part[0] == '"' and after == ":"]


def _strings(parts: list[str]) -> list[int]:
    keys = set(_keys(parts))
    return [at for at, part in enumerate(parts) if part[0] == '"' and at not in keys]


def _some(places: list[int], rng: random.Random) -> list[int]:
    """One place, or all of them, or some."""
    share = rng.choice((0.0, 0.5, 1.0))
    return [at for at in places if rng.random() < share] or [rng.choice(places)]


def fenced(value: Any, rng: random.Random) -> str | None:
    """Put it into a code fence."""
    return f"```{rng.choice(('json', '', 'JSON'))}\n{spelled(value, rng)}\n```"


def in_prose(value: Any, rng: random.Random) -> str | None:
    """Write a sentence before and after."""
    before = rng.choice(
        ("Here is the JSON you asked for:", "Sure! The result:", "Based on the text [1], the answer is")
    )
    after = rng.choice(
        ("Let me know if you need more.", "Note: I left out what the text does not say.", "Hope {this} helps!")
    )
    return f"{before}\n\n{spelled(value, rng)}\n\n{after}"


def drafted(value: Any, rng: random.Random) -> str | None:
    """Think first, with a draft of the answer in the thinking."""
    draft = json.dumps(_other(value))
    opener = rng.choice(("<think>\n", "", "<thinking>"))
    closer = "</thinking>" if opener == "<thinking>" else "</think>"
    return f"{opener}Let me see {{a, b}}. First try: {draft} - no, wrong.\n{closer}\n\n{spelled(value, rng)}"


def _other(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _other(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_other(held) for held in value[:1]]
    return value + "?" if isinstance(value, str) else value


def trailing_commas(value: Any, rng: random.Random) -> str | None:
    """End objects and arrays with a comma."""
    parts = tokens(spelled(value, rng))
    places = [at for at, part in enumerate(parts) if part in "}]" and _before(parts, at) not in "{["]
    for at in _some(places, rng) if places else ():
        parts[at] = "," + parts[at]
    return "".join(parts) if places else None


def _before(parts: list[str], at: int) -> str:
    return next(part for part in reversed(parts[:at]) if not part.isspace())


def single_quotes(value: Any, rng: random.Random) -> str | None:
    """Quote strings with apostrophes, escaping those inside, or not."""
    parts = tokens(spelled(value, rng))
    escape = rng.random() < 0.5
    places = [at for at, part in enumerate(parts) if part[0] == '"']
    for at in places:
        body = parts[at][1:-1].replace('\\"', '"')
        parts[at] = "'" + (body.replace("'", "\\'") if escape else body) + "'"
    return "".join(parts) if places else None


def smart_quotes(value: Any, rng: random.Random) -> str | None:
    """Quote strings as a word processor does."""
    parts = tokens(spelled(value, rng))
    places = [at for at, part in enumerate(parts) if part[0] == '"']
    for at in places:
        parts[at] = "“" + parts[at][1:-1] + "”"
    return "".join(parts) if places else None


def unquoted_keys(value: Any, rng: random.Random) -> str | None:
    """Leave the quotes of keys away where they are names."""
    parts = tokens(spelled(value, rng))
    places = [at for at in _keys(parts) if re.fullmatch(r'"[A-Za-z_$][\w$.-]*"', parts[at])]
    for at in _some(places, rng) if places else ():
        parts[at] = parts[at][1:-1]
    return "".join(parts) if places else None


def comments(value: Any, rng: random.Random) -> str | None:
    """Explain lines or values in comments."""
    words = ("from the text", "as stated, on page 2", "not given: assumed", "see {above}")
    if rng.random() < 0.5:
        parts = tokens(spelled(value, rng))
        places = [at for at, part in enumerate(parts) if part in ",:{["]
        for at in _some(places, rng) if places else ():
            parts[at] += f" /* {rng.choice(words)} */ "
        return "".join(parts) if places else None
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    sign = rng.choice(("//", "#"))
    for at in _some(list(range(len(lines))), rng):
        lines[at] += f"  {sign} {rng.choice(words)}"
    return "\n".join(lines)


def python_literals(value: Any, rng: random.Random) -> str | None:
    """Write Python instead of JSON: all of it, or the literals only."""
    if rng.random() < 0.5:
        return repr(value)
    names = {"true": "True", "false": "False", "null": "None"}
    parts = tokens(spelled(value, rng))
    return "".join(names.get(part, part) for part in parts) if set(parts) & set(names) else None


def missing_colon(value: Any, rng: random.Random) -> str | None:
    """Forget colons after keys."""
    return _forgotten(value, rng, ":")


def missing_comma(value: Any, rng: random.Random) -> str | None:
    """Forget commas between fields and items."""
    return _forgotten(value, rng, ",")


def _forgotten(value: Any, rng: random.Random, sign: str) -> str | None:
    parts = tokens(spelled(value, rng))
    places = [at for at, part in enumerate(parts) if part == sign]
    for at in _some(places, rng) if places else ():
        glued = parts[at - 1][-1] not in '"]}' and parts[at + 1][:1] not in '"[{ \n'
        parts[at] = " " if glued else ""
    return "".join(parts) if places else None


def raw_characters(value: Any, rng: random.Random) -> str | None:
    """Write line breaks and tabs in strings as they are."""
    parts = tokens(spelled(value, rng))
    for at in _strings(parts):
        parts[at] = re.sub(
            r"(?<!\\)((?:\\\\)*)\\([nt])", lambda found: found[1] + {"n": "\n", "t": "\t"}[found[2]], parts[at]
        )
    return "".join(parts) if any(ord(char) < 32 for at in _strings(parts) for char in parts[at]) else None


def byte_order_mark(value: Any, rng: random.Random) -> str | None:
    """Begin with a byte-order mark."""
    return "\ufeff" + spelled(value, rng)


def double_encoded(value: Any, rng: random.Random) -> str | None:
    """Write the JSON as a JSON string, or with its quotes escaped."""
    if not isinstance(value, dict | list):
        return None
    text = json.dumps(spelled(value, rng), ensure_ascii=False)
    return text if rng.random() < 0.5 else text[1:-1]


def duplicate_keys(value: Any, rng: random.Random) -> str | None:
    """Say the same field twice."""
    if not isinstance(value, dict) or not value:
        return None
    fields = [f"{json.dumps(key)}: {json.dumps(held)}" for key, held in value.items()]
    fields.insert(rng.randrange(len(fields) + 1), rng.choice(fields))
    return "{" + ", ".join(fields) + "}"


def bare_quotes(value: Any, rng: random.Random) -> str | None:
    """Quote words within a string without escaping the quotes."""
    parts = tokens(spelled(value, rng))
    places = [at for at in _strings(parts) if '\\"' in parts[at]]
    for at in places:
        parts[at] = '"' + re.sub(r'(?<!\\)((?:\\\\)*)\\"', r'\1"', parts[at][1:-1]) + '"'
    return "".join(parts) if places else None


def inner_brackets(value: Any, rng: random.Random) -> str | None:
    """Forget the bracket of an array or object inside, where the next field shows that it ended."""
    parts = tokens(json.dumps(value))
    places = [
        at
        for at in range(1, len(parts) - 2)
        if parts[at] == "]" and parts[at + 1 : at + 2] == [","] and _in_object(parts, at)
    ]
    if not places:
        return None
    del parts[rng.choice(places)]
    return "".join(parts)


def _in_object(parts: list[str], at: int) -> bool:
    """Whether a key comes after this bracket, and its array held no objects that could own that key."""
    depth, start = 1, at
    while depth:
        start -= 1
        depth += (parts[start] in "]}") - (parts[start] in "[{")
    following = [part for part in parts[at + 1 :] if not part.isspace()]
    return following[2:3] == [":"] and "{" not in parts[start:at]


def doubled_braces(value: Any, rng: random.Random) -> str | None:
    """Double every brace, as templates want it."""
    parts = tokens(spelled(value, rng))
    return "".join(part * 2 if part in "{}" else part for part in parts) if "{" in parts else None


DAMAGES: dict[str, Damage] = {
    made.__name__: made
    for made in (
        fenced, in_prose, drafted, trailing_commas, single_quotes, smart_quotes, unquoted_keys, comments,
        python_literals, missing_colon, missing_comma, raw_characters, byte_order_mark, double_encoded,
        duplicate_keys, bare_quotes, inner_brackets, doubled_braces,
    )
}  # fmt: skip


def missing_quote(value: Any, rng: random.Random) -> str | None:
    """Forget one quote of a key or a string."""
    parts = tokens(spelled(value, rng))
    places = [at for at, part in enumerate(parts) if part[0] == '"' and len(part) > 3]
    if not places:
        return None
    at = rng.choice(places)
    parts[at] = parts[at][1:] if rng.random() < 0.5 else parts[at][:-1]
    return "".join(parts)


def wrong_bracket(value: Any, rng: random.Random) -> str | None:
    """Close an object as an array, or the other way round."""
    parts = tokens(spelled(value, rng))
    places = [at for at, part in enumerate(parts[:-1]) if part in "}]"]
    if not places:
        return None
    at = rng.choice(places)
    parts[at] = "]" if parts[at] == "}" else "}"
    return "".join(parts)


def other_signs(value: Any, rng: random.Random) -> str | None:
    """Write other signs for colons or commas, or one comma too many."""
    old, new = rng.choice(((":", " ="), (":", " =>"), (",", ";"), (",", ",,")))
    parts = tokens(spelled(value, rng))
    return "".join(new if part == old else part for part in parts) if old in parts else None


def assigned(value: Any, rng: random.Random) -> str | None:
    """Write a line of a program."""
    if not isinstance(value, dict | list):
        return None
    return f"result = {value!r}" if rng.random() < 0.5 else f"const result = {json.dumps(value, indent=2)};"


def _with_lines(text: str, rng: random.Random) -> str:
    return text.replace(" ", rng.choice(("\n", "\n  ", "\t", "\n\n")), 1) if " " in text else text + "\nsee below"


def _with_quotes(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    at = rng.randrange(len(words))
    words[at] = f'"{words[at]}"'
    return " ".join(words) if len(words) > 1 else f'{text} ("{text[:3]}")'


SEASONINGS: dict[str, Callable[[str, random.Random], str]] = {
    "raw_characters": _with_lines,
    "bare_quotes": _with_quotes,
}
"""What strings must hold for a damage to find a place."""


def seasoned(value: Any, kind: str, rng: random.Random) -> Any:
    """The value with its strings changed so that a damage of this kind finds a place."""
    season = SEASONINGS.get(kind)
    return _seasoned(value, season, rng) if season else value


def _seasoned(value: Any, season: Callable[[str, random.Random], str], rng: random.Random) -> Any:
    if isinstance(value, dict):
        return {key: _seasoned(held, season, rng) for key, held in value.items()}
    if isinstance(value, list):
        return [_seasoned(held, season, rng) for held in value]
    return season(value, rng) if isinstance(value, str) and len(value) > 3 and rng.random() < 0.7 else value


FURTHER: dict[str, Damage] = {made.__name__: made for made in (missing_quote, wrong_bracket, other_signs, assigned)}
"""Rarer kinds, which are not part of the figure."""


def cut(value: Any, rng: random.Random) -> str | None:
    """End early, anywhere."""
    text = spelled(value, rng)
    return text[: rng.randrange(1, len(text))] if isinstance(value, dict | list) else None


def contradicted(value: Any, rng: random.Random) -> str | None:
    """Say a field twice, differently."""
    places = [key for key, held in value.items() if isinstance(held, str) and held] if isinstance(value, dict) else []
    if not places:
        return None
    key = rng.choice(places)
    return json.dumps({**value, key: value[key] + "?"})[:-1] + f", {json.dumps(key)}: {json.dumps(value[key])}}}"


def elided(value: Any, rng: random.Random) -> str | None:
    """Leave items out, with dots in their place."""
    text = json.dumps(value)
    return text[:-1] + rng.choice((", ...]", ", …]")) if isinstance(value, list) and value else None


HOPELESS: dict[str, Damage] = {made.__name__: made for made in (cut, contradicted, elided)}
