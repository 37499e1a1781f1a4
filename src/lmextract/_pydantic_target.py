"""Targets that are Python types, checked by pydantic.

A value is validated as pydantic would, then once more in strict mode: what strict mode refuses was coerced, and the
coercions come back as notes, so that a `"1965"` read as 1965 is never silent.  Two coercions are refused outright:
a number where a date, a time or a duration belongs is no time stamp but a mistake of the model's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

import typing_extensions
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails, to_jsonable_python

from lmextract.errors import TargetError
from lmextract.types import Invalid, Json, JsonSchema, Note, Path, Problem, Valid, is_array, is_object

__all__ = ["target_of_type"]

_TIMES = {"date_type", "datetime_type", "time_type", "time_delta_type"}


Parts = tuple[JsonSchema, str, Callable[[Json, Any], Valid[Any] | Invalid], Callable[[Any], Json]]


def target_of_type(spec: Any) -> Parts:
    """The JSON Schema, the name, the check and the dump of a Python type; TargetError if it has none."""
    if isinstance(spec, list | tuple | set | int | float | bytes) or spec is ...:
        raise TargetError(f"{spec!r} is a value, not a type", hint="Declare a type, for example list[Book].")
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(_modern(spec))
        schema = adapter.json_schema(schema_generator=_NamedTuplesAsObjects)
    except PydanticInvalidForJsonSchema as error:
        raise _inexpressible(spec, error) from error
    except (PydanticUserError, NameError) as error:
        raise _inexpressible(spec, error) from error
    return schema, _name(spec, schema), _checker(adapter), _dumper(adapter)


def _inexpressible(spec: Any, error: Exception) -> TargetError:
    first_line = str(error).split("\n", 1)[0].rstrip(".")
    return TargetError(
        f"{_spelled(spec)} cannot be expressed as a JSON Schema: {first_line}.",
        hint="Use models, dataclasses, TypedDicts and the types that pydantic has a JSON Schema for.",
    )


def _spelled(spec: Any) -> str:
    return spec.__qualname__ if isinstance(spec, type) else repr(spec)


def _name(spec: Any, schema: JsonSchema) -> str:
    title = schema.get("title")
    if isinstance(title, str):
        return title
    return spec.__name__ if isinstance(spec, type) and not get_args(spec) else "answer"


class _NamedTuplesAsObjects(GenerateJsonSchema):
    """Pydantic reads a named tuple from an object too, and a model needs the names more than the order."""

    def named_tuple_schema(self, schema: Any) -> dict[str, Any]:
        positional = super().named_tuple_schema(schema)
        names = [field["name"] for field in schema["fields"]]
        return {
            "type": "object",
            "properties": dict(zip(names, positional.get("prefixItems", []), strict=True)),
            "required": names[: positional.get("minItems", 0)],
            "additionalProperties": False,
        }


def _checker(adapter: TypeAdapter[Any]) -> Callable[[Json, Any], Valid[Any] | Invalid]:
    def check(value: Json, context: Any) -> Valid[Any] | Invalid:
        try:
            text = json.dumps(value)
        except RecursionError:
            return Invalid((Problem(Path(), "too_deep", "the value is nested too deeply"),))
        try:
            typed = adapter.validate_json(text, context=context)
        except ValidationError as error:
            return Invalid(_problems(error, value))
        return _with_coercions(typed, _coercions(adapter, text, context, value))

    return check


def _dumper(adapter: TypeAdapter[Any]) -> Callable[[Any], Json]:
    """Typed values as pydantic writes them, by alias; what is JSON already stays as it is."""

    def dump(value: Any) -> Json:
        if isinstance(value, dict | list | str | int | float | None) and not isinstance(value, Enum | tuple):
            return json.loads(json.dumps(value, default=to_jsonable_python))
        return json.loads(adapter.dump_json(value, by_alias=True, warnings="error"))

    return dump


def _coercions(adapter: TypeAdapter[Any], text: str, context: Any, value: Json) -> tuple[tuple[str, Problem], ...]:
    try:
        adapter.validate_json(text, strict=True, context=context)
    except ValidationError as error:
        return tuple(_located(error, value))
    return ()


def _with_coercions(typed: Any, coercions: tuple[tuple[str, Problem], ...]) -> Valid[Any] | Invalid:
    if not coercions:
        return Valid(typed)
    stamps = tuple(
        Problem(found.path, code, f"{found.message.replace('valid ', '')} in ISO 8601, not a number", found.value)
        for code, found in coercions
        if code in _TIMES and isinstance(found.value, int | float)
    )
    if stamps:
        return Invalid(stamps)
    notes = dict.fromkeys(
        Note("coerced", f"{json.dumps(found.value)[:80]} was read as the declared type", found.path)
        for _, found in coercions
    )
    return Valid(typed, tuple(notes))


def _problems(error: ValidationError, value: Json) -> tuple[Problem, ...]:
    return tuple(problem for _, problem in _located(error, value))


def _located(error: ValidationError, value: Json) -> Iterator[tuple[str, Problem]]:
    for detail in error.errors(include_url=False):
        code = detail["type"]
        yield code, Problem(_json_path(detail, value), code, detail["msg"], _offending(detail))


def _offending(detail: ErrorDetails) -> Json:
    return None if detail["type"] == "missing" else detail["input"]


def _json_path(detail: ErrorDetails, value: Json) -> Path:
    """The JSON path of a pydantic `loc`, which also names union branches and validators on its way."""
    at: Json = value
    steps: list[str | int] = []
    for step in detail["loc"]:
        if (is_object(at) and step in at) or (is_array(at) and isinstance(step, int) and 0 <= step < len(at)):
            at = cast("Any", at)[step]
        else:
            continue
        steps.append(step)
    if detail["type"] == "missing":
        steps.append(detail["loc"][-1])
    return Path(*steps)


def _modern(spec: Any) -> Any:
    """The same type with `typing.TypedDict` rebuilt for pydantic on Python 3.11 (its error `typed-dict-version`)."""
    return spec if sys.version_info >= (3, 12) else _rebuilt(spec, ())


def _rebuilt(spec: Any, within: tuple[Any, ...]) -> Any:
    if is_typeddict(spec) and type(spec).__module__ == "typing":
        return _rebuilt_typed_dict(spec, within)
    arguments = get_args(spec)
    new = tuple(_rebuilt(argument, within) for argument in arguments)
    if all(a is b for a, b in zip(arguments, new, strict=True)):
        return spec
    origin = get_origin(spec)
    if origin is typing_extensions.Annotated:
        return typing_extensions.Annotated[(new[0], *spec.__metadata__)]
    if origin is Union or not hasattr(origin, "__class_getitem__"):
        return cast("Any", Union)[new]
    return origin[new]


def _rebuilt_typed_dict(spec: Any, within: tuple[Any, ...]) -> Any:
    if spec in within:
        raise TargetError(
            f"{spec.__name__} is a recursive typing.TypedDict, which pydantic does not take before Python 3.12.",
            hint="Import TypedDict from typing_extensions.",
        )
    hints = get_type_hints(spec, include_extras=True)
    fields = {
        name: hint
        if get_origin(hint) in (typing_extensions.Required, typing_extensions.NotRequired)
        else _presence(name, spec)[_rebuilt(hint, (*within, spec))]
        for name, hint in hints.items()
    }
    make: Any = typing_extensions.TypedDict
    rebuilt = make(spec.__name__, fields)
    rebuilt.__doc__ = spec.__doc__
    return rebuilt


def _presence(name: str, spec: Any) -> Any:
    return typing_extensions.Required if name in spec.__required_keys__ else typing_extensions.NotRequired
