"""What the engines refuse and in which words, against their own verdicts where these are at hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.testing.asking import chat, content, error, wanted
from tests.testing.real import verdicts

from lmextract.testing import FAIL_OPEN, GGUF, MLX_LLGUIDANCE, MLX_OUTLINES, Engine, FakeLMStudio

NULLABLE = {"type": ["string", "null"]}


def holding(node: object) -> dict[str, Any]:
    return {"type": "object", "properties": {"field": node}, "required": ["field"]}


GGUF_CONVERSION = "JSON schema conversion failed:\n"
GGUF_SAMPLERS = "Failed to initialize samplers: failed to parse grammar"

REFUSED: list[tuple[Engine, object, str]] = [
    (GGUF, {"type": "string", "pattern": "[0-9]+"}, "Pattern must start with '^' and end with '$'"),
    (GGUF, {"type": "string", "pattern": r"^\d+$"}, GGUF_SAMPLERS),
    (GGUF, {"type": "string", "pattern": r"^(?=a)b$"}, GGUF_SAMPLERS),
    (GGUF, {"pattern": "^a{2000}$"}, GGUF_SAMPLERS),
    (GGUF, {"type": "string", "maxLength": 2000}, GGUF_SAMPLERS),
    (GGUF, {"type": "array", "items": {"type": "string"}, "maxItems": 2000}, GGUF_SAMPLERS),
    (GGUF, {"$ref": "#"}, "Unsupported ref: #"),
    (GGUF, {"$ref": "https://example.com/schema"}, "Unsupported ref: https://example.com/schema"),
    (GGUF, {"type": "array", "items": True}, "Unrecognized schema: true"),
    (MLX_OUTLINES, NULLABLE, "ValueError: 'type' must be a string"),
    (
        MLX_OUTLINES,
        {"description": "anything"},
        'ValueError: Unsupported JSON Schema structure {"description":"anything"}',
    ),
    (MLX_OUTLINES, {"type": "string", "format": "email"}, "ValueError: Format email is not supported by Outlines"),
    (MLX_OUTLINES, {"enum": [["a"]]}, "ValueError: Unsupported data type in enum"),
    (MLX_OUTLINES, {"type": "object", "additionalProperties": False}, "Unsupported JSON Schema structure false"),
    (MLX_OUTLINES, {"type": "string", "pattern": "(?!a)b"}, "look-around"),
    (MLX_LLGUIDANCE, {"type": "array", "uniqueItems": True}, 'ValueError: Unimplemented keys: ["uniqueItems"]'),
    (MLX_LLGUIDANCE, {"type": "string", "format": "phone"}, "ValueError: Unknown format: phone"),
    (MLX_LLGUIDANCE, {"not": {"type": "null"}}, 'Unimplemented keys: ["not"]'),
    (MLX_LLGUIDANCE, {"oneOf": [{"type": "integer"}, {"type": "number"}]}, "oneOf constraints are not supported"),
    (MLX_LLGUIDANCE, {"type": "string", "pattern": "a(?!b)"}, "look-around"),
]
TAKEN: list[tuple[Engine, object]] = [
    (GGUF, NULLABLE),
    (GGUF, {"type": "string", "pattern": "^[0-9]{4}$", "maxLength": 5000}),
    (GGUF, {"type": "string", "maxLength": 1999}),
    (GGUF, {"type": "string", "format": "email"}),
    (GGUF, {"anyOf": [{"type": "string"}], "pattern": "unseen"}),
    (GGUF, {"not": {"pattern": "unseen"}}),
    (GGUF, {"description": "anything"}),
    (MLX_OUTLINES, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    (MLX_OUTLINES, {"type": "string", "format": "email", "maxLength": 99}),
    (MLX_OUTLINES, {}),
    (MLX_OUTLINES, {"type": "array", "uniqueItems": True, "items": {"type": "integer", "minimum": 3}}),
    (MLX_LLGUIDANCE, NULLABLE),
    (MLX_LLGUIDANCE, {"type": "string", "format": "email"}),
    (MLX_LLGUIDANCE, {"oneOf": [{"type": "string"}, {"type": "null"}]}),
    (
        MLX_LLGUIDANCE,
        {"oneOf": [{**holding({"const": "a"}), "title": "A"}, {**holding({"const": "b"}), "title": "B"}]},
    ),
]


@pytest.mark.parametrize(("engine", "node", "reason"), REFUSED, ids=lambda given: getattr(given, "name", None))
def test_an_engine_refuses_a_construct_with_a_400_in_its_own_words(engine: Engine, node: object, reason: str) -> None:
    with FakeLMStudio(engine=engine) as fake:
        response = chat(fake, **wanted(holding(node)))

    assert response.status_code == 400
    assert reason in _innermost(error(response))


@pytest.mark.parametrize(("engine", "node"), TAKEN, ids=lambda given: getattr(given, "name", None))
def test_an_engine_takes_what_is_harmless_to_it(engine: Engine, node: object) -> None:
    with FakeLMStudio(engine=engine) as fake:
        assert chat(fake, **wanted(holding(node))).status_code == 200


def _innermost(text: str) -> str:
    prefix = "Engine protocol predict request returned 400: "
    return str(json.loads(text.removeprefix(prefix))["error"]["message"]) if text.startswith(prefix) else text


def test_a_refusal_of_gguf_is_json_within_a_string() -> None:
    """BT#2197."""
    with FakeLMStudio() as fake:
        response = chat(fake, **wanted(holding({"type": "string", "pattern": "a"})))

    assert response.text == (
        r'{"error":"Engine protocol predict request returned 400: {\"error\":{\"code\":400,\"message\":\"Unable to '
        r"generate parser for this template. Automatic parser generation failed: JSON schema conversion failed:\\n"
        r"""Pattern must start with '^' and end with '$'\",\"type\":\"invalid_request_error\"}}"}"""
    )


