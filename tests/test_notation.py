"""The notation: what each part of a schema looks like, and what holds for every schema."""

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
TEXT = "some words of advice that the author of a schema gives to whoever fills it in"


def record(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields)}


def optional(**fields: Any) -> dict[str, Any]:
    return {"type": "object", "properties": fields}


def field(schema: Any) -> str:
    """How a field of that schema is printed."""
    shown = describe(record(first={**STRING, "description": TEXT}, it=schema, last={**STRING, "description": TEXT}))
    (line,) = [line for line in shown.splitlines() if line.startswith("it: ")]
    return line.removeprefix("it: ")


@pytest.mark.parametrize(
    ("schema", "shown"),
    [
        pytest.param({"type": "string"}, "string", id="kind"),
        pytest.param({"type": ["null", "string", "integer"]}, "string|integer|null", id="kinds"),
        pytest.param(True, "any", id="true"),
        pytest.param({}, "any", id="empty"),
        pytest.param(False, "never", id="false"),
        pytest.param({"enum": ["a", "b c", 3, None]}, 'enum["a","b c",3]|null', id="enum"),
        pytest.param({"type": "string", "enum": ["a"]}, '"a"', id="enum of one"),
        pytest.param({"const": {"a": 1}}, '{"a": 1}', id="const"),
        pytest.param({"type": "integer", "minimum": 1450, "maximum": 2030}, "integer(1450..2030)", id="range"),
        pytest.param({"type": "number", "minimum": 0.0}, "number(>=0)", id="minimum"),
        pytest.param({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "number(<=1, >0)", id="exclusive"),
        pytest.param({"minimum": 0, "exclusiveMinimum": True}, "number(>0)", id="exclusive in draft 4"),
        pytest.param({"type": "number", "multipleOf": 0.01}, "number(multiple of 0.01)", id="multiple"),
        pytest.param({"type": "string", "minLength": 1}, "string(>=1 chars)", id="least length"),
        pytest.param({"type": "string", "minLength": 3, "maxLength": 3}, "string(3 chars)", id="exact length"),
        pytest.param({"type": "string", "pattern": "^[A-Z]{3}$"}, "string(/^[A-Z]{3}$/)", id="pattern"),
        pytest.param({"pattern": "//x\n"}, r"string(/\//x\n/)".replace("//", r"/\/"), id="pattern like a comment"),
        pytest.param({"type": "string", "format": "email"}, "string(email)", id="format"),
        pytest.param({"type": "string", "format": "date"}, "string(YYYY-MM-DD)", id="date"),
        pytest.param({"type": "string", "contentEncoding": "base64"}, "string(base64)", id="encoding"),
        pytest.param({"type": "array", "items": STRING}, "string[]", id="array"),
        pytest.param({"items": {"type": ["string", "null"]}}, "(string|null)[]", id="array of a union"),
        pytest.param(
            {"type": "array", "items": STRING, "minItems": 1, "maxItems": 5, "uniqueItems": True},
            "string[](1..5 items, unique)",
            id="size",
        ),
        pytest.param(
            {"type": "array", "prefixItems": [STRING, {"type": "number"}], "minItems": 2, "maxItems": 2},
            "[string, number]",
            id="tuple",
        ),
        pytest.param(
            {"type": "array", "items": [STRING], "additionalItems": {"type": "number"}},
            "[string, ...number[]]",
            id="tuple in draft 4",
        ),
        pytest.param({"type": "array", "contains": {"const": 1}}, "any[] & contains 1", id="contains"),
        pytest.param({"type": "object"}, "object", id="any object"),
        pytest.param({"type": "object", "additionalProperties": False}, "{}", id="empty object"),
        pytest.param({"additionalProperties": {"type": "number"}}, "{[string]: number}", id="map"),
        pytest.param(
            {"additionalProperties": STRING, "propertyNames": {"enum": ["a", "b"]}},
            '{[enum["a","b"]]: string}',
            id="map with known keys",
        ),
        pytest.param({"patternProperties": {"^x-": STRING}}, "{[string(/^x-/)]: string}", id="patternProperties"),
        pytest.param({"type": "object", "minProperties": 1}, "object(>=1 keys)", id="number of keys"),
        pytest.param({"anyOf": [{"type": "null"}, STRING, STRING]}, "string|null", id="union"),
        pytest.param({"type": "string", "nullable": True}, "string|null", id="nullable in OpenAPI"),
        pytest.param({"oneOf": [{"const": "a"}, {"const": "b"}]}, 'enum["a","b"]', id="enum by oneOf"),
        pytest.param(
            {"oneOf": [{"const": "a", "description": "A"}, {"const": "b", "title": "Bee"}]},
            'enum["a","b"] // "a": A; "b": Bee',
            id="enum with descriptions",
        ),
        pytest.param({"type": "string", "not": {"const": ""}}, 'string & not ""', id="not"),
        pytest.param(
            {"allOf": [{"minimum": 1}, {"maximum": 5}]}, "number(>=1) & number(<=5)", id="allOf of other things"
        ),
        pytest.param(
            {"properties": {"a": STRING}, "if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": False},
            "{a?: string} & (if {a: any} then {b: any} else never)",
            id="if",
        ),
        pytest.param(
            {"properties": {"a": STRING}, "dependentSchemas": {"a": {"required": ["b"]}}},
            "{a?: string} & (if {a: any} then {b: any})",
            id="dependentSchemas",
        ),
        pytest.param({"$ref": "http://example.invalid/x#/$defs/Shape"}, "any(Shape)", id="dangling"),
        pytest.param({"type": "string", "description": " two\n  lines "}, "string // two lines", id="description"),
        pytest.param(
            {"type": "string", "description": "A date.", "examples": ["1 May", "2 May", "3 May"]},
            'string // A date. e.g. "1 May", "2 May"',
            id="examples",
        ),
        pytest.param({"type": "string", "title": "It!"}, "string", id="title that repeats the name"),
        pytest.param({"type": "string", "title": "Year of birth"}, "string // Year of birth", id="telling title"),
        pytest.param({"type": "string", "default": "EUR"}, 'string // default "EUR"', id="default of a required field"),
        pytest.param({"type": "frob"}, "frob", id="unknown kind"),
        pytest.param({"type": 5, "properties": [], "enum": "x"}, "object", id="junk"),
    ],
)
def test_a_field_of_each_kind(schema: Any, shown: str) -> None:
    assert field(schema) == shown


def test_an_object_has_a_line_for_each_field_and_nesting_is_indented() -> None:
    person = record(name={**STRING, "description": "in full"}, born={"type": "integer"})
    schema = {**record(title=STRING, author=person, cast={"type": "array", "items": person, "minItems": 1})}

    assert describe(schema) == (
        "{\ntitle: string\nauthor: {\n name: string // in full\n born: integer\n}\n"
        "cast: [{ // >=1 items\n name: string // in full\n born: integer\n}]\n}"
    )


def test_fields_that_may_be_left_out_have_a_question_mark() -> None:
    assert describe(optional(a=STRING, b={"type": ["string", "null"]})) == "{\na?: string\nb?: string|null\n}"


def test_a_key_that_is_no_identifier_stands_in_quotes() -> None:
    assert describe(record(**{"first name": STRING, "größe": STRING})) == '{\n"first name": string\ngröße: string\n}'


def test_required_fields_without_a_schema_are_listed() -> None:
    assert describe({"properties": {"a": STRING}, "required": ["b"]}) == "{\na?: string\nb: any\n}"


def test_allof_of_plain_objects_is_one_object() -> None:
    schema = {
        "allOf": [{"$ref": "#/definitions/base"}, record(b={"type": "integer"})],
        "definitions": {"base": {**record(a=STRING), "description": "The base."}},
        "properties": {"c": {"type": "boolean"}},
    }

    assert describe(schema) == "{ // The base.\na: string\nb: integer\nc?: boolean\n}"


def test_oneof_beside_fields_says_that_one_of_them_holds() -> None:
    schema = {**optional(a=STRING, b=STRING), "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}

    assert describe(schema) == "{\na?: string\nb?: string\n} & one of ({a: any}|{b: any})"


def test_a_union_of_objects_keeps_their_descriptions() -> None:
    cat = {**record(kind={"const": "cat"}, lives={"type": "integer"}), "description": "A cat."}
    dog = {**record(kind={"const": "dog"}, name=STRING), "description": "A dog."}

    shown = describe({"oneOf": [cat, dog, {"type": "null"}], "discriminator": {"propertyName": "kind"}})

    assert shown == ('{ // A cat.\nkind: "cat"\nlives: integer\n}|{ // A dog.\nkind: "dog"\nname: string\n}|null')


def test_a_discriminator_that_the_branches_do_not_show_is_told() -> None:
    definitions = {"Cat": record(kind=STRING, lives={"type": "integer"}), "Dog": record(kind=STRING, name=STRING)}
    mapping = {"c": "#/$defs/Cat", "d": "#/$defs/Dog"}
    union = {"oneOf": [{"$ref": ref} for ref in mapping.values()]}

    shown = describe({**union, "discriminator": {"propertyName": "kind", "mapping": mapping}, "$defs": definitions})

    assert shown.startswith('{ // kind "c" = Cat, kind "d" = Dog\nkind: string\n')


# --- named types and references ---


def test_a_type_used_twice_is_printed_once_after_the_root() -> None:
    person = {**record(name=STRING, born={"type": "integer"}), "description": "A person."}
    ref = {"$ref": "#/$defs/Person"}

    shown = describe({**record(author=ref, editors={"type": "array", "items": ref}), "$defs": {"Person": person}})

    assert shown == (
        "{\nauthor: Person\neditors: Person[]\n}\ntype Person = { // A person.\nname: string\nborn: integer\n}"
    )


def test_a_type_used_once_is_printed_in_its_place() -> None:
    definitions = {"Person": record(name=STRING, born=STRING), "Unused": record(x=STRING)}

    shown = describe({**record(author={"$ref": "#/$defs/Person"}), "$defs": definitions})

    assert shown == "{\nauthor: {\n name: string\n born: string\n}\n}"


def test_a_type_that_is_as_short_as_its_name_is_printed_in_each_place() -> None:
    name = {"$ref": "#/$defs/NonEmptyString"}

    shown = describe({**record(a=name, b=name), "$defs": {"NonEmptyString": {"type": "string", "minLength": 1}}})

    assert shown == "{\na: string(>=1 chars)\nb: string(>=1 chars)\n}"


def test_recursive_types_go_by_name() -> None:
    node = record(value=STRING, children={"type": "array", "items": {"$ref": "#/$defs/Node"}})

    assert describe({**record(tree={"$ref": "#/$defs/Node"}, name=STRING), "$defs": {"Node": node}}) == (
        "{\ntree: Node\nname: string\n}\ntype Node = {\nvalue: string\nchildren: Node[]\n}"
    )


def test_a_recursive_root_goes_by_its_title() -> None:
    tree = {"title": "Tree", **record(value={"type": "integer"}, children={"type": "array", "items": {"$ref": "#"}})}

    assert describe(tree) == "Tree\ntype Tree = {\nvalue: integer\nchildren: Tree[]\n}"


def test_names_that_are_words_of_the_notation_or_no_identifiers_are_changed() -> None:
    names = {"object": "Object", "my/type of %": "type_of", "3d": "T3d"}
    definitions = {name: record(**{f"a{number}": STRING, "b": STRING}) for number, name in enumerate(names)}
    refs = [{"$ref": "#/$defs/" + name.replace("/", "~1")} for name in names]

    shown = describe({**record(x={"items": refs}, y={"items": refs, "minItems": 1}), "$defs": definitions})

    assert [line.split()[1] for line in shown.splitlines() if line.startswith("type ")] == list(names.values())


def test_two_types_never_share_a_name() -> None:
    one, two = record(a=STRING, b=STRING), record(c=STRING, d=STRING)
    refs = [{"$ref": "#/$defs/x/definitions/Item"}, {"$ref": "#/$defs/y/definitions/Item"}]
    schema = {
        **record(p={"items": refs}, q={"items": refs}),
        "$defs": {"x": {"definitions": {"Item": one}}, "y": {"definitions": {"Item": two}}},
    }

    assert describe(schema).count("type Item = ") == describe(schema).count("type Item2 = ") == 1


@pytest.mark.parametrize(
    ("ref", "schema"),
    [
        ("#/$defs/a~1b%20c", {"$defs": {"a/b c": record(found=STRING)}}),
        ("#/definitions/0", {"definitions": [record(found=STRING)]}),
        ("#here", {"$defs": {"x": {"$anchor": "here", **record(found=STRING)}}}),
        ("#here", {"definitions": {"x": {"$id": "#here", **record(found=STRING)}}}),
        (
            "item.json",
            {"$id": "http://a.invalid/b/root.json", "$defs": {"x": {"$id": "item.json", **record(found=STRING)}}},
        ),
        ("root.json#/$defs/x", {"$id": "http://a.invalid/root.json", "$defs": {"x": record(found=STRING)}}),
        (
            "http://a.invalid/x#/$defs/y",
            {"$defs": {"x": {"$id": "http://a.invalid/x", "$defs": {"y": record(found=STRING)}}}},
        ),
    ],
)
def test_references_of_every_form_are_followed(ref: str, schema: dict[str, Any]) -> None:
    assert "found: string" in describe({**schema, **record(it={"$ref": ref})})


def test_dynamic_references_are_followed() -> None:
    tree = {"$dynamicAnchor": "node", **record(kids={"type": "array", "items": {"$dynamicRef": "#node"}}, at=STRING)}

    assert "kids: Answer[]" in describe(tree)


def test_keywords_beside_a_reference_count_since_2019() -> None:
    schema = {
        **record(a={"$ref": "#/$defs/Name", "maxLength": 5}),
        "$defs": {"Name": {"type": "string", "minLength": 2}},
    }

    assert describe(schema) == "{a: string(>=2 chars) & any} // <=5 chars" or "<=5 chars" in describe(schema)
    assert "<=5" not in describe({**schema, "$schema": "http://json-schema.org/draft-07/schema#"})


def test_a_circle_of_mere_references_ends() -> None:
    circle = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}

    assert "a" in describe(circle)


# --- the wire ---


def wire(schema: dict[str, Any], *, wrapped: bool = False) -> WireSchema:
    return WireSchema(schema, (), fully_enforced=True, dialect="safe", wrapped=wrapped)


def test_optional_fields_that_the_wire_demands_may_be_null() -> None:
    schema = {**optional(a=STRING, b={"type": ["string", "null"]}, c={}, d=optional(e=STRING, f=STRING))}
    lowered = record(a=STRING, b=STRING, c={}, d=optional(e=STRING, f=STRING))

    shown = describe(schema, wire=wire(lowered))

    assert shown == "{\na: string|null\nb: string|null\nc: any\nd: {\n e?: string\n f?: string\n}|null\n}"


def test_a_map_with_listed_keys_has_them_all_on_the_wire() -> None:
    schema = {"additionalProperties": {"type": "number"}, "propertyNames": {"enum": ["a", "b"]}}

    assert describe(schema, wire=wire(record(a={}, b={}))) == '{[enum["a","b"]]: number|null}'


def test_a_wrapped_target_is_shown_in_its_wrapping() -> None:
    wrapping = record(value={"type": "array", "items": record(title=STRING, year=STRING)})

    shown = describe(wrapping["properties"]["value"], wire=wire(wrapping, wrapped=True))

    assert shown == "{\nvalue: [{\n title: string\n year: string\n}]\n}"


def test_a_wrapped_simple_value_stands_on_one_line() -> None:
    assert describe(STRING, wire=wire(record(value=STRING), wrapped=True)) == "{value: string}"


# --- what holds for every schema ---

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
def test_named_types_are_printed_once_and_every_name_in_use_is_one(schema: dict[str, Any]) -> None:
    shown = describe(schema)
    named = [line.split(" ", 2)[1] for line in shown.splitlines() if line.startswith("type ") and " = " in line]

    assert len(named) == len(set(named))


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


def test_a_long_chain_of_types_is_followed_to_its_end() -> None:
    definitions: dict[str, Any] = {
        f"d{number}": record(next={"$ref": f"#/$defs/d{number + 1}"}, x=STRING) for number in range(DEEP)
    }
    definitions[f"d{DEEP}"] = record(**{"the end": STRING})

    assert '"the end": string' in describe({"$ref": "#/$defs/d0", "$defs": definitions})


def test_the_schema_itself_comes_back_where_the_notation_would_cost_more() -> None:
    schema = {"$ref": "#/$defs/x", "$comment": ""}

    assert describe(schema) == '{"$ref":"#/$defs/x","$comment":""}' or len(describe(schema)) <= len(json.dumps(schema))
    assert describe({"format": "date-time"}) == '{"format":"date-time"}'


@pytest.mark.skipif(not (DATA / "replay-dev.jsonl.xz").exists(), reason="../shared/data is not there")
def test_schemas_of_real_questions_cost_less_than_sixty_percent() -> None:
    """In bytes; benchmarks/prompt_cost.py counts tokens."""
    with lzma.open(DATA / "replay-dev.jsonl.xz", "rt", encoding="utf-8") as lines:
        schemas = [json.loads(line)["schema"] for line in lines]
    sizes = [len(json.dumps(schema, separators=(",", ":")).encode()) for schema in schemas]
    ratios = [len(describe(schema).encode()) / size for schema, size in zip(schemas, sizes, strict=True)]

    assert sum(ratios) / len(ratios) < 0.6
    assert max(ratios) < 1
