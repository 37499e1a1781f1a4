"""What can be chosen about a fake LM Studio, and what it records: frozen values.

The tags in brackets are those of the table in docs/testing.md: C confirmed by the vendor, M measured by a third party,
R reported in an issue, I inferred, ? unknown (then the default is ours).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeAlias

from lmextract.testing.fake.engines import Engine, EngineName
from lmextract.testing.fake.errors import Era
from lmextract.types import Json

__all__ = [
    "TOKEN",
    "Credentials",
    "FakeModel",
    "Loading",
    "Overflow",
    "Place",
    "Reasoning",
    "RecordedRequest",
    "Timing",
    "Unsettled",
]

TOKEN = "sk-lm-fakefake:fakefakefakefakefake"  # noqa: S105  # opens nothing
"""A token of the right form, for `FakeLMStudio(token=TOKEN)`; it opens nothing but the fake."""

Place: TypeAlias = Literal["none", "apart", "instead", "endless", "tags", "orphan-tag", "marker", "field"]
Credentials: TypeAlias = Literal["absent", "malformed", "unknown", "valid", "unchecked"]


@dataclass(frozen=True, slots=True)
class FakeModel:
    """A downloaded model; loaded from the start, explicitly, unless `loaded` is False.

    `identifier` is the id of the loaded instance where it is not the key (`lms load --identifier`).  `engine`,
    `context_length` and `parallel` None take the server's.  `broken` makes every load and download of it fail with
    that reason.  `dimensions` is the length of an embedding; all below it only shows in the listings.
    """

    key: str
    _: KW_ONLY
    kind: Literal["llm", "vlm", "embedding"] = "llm"
    loaded: bool = True
    identifier: str | None = None
    engine: Engine | EngineName | None = None
    context_length: int | None = None
    parallel: int | None = None
    broken: str | None = None
    dimensions: int = 16
    reasoning_options: tuple[str, ...] = ()
    publisher: str = "lmextract"
    arch: str = "fake"
    quantization: str = "Q4_K_M"
    bits_per_weight: float = 4
    size_bytes: int = 2_500_000_000
    params: str | None = "4B"
    max_context_length: int = 131_072
    tool_use: bool = False

    @property
    def embeds(self) -> bool:
        """Whether it is an embedding model."""
        return self.kind == "embedding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoning:
    """Where the thinking of a reasoning model goes.

    - `none`: the model does not think.
    - `apart`: into `reasoning_content`, the answer into `content` [M].
    - `instead`: the answer itself lands in `reasoning_content`, `content` is empty, finish is `stop` [R, M].
    - `endless`: thinks until the tokens run out; `content` is empty, finish is `length` [M].
    - `tags`: `<think>...</think>` inside `content` [C]; `orphan-tag`: the same without the opening tag.
    - `marker`: thoughts, LM Studio's synthetic marker and the answer inside `content` [M].
    - `field`: into `message.reasoning` instead of `reasoning_content` (gpt-oss in 0.3.23) [C].

    `reasoning_effort: "none"` in a request switches it off [R, M] unless `obeys` is False [M].
    """

    place: Place = "none"
    text: str = "The text names it, so I can answer."
    obeys: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long things take, in seconds.

    `first_token_s` passes before a reply begins, `token_s` more for each token of it; `load_s` a model takes to load,
    `download_s` to download.  A connection idle for `keep_alive_s` is closed [M].
    """

    first_token_s: float = 0.0
    token_s: float = 0.0
    load_s: float = 0.0
    download_s: float = 0.0
    keep_alive_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Overflow:
    """What happens when the context is too small.

    `era` chooses the words of the refusal: A for 0.3.x, B for 0.4.x before the engine protocol, C for GGUF since
    0.4.19 [R, R, M], mlx for batched MLX [C].  With `shared_pool` (LM Studio's default [C]) requests that run at the
    same time share one context length, and all of them fail when it is full [R, M]; without it each has its own.
    """

    era: Era = "C"
    shared_pool: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How models come into memory and leave it.

    `jit` loads a downloaded model when it is asked for; `auto_evict` then drops the one loaded that way before; an
    idle one leaves after `ttl_s` [C].  `duplicates`: several cold requests at once load several instances [R].
    """

    jit: bool = True
    auto_evict: bool = True
    ttl_s: float = 3600.0
    duplicates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """What no source settles about LM Studio; the defaults are guesses, so try both.

    - `done_after_error`: an error event in a stream is followed by `[DONE]`.
    - `missing_schema`: what `json_schema` without a schema gives; `refuse` is a 400, `object` any object.
    - `too_long`: an over-long prompt is refused, or the middle of it is silently dropped.
    - `tools_with_schema`: which of the two counts when a request has both.
    - `greeting_needs_token`: `/lmstudio-greeting` answers 401 without the token.
    - `empty_schema`: whether `{}` is taken as any value or refused.
    - `malformed_json_status`: the status for a body that is not JSON on the `/v1` routes.
    """

    done_after_error: bool = False
    missing_schema: Literal["refuse", "object"] = "refuse"
    too_long: Literal["refuse", "truncate"] = "refuse"
    tools_with_schema: Literal["schema", "refuse"] = "schema"
    greeting_needs_token: bool = False
    empty_schema: Literal["any", "refuse"] = "any"
    malformed_json_status: int = 400


@dataclass(frozen=True, slots=True, eq=False)
class RecordedRequest:
    """A request as it came over the wire, without the key.

    `headers` have lower-case names and neither `authorization` nor `x-api-key`; what became of those is told by
    `credentials`.  `json` is None where the body is none.  `call` numbers the requests that want work of a model (chat,
    completions, embeddings ...) from 0; it is None for all others.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    json: Json
    credentials: Credentials
    call: int | None
