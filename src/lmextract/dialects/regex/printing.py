r"""Writing a tree as a regular expression of an engine.

Two of the engines match a pattern against the *JSON text* of a string, in which a quote is `\"` and a newline `\n`;
there a set of characters becomes a set of what may stand bare and the escapes of the rest.  The third matches the
string itself.  Only what every version of an engine reads is written: classes, plain groups, `? * + {n,m}`; all but
letters and digits as a class or a code, never as an escape.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from lmextract.dialects.regex.charsets import LAST, CharSet, complement, holds, intersect, single, union
from lmextract.dialects.regex.tree import Alt, Anchor, Chars, Node, Repeat, Seq

__all__ = ["Style", "reachable", "written"]

_BARE = complement(union(((0, 31),), single('"'), single("\\"), single("\x7f")))
_SURROGATES: CharSet = ((0xD800, 0xDFFF),)
_UNNAMED: CharSet = ((0, 7), (11, 11), (14, 31), (127, 127))
_ESCAPES = {'"': '"', "\\": "\\", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ,:;=@%&!#~<>'/")
_PLAIN_MEMBERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _,:;=@%!#<>'/.()*+?$|{}")


@dataclass(frozen=True, slots=True)
class Style:
    """How an engine wants its regular expressions.

    `json_text`: it matches the JSON text, not the string.  `escapes`: a character that needs an escape there can be
    had; without, sets lose it.  `ranges`: ranges beyond ASCII cost nothing; without, a set holds all of them or none.
    `most_times`: the largest bound of a repetition.  `braces`: `{n,m}` may be used; without, it is written out.
    `codes`: a character beyond Latin-1 is written by its code; without, as itself.
    """

    json_text: bool
    escapes: bool = True
    ranges: bool = True
    most_times: int = 1900
    braces: bool = True
    codes: bool = True


def reachable(style: Style) -> CharSet:
    """The characters that a string of this style can hold.

    Of the control characters, those with a short escape: llguidance 1.9.1 lets a quote or a backslash into a set that
    holds another one of them, whether the set has it or not.
    """
    if not style.json_text:
        return complement(union(_SURROGATES, _UNNAMED))
    return union(_BARE, *map(single, _ESCAPES)) if style.escapes else _BARE


def written(node: Node, style: Style) -> str:
    """The regular expression of a tree of whole texts, with anchors around it; its characters must be reachable."""
    inner = _choice(node, style)
    return f"^({inner})$" if isinstance(node, Alt) else f"^{inner}$"


def _choice(node: Node, style: Style) -> str:
    if isinstance(node, Alt):
        return "|".join(_series(option, style) for option in node.options)
    return _series(node, style)


def _series(node: Node, style: Style) -> str:
    if isinstance(node, Seq):
        return "".join(_piece(part, style) for part in node.parts)
    return _piece(node, style)


def _piece(node: Node, style: Style) -> str:
    """Something that a quantifier may follow, or that stands for itself."""
    match node:
        case Chars(chars):
            return _set(chars, style)
        case Repeat(body, low, high):
            inner = _set(body.set, style) if isinstance(body, Chars) else f"({_choice(body, style)})"
            return inner + _times(low, high, style) if style.braces else _written_out(inner, low, high)
        case Anchor():
            return ""
        case _:
            return f"({_choice(node, style)})"


def _written_out(inner: str, low: int, high: int | None) -> str:
    """A repetition without braces; each optional turn inside the one before it, so that there is one way to read it."""
    if high is None:
        return inner * (low - 1) + inner + "+" if low else inner + "*"
    optional = high - low
    return inner * low + f"({inner}" * (optional - 1) + (f"{inner}?" if optional else "") + ")?" * (optional - 1)


def _times(low: int, high: int | None, style: Style) -> str:
    if high is not None and high > style.most_times:
        high = None
    low = min(low, style.most_times)
    match low, high:
        case 0, None:
            return "*"
        case 1, None:
            return "+"
        case 0, 1:
            return "?"
        case _:
            return f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"


@lru_cache(maxsize=4096)
def _set(chars: CharSet, style: Style) -> str:
    if not style.json_text:
        return _class(chars, style)
    bare = _class(intersect(chars, _BARE), style)
    escaped = "".join(sign for char, sign in _ESCAPES.items() if style.escapes and holds(chars, single(char)))
    if not escaped:
        return bare
    sign = _class(union(*map(single, escaped)), style)
    return f"({bare}|[\\\\]{sign})" if bare else f"([\\\\]{sign})"


def _class(chars: CharSet, style: Style) -> str:
    """A class; negated where the set goes on to the last character there is."""
    if not chars:
        return ""
    if len(chars) == 1 and chars[0][0] == chars[0][1] and chr(chars[0][0]) in _PLAIN:
        return chr(chars[0][0])
    if chars[-1][1] == LAST:
        left = complement(union(chars, _SURROGATES))
        return f"[^{_members(left, style)}]" if left else "[^\\x00]"
    kept = intersect(chars, complement(_SURROGATES) if style.ranges else ((0, 0x2FF),))
    return f"[{_members(kept, style)}]"


def _members(chars: CharSet, style: Style) -> str:
    return "".join(
        _char(low, style) if low == high else f"{_char(low, style)}-{_char(high, style)}" for low, high in chars
    )


def _char(code: int, style: Style) -> str:
    if chr(code) in _PLAIN_MEMBERS:
        return chr(code)
    if code < 0x100:
        return f"\\x{code:02X}"
    if not style.codes:
        return chr(code)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
