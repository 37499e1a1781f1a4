"""The ready-made schemas keep to one style, and each has an example that says what its document says.

A value of an example counts as found in its document where white space and commas do not matter, a date may be written
as people write dates, and a number with any separators.  What cannot be found that way is listed, with the reason, in
the example's `derived.json`.
"""

from __future__ import annotations

import calendar
import datetime
import json
import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import jsonschema
import pytest

from lmextract.dialects import DIALECTS, compile_schema, restore
from lmextract.target import Target
from lmextract.types import Json, JsonSchema, Path, Valid

ROOT = FilePath(__file__).parents[1]
SCHEMAS = {file.stem: json.loads(file.read_text("utf-8")) for file in sorted((ROOT / "schemas").glob("*.json"))}
DOCUMENTS = sorted(file for file in (ROOT / "examples").glob("*/*") if file.suffix in {".txt", ".md", ".eml"})
ORDER = ["$schema", "title", "description", "type", "properties", "required", "additionalProperties", "$defs"]
KEYWORDS = {
    *{"description", "type", "enum", "format", "pattern", "minimum", "maximum", "items", "anyOf", "$ref"},
    *{"properties", "required", "additionalProperties"},
}
MONTH_NAMES = (*enumerate(calendar.month_name), *enumerate(calendar.month_abbr))
MONTHS = {name: number for number, name in MONTH_NAMES if name}

each_schema = pytest.mark.parametrize("name", SCHEMAS)
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: f"{file.parent.name}/{file.stem}")


def _objects(schema: JsonSchema) -> Iterator[tuple[str, JsonSchema]]:
    """The root and every named type: all objects that there are."""
    yield str(schema["title"]), schema
    yield from schema.get("$defs", {}).items()


def _properties(schema: JsonSchema) -> Iterator[tuple[str, JsonSchema]]:
    for owner, each in _objects(schema):
        for name, property_ in each["properties"].items():
            yield f"{owner}.{name}", property_


def _nodes(node: Json) -> Iterator[JsonSchema]:
    """A property's schema and those inside it."""
    yield node
    for inner in (*node.get("anyOf", ()), *([node["items"]] if "items" in node else [])):
        yield from _nodes(inner)


def _admits_null(node: JsonSchema) -> bool:
    return "null" in node.get("type", ()) or {"type": "null"} in node.get("anyOf", ())


@each_schema
def test_a_schema_is_valid_2020_12_and_says_so(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])

    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@each_schema
def test_a_schema_is_titled_after_its_file(name: str) -> None:
    assert SCHEMAS[name]["title"] == "".join(word.capitalize() for word in name.split("_"))


@each_schema
def test_a_schema_file_is_laid_out_for_reading(name: str) -> None:
    text = (ROOT / "schemas" / f"{name}.json").read_text("utf-8")

    assert list(SCHEMAS[name]) == [key for key in ORDER if key in SCHEMAS[name]]
    assert text.endswith("}\n")
    assert [line for line in text.splitlines() if len(line) > 120 or line != line.rstrip() or "\t" in line] == []
    assert {(len(line) - len(line.lstrip())) % 2 for line in text.splitlines()} == {0}


@each_schema
def test_every_property_is_described(name: str) -> None:
    assert SCHEMAS[name]["description"]
    assert [path for path, each in _properties(SCHEMAS[name]) if not each.get("description")] == []


@each_schema
def test_what_may_be_null_says_when(name: str) -> None:
    properties = list(_properties(SCHEMAS[name]))

    assert [path for path, each in properties if _admits_null(each) != ("null" in each["description"])] == []


@each_schema
def test_every_object_is_closed_and_requires_all_of_its_properties(name: str) -> None:
    for _, each in _objects(SCHEMAS[name]):
        assert each["type"] == "object"
        assert each["required"] == list(each["properties"])
        assert each["additionalProperties"] is False


@each_schema
def test_a_list_is_empty_rather_than_null(name: str) -> None:
    lists = [(path, each) for path, each in _properties(SCHEMAS[name]) if "items" in each]

    assert [path for path, each in lists if each["type"] != "array"] == []


@each_schema
def test_nested_objects_are_named_types_and_every_named_type_is_used(name: str) -> None:
    nodes = [node for _, each in _properties(SCHEMAS[name]) for node in _nodes(each)]
    named = {f"#/$defs/{key}" for key in SCHEMAS[name].get("$defs", {})}

    assert [node for node in nodes if "properties" in node] == []
    assert {node["$ref"] for node in nodes if "$ref" in node} == named


@each_schema
def test_a_schema_uses_only_what_engines_and_checkers_agree_on(name: str) -> None:
    for path, each in _properties(SCHEMAS[name]):
        assert re.fullmatch(r"\w+\.[a-z]+(_[a-z]+)*", path)
        for node in _nodes(each):
            assert node.keys() <= KEYWORDS
            assert node.get("format", "date") in {"date", "email"}
            assert re.fullmatch(r"\^[^\\^$]*\$", node.get("pattern", "^$"))
            assert "anyOf" not in node or (len(node["anyOf"]) == 2 and node["anyOf"][1] == {"type": "null"})


def test_every_schema_has_an_example_and_every_example_a_schema() -> None:
    assert {document.parent.name for document in DOCUMENTS if document.stem == "document"} == set(SCHEMAS)
    assert {document.parent.name for document in DOCUMENTS} == set(SCHEMAS)


@each_document
def test_what_is_expected_is_valid_formats_included(document: FilePath) -> None:
    value = _expected(document)

    assert Target.of(ROOT / "schemas" / f"{document.parent.name}.json").check(value) == Valid(value)


