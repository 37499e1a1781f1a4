"""First version: structure only, everything else reported as relaxed. Replaced by the real compiler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lmextract.types import Json, JsonSchema, Note, Path, Relaxation, WireSchema

DIALECTS: Mapping[str, Any] = {name: name for name in ("gguf", "mlx-outlines", "mlx-llguidance", "safe")}
ANNOTATIONS = frozenset(
    "title description default examples example deprecated readOnly writeOnly $comment $schema $id id discriminator"
    " $defs definitions".split()
)
KEPT = frozenset("type properties required additionalProperties items prefixItems minItems maxItems".split())
ANY = [{"type": t} for t in ("string", "number", "boolean", "null", "object", "array")]


def compile_schema(target: object, dialect: str = "safe") -> WireSchema:
    """The wire schema of a target, a type or a schema for a dialect, with what it gives up."""
    root = _schema_of(target)
    relaxed: list[Relaxation] = []
    lowering = _Lowering(root, relaxed)
    body = lowering.lower(root, Path())
    for _ in range(20):
        if "$ref" not in body:
            break
        body = lowering.defs[body["$ref"].removeprefix("#/$defs/")]
    wrapped = body.get("type") != "object"
    wire: dict[str, Any] = dict(body)
    if wrapped:
        wire = {"type": "object", "properties": {"value": body}, "required": ["value"], "additionalProperties": False}
    if lowering.defs:
        wire["$defs"] = lowering.defs
    return WireSchema(wire, tuple(relaxed), not relaxed, dialect, wrapped)


def _schema_of(target: object) -> JsonSchema:
    if isinstance(target, Mapping):
        return target
    if isinstance(schema := getattr(target, "schema", None), Mapping):
        return schema
    from lmextract.target import Target

    return Target.of(target).schema


class _Lowering:
    def __init__(self, root: JsonSchema, relaxed: list[Relaxation]) -> None:
        self.root, self.relaxed = root, relaxed
        self.defs: dict[str, Any] = {}
        self.names: dict[str, str] = {}

    def relax(self, path: Path, keyword: str, reason: str) -> None:
        self.relaxed.append(Relaxation(path, keyword, reason))

    def lower(self, schema: Any, path: Path) -> dict[str, Any]:
        if not isinstance(schema, Mapping):
            if schema is False:
                self.relax(path, "false", "nothing can stand here")
            return {"anyOf": ANY}
        if "$ref" in schema:
            return self.ref(schema["$ref"], path)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                for other in schema.keys() - ANNOTATIONS - {key}:
                    self.relax(path, other, f"stands beside {key}")
                return {"anyOf": [self.lower(each, path) for each in schema[key]]}
        if "allOf" in schema and len(schema["allOf"]) == 1 and not (schema.keys() - ANNOTATIONS - {"allOf"}):
            return self.lower(schema["allOf"][0], path)
        if "const" in schema:
            return {"const": schema["const"]}
        if "enum" in schema:
            return {"enum": list(schema["enum"])}
        return self.plain(schema, path)

    def ref(self, ref: str, path: Path) -> dict[str, Any]:
        if ref not in self.names:
            target: Any = self.root
            for step in ref.removeprefix("#").split("/")[1:]:
                step = step.replace("~1", "/").replace("~0", "~")
                target = target[int(step)] if isinstance(target, list) else target.get(step, True)
            name = self.names[ref] = "".join(filter(str.isalnum, ref.rsplit("/", 1)[-1])) + f"x{len(self.names)}"
            self.defs[name] = {}
            self.defs[name] = self.lower(target if ref.startswith("#") else True, path)
        return {"$ref": f"#/$defs/{self.names[ref]}"}

    def plain(self, schema: Mapping[str, Any], path: Path) -> dict[str, Any]:
        kind = schema.get("type") or ("object" if "properties" in schema else "array" if "items" in schema else None)
        for other in schema.keys() - ANNOTATIONS - KEPT:
            self.relax(path, other, "not yet lowered")
        if kind is None:
            return {"anyOf": ANY}
        if isinstance(kind, list):
            return {"anyOf": [self.plain({**schema, "type": each}, path) for each in kind]}
        if kind == "object" and "properties" in schema:
            return self.object(schema, path)
        out: dict[str, Any] = {"type": kind}
        if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
            out["additionalProperties"] = self.lower(schema["additionalProperties"], path / "*")
        if kind == "array":
            out |= {key: schema[key] for key in ("minItems", "maxItems") if key in schema}
            if "items" in schema:
                out["items"] = self.lower(schema["items"], path / "*")
            if "prefixItems" in schema:
                out["prefixItems"] = [self.lower(each, path / i) for i, each in enumerate(schema["prefixItems"])]
        return out

    def object(self, schema: Mapping[str, Any], path: Path) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        for name, each in schema["properties"].items():
            lowered = self.lower(each, path / name)
            if name not in schema.get("required", ()) and not admits_null(each, self.root):
                options = lowered["anyOf"] if lowered.keys() == {"anyOf"} else [lowered]
                lowered = {"anyOf": [*options, {"type": "null"}]}
            properties[name] = lowered
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }


def deref(schema: Any, root: JsonSchema) -> Any:
    for _ in range(20):
        if not (isinstance(schema, Mapping) and isinstance(ref := schema.get("$ref"), str) and ref.startswith("#")):
            return schema
        schema = root
        for step in ref.removeprefix("#").split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            schema = schema[int(step)] if isinstance(schema, list) else schema.get(step, True)
    return True


def admits_null(schema: Any, root: JsonSchema) -> bool:
    schema = deref(schema, root)
    if not isinstance(schema, Mapping):
        return schema is True
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return any(admits_null(each, root) for each in schema[key])
    if "allOf" in schema:
        return all(admits_null(each, root) for each in schema["allOf"])
    if "const" in schema:
        return schema["const"] is None
    if "enum" in schema:
        return None in schema["enum"]
    kind = schema.get("type")
    if kind is None:
        return "properties" not in schema and "items" not in schema
    return kind == "null" or (isinstance(kind, list) and "null" in kind)


def restore(value: Json, schema: JsonSchema, wire: WireSchema) -> tuple[Json, tuple[Note, ...]]:
    """The value in the user's own shape, and a note for every departure from the agreed wire form."""
    if wire.wrapped and isinstance(value, dict) and value.keys() == {"value"}:
        value = value["value"]
    return _restored(value, schema, schema), ()


def _restored(value: Json, schema: Any, root: JsonSchema) -> Json:
    schema = deref(schema, root)
    if not isinstance(schema, Mapping):
        return value
    for key in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(key, ()):
            value = _restored(value, each, root)
    if isinstance(value, dict) and isinstance(schema.get("properties"), Mapping):
        out = {}
        for name, each in value.items():
            sub = schema["properties"].get(name)
            if each is None and sub is not None and name not in schema.get("required", ()) and not admits_null(sub, root):
                continue
            out[name] = _restored(each, sub, root) if sub is not None else each
        return out
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [_restored(each, schema["items"], root) for each in value]
    return value


def dialect_for(format: str | None, parallel: int | None) -> str:
    """The dialect of the engine behind a model, from what the server says of it."""
    match format:
        case "gguf":
            return "gguf"
        case "mlx":
            return "mlx-outlines" if parallel == 1 else "mlx-llguidance" if parallel else "safe"
        case _:
            return "safe"


def lower_further(wire: WireSchema, schema: JsonSchema, error_text: str) -> WireSchema | None:
    """The next rung after a refusal: the safe dialect, or None for no schema at all."""
    return compile_schema(schema, "safe") if wire.dialect != "safe" else None
