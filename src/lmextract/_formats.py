"""The formats that jsonschema leaves unchecked unless further packages are there, checked by their grammars.

jsonschema's own extra for them is either GPL (`format`) or costs a second of import (`format-nongpl`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

__all__ = ["FORMATS"]

_HEX = "%[0-9A-Fa-f]{2}"
_NAME = r"A-Za-z0-9\-._~!$&'()*+,;="
_BEYOND_ASCII = "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd"
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|[+-](\d\d):(\d\d))", re.IGNORECASE | re.ASCII)
_NUMBER = r"\d+(?:[.,]\d+)?"
_DURATION = re.compile(
    rf"P(?!$)(?:{_NUMBER}W|(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}D)?"
    rf"(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?)",
    re.ASCII,
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{1,253}}\.?$){_LABEL}(?:\.{_LABEL})*\.?")
_POINTER = r"(?:/(?:[^~/]|~[01])*)*"
_VARIABLE = rf"(?:\w|{_HEX})(?:\.?(?:\w|{_HEX}))*(?:\*|:[1-9]\d{{0,3}})?"
_TEMPLATE = re.compile(
    rf"(?:[^\x00-\x20\"'%<>\\^`{{|}}]|{_HEX}|\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}})*", re.ASCII
)


def _references(more: str, private: str = "") -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The grammars of RFC 3986 (of RFC 3987 with `more` characters): an absolute reference, and a relative one."""
    name = rf"(?:[{_NAME}{more}]|{_HEX})"
    character = rf"(?:[{_NAME}{more}:@]|{_HEX})"
    authority = (
        rf"(?:(?:[{_NAME}{more}:]|{_HEX})*@)?(?:\[[0-9A-Fa-f:.]+\]|\[v[0-9A-Fa-f]+\.[{_NAME}:]+\]|{name}*)(?::\d*)?"
    )
    rest = rf"(?:/{character}*)*"
    tail = rf"(?:\?(?:[{_NAME}{more}{private}:@/?]|{_HEX})*)?(?:\#(?:[{_NAME}{more}:@/?]|{_HEX})*)?"
    rooted = rf"//{authority}{rest}|/(?:{character}+{rest})?"
    absolute = rf"[A-Za-z][A-Za-z0-9+.\-]*:(?:{rooted}|{character}+{rest}|){tail}"
    no_colon = rf"(?:[{_NAME}{more}@]|{_HEX})+"
    relative = rf"(?:{rooted}|{no_colon}{rest}|){tail}"
    return re.compile(absolute, re.ASCII), re.compile(relative, re.ASCII)


_URI, _RELATIVE_URI = _references("")
_IRI, _RELATIVE_IRI = _references(_BEYOND_ASCII, "\ue000-\uf8ff")


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if not found:
        return False
    hours, minutes, seconds, zone_hours, zone_minutes = (int(part or 0) for part in found.groups())
    leap = (hours, minutes, seconds) == (23, 59, 60)
    return hours < 24 and minutes < 60 and (seconds < 60 or leap) and zone_hours < 24 and zone_minutes < 60


def _is_date_time(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt].+", text, re.ASCII):
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return _is_time(text[11:])


def _matches(*patterns: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: any(pattern.fullmatch(text) for pattern in patterns)


def _of_strings(check: Callable[[str], bool]) -> Callable[[Any], bool]:
    """A format says nothing of what is no string."""
    return lambda value: not isinstance(value, str) or check(value)


FORMATS: Mapping[str, Callable[[Any], bool]] = {
    name: _of_strings(check)
    for name, check in {
        "date-time": _is_date_time,
        "time": _is_time,
        "duration": _matches(_DURATION),
        "uri": _matches(_URI),
        "uri-reference": _matches(_URI, _RELATIVE_URI),
        "iri": _matches(_IRI),
        "iri-reference": _matches(_IRI, _RELATIVE_IRI),
        "hostname": _matches(_HOSTNAME),
        "uri-template": _matches(_TEMPLATE),
        "json-pointer": _matches(re.compile(_POINTER)),
        "relative-json-pointer": _matches(re.compile(rf"(?:0|[1-9][0-9]*)(?:#|{_POINTER})")),
    }.items()
}
"""Checks by format name; each is true for what is no string."""
