"""The ladder: what is sent after a refusal."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lmextract.dialects import DIALECTS, compile_schema, lower_further

SCHEMA = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "day": {"type": "string", "format": "date"},
        "note": {"type": "string", "maxLength": 100},
    },
    "required": ["code", "day", "note"],
}
PATTERN = "JSON schema conversion failed:\nPattern must start with '^' and end with '$'"
OTHER = "Failed to initialize samplers: failed to parse grammar"


def test_what_the_refusal_names_is_left_out_first_and_nothing_else() -> None:
    wire = compile_schema(SCHEMA, "gguf")
    lower = lower_further(wire, SCHEMA, PATTERN)

    assert lower is not None
    assert wire.schema["properties"]["code"].keys() > {"pattern"}
    assert "pattern" not in lower.schema["properties"]["code"]
    assert lower.schema["properties"]["note"] == wire.schema["properties"]["note"]
    assert "pattern" in {relaxation.keyword for relaxation in lower.relaxations}
    assert not lower.fully_enforced


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("said", [PATTERN, OTHER, "'type' must be a string", ""])
def test_every_descent_ends_without_a_schema(dialect: str, said: str) -> None:
    rungs = [compile_schema(SCHEMA, dialect)]
    while (lower := lower_further(rungs[-1], SCHEMA, said)) is not None:
        rungs.append(lower)
        assert len(rungs) < 12

    assert all(one.schema != below.schema for one, below in pairwise(rungs))
    assert rungs[-1].dialect == "structure"


def test_what_can_be_no_simpler_is_sent_without_a_schema_at_once() -> None:
    plain = {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}

    assert lower_further(compile_schema(plain, "gguf"), plain, OTHER) is None


def test_a_refusal_that_names_nothing_goes_to_safe_then_to_structure() -> None:
    safe = lower_further(compile_schema(SCHEMA, "gguf"), SCHEMA, OTHER)
    assert safe is not None
    structure = lower_further(safe, SCHEMA, OTHER)
    assert structure is not None

    assert [safe.dialect, structure.dialect] == ["safe", "structure"]
    assert lower_further(structure, SCHEMA, OTHER) is None
