"""What `format` means, as patterns.

`exact`: a string with this pattern is valid for every checker of the format that is around (the optional ones of
jsonschema, and those of pydantic); otherwise the pattern is a help, and the format is checked after the reply.  Names
that are not in the table are annotations: no validator looks at them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["FORMATS", "TYPED_FORMATS", "Format"]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: a pattern that its strings have, and whether that is all."""

    pattern: str | None
    exact: bool = False


_LEAP = "(?:0[48]|[2468][048]|[13579][26])"
_YEAR = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
_LEAP_YEAR = f"(?:[0-9]{{2}}{_LEAP}|{_LEAP}00)"
_DATE = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)"
)
_MINUTES = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_CLOCK = rf"{_MINUTES}:[0-5][0-9](?:\.[0-9]{{1,9}})?"
_MICROS = rf"{_MINUTES}:[0-5][0-9](?:\.[0-9]{{1,6}})?"
_ZONE = "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"(?:{_BYTE}\.){{3}}{_BYTE}"
_HEX4 = "[0-9A-Fa-f]{1,4}"
_LAST32 = f"(?:{_HEX4}:{_HEX4}|{_IPV4})"
_IPV6 = (
    "(?:"
    + "|".join(
        (
            f"(?:{_HEX4}:){{6}}{_LAST32}",
            f"::(?:{_HEX4}:){{5}}{_LAST32}",
            f"(?:{_HEX4})?::(?:{_HEX4}:){{4}}{_LAST32}",
            *(f"(?:(?:{_HEX4}:){{0,{n}}}{_HEX4})?::(?:{_HEX4}:){{{4 - n}}}{_LAST32}" for n in (1, 2, 3)),
            f"(?:(?:{_HEX4}:){{0,4}}{_HEX4})?::{_LAST32}",
            f"(?:(?:{_HEX4}:){{0,5}}{_HEX4})?::{_HEX4}",
            f"(?:(?:{_HEX4}:){{0,6}}{_HEX4})?::",
        )
    )
    + ")"
)

_ESCAPED = "%[0-9A-Fa-f]{2}"
_UNRESERVED = r"a-zA-Z0-9_.~\-!$&'()*+,;="
_SEGMENT = f"(?:[{_UNRESERVED}:@]|{_ESCAPED})"
_AUTHORITY = (
    f"(?:(?:[{_UNRESERVED}:]|{_ESCAPED})*@)?"
    rf"(?:\[(?:{_IPV6}|v[0-9A-Fa-f]+\.[{_UNRESERVED}:]+)\]|(?:[{_UNRESERVED}]|{_ESCAPED})*)(?::[0-9]*)?"
)
_TAIL = rf"(?:\?(?:[{_UNRESERVED}:@/?]|{_ESCAPED})*)?(?:#(?:[{_UNRESERVED}:@/?]|{_ESCAPED})*)?"
_HIERARCHY = f"//{_AUTHORITY}(?:/{_SEGMENT}*)*|/(?:{_SEGMENT}+(?:/{_SEGMENT}*)*)?"
_URI = f"[a-zA-Z][a-zA-Z0-9+.-]*:(?:{_HIERARCHY}|{_SEGMENT}+(?:/{_SEGMENT}*)*)?{_TAIL}"
_RELATIVE = f"(?:{_HIERARCHY}|(?:[{_UNRESERVED}@]|{_ESCAPED})+(?:/{_SEGMENT}*)*)?{_TAIL}"

_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = r"[^\s@]+@[^\s@]+"


def _duration(count: str, seconds: str) -> str:
    days = f"(?:{count}Y(?:{count}M)?(?:{count}D)?|{count}M(?:{count}D)?|{count}D)"
    times = f"T(?:{count}H(?:{count}M)?(?:{seconds}S)?|{count}M(?:{seconds}S)?|{seconds}S)"
    return f"P(?:{days}(?:{times})?|{times}|{count}W)"


_INTEGER, _DECIMAL = "[0-9]+", "[0-9]+(?:[.][0-9]+)?"
_POINTER = "(?:/(?:[^~/]|~[01])*)*"


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


FORMATS: Mapping[str, Format] = {
    "date": Format(_whole(_DATE), exact=True),
    "time": Format(_whole(_CLOCK + _ZONE), exact=True),
    "date-time": Format(_whole(f"{_DATE}[Tt]{_CLOCK}{_ZONE}"), exact=True),
    "duration": Format(_whole(_duration(_DECIMAL, _DECIMAL)), exact=True),
    "email": Format(_whole(_EMAIL), exact=True),
    "idn-email": Format(_whole(_EMAIL), exact=True),
    "hostname": Format(_whole(rf"(?:{_LABEL}\.)*{_LABEL}\.?")),
    "idn-hostname": Format(None),
    "ipv4": Format(_whole(_IPV4), exact=True),
    "ipv6": Format(_whole(_IPV6), exact=True),
    "uri": Format(_whole(_URI), exact=True),
    "uri-reference": Format(_whole(f"{_URI}|{_RELATIVE}"), exact=True),
    "iri": Format(r"^[a-zA-Z][a-zA-Z0-9+.-]*:\S*$"),
    "iri-reference": Format(r"^\S*$"),
    "uri-template": Format(None),
    "uuid": Format(_whole("[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"), exact=True),
    "json-pointer": Format(_whole(_POINTER), exact=True),
    "relative-json-pointer": Format(_whole(f"(?:0|[1-9][0-9]*)(?:#|{_POINTER})")),
    "regex": Format(None),
}
"""For schemas that jsonschema checks, each by the library that checks it there."""

TYPED_FORMATS: Mapping[str, Format] = {
    **FORMATS,
    # pydantic takes a time without a zone and writes one so; a forced zone would be an invented one
    "time": Format(_whole(f"{_MICROS}{_ZONE}?"), exact=True),
    "date-time": Format(_whole(f"{_DATE}[Tt ]{_MICROS}{_ZONE}?"), exact=True),
    "duration": Format(_whole(f"-?{_duration(_INTEGER, _DECIMAL)}")),
    "email": Format(_whole(_EMAIL)),
    "uri": Format(r"^[a-zA-Z][a-zA-Z0-9+.-]*:\S+$"),
    "ipvanyaddress": Format(_whole(f"{_IPV4}|{_IPV6}"), exact=True),
    "base64url": Format("^[A-Za-z0-9_=-]*$"),
    "base64": Format("^[A-Za-z0-9+/=]*$"),
}
"""For Python types, which pydantic checks: wider where it is more liberal."""