def test_a_refusal_of_mlx_is_a_plain_string() -> None:
    with FakeLMStudio(engine="mlx-outlines") as fake:
        response = chat(fake, **wanted(holding(NULLABLE)))

    assert response.text == '{"error":"Error in iterating prediction stream: ValueError: \'type\' must be a string"}'


def test_an_engine_that_fails_open_answers_in_prose() -> None:
    """llama.cpp#19051."""
    with FakeLMStudio(engine="fail-open") as fake:
        refused = content(chat(fake, **wanted(holding({"type": "string", "pattern": "a"}))))
        taken = content(chat(fake, **wanted(holding({"type": "string"}))))

    assert refused.startswith("This is an invented answer")
    assert taken == '{"field": "field"}'


def test_outlines_drops_a_recursion_below_a_property_and_refuses_one_that_is_not() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#/$defs/tree"}}}
    bare = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/bare"}}]}

    assert MLX_OUTLINES.refuse({"$ref": "#/$defs/tree", "$defs": {"tree": tree}}) is None
    assert MLX_OUTLINES.refuse({"$ref": "#/$defs/bare", "$defs": {"bare": bare}}) == "Ref recusion limit reached: 3"


def test_strings_of_outlines_hold_no_line_break_whoever_wrote_them() -> None:
    schema = holding({"type": "string"})
    with FakeLMStudio(lambda _: {"field": 'a\nb\t"c" \\n ü'}, engine="mlx-outlines") as fake:
        assert json.loads(content(chat(fake, **wanted(schema)))) == {"field": 'a b "c" \\n ü'}
        assert "\\n" in content(chat(fake))
    with FakeLMStudio(lambda _: {"field": "a\nb"}, engine="mlx-llguidance") as fake:
        assert json.loads(content(chat(fake, **wanted(schema)))) == {"field": "a\nb"}


BOUNDS = {
    "type": "object",
    "properties": {
        "price": {"type": "number", "minimum": 10},
        "pages": {"type": "integer", "minimum": 10, "maximum": 20},
    },
    "required": ["price", "pages"],
}


@pytest.mark.parametrize(
    ("engine", "price", "pages"),
    [(GGUF, 9, 10), (MLX_OUTLINES, 9, 9), (MLX_LLGUIDANCE, 10, 10), (FAIL_OPEN, 9, 10)],
    ids=lambda given: getattr(given, "name", None),
)
def test_a_careless_answer_breaks_the_bounds_that_the_engine_does_not_hold(
    engine: Engine, price: int, pages: int
) -> None:
    with FakeLMStudio(engine=engine, careless=True) as fake:
        assert json.loads(content(chat(fake, **wanted(BOUNDS)))) == {"price": price, "pages": pages}


def test_an_engine_can_be_of_ones_own() -> None:
    picky = Engine("picky", "gguf", lambda schema: "no titles" if "title" in schema else None, GGUF.wrap)
    with FakeLMStudio(engine=picky) as fake:
        assert "no titles" in error(chat(fake, **wanted({"title": "Book", "type": "object"})))
        assert chat(fake, **wanted({"type": "object"})).status_code == 200


def test_a_name_that_is_no_engine_is_told() -> None:
    with pytest.raises(ValueError, match="no engine 'onnx'; there are gguf, mlx-outlines, mlx-llguidance, fail-open"):
        FakeLMStudio(engine="onnx")  # type: ignore[arg-type]  # what it is about


# --- against the engines' own verdicts


@pytest.mark.parametrize(
    ("engine", "build", "least"),
    [(MLX_OUTLINES, "outlines-core 0.1.26", 0.995), (MLX_LLGUIDANCE, "llguidance 1.9.1", 0.98)],
)
def test_the_profile_refuses_the_real_world_schemas_that_the_engine_refuses(
    engine: Engine, build: str, least: float
) -> None:
    agreed = [(engine.refuse(schema) is None) is (theirs is None) for schema, theirs in verdicts(build)]

    assert len(agreed) > 300
    assert sum(agreed) / len(agreed) >= least


def test_the_profile_of_outlines_uses_the_library_s_words() -> None:
    refused = [(schema, theirs) for schema, theirs in verdicts("outlines-core 0.1.26") if theirs]

    assert [
        theirs for schema, theirs in refused if theirs[:60] != f"ValueError: {MLX_OUTLINES.refuse(schema)}"[:60]
    ] == []
