"""What a schema node is at a glance, by its own keywords."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from lmextract.notation._limits import literal
from lmextract.notation._refs import REF_KEYWORDS, parts
from lmextract.notation._values import Node, is_node, items
from lmextract.types import Json

__all__ = [
    "KINDS",
    "RESERVED",
    "declared_kinds",
    "default_words",
    "implied_kinds",
    "is_compound",
    "is_plain_object",
    "is_value",
    "last_step",
    "name_for",
    "values_of",
]

KINDS = ("string", "integer", "number", "boolean", "array", "object", "null")
RESERVED = frozenset((*KINDS, "any", "never", "not", "if", "then", "else", "type", "contains", "enum", "one", "of"))

_IMPLIED = {
    "string": ("minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "array": ("items", "prefixItems", "additionalItems", "unevaluatedItems", "minItems", "maxItems", "uniqueItems"),
    "object": (
        *("properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "required"),
        *("minProperties", "maxProperties", "propertyNames", "dependentRequired", "dependencies"),
    ),
}
_ANNOTATIONS = frozenset(
    ("$schema", "$id", "id", "$comment", "$defs", "definitions", "title", "description", "default", "examples")
)
_PLAIN_OBJECT = _ANNOTATIONS | {"type", "properties", "required", "additionalProperties"}
_PLAIN_VALUE = _ANNOTATIONS | {"enum", "const", "type"}


def declared_kinds(node: Mapping[str, Any]) -> list[str]:
    """The kinds that `type` names, null last."""
    named = node.get("type")
    kinds = [kind for kind in ([named] if isinstance(named, str) else items(named)) if isinstance(kind, str)]
    return [kind for kind in dict.fromkeys(kinds) if kind != "null"] + ["null"] * ("null" in kinds)


def implied_kinds(node: Mapping[str, Any]) -> list[str]:
    """The kinds that the keywords speak of."""
    return [kind for kind, words in _IMPLIED.items() if any(word in node for word in words)]


def values_of(node: Mapping[str, Any]) -> list[Json]:
    """The values that `enum` or `const` allow."""
    return items(node.get("enum")) or ([node["const"]] if "const" in node else [])


def is_value(node: Node) -> bool:
    """Whether the node lists values and says nothing else."""
    return is_node(node) and bool(values_of(node)) and set(node) <= _PLAIN_VALUE


def is_compound(node: Mapping[str, Any]) -> bool:
    """Whether there are schemas in it or behind it."""
    return any(True for _ in parts(node)) or any(word in node for word in REF_KEYWORDS)


def is_plain_object(node: Mapping[str, Any]) -> bool:
    """Whether the node lists fields and says nothing else."""
    fit = node.get("type", "object") == "object" and is_node(node.get("properties", {}))
    return fit and set(node) <= _PLAIN_OBJECT and not is_node(node.get("additionalProperties"))


def default_words(node: Node) -> str:
    """What to write where nothing is said, if that is a plain value and not the only one anyway."""
    value = node.get("default") if is_node(node) else None
    plain = isinstance(value, (str, int, float)) and value != "" and len(values_of(node)) != 1
    return f"default {literal(value)}" if plain else ""


def name_for(hint: str) -> str:
    """A type's name made from what it goes by in the schema."""
    name = re.sub(r"\W+", "_", hint).strip("_") or "Answer"
    name = name.capitalize() if name in RESERVED else name
    return f"T{name}" if name[0].isdigit() else name


def last_step(ref: str) -> str:
    """The last word of a reference; of one to the root it is empty."""
    return next((step for step in reversed(re.split(r"[/#]|~1", unquote(ref))) if step), "")
