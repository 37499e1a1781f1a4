"""Other readings of a JSON value that does not fit: the same information, in the form that the target declares.

Each is tried only where the check found a problem, and kept only if the whole then fits; each is a note.  Nothing is
made up: a value is respelled, unpacked, or left out where it said null and the field may be absent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lmextract._plain import plain_json
from lmextract.tolerant import Choice
from lmextract.types import Invalid, Json, Note, Path, Problem, Valid, is_array, is_object

__all__ = ["Fitted", "fitted", "replaced"]

_ROUNDS = 3
_MOST_PROBLEMS = 40
_GROUPED = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,300})(?:\.\d+)?(?:[eE][-+]?\d+)?\Z")
_ABSENT: Json = object()

Check = Callable[[Json], "Valid[Any] | Invalid"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A value that fits, after all."""

    value: Json
    checked: Valid[Any]
    notes: tuple[Note, ...]


def fitted(
    value: Json, refused: Invalid, choices: Sequence[Choice], check: Check, keys: frozenset[str]
) -> Fitted | None:
    """The value in the form that the check accepts, if there is one; `keys` are the names that the target knows."""
    return _respelled(value, refused, choices, check) or _unwrapped(value, check, keys)


def _respelled(value: Json, refused: Invalid, choices: Sequence[Choice], check: Check) -> Fitted | None:
    others = {choice.path: choice.others for choice in choices}
    notes: tuple[Note, ...] = ()
    for _ in range(_ROUNDS):
        changes = list(_changes(value, refused.problems[:_MOST_PROBLEMS], others))
        if not changes or len(refused.problems) > _MOST_PROBLEMS:
            return None
        for path, new, note in changes:
            value = replaced(value, path, new)
            notes = (*notes, note)
        checked = check(value)
        if isinstance(checked, Valid):
            return Fitted(value, checked, notes)
        refused = checked
    return None


def _changes(
    value: Json, problems: Sequence[Problem], others: Mapping[Path, tuple[Json, ...]]
) -> Iterator[tuple[Path, Json, Note]]:
    seen: set[Path] = set()
    for problem in problems:
        path = problem.path
        found, held = _at(value, path)
        if not found or path in seen:
            continue
        seen.add(path)
        change = next(iter([*others.get(path, ()), *_spellings(held, path)]), held)
        if change is not held:
            yield path, change, _note(path, held, change)


def _note(path: Path, held: Json, change: Json) -> Note:
    if change is _ABSENT:
        return Note("normalised", "null was read as absent", path)
    if isinstance(held, str) and isinstance(change, dict | list):
        return Note("double-encoded", "the JSON stood inside a JSON string", path)
    return Note("normalised", f"{_shown(held)} was read as {_shown(change)}", path)


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _spellings(held: Json, path: Path) -> Iterator[Json]:
    """Other forms of the same information, likeliest first."""
    match held:
        case None if path and isinstance(path[-1], str):
            yield _ABSENT
        case bool():
            return
        case float() if not math.isfinite(held):
            yield None
        case int():
            yield str(held)
        case str():
            yield from _meanings(held)
        case _:
            return


def _meanings(text: str) -> Iterator[Json]:
    bare = text.strip()
    if bare[:1] in "{[" and bare[-1:] in "}]" and bare:
        try:
            yield plain_json(bare)
        except (ValueError, RecursionError):
            return
    elif bare.lower() in ("true", "false"):
        yield bare.lower() == "true"
    elif bare.lower() in ("null", "none"):
        yield None
    elif _GROUPED.match(bare) or _NUMBER.match(bare):
        plain = bare.replace(",", "")
        yield float(plain) if set(plain) & set(".eE") else int(plain)


def _at(value: Json, path: Path) -> tuple[bool, Json]:
    for step in path:
        if not _has(value, step):
            return False, None
        value = value[step]
    return True, value


def _has(value: Json, step: str | int) -> bool:
    if isinstance(step, str):
        return is_object(value) and step in value
    return is_array(value) and 0 <= step < len(value)


def replaced(value: Json, path: Path, new: Json) -> Json:
    """The value with one place changed; `_ABSENT` takes it out."""
    if not path:
        return new
    step, rest = path[0], Path(*path[1:])
    if not _has(value, step):
        return value
    copy = value.copy()
    if not rest and new is _ABSENT:
        del copy[step]
    else:
        copy[step] = replaced(value[step], rest, new)
    return copy


def _unwrapped(value: Json, check: Check, keys: frozenset[str]) -> Fitted | None:
    """The one part of a value that is the answer: what an envelope of foreign names holds, or a list's only item."""
    parts = [(where, part) for where, part in _parts(value, keys) if _is_known(part, keys)]
    if len(parts) != 1:
        return None
    where, part = parts[0]
    checked = check(part)
    note = Note("unwrapped", f"the answer stood in {where}")
    return Fitted(part, checked, (note,)) if isinstance(checked, Valid) else None


def _parts(value: Json, keys: frozenset[str]) -> Iterator[tuple[str, Json]]:
    if is_array(value) and len(value) == 1:
        yield "a list", value[0]
    elif is_object(value) and (_is_call(value) or not keys & value.keys()):
        for key, part in list(value.items())[:8]:
            inner = next(_meanings(part), part) if isinstance(part, str) else part
            if isinstance(inner, dict | list):
                yield f"a field {key!r}", inner


def _is_call(value: Mapping[str, Json]) -> bool:
    return set(value) in ({"name", "arguments"}, {"name", "parameters"})


def _is_known(part: Json, keys: frozenset[str]) -> bool:
    """Whether a part has the target's names, or could not have any."""
    if is_array(part) and part:
        part = part[0]
    return bool(keys & part.keys()) if is_object(part) else not keys
