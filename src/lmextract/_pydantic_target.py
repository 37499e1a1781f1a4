"""Targets that are Python types, checked by pydantic.

Pydantic converts what it can; where the JSON was not of the kind that the type's schema names, the conversion comes
back as a note, so that a `"1965"` read as 1965 is never silent.  A number where a date, a time or a duration belongs,
bare or in quotes, is no Unix time but a mistake of the model's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import Enum
from types import FunctionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

import typing_extensions
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ErrorDetails, to_jsonable_python

from lmextract._conforming import conforming
from lmextract._kinds import Departure, alternatives, branches, departures, meant, members
from lmextract.errors import TargetError
from lmextract.types import Invalid, Json, JsonSchema, Note, Path, Problem, Valid, is_array, is_object

__all__ = ["target_of_type"]

Parts = tuple[JsonSchema, str, Callable[[Json, Any], Valid[Any] | Invalid], Callable[[Any], Json]]


def target_of_type(spec: Any) -> Parts:
    """The JSON Schema, the name, the check and the dump of a Python type; TargetError if it has none."""
    if isinstance(spec, list | tuple | set | int | float | bytes | FunctionType) or spec is ...:
        raise TargetError(f"{spec!r} is a value, not a type", hint="Declare a type, for example list[Book].")
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(_modern(spec))
        schema = adapter.json_schema(schema_generator=_NamedTuplesAsObjects)
    except PydanticInvalidForJsonSchema as error:
        raise _inexpressible(spec, error) from error
    except (PydanticUserError, NameError) as error:
        raise _inexpressible(spec, error) from error
    return schema, _name(spec, schema), _checker(adapter, schema), _dumper(adapter, schema)


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


def _checker(adapter: TypeAdapter[Any], schema: JsonSchema) -> Callable[[Json, Any], Valid[Any] | Invalid]:
    fits = conforming(schema)

    def check(value: Json, context: Any) -> Valid[Any] | Invalid:
        try:
            text, notes = _text_of(value)
        except RecursionError:
            return Invalid((Problem(Path(), "too_deep", "the value is nested too deeply"),))
        try:
            # By name as well: where an alias is a path, the schema knows only the field's own name.
            typed = adapter.validate_json(text, context=context, by_alias=True, by_name=True)
        except ValidationError as error:
            return Invalid(_problems(error, value, schema))
        found = () if fits(value) else tuple(departures(schema, value))
        wrong = tuple(Problem(one.path, "wrong_kind", one.wrong, one.value) for one in found if one.wrong)
        return Invalid(wrong) if wrong else Valid(typed, (*notes, *map(_coerced, found)))

    return check


def _text_of(value: Json) -> tuple[str | bytes, tuple[Note, ...]]:
    """The value as JSON text; half a character, which JSON can hold and no text can, is replaced and noted."""
    text = json.dumps(value, ensure_ascii=False)
    if text.isascii():
        return text, ()
    try:
        return text.encode(), ()
    except UnicodeEncodeError:
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
        return whole, (Note("replaced", "half a character (a lone surrogate) became U+FFFD"),)


def _coerced(found: Departure) -> Note:
    return Note("coerced", f"{json.dumps(found.value)[:80]} was read as the declared type", found.path)


def _dumper(adapter: TypeAdapter[Any], schema: JsonSchema) -> Callable[[Any], Json]:
    """Typed values as pydantic writes them, by alias; what is JSON already stays as it is."""

    def dump(value: Any) -> Json:
        if isinstance(value, dict | list | str | int | float | None) and not isinstance(value, Enum | tuple):
            plain: Json = json.loads(json.dumps(value, default=to_jsonable_python))
        else:
            plain = json.loads(adapter.dump_json(value, by_alias=True, round_trip=True, warnings="error"))
        return _by_name(schema, [schema], plain)

    return dump


def _by_name(schema: JsonSchema, nodes: list[Json], value: Json) -> Json:
    """Named tuples, which pydantic writes as arrays, as the objects that they are asked for as."""
    leaves = [leaf for node in nodes for leaf in alternatives(schema, node)]
    if is_array(value) and not any(leaf.get("type") == "array" for leaf in leaves):
        names: list[str] = next((list(leaf["properties"]) for leaf in leaves if "properties" in leaf), list[str]())
        value = dict(zip(names, value, strict=False)) if names else value
    if is_object(value):
        return {key: _by_name(schema, members(schema, nodes, key), item) for key, item in value.items()}
    if is_array(value):
        return [_by_name(schema, members(schema, nodes, index), item) for index, item in enumerate(value)]
    return value


def _problems(error: ValidationError, value: Json, schema: JsonSchema) -> tuple[Problem, ...]:
    """What is wrong, less what pydantic says of the branches of a union that the value's tags rule out."""
    details = error.errors(include_url=False)
    located = [(_located(detail, value, schema), detail) for detail in details]
    told = [(path, detail) for path, detail in located if path is not None]
    every = told or [(_located(detail, value, {}) or Path(), detail) for detail in details]
    return tuple(Problem(path, detail["type"], detail["msg"], _offending(detail)) for path, detail in every)


def _offending(detail: ErrorDetails) -> Json:
    return None if detail["type"] == "missing" else detail["input"]


def _located(detail: ErrorDetails, value: Json, schema: JsonSchema) -> Path | None:
    """The JSON path of a pydantic `loc`, which also names union branches and validators on its way.

    None if it goes by way of a branch other than the one that the value means.
    """
    at: Json = value
    nodes: list[Json] = [schema]
    steps: list[str | int] = []
    for step in detail["loc"]:
        if not ((is_object(at) and step in at) or (is_array(at) and isinstance(step, int) and 0 <= step < len(at))):
            branch = next((name for node in nodes if (name := meant(schema, node, at))), None)
            if branch is not None and step in _union_names(schema, nodes) and step != branch:
                return None
            continue
        nodes = members(schema, nodes, step)
        at = cast("Any", at)[step]
        steps.append(step)
    if detail["type"] == "missing":
        steps.append(detail["loc"][-1])
    return Path(*steps)


def _union_names(schema: JsonSchema, nodes: list[Json]) -> set[str]:
    return {name for node in nodes for name in branches(schema, node)}


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
    fields = {name: _presence(name, hint, spec)[_rebuilt(_bare(hint), (*within, spec))] for name, hint in hints.items()}
    make: Any = typing_extensions.TypedDict
    rebuilt = make(spec.__name__, fields)
    rebuilt.__doc__ = spec.__doc__
    if hasattr(spec, "__pydantic_config__"):
        rebuilt.__pydantic_config__ = spec.__pydantic_config__
    return rebuilt


_PRESENCES = (typing_extensions.Required, typing_extensions.NotRequired)


def _bare(hint: Any) -> Any:
    """A field's type without the marker of its presence."""
    return get_args(hint)[0] if get_origin(hint) in _PRESENCES else hint


def _presence(name: str, hint: Any, spec: Any) -> Any:
    """The marker itself counts for more than `__required_keys__`, which knows nothing of annotations in quotes."""
    if (marker := get_origin(hint)) in _PRESENCES:
        return marker
    return typing_extensions.Required if name in spec.__required_keys__ else typing_extensions.NotRequired
