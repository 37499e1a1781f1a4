"""Invented values fit their schema."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.testing.asking import chat, error, wanted
from tests.testing.real import schemas

from lmextract.testing import FakeLMStudio
from lmextract.testing.fake.invent import NothingFits, invent
from lmextract.testing.fake.patterns import matching

SCHEMAS: list[dict[str, Any]] = [
    {"type": "string", "minLength": 12},
    {"type": "string", "maxLength": 2},
    {"type": "string", "pattern": "^[A-Z]{2}-\\d{3,}$", "minLength": 20},
    {"type": "string", "pattern": "(foo|bar)+[^a-z]$"},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "uuid"},
    {"type": "integer", "exclusiveMinimum": 5, "multipleOf": 7},
    {"type": "integer", "maximum": -3},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.25},
    {"type": "number", "minimum": 0.1, "maximum": 0.2},
    {"type": ["null", "boolean"]},
    {"enum": [3, "x"], "type": "string"},
    {"const": {"a": [1]}},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "items": {"type": "string", "format": "date"}, "minItems": 40, "uniqueItems": True},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2},
    {"type": "array", "contains": {"const": 5}, "minContains": 2, "items": {"type": "integer"}},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 3},
    {"type": "object", "patternProperties": {"^x-[a-z]+$": {"type": "null"}}, "additionalProperties": False},
    {"type": "object", "propertyNames": {"pattern": "^[A-Z]+$"}, "minProperties": 2},
    {"type": "object", "required": ["undeclared"]},
    {"type": "object", "properties": {"a": False, "b": {"type": "string"}}},
    {"allOf": [{"properties": {"a": {"minimum": 3}}}, {"properties": {"a": {"type": "integer"}}, "required": ["a"]}]},
    {"anyOf": [False, {"type": "integer"}]},
    {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 2}]},
    {"type": "integer", "not": {"const": 1}},
    {"type": "object", "properties": {"k": {"enum": ["a", "b"]}}, "required": ["k"],
     "if": {"properties": {"k": {"const": "a"}}}, "then": {"required": ["extra"]}},
    {"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {
        "name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
        "required": ["name", "children"]}}},
    {"$ref": "#/$defs/list", "$defs": {"list": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/list"},
                                                          "minItems": 1}, {"type": "null"}]}}},
    {"$defs": {"a/b": {"type": "integer"}}, "$ref": "#/$defs/a~1b"},
]  # fmt: skip


def is_valid(value: object, schema: Any) -> bool:
    validator = jsonschema.Draft202012Validator
    return bool(validator(schema, format_checker=validator.FORMAT_CHECKER).is_valid(value))


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_a_value_fits_its_schema(schema: dict[str, Any]) -> None:
    assert is_valid(invent(schema), schema)


def test_every_declared_property_is_there_and_named_for_itself() -> None:
    schema = {"properties": {"first_name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}}}

    assert invent(schema) == {"first_name": "first name", "tags": ["tags"]}


@pytest.mark.parametrize("schema", [{"not": {}}, {"allOf": [{"const": 1}, {"const": 2}]}, {"$ref": "#/nowhere"}])
def test_where_nothing_fits_that_is_told(schema: dict[str, Any]) -> None:
    with pytest.raises(NothingFits, match="no value was found"):
        invent(schema)


def test_the_client_is_told_that_nothing_fits() -> None:
    fake = FakeLMStudio().start()
    response = chat(fake, **wanted({"not": {}}))

    assert response.status_code == 400
    assert error(response).endswith("give it replies")
    with pytest.raises(NothingFits):
        fake.__exit__(None, None, None)


def test_real_world_schemas_get_a_value_that_fits() -> None:
    """One in forty; no value is better than a wrong one, and only a few contrived schemas get none."""
    some = list(schemas().values())[::40]
    verdicts = [_fits(schema) for schema in some]

    assert verdicts.count(False) == 0
    assert verdicts.count(None) <= len(some) * 0.03


def _fits(schema: Any) -> bool | None:
    try:
        value = invent(schema)
    except NothingFits:
        return None
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        return bool(kind(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER).is_valid(value))
    except Exception:  # noqa: BLE001  # references to nowhere and the like: nothing to compare with
        return True


@given(
    low=st.integers(-50, 50),
    span=st.integers(0, 60),
    kind=st.sampled_from(["integer", "number"]),
    inclusive=st.booleans(),
)
def test_numbers_keep_their_bounds(*, low: int, span: int, kind: str, inclusive: bool) -> None:
    keywords = ("minimum", "maximum") if inclusive else ("exclusiveMinimum", "exclusiveMaximum")
    schema = {"type": kind, keywords[0]: low, keywords[1]: low + span + (0 if inclusive else 2)}

    assert is_valid(invent(schema), schema)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 6))
def test_texts_keep_their_lengths(least: int, more: int, nth: int) -> None:
    text = matching("^[a-c]+|x*$", least=least, most=least + more, nth=nth)

    assert text is not None
    assert least <= len(text) <= least + more


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{3}-\d{4}$", r"^(?:a|b)*$", r"[^\w\s]", r"^(ab)\1$", r"^.{5}$", r"^\S+@\S+\.\S{2,}$", r"^$", "^é+$",
        r"^(?P<year>[0-9]{4})-(?P=year)$", r"a{0}b", r"^[^a]$", r"^[\W_]$", r"(?i)^ABC$", r"^a++$", r"^(?>a|b)$",
    ],
)  # fmt: skip
def test_a_text_is_found_for_a_pattern(pattern: str) -> None:
    text = matching(pattern)

    assert text is not None
    assert re.search(pattern, text)


@pytest.mark.parametrize("pattern", [r"\p{L}", "(", "[", r"a(?=b)c$", r"^\1$"])
def test_no_text_is_found_where_there_is_none_or_the_pattern_is_none(pattern: str) -> None:
    assert matching(pattern) is None


def test_different_texts_are_found_for_one_pattern() -> None:
    assert len({matching("^[a-z]{3}$", nth=nth) for nth in range(5)}) == 5
