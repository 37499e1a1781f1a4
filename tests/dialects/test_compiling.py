"""The compiler: what goes on the wire admits every value of the target, and what comes back is the value again."""

from __future__ import annotations

import json
import lzma
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from lmextract import Target, Valid
from lmextract.dialects import DIALECTS, compile_schema, dialect_for, restore, to_wire

DATA = Path(__file__).parents[3] / "shared" / "data" / "maskbench-dev.jsonl.xz"


class Author(BaseModel):
    name: str
    born: int | None = None


class Book(BaseModel):
    """A book."""

    title: str
    author: Author | None = None
    tags: list[str] = []


def wire_accepts(wire: Any, value: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(wire.schema).is_valid(value))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_property_is_on_the_wire_in_declared_order_and_required(dialect: str) -> None:
    wire = compile_schema(Book, dialect)

    assert list(wire.schema["properties"]) == ["title", "author", "tags"]
    assert wire.schema["required"] == ["title", "author", "tags"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_null_says_that_an_optional_field_is_absent_and_is_taken_back(dialect: str) -> None:
    wire = compile_schema(Book, dialect)
    said = {"title": "Emma", "author": None, "tags": None}

    assert wire_accepts(wire, said)
    assert restore(said, Target.of(Book).schema, wire) == ({"title": "Emma", "author": None}, ())


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("spec", [list[Book], int, str | None, Author | Book, {"enum": ["a", "b"]}])
def test_a_root_that_is_no_object_is_wrapped_with_its_definitions_in_reach(dialect: str, spec: Any) -> None:
    wire = compile_schema(spec, dialect)

    roots = wire.schema.get("anyOf", [wire.schema])
    jsonschema.Draft202012Validator.check_schema(wire.schema)

    assert {root["type"] for root in roots} == {"object"}
    assert wire.wrapped is (list(wire.schema.get("properties", ())) == ["value"])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_annotations_stay_at_home(dialect: str) -> None:
    sent = json.dumps(compile_schema(Book, dialect).schema)

    assert [word for word in ('title":"', "description", "default", "A book.") if word in sent] == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": r"(?=a)\w+\1"},
        {"type": "string", "format": "nonsense"},
        {"not": {"type": "string"}},
        {"if": {"type": "string"}, "then": {"minLength": 3}},
        {"type": "string", "minLength": 5, "maxLength": 2},
        {"type": "integer", "minimum": 5, "maximum": 2},
        {"allOf": [{"$ref": "#"}]},
        {
            "$ref": "#/$defs/a",
            "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}},
        },
        {"enum": []},
        {"type": "array", "items": False},
        {"x-unknown": 1, "nullable": True},
        {"$ref": "#/nowhere"},
        {"type": "string", "maxLength": 100_000},
    ],
    ids=str,
)
def test_no_schema_is_refused_and_what_no_engine_holds_is_reported(dialect: str, schema: dict[str, Any]) -> None:
    wire = compile_schema(schema, dialect)

    jsonschema.Draft202012Validator.check_schema(wire.schema)
    assert wire.fully_enforced is (wire.relaxations == ())


def test_the_same_target_is_the_same_wire_schema() -> None:
    assert compile_schema(Book, "gguf") is compile_schema(Target.of(Book), "gguf")


def test_an_unknown_dialect_is_a_value_error_that_lists_them() -> None:
    with pytest.raises(ValueError, match="gguf"):
        compile_schema(Book, "guff")


@pytest.mark.parametrize(
    ("format_", "parallel", "dialect"),
    [
        ("gguf", 4, "gguf"),
        ("gguf", None, "gguf"),
        ("mlx", 1, "mlx-outlines"),
        ("mlx", 4, "mlx-llguidance"),
        ("mlx", None, "safe"),
        (None, None, "safe"),
    ],
)
def test_the_dialect_follows_from_what_the_listing_says(
    format_: str | None, parallel: int | None, dialect: str
) -> None:
    assert dialect_for(format_, parallel) == dialect


LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer"},
        {"type": "boolean"},
        {"type": ["string", "null"]},
        {"type": "number"},
        {"enum": ["a", "b", 1, None]},
        {"const": "k"},
    ]
)


def objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda properties, required: {
            "type": "object",
            "properties": properties,
            "required": [name for name in properties if name in required],
            "additionalProperties": False,
        },
        st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), inner, min_size=1, max_size=3),
        st.sets(st.sampled_from(["a", "b", "c", "d"])),
    )


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: objects(inner) | st.builds(lambda items: {"type": "array", "items": items}, inner),
    max_leaves=6,
)


def instances(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema of the strategy above allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    match schema["type"]:
        case "object":
            known = {name: instances(sub) for name, sub in schema["properties"].items()}
            required = set(schema["required"])
            return st.fixed_dictionaries(
                {name: value for name, value in known.items() if name in required},
                optional={name: value for name, value in known.items() if name not in required},
            )
        case "array":
            return st.lists(instances(schema["items"]), max_size=3)
        case "string":
            # No quotes and no backslashes: most engines match patterns against JSON text, where these stand escaped.
            return st.text(st.characters(categories=["L", "N", "Zs"]), max_size=5)
        case "integer":
            return st.integers(-99, 99)
        case "boolean":
            return st.booleans()
        case "number":
            return st.integers(-99, 99) | st.sampled_from([0.5, -2.25])
        case _:
            return st.none() | st.sampled_from(["x", "yz"])


def filled(value: Any) -> Any:
    """A value less its nulls in objects: where a field may be null and may be absent, one stands for the other."""
    if isinstance(value, dict):
        return {name: filled(item) for name, item in value.items() if item is not None}
    return [filled(item) for item in value] if isinstance(value, list) else value


@given(data=st.data(), dialect=st.sampled_from(sorted(DIALECTS)))
def test_every_value_of_a_target_fits_its_wire_schema_and_comes_back_the_same(
    data: st.DataObject, dialect: str
) -> None:
    schema: Any = data.draw(SCHEMAS)
    value = data.draw(instances(schema))
    wire = compile_schema(schema, dialect)
    said = to_wire(value, wire)

    assert wire_accepts(wire, said)
    assert filled(restore(said, schema, wire)[0]) == filled(value)


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data/maskbench-dev.jsonl.xz is not there")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_real_world_values_survive_the_way_to_the_wire_and_back(dialect: str) -> None:
    with lzma.open(DATA, "rt") as lines:
        cases = [json.loads(line) for line in islice(lines, 0, None, 60)]
    lost = []
    for case in cases:
        target = Target.of(case["schema"])
        wire = compile_schema(target, dialect)
        for test in case["tests"]:
            back = restore(to_wire(test["data"], wire), case["schema"], wire)[0]
            if test["valid"] and not isinstance(target.check(back), Valid):
                lost.append(case["id"])

    assert lost == []
