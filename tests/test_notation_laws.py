"""The notation: what holds for every schema, sane or not, deep or wide."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmextract.notation import describe
from lmextract.types import WireSchema

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"

STRING: dict[str, Any] = {"type": "string"}


def record(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


KEYWORDS = (
    *("type", "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "items"),
    *("prefixItems", "additionalItems", "unevaluatedItems", "contains", "minItems", "maxItems", "uniqueItems"),
    *("anyOf", "oneOf", "allOf", "not", "if", "then", "else", "enum", "const", "$ref", "$defs", "definitions"),
    *("minimum", "maximum", "exclusiveMinimum", "multipleOf", "minLength", "maxLength", "pattern", "format"),
    *("title", "description", "default", "examples", "nullable", "discriminator", "$id", "id", "$anchor", "$schema"),
    *("dependencies", "dependentRequired", "dependentSchemas", "$dynamicRef", "$recursiveRef", "minProperties"),
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
REFS = st.sampled_from(
    [
        "#",
        "#/",
        "#/$defs/a",
        "#/definitions/b",
        "#a",
        "a",
        "http://[",
        "#/items/" + "9" * 5000,
        "#/%zz/~2",
        "#/items/²",
        "x#/a",
    ]
)
JUNK = st.recursive(
    SCALARS | REFS | st.sampled_from(["string", "object", "array", "null", "date-time"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from((*KEYWORDS, "a", "b")), inner, max_size=5)
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from(KEYWORDS), JUNK, max_size=6) | st.booleans())
def test_junk_is_described_too_and_always_alike(schema: Any) -> None:
    assert describe(schema)
    assert describe(schema) == describe(schema)


NAMES = st.text(min_size=1, max_size=6) | st.sampled_from(
    ["type", "string", "value", "first name", "a-b", "properties"]
)
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.lists(st.integers(), max_size=2)
LEAVES = st.one_of(
    st.sampled_from([{"type": kind} for kind in ("string", "integer", "number", "boolean", "null")]),
    st.builds(lambda values: {"enum": values}, st.lists(VALUES, min_size=1, max_size=4)),
    st.builds(lambda value: {"const": value}, VALUES),
    st.builds(lambda name: {"$ref": f"#/$defs/{name}"}, st.sampled_from(["One", "Two"])),
    st.builds(lambda text: {"type": "string", "description": text}, st.text(max_size=12)),
)


def _compounds(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    fields = st.dictionaries(NAMES, inner, min_size=1, max_size=4)
    wrap: Callable[[str], Callable[[Any], dict[str, Any]]] = lambda word: lambda part: {word: part}  # noqa: E731
    return st.one_of(
        st.builds(lambda parts: {"type": "object", "properties": parts, "required": [*parts][::2]}, fields),
        st.builds(lambda part: {"type": "array", "items": part, "minItems": 1}, inner),
        *(st.builds(wrap(word), some) for word in ("anyOf", "oneOf", "allOf", "prefixItems")),
        *(st.builds(wrap(word), inner) for word in ("additionalProperties", "not", "contains")),
        st.builds(lambda parts: {"patternProperties": parts}, fields),
    )


SCHEMAS = st.builds(
    lambda root, one, two: {**root, "$defs": {"One": one, "Two": two}},
    st.recursive(LEAVES, _compounds, max_leaves=12).filter(lambda schema: "const" not in schema),
    st.recursive(LEAVES, _compounds, max_leaves=5),
    st.recursive(LEAVES, _compounds, max_leaves=5),
)


def _reached(node: Any, root: Any, seen: set[int]) -> Iterator[dict[str, Any]]:
    """Every schema that counts, from `node` on."""
    if not isinstance(node, dict) or id(node) in seen:
        return
    seen.add(id(node))
    yield node
    for word, part in node.items():
        if word == "$ref":
            yield from _reached(root["$defs"][part.removeprefix("#/$defs/")], root, seen)
        elif word in {"properties", "patternProperties"}:
            for inner in part.values():
                yield from _reached(inner, root, seen)
        elif word not in {"$defs", "enum", "const"}:
            for inner in part if isinstance(part, list) else [part]:
                yield from _reached(inner, root, seen)


@given(SCHEMAS)
def test_every_field_and_every_allowed_value_is_mentioned(schema: dict[str, Any]) -> None:
    shown = describe(schema)

    for node in _reached(schema, schema, set()):
        for name in node.get("properties", {}):
            assert (name if name.isidentifier() else json.dumps(name, ensure_ascii=False)) in shown
        for value in node.get("enum", [node["const"]] if "const" in node else []):
            tight = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            assert json.dumps(value, ensure_ascii=False) in shown or tight in shown


@given(SCHEMAS)
def test_named_types_are_printed_once_and_used(schema: dict[str, Any]) -> None:
    shown = describe(schema)
    named = [line.split(" ", 2)[1] for line in shown.splitlines() if line.startswith("type ") and " = " in line]

    assert len(named) == len(set(named))
    assert [name for name in named if shown.count(name) < 2] == []


DEEP = 500
NESTINGS: dict[str, Callable[[Any, int], Any]] = {
    "objects": lambda inner, level: record(**{f"k{level}": inner}),
    "arrays": lambda inner, _: {"type": "array", "items": inner},
    "allOf": lambda inner, _: {"allOf": [inner]},
    "anyOf": lambda inner, _: {"anyOf": [inner, {"type": "null"}]},
    "not": lambda inner, _: {"not": inner},
    "then": lambda inner, _: {"if": {}, "then": inner},
}


@pytest.mark.parametrize("nesting", NESTINGS)
def test_depth_is_no_danger(nesting: str) -> None:
    schema: Any = record(**{"innermost field": STRING})
    for level in range(DEEP):
        schema = NESTINGS[nesting](schema, level)

    shown = describe(schema)

    assert '"innermost field"' in shown
    assert nesting != "objects" or all(f"k{level}: " in shown for level in range(DEEP))


def test_two_thousand_fields_are_two_thousand_lines() -> None:
    schema = record(**{f"field_{number}": {**STRING, "description": "A field."} for number in range(2000)})

    assert describe(schema).count("\n") == 2001


def test_a_wire_schema_whose_parts_are_shared_is_read_once() -> None:
    lowered: dict[str, Any] = {"type": "string"}
    for _ in range(DEEP):
        lowered = record(a=lowered, b=lowered)
    wire = WireSchema(lowered, (), fully_enforced=True, dialect="safe")

    assert describe({"properties": {"a": STRING, "b": STRING}}, wire=wire) == "{\na: string|null\nb: string|null\n}"


def test_a_long_chain_of_types_is_followed_to_its_end() -> None:
    definitions: dict[str, Any] = {
        f"d{number}": record(next={"$ref": f"#/$defs/d{number + 1}"}, x=STRING) for number in range(DEEP)
    }
    definitions[f"d{DEEP}"] = record(**{"the end": STRING})

    assert '"the end": string' in describe({"$ref": "#/$defs/d0", "$defs": definitions})


@pytest.mark.parametrize("schema", [{"format": "date-time"}, {"minimum": -2}, {"maxLength": 20}])
def test_the_schema_itself_comes_back_where_the_notation_would_cost_more(schema: dict[str, Any]) -> None:
    assert describe(schema) == json.dumps(schema, separators=(",", ":"))


@pytest.mark.skipif(not (DATA / "replay-dev.jsonl.xz").exists(), reason="../shared/data is not there")
def test_schemas_of_real_questions_cost_less_than_sixty_percent() -> None:
    """In bytes; benchmarks/prompt_cost.py counts tokens."""
    with lzma.open(DATA / "replay-dev.jsonl.xz", "rt", encoding="utf-8") as lines:
        schemas = [json.loads(line)["schema"] for line in lines]
    sizes = [len(json.dumps(schema, separators=(",", ":")).encode()) for schema in schemas]
    ratios = [len(describe(schema).encode()) / size for schema, size in zip(schemas, sizes, strict=True)]

    assert sum(ratios) / len(ratios) < 0.6
    assert max(ratios) < 1
