"""The models that a server has, from any of LM Studio's three listings.  Pure: JSON in, records out.

`/api/v1/models` (0.4.0 and later) tells all; `/api/v0/models` lacks the parallel slots; `/v1/models`, which every
OpenAI-compatible server has, names them only.  Shapes: LM Studio's REST documentation, pages `list` and `endpoints`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lmextract.dialects import dialect_for
from lmextract.errors import ConfigError
from lmextract.types import Json, Profile, is_array, is_object

__all__ = ["LISTINGS", "ModelRecord", "choose", "read_listing", "without_prefix"]

LISTINGS = ("/api/v1/models", "/api/v0/models", "/v1/models")
"""Where models are listed, the most telling first."""


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model that a server has; what its listing does not tell is None.

    `instances` are the names under which it is loaded; `context_length` is that of the loaded instance in tokens,
    `max_context_length` the most it can take; `size_bytes` is its size on disk.
    """

    key: str
    type: str | None = None
    format: str | None = None
    quantization: str | None = None
    loaded: bool | None = None
    instances: tuple[str, ...] = ()
    context_length: int | None = None
    max_context_length: int | None = None
    parallel: int | None = None
    size_bytes: int | None = None

    @property
    def chats(self) -> bool:
        """Whether it may be a chat model; only an embedding model is known not to be."""
        return self.type not in ("embedding", "embeddings") and not (self.type is None and "embed" in self.key.lower())

    @property
    def names(self) -> frozenset[str]:
        """Every name it answers to."""
        return frozenset((self.key, *self.instances))

    def profile(self, name: str) -> Profile:
        """What the flow needs to know of it when it is asked for by this name."""
        dialect = dialect_for(self.format, self.parallel)
        return Profile(name, dialect, self.context_length, self.parallel or 1, self.names)


def read_listing(body: Json) -> tuple[ModelRecord, ...] | None:
    """The models of a listing of any of the three kinds; None if it is none (unknown routes answer 200, BT#618)."""
    if not is_object(body):
        return None
    models, data = body.get("models"), body.get("data")
    if is_array(models):
        return tuple(_from_v1(model) for model in _objects(models) if isinstance(model.get("key"), str))
    if is_array(data):
        return tuple(_from_v0(model) for model in _objects(data) if isinstance(model.get("id"), str))
    return None


def _objects(items: Json) -> list[dict[str, Any]]:
    return [item for item in items if is_object(item)] if is_array(items) else []


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: Json) -> int | None:
    """A number of tokens, bytes or slots; what is none is not known."""
    try:
        return int(value) if int(value) > 0 else None
    except (TypeError, ValueError, OverflowError):
        return None


def _from_v1(model: Mapping[str, Any]) -> ModelRecord:
    instances = _objects(model.get("loaded_instances"))
    config = instances[0].get("config") if instances else None
    config = config if is_object(config) else {}
    quantization = model.get("quantization")
    return ModelRecord(
        key=model["key"],
        type=_text(model.get("type")),
        format=_text(model.get("format")),
        quantization=_text(quantization.get("name") if is_object(quantization) else quantization),
        loaded=bool(instances),
        instances=tuple(str(instance["id"]) for instance in instances if instance.get("id")),
        context_length=_count(config.get("context_length")),
        max_context_length=_count(model.get("max_context_length")),
        parallel=_count(config.get("parallel")),
        size_bytes=_count(model.get("size_bytes")),
    )


def _from_v0(model: Mapping[str, Any]) -> ModelRecord:
    state = model.get("state")
    return ModelRecord(
        key=model["id"],
        type=_text(model.get("type")),
        format=_text(model.get("compatibility_type")),
        quantization=_text(model.get("quantization")),
        loaded=None if state is None else state == "loaded",
        context_length=_count(model.get("loaded_context_length")),
        max_context_length=_count(model.get("max_context_length")),
    )


def without_prefix(model: str) -> str:
    """A model name without LiteLLM's provider prefix `lm_studio/`."""
    return model.removeprefix("lm_studio/")


def choose(records: Sequence[ModelRecord], wanted: str | None) -> Profile:
    """The profile of the model wanted, or of the only one loaded; ConfigError where that is none or several.

    A name that is not listed passes: the server may know it all the same, and the reply tells which model answered.
    """
    if wanted is not None:
        record = _named(records, wanted)
        return record.profile(wanted) if record else Profile(wanted, "safe")
    usable = [record for record in records if record.chats]
    loaded = [record for record in usable if record.loaded or record.loaded is None]
    if len(loaded) == 1:
        return loaded[0].profile(next(iter(loaded[0].instances), loaded[0].key))
    raise _no_choice(usable, loaded)


def _named(records: Iterable[ModelRecord], wanted: str) -> ModelRecord | None:
    """LM Studio takes names in any case (recorded on 0.4.25)."""
    lowered = wanted.lower()
    return next((record for record in records if any(lowered == name.lower() for name in record.names)), None)


def _no_choice(usable: Sequence[ModelRecord], loaded: Sequence[ModelRecord]) -> ConfigError:
    if loaded:
        names = ", ".join(sorted(record.key for record in loaded))
        known = all(record.loaded for record in loaded)
        state = (
            "several models are loaded" if known else "the server has several models and does not say which is loaded"
        )
        return ConfigError(f"{state}: {names}.", hint="Name one: model=..., --model or LMEXTRACT_MODEL.")
    if not usable:
        return ConfigError(
            "the server has no language model.",
            hint="Download one: `lms get <model>`, then load it: `lms load <model>`.",
        )
    names = ", ".join(sorted(record.key for record in usable))
    return ConfigError(
        f"no model is loaded; there are: {names}.",
        hint=f"Load one (`lms load {usable[0].key}`) or name one (model=...), which LM Studio then loads by itself.",
    )
