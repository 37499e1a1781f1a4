"""Which draft of JSON Schema a schema speaks, and what that changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ANNOTATIONS", "Draft", "draft_of"]

ANNOTATIONS = frozenset(
    (
        "$schema $id id $anchor $dynamicAnchor $recursiveAnchor $vocabulary $comment $defs definitions title"
        " description default examples example deprecated readOnly writeOnly"
        " contentEncoding contentMediaType contentSchema"
    ).split()
)
"""Keywords that forbid no value."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What differs from draft 2020-12.

    `bare_refs`: `$ref` hides the keywords beside it.  `ignored`: assertions of other drafts, which mean nothing here.
    """

    name: str
    bare_refs: bool = False
    ignored: frozenset[str] = frozenset()
    id_keyword: str = "$id"


_NEWER = frozenset(
    {"dependentRequired", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems", "prefixItems"}
)
_SIXTH = frozenset({"const", "contains", "propertyNames"})
_SEVENTH = frozenset({"if", "then", "else"})
_DYNAMIC = frozenset({"$dynamicRef", "$recursiveRef"})
_THIRD = frozenset({"extends", "disallow", "divisibleBy"})

_LATEST = Draft("2020-12", ignored=_THIRD | {"dependencies", "additionalItems", "$recursiveRef"})
_DRAFTS: Mapping[str, Draft] = {
    "http://json-schema.org/draft-03/schema": Draft(
        "3", True, _NEWER | _SIXTH | _SEVENTH | _DYNAMIC | {"allOf", "anyOf", "oneOf", "not", "multipleOf"}, "id"
    ),
    "http://json-schema.org/draft-04/schema": Draft("4", True, _THIRD | _NEWER | _SIXTH | _SEVENTH | _DYNAMIC, "id"),
    "http://json-schema.org/draft-06/schema": Draft("6", True, _THIRD | _NEWER | _SEVENTH | _DYNAMIC),
    "http://json-schema.org/draft-07/schema": Draft("7", True, _THIRD | _NEWER | _DYNAMIC),
    "https://json-schema.org/draft/2019-09/schema": Draft(
        "2019-09", ignored=_THIRD | {"dependencies", "prefixItems", "$dynamicRef"}
    ),
    "https://json-schema.org/draft/2020-12/schema": _LATEST,
}


def draft_of(schema: Mapping[str, Any]) -> Draft:
    """The draft that `$schema` names, as jsonschema chooses it; 2020-12 for any other name and for none."""
    name = schema.get("$schema")
    return _DRAFTS.get(name.removesuffix("#"), _LATEST) if isinstance(name, str) else _LATEST
