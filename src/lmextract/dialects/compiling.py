"""From a target to the wire schema of a dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast

from lmextract.dialects.branches import Expander
from lmextract.dialects.drafts import draft_of
from lmextract.dialects.linking import linked, weight
from lmextract.dialects.lowering import Lowering, TooLargeError
from lmextract.dialects.records import DIALECTS, STRUCTURE, Dialect
from lmextract.target import Target, target_of
from lmextract.types import JsonSchema, Path, Relaxation, WireSchema

__all__ = ["compile_afresh", "compile_schema", "expander_of"]

_WITHOUT = " without "


def compile_schema(target: Target[Any] | JsonSchema | Any, dialect: str = "safe") -> WireSchema:
    """The wire schema of a target, a type or a JSON Schema, for a dialect, and the list of what it gave up.

    The same object for the same target, so that servers can cache by it.  No schema is refused: what no value
    satisfies, or what an engine cannot take, is relaxed and reported.  ValueError for a dialect that does not exist.
    """
    schema, typed = _schema_of(target)
    try:
        text = json.dumps(schema)
    except (TypeError, ValueError, RecursionError):
        return compile_afresh(schema, dialect, typed=typed)
    return _of_text(text, dialect, typed)


def _schema_of(target: Any) -> tuple[JsonSchema, bool]:
    """The schema of whatever may be compiled, and whether it is a type's."""
    if isinstance(target, Mapping):
        return cast("JsonSchema", target), False
    known = target_of(target)
    return known.schema, known.typed


@lru_cache(maxsize=512)
def _of_text(text: str, dialect: str, typed: bool) -> WireSchema:  # noqa: FBT001  # cached by position
    return compile_afresh(json.loads(text), dialect, typed=typed)


def record_of(dialect: str) -> tuple[Dialect, frozenset[str]]:
    """The record of a dialect and the keywords that are not to be used; `gguf without pattern` names both."""
    name, _, dropped = dialect.partition(_WITHOUT)
    record = STRUCTURE if name == STRUCTURE.name else DIALECTS.get(name)
    if record is None:
        raise ValueError(f"no dialect {name!r}; there are {', '.join(DIALECTS)}")
    return record, frozenset(filter(None, dropped.split("+")))


def expander_of(schema: JsonSchema) -> Expander:
    """What multiplies out the schemas of a document."""
    return Expander(schema, draft_of(schema))


def compile_afresh(schema: JsonSchema, dialect: str, *, typed: bool = False) -> WireSchema:
    """The wire schema of a JSON Schema, made anew; `typed`: pydantic is what checks the values."""
    record, dropped = record_of(dialect)
    expander = expander_of(schema)
    for smaller, without in ((record, dropped), *_smaller(record, dropped)):
        lowering = Lowering(expander, smaller, typed=typed, dropped=without)
        try:
            wire, wrapped, relaxations = _attempt(schema, lowering)
        except TooLargeError:
            continue
        return WireSchema(wire, relaxations, not relaxations, dialect, wrapped)
    raise AssertionError("the last attempt is made at any size")


def _smaller(record: Dialect, dropped: frozenset[str]) -> Iterator[tuple[Dialect, frozenset[str]]]:
    """What to try when a wire schema is too large, one after the other."""
    less = dropped | {"format", "length", "items", "pattern"}
    yield replace(record, levels=1), less
    for deepest in (3, 2, 1):
        yield replace(STRUCTURE, bare_strings=record.bare_strings, style=record.style, deepest=deepest), less
    yield replace(STRUCTURE, bare_strings=record.bare_strings, style=record.style, deepest=0, most_chars=None), less


def _attempt(schema: JsonSchema, lowering: Lowering) -> tuple[dict[str, Any], bool, tuple[Relaxation, ...]]:
    """The wire schema of one lowering, whether its root is wrapped, and what was relaxed."""
    wire = lowering.lowered((schema,), Path())
    most = lowering.dialect.most_chars
    if most is not None and wire is not None and weight(wire) > most:
        raise TooLargeError
    if wire is None:
        lowering.relax(Path(), "schema", "no value satisfies it")
        wire = lowering.anything()
    wrapped = not _is_object(wire)
    if wrapped:
        wire = {"type": "object", "properties": {"value": wire}, "required": ["value"], "additionalProperties": False}
    return linked(wire, lowering.knots, lowering.shared.values()), wrapped, lowering.relaxations


def _is_object(wire: Mapping[str, Any]) -> bool:
    if "anyOf" in wire:
        return all(_is_object(each) for each in wire["anyOf"])
    return wire.get("type") == "object"
