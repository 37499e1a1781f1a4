"""Short ways to write a Request."""

from __future__ import annotations

from lmextract.types import JsonSchema, Message, Options, Request, WireSchema


def wire(schema: JsonSchema) -> WireSchema:
    """A schema that is sent as it is."""
    return WireSchema(schema, (), fully_enforced=True, dialect="gguf")


def ask(
    text: str = "Hello", schema: WireSchema | None = None, *, max_tokens: int = 100, seed: int | None = None
) -> Request:
    """One question; with a seed the model chooses freely."""
    options = Options() if seed is None else Options(temperature=1.0, seed=seed)
    return Request((Message("user", text),), schema, max_tokens, options)


NAMED = wire(
    {
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 12}, "size": {"type": "integer", "maximum": 99}},
        "required": ["name", "size"],
        "additionalProperties": False,
    }
)

ENDLESS = wire(
    {
        "type": "object",
        "properties": {"a": {"type": "string", "minLength": 5, "maxLength": 2}},
        "required": ["a"],
    }
)
"""The engine builds its grammar for ever; `compile_schema` lets no such schema through."""