@each_document
def test_what_is_expected_is_written_in_the_order_of_the_schema(document: FilePath) -> None:
    schema, value = SCHEMAS[document.parent.name], _expected(document)

    assert json.dumps(value) == json.dumps(_in_order(value, schema, schema))


@each_document
def test_what_is_expected_stands_in_the_document_unless_listed_as_derived(document: FilePath) -> None:
    text, leaves = document.read_text("utf-8"), _leaves(_expected(document), SCHEMAS[document.parent.name])
    listed = document.with_name("derived.json")
    derived: set[str] = set(_read(listed) if document.stem == "document" and listed.exists() else ())

    assert {str(path) for path, value, node in leaves if not _found(value, node, text)} == derived


def _as_written(value: Any) -> Any:
    """A value whose strings stand as in JSON text, which is what all engines but llguidance match patterns against."""
    if isinstance(value, dict):
        return {key: _as_written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_written(item) for item in value]
    return json.dumps(value, ensure_ascii=False)[1:-1] if isinstance(value, str) else value


@each_schema
@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_engine_of_each_dialect_can_give_the_expected_answers(name: str, dialect: str) -> None:
    wire = compile_schema(SCHEMAS[name], dialect)
    engine = jsonschema.Draft202012Validator(wire.schema)

    for value in [_expected(document) for document in DOCUMENTS if document.parent.name == name]:
        assert engine.is_valid(value if dialect == "mlx-llguidance" else _as_written(value))
        assert restore(value, SCHEMAS[name], wire) == (value, ())


@each_schema
def test_the_page_on_schemas_lists_every_field_of_a_schema(name: str) -> None:
    rows = (ROOT / "docs" / "schemas.md").read_text("utf-8").splitlines()

    row = next(row for row in rows if row.startswith(f"| `{name}` |"))

    assert re.findall(r"`(\w+)`", row.rpartition(" | ")[2]) == list(SCHEMAS[name]["properties"])


def _read(file: FilePath) -> Any:
    return json.loads(file.read_text("utf-8"))


def _expected(document: FilePath) -> Any:
    return _read(document.with_name("expected.json" if document.stem == "document" else f"{document.stem}.json"))


def _resolved(node: JsonSchema, root: JsonSchema) -> JsonSchema:
    node = node["anyOf"][0] if "anyOf" in node else node
    return root["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def _in_order(value: Json, node: JsonSchema, root: JsonSchema) -> Json:
    if value is None:
        return None
    node = _resolved(node, root)
    if "properties" in node:
        return {key: _in_order(value[key], each, root) for key, each in node["properties"].items()}
    return [_in_order(item, node["items"], root) for item in value] if "items" in node else value


def _leaves(value: Json, root: JsonSchema) -> Iterator[tuple[Path, Json, JsonSchema]]:
    """Every plain value that is not null, with its path and its schema."""

    def walk(value: Json, node: JsonSchema, path: Path) -> Iterator[tuple[Path, Json, JsonSchema]]:
        node = _resolved(node, root)
        if value is None:
            return
        if "properties" in node:
            for key, item in value.items():
                yield from walk(item, node["properties"][key], path / key)
        elif "items" in node:
            for index, item in enumerate(value):
                yield from walk(item, node["items"], path / index)
        else:
            yield path, value, node

    return walk(value, root, Path())


def _found(value: Json, node: JsonSchema, text: str) -> bool:
    match value:
        case bool():
            return True
        case int() | float():
            return abs(value) in _numbers(text)
        case _ if "enum" in node:
            return True
        case _ if node.get("format") == "date":
            day = datetime.date.fromisoformat(value)
            return not {(day.year, day.month, day.day), (None, day.month, day.day)}.isdisjoint(_days(text))
        case _ if node.get("pattern", "").startswith("^[0-9]{4}(-"):
            year, _, month = value.partition("-")
            return re.search(rf"\b{month}/{year}\b" if month else rf"\b{year}\b", text) is not None
        case _:
            return re.search(rf"(?<!\w){re.escape(_squeezed(value))}(?!\w)", _squeezed(text)) is not None


def _squeezed(text: str) -> str:
    return re.sub(r"[\s,]+", " ", text)


def _numbers(text: str) -> set[float]:
    """Every number in a text, however its thousands and its fraction are set off."""
    written = [each.replace("'", "") for each in re.findall(r"\d+(?:[.,']\d+)*", text)]
    swapped = [each.translate(str.maketrans(",.", ".,")) for each in written]
    plain = [each.replace(",", "") for each in (*written, *swapped)]
    return {float(each) for each in (*plain, *re.findall(r"\d+", text)) if each.count(".") <= 1}


def _days(text: str) -> set[tuple[int | None, int, int]]:
    """Every date in a text as (year, month, day), in both orders where it is all numbers; a year may be missing."""
    months = "|".join(MONTHS)
    found: set[tuple[int | None, int, int]] = set()
    for first, second, year in re.findall(r"\b(\d\d)[./](\d\d)[./](\d{4})\b", text):
        found |= {(int(year), int(second), int(first)), (int(year), int(first), int(second))}
    for day, month, year in re.findall(rf"\b(\d\d?) ({months})\b(?: (\d{{4}}))?", text):
        found.add((int(year) if year else None, MONTHS[month], int(day)))
    for month, day, year in re.findall(rf"\b({months}) (\d\d?), (\d{{4}})\b", text):
        found.add((int(year), MONTHS[month], int(day)))
    return found
