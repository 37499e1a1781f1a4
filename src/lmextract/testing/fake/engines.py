"""The engines behind LM Studio, as a client meets them: what each refuses, in which words, and what it lets pass.

Measured on llama.cpp b8672 to b10068 (GGUF, what LM Studio 0.4.19 to 0.4.25 ship), outlines-core 0.1.26 (MLX, one slot)
and llguidance 1.9.1 (MLX, several slots); the walks below follow those engines' own order of looking at keywords.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from lmextract.testing.fake.errors import engine_request, mlx_exception
from lmextract.testing.fake.http import Answer
from lmextract.testing.fake.jsons import is_list, is_object
from lmextract.testing.fake.llguidance import llguidance_refusal
from lmextract.testing.fake.outlines import outlines_refusal
from lmextract.testing.fake.schemas import as_types, reachable
from lmextract.types import Json

__all__ = ["ENGINES", "FAIL_OPEN", "GGUF", "MLX_LLGUIDANCE", "MLX_OUTLINES", "Engine", "EngineName", "engine_named"]

EngineName: TypeAlias = Literal["gguf", "mlx-outlines", "mlx-llguidance", "fail-open"]


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine: `refuse` gives its reason for not taking a schema, or None; `wrap` makes that a response.

    `refuses_in_stream`: a refusal of a streamed request comes as an error event after a 200.  `fails_open`: it answers
    in prose instead of refusing.  `ignores` are the keywords that it takes and does not enforce; `one_line`: its
    strings cannot hold an escape such as a line break.
    """

    name: str
    format: Literal["gguf", "mlx"]
    refuse: Callable[[dict[str, Any]], str | None]
    wrap: Callable[[str], Answer]
    refuses_in_stream: bool = False
    fails_open: bool = False
    ignores: frozenset[str] = frozenset()
    one_line: bool = False

    def refusal(self, schema_text: str) -> str | None:
        """`refuse` for a schema given as JSON text; remembered, since a client sends the same one again and again."""
        return _refusal(self.refuse, schema_text)

    def emits(self, text: str) -> str:
        """A scripted reply as this engine would have let the model write it."""
        return _ESCAPE.sub(lambda found: found[0] if found[0] in _PLAIN else " ", text) if self.one_line else text


@lru_cache(maxsize=512)
def _refusal(refuse: Callable[[dict[str, Any]], str | None], schema_text: str) -> str | None:
    return refuse(json.loads(schema_text))


_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
_PLAIN = frozenset((r"\"", r"\\"))

# --- GGUF: llama.cpp

_CONVERSION = (
    "Unable to generate parser for this template. Automatic parser generation failed: JSON schema conversion failed:\n"
)
_SAMPLERS = "Failed to initialize samplers: failed to parse grammar"
# What the converter copies into the grammar as it stands, and the grammar parser does not know.
_NO_GRAMMAR = re.compile(r"\\[dDwWsSbBpP1-9AZz]|\(\?(?!:)")
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_MOST = {"maxLength": 1999, "minLength": 1999, "maxItems": 1990, "minItems": 2000}


def _gguf_refusal(schema: dict[str, Any]) -> str | None:
    for node in reachable(schema, _gguf_children):
        reason = _gguf_reason(node, schema)
        if reason is not None:
            return reason
    return None


def _gguf_reason(node: Json, root: dict[str, Any]) -> str | None:
    if not is_object(node):
        return f"{_CONVERSION}Unrecognized schema: {json.dumps(node)}"
    reference = node.get("$ref")
    if isinstance(reference, str):
        return None if _llama_resolves(reference, root) else f"{_CONVERSION}Unsupported ref: {reference}"
    if any(keyword in node for keyword in ("oneOf", "anyOf", "const", "enum")):
        return None  # these swallow their neighbours
    pattern = node.get("pattern")
    if isinstance(pattern, str) and (not as_types(node) or "string" in as_types(node)):
        if not (pattern.startswith("^") and pattern.endswith("$")):
            return f"{_CONVERSION}Pattern must start with '^' and end with '$'"
        repeats = (int(number) for found in _REPEAT.findall(pattern) for number in found if number)
        if _NO_GRAMMAR.search(pattern) or any(number > 1999 for number in repeats):
            return _SAMPLERS
    elif any(_exceeds(node.get(keyword), most) for keyword, most in _MOST.items()):
        return _SAMPLERS
    return None


def _exceeds(value: Json, most: int) -> bool:
    return isinstance(value, (int, float)) and value > most


def _llama_resolves(reference: str, root: dict[str, Any]) -> bool:
    if not reference.startswith("#/"):
        return False
    at: Json = root
    for step in reference[2:].split("/"):
        if not is_object(at) or step not in at:
            return False
        at = at[step]
    return True


def _gguf_children(node: dict[str, Any]) -> Iterator[Json]:
    """What the converter looks at below a node; it stops at the first of these that is there."""
    if "$ref" in node:
        return
    for keyword in ("oneOf", "anyOf"):
        if keyword in node:
            yield from _listed(node[keyword])
            return
    if "const" in node or "enum" in node:
        return
    if is_object(node.get("properties")):
        yield from node["properties"].values()
    if is_object(node.get("additionalProperties")):
        yield node["additionalProperties"]
    yield from _listed(node.get("allOf"))
    items = node.get("prefixItems", node.get("items"))
    yield from _listed(items) if is_list(items) else () if items is None else (items,)


def _listed(value: Json) -> Iterator[Json]:
    return iter(value if is_list(value) else ())


GGUF = Engine(
    "gguf",
    "gguf",
    _gguf_refusal,
    engine_request,
    ignores=frozenset(("number-bounds", "multipleOf", "uniqueItems", "contains", "not")),
)

# --- MLX

MLX_OUTLINES = Engine(
    "mlx-outlines",
    "mlx",
    outlines_refusal,
    lambda reason: mlx_exception(f"ValueError: {reason}"),
    refuses_in_stream=True,
    ignores=frozenset(("number-bounds", "integer-bounds", "multipleOf", "uniqueItems", "contains", "not")),
    one_line=True,
)
MLX_LLGUIDANCE = Engine(
    "mlx-llguidance",
    "mlx",
    llguidance_refusal,
    lambda reason: mlx_exception(f"ValueError: {reason}"),
    refuses_in_stream=True,
)

# --- llama.cpp before its grammar errors were reported (llama.cpp#19051): unconstrained text instead

FAIL_OPEN = Engine("fail-open", "gguf", _gguf_refusal, engine_request, fails_open=True, ignores=GGUF.ignores)

ENGINES: Mapping[EngineName, Engine] = {
    "gguf": GGUF,
    "mlx-outlines": MLX_OUTLINES,
    "mlx-llguidance": MLX_LLGUIDANCE,
    "fail-open": FAIL_OPEN,
}


def engine_named(engine: Engine | EngineName) -> Engine:
    """The engine of that name; an engine is itself."""
    if isinstance(engine, Engine):
        return engine
    if engine not in ENGINES:
        raise ValueError(f"no engine {engine!r}; there are {', '.join(ENGINES)}")
    return ENGINES[engine]
