"""The notation: what each part of a schema looks like."""

from __future__ import annotations

from typing import Any

import pytest

from lmextract.notation import describe
from lmextract.types import WireSchema

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
        pytest.param({"allOf": [True, {"type": "string"}, {}]}, "string", id="any and something"),
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


def test_allof_of_plain_objects_is_one_object_with_its_own_fields_first() -> None:
    schema = {
        "allOf": [{"$ref": "#/definitions/base"}, record(b={"type": "integer"})],
        "definitions": {"base": {**record(a=STRING), "description": "The base."}},
        "properties": {"c": {"type": "boolean"}},
    }

    assert describe(schema) == "{ // The base.\nc?: boolean\na: string\nb: integer\n}"


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

    assert describe(schema) == "{\na: string(>=2 chars) // <=5 chars\n}"
    assert describe({**schema, "$schema": "http://json-schema.org/draft-07/schema#"}) == "{a: string(>=2 chars)}"


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
