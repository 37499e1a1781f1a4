"""Targets that are raw JSON Schemas, checked by jsonschema.

The dialect is the one that `$schema` names, 2020-12 by default; formats are checked with the checker of 2020-12 for
every dialect, since the older ones lack `date` and `uuid`.  A reference is never fetched from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, cast

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match  # pyright: ignore[reportUnknownVariableType]
from jsonschema.validators import validator_for
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY

from lmextract._formats import FORMATS
from lmextract.errors import TargetError
from lmextract.types import Invalid, Json, JsonSchema, Path, Problem, Valid, is_array, is_object

__all__ = ["check_of_schema"]

_SHOWN_CHARS = 200


def _with_all_formats() -> FormatChecker:
    checker = FormatChecker(formats=())
    checker.checkers = {**Draft202012Validator.FORMAT_CHECKER.checkers}
    for name, check in FORMATS.items():
        checker.checks(name)(check)
    return checker


_FORMAT_CHECKER = _with_all_formats()


def check_of_schema(schema: JsonSchema) -> Callable[[Json, Any], Valid[Any] | Invalid]:
    """A check of JSON values against a schema; TargetError if the schema is none."""
    dialect: Any = validator_for(schema, default=Draft202012Validator)
    _check_schema(schema, dialect)
    # A registry of no schemas and no retrieval: what jsonschema itself brings is found all the same.
    validator = dialect(schema, registry=EMPTY_REGISTRY, format_checker=_FORMAT_CHECKER)

    def check(value: Json, context: Any) -> Valid[Any] | Invalid:  # noqa: ARG001  # it is for pydantic's validators
        try:
            problems = tuple(_problem(error) for error in validator.iter_errors(value))
        except RecursionError:
            problems = (Problem(Path(), "too_deep", "the value is nested too deeply to be checked"),)
        except Unresolvable as error:
            problems = (Problem(Path(), "unresolvable", f"the schema refers to {error.ref!r}, which is not in it"),)
        except re.error as error:
            problems = (Problem(Path(), "pattern", f"the pattern {error.pattern!r} cannot be checked: {error}"),)
        return Invalid(problems) if problems else Valid(value)

    return check


def _check_schema(schema: JsonSchema, dialect: Any) -> None:
    """Raise TargetError for what is no schema; a list of names that is empty, or names one twice, harms nobody."""
    try:
        errors = [_closest(error) for error in dialect(dialect.META_SCHEMA).iter_errors(schema)]
    except RecursionError:
        raise TargetError("this JSON Schema is nested too deeply to be used.") from None
    errors = [error for error in errors if error.validator not in ("uniqueItems", "minItems")]
    if errors:
        raise TargetError(
            f"this is no JSON Schema: at {Path.of(errors[0].absolute_path)}: {_shortened(errors[0].message)}.",
            hint=f"It was read as {dialect.META_SCHEMA.get('$schema', 'JSON Schema')}.",
        )
    for pattern in _patterns(schema):
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise TargetError(
                f"the pattern {pattern!r} cannot be checked: {error}.",
                hint="Patterns are checked by Python's re: write \\p{L} as [^\\W\\d_], and so on.",
            ) from None


def _patterns(schema: JsonSchema) -> Iterator[str]:
    stack: list[Json] = [schema]
    while stack:
        node = stack.pop()
        if is_object(node):
            if isinstance(pattern := node.get("pattern"), str):
                yield pattern
            stack.extend(node.values())
        elif is_array(node):
            stack.extend(node)


def _closest(error: Any) -> Any:
    """The error in the branch that was most likely meant."""
    return cast("Any", best_match)([error]) if error.context else error


def _problem(error: Any) -> Problem:
    closest = _closest(error)
    path = Path.of(closest.absolute_path)
    keyword = str(closest.validator)
    if keyword == "required" and is_object(closest.instance):
        missing = next(name for name in closest.validator_value if _says_missing(closest.message, name))
        return Problem(path / missing, "missing", "Field required")
    return Problem(path, keyword, _shortened(_message(keyword, closest)), closest.instance)


def _says_missing(message: str, name: str) -> bool:
    return message.startswith(f"{name!r} ")


def _message(keyword: str, error: Any) -> str:
    """The message in the words of a person who reads the field, not the schema; jsonschema quotes the whole value."""
    wanted = error.validator_value
    match keyword:
        case "type":
            return f"should be of type {' or '.join(wanted) if is_array(wanted) else wanted}"
        case "enum":
            return f"should be one of {wanted}"
        case "const":
            return f"should be {wanted!r}"
        case "format":
            return f"should be a valid {wanted}"
        case "pattern":
            return f"should match the pattern {wanted}"
        case "additionalProperties" if wanted is False:
            extra = sorted(set(error.instance) - set(error.schema.get("properties", {})))
            return f"has fields that do not belong: {', '.join(extra)}"
        case _:
            return str(error.message).replace(repr(error.instance), "the value")


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
