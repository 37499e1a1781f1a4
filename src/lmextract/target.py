"""What the user wants back: a Python type or a JSON Schema, as a schema and a check.

Types are checked by pydantic, raw schemas by jsonschema (`_jsonschema_target`): never a pydantic model generated from a
schema, which accepts what the schema forbids.  Both libraries load when the first target of their kind is made.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from lmextract.errors import TargetError
from lmextract.types import Invalid, Json, JsonSchema, Valid

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["Target", "target_of"]

T = TypeVar("T")
S = TypeVar("S")

Check = Callable[[Json, Any], "Valid[T] | Invalid"]


@dataclass(frozen=True, slots=True, eq=False)
class Target(Generic[T]):
    """A schema to ask for and a check that turns a JSON value into a `T`.

    `schema` is what the user declared, before any lowering; draft 2020-12 where it comes from a type.  `typed` tells
    that it does, and that pydantic, not JSON Schema, has the last word.
    Compared and hashed by identity; `Target.of` returns the same target for the same type.
    """

    schema: JsonSchema
    name: str
    _check: Check[T]
    _dump: Callable[[Any], Json]
    typed: bool = False

    def check(self, value: Json, *, context: Any = None) -> Valid[T] | Invalid:
        """Say whether a JSON value fits, as the typed value or as problems; never raises for a value.

        `context` reaches pydantic validators as `info.context`.
        """
        return self._check(value, context)

    def dump(self, value: Any) -> Json:
        """Turn a typed value, or one that is JSON already, into JSON; ValueError for what is neither."""
        return self._dump(value)

    @overload
    @staticmethod
    def of(spec: Target[S]) -> Target[S]: ...
    @overload
    @staticmethod
    def of(spec: TypeForm[S]) -> Target[S]: ...
    @overload
    @staticmethod
    def of(spec: JsonSchema | os.PathLike[str] | str) -> Target[Any]: ...
    @staticmethod
    def of(spec: Any) -> Target[Any]:
        """Make a target of a type, a JSON Schema as a dict, or the path of a JSON Schema file.

        Raises TargetError for what no schema can express and for a schema that is none.
        """
        return target_of(spec)


def target_of(spec: Any) -> Target[Any]:
    """Do as `Target.of` does, for callers that know nothing of the type."""
    if isinstance(spec, Target):
        return cast("Target[Any]", spec)  # type: ignore[redundant-cast]  # pyright needs it
    if isinstance(spec, Mapping):
        return _of_schema(cast("JsonSchema", spec))
    if isinstance(spec, str | os.PathLike):
        return _of_file(FilePath(cast("str", spec)))
    try:
        hash(spec)
    except TypeError:
        return _of_type.__wrapped__(spec)
    return _of_type(spec)


@lru_cache(maxsize=512)
def _of_type(spec: Any) -> Target[Any]:
    from lmextract._pydantic_target import target_of_type

    schema, name, check, dump = target_of_type(spec)
    return Target(schema, name, check, dump, typed=True)


def _of_schema(schema: JsonSchema) -> Target[Any]:
    return _of_dumped(_dump(schema))


@lru_cache(maxsize=512)
def _of_dumped(text: str) -> Target[Any]:
    """By its text: a schema that its owner changes later is another schema."""
    from lmextract._jsonschema_target import check_of_schema

    schema: JsonSchema = json.loads(text)
    title = schema.get("title")
    name = title if isinstance(title, str) else "answer"
    return Target(schema, name, check_of_schema(schema), _same)


def _same(value: Any) -> Json:
    return value


def _dump(schema: JsonSchema) -> str:
    try:
        return json.dumps(schema)
    except (TypeError, ValueError, RecursionError) as error:
        raise TargetError(
            f"this JSON Schema is no JSON: {error}", hint="Use plain dicts, lists, strings, numbers, booleans and None."
        ) from None


def _of_file(path: FilePath) -> Target[Any]:
    try:
        schema = json.loads(path.read_bytes())
    except OSError as error:
        raise TargetError(
            f"the schema file {path} cannot be read: {error.strerror or error}",
            hint="Give the path of a JSON Schema file, a type, or a schema as a dict.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise TargetError(
            f"the schema file {path} is no JSON: {error}", hint="A JSON Schema is a JSON object."
        ) from None
    if not isinstance(schema, dict):
        raise TargetError(
            f"the schema file {path} holds a JSON {_kind(schema)}, not a schema", hint="A JSON Schema is a JSON object."
        )
    return _of_schema(cast("JsonSchema", schema))


def _kind(value: Json) -> str:
    names = {list: "array", str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
    return names[type(value)]
