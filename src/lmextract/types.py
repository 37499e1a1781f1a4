"""The vocabulary: frozen values that every other module speaks in.

No behaviour beyond what a value knows about itself; no I/O; no server's words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeAlias, TypeGuard, TypeVar

if TYPE_CHECKING:
    from lmextract.errors import LMExtractError

__all__ = [
    "Attempt",
    "Delta",
    "Document",
    "Evidence",
    "Extraction",
    "Invalid",
    "Json",
    "JsonSchema",
    "Message",
    "Note",
    "Options",
    "Outcome",
    "Path",
    "Problem",
    "Profile",
    "Relaxation",
    "Reply",
    "Request",
    "Step",
    "Usage",
    "Valid",
    "WireSchema",
    "is_array",
    "is_object",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Json: TypeAlias = Any
"""A JSON value as `json.loads` gives it: None, bool, int, float, str, list, dict with str keys."""

JsonSchema: TypeAlias = Mapping[str, Any]
"""A JSON Schema object; treated as immutable everywhere."""


class Path(tuple[str | int, ...]):
    """Where something stands in a JSON value: keys and indices from the root; prints as `$.authors[0].name`."""

    __slots__ = ()

    def __new__(cls, *steps: str | int) -> Self:
        """Build a path from its steps: `Path("authors", 0, "name")`; `Path()` is the root."""
        return super().__new__(cls, steps)

    def __getnewargs__(self) -> tuple[str | int, ...]:
        return tuple(self)

    @classmethod
    def of(cls, steps: Iterable[str | int]) -> Path:
        """Build a path from any iterable of steps."""
        return cls(*steps)

    def __truediv__(self, step: str | int) -> Path:
        """The path one step further down."""
        return Path(*self, step)

    def __str__(self) -> str:
        return "$" + "".join(_step(step) for step in self)

    def __repr__(self) -> str:
        return f"Path({', '.join(map(repr, self))})"


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() else f"[{step!r}]"


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its source; `source` is what a person would look it up by (a path, a URL, an id)."""

    text: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Options:
    """How a model should answer; what is None is left to the server.

    `max_tokens` None means: as much as the answer may need within the model's context (4,096 where that is unknown).
    `reasoning` is the effort asked of reasoning models; `"none"` switches thinking off where the model allows it,
    None leaves the model's own setting alone.  `think_tokens` is the most that the free thinking before an answer may
    take, where an extractor asks for it.
    """

    temperature: float = 0.0
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    stop: Sequence[str] = ()
    reasoning: str | None = "none"
    think_tokens: int = 1024

    def __post_init__(self) -> None:
        object.__setattr__(self, "stop", (self.stop,) if isinstance(self.stop, str) else tuple(self.stop))
        for name in ("max_tokens", "think_tokens"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise ValueError(f"{name} must be at least 1, not {limit}")


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One constraint that a wire schema does not carry; it is checked after the reply instead."""

    path: Path
    keyword: str
    reason: str
    instead: str = "checked after the reply"


@dataclass(frozen=True, slots=True, eq=False)
class WireSchema:
    """A target's schema after lowering to a dialect, and what the lowering gave up.

    `wrapped` tells that the target's value travels as the property `value` of an object, because its root is no object.
    Compared and hashed by identity, so that servers can cache what they derive from it.
    """

    schema: JsonSchema
    relaxations: tuple[Relaxation, ...]
    fully_enforced: bool
    dialect: str
    wrapped: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a server.

    The first `fixed` messages are the same for every document of a target, so a server may cache their encoding.
    `schema` None asks for free text.  `max_tokens` is always a number by the time a server sees it.
    `kind` says why it is asked and is not sent: `"think"` (free thinking before the answer), `"extract"`, `"repair"`
    (the whole again), `"mend"` (only the parts that were wrong) or `"rest"` (what a cut answer lacked).
    """

    messages: tuple[Message, ...]
    schema: WireSchema | None
    max_tokens: int
    options: Options = Options()
    model: str | None = None
    name: str = "answer"
    fixed: int = 0
    kind: str = "extract"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent; `reasoning` is part of `completion`, `cached` is part of `prompt`."""

    prompt: int = 0
    completion: int = 0
    reasoning: int = 0
    cached: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            self.reasoning + other.reasoning,
            self.cached + other.cached,
        )

    @property
    def total(self) -> int:
        """Prompt and completion together."""
        return self.prompt + self.completion


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer to one request.

    `reasoning` is whatever the server filed apart from the content as thinking.  `finish` is `"stop"` when the model
    ended by itself and `"length"` when it was cut.  `model` is the one that answered, which may not be the one asked.
    `looped` tells that it was cut because it said the same over and over; only the first round is kept.
    """

    content: str
    reasoning: str = ""
    finish: str = "stop"
    usage: Usage = Usage()
    model: str | None = None
    seconds: float = 0.0
    looped: bool = False


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply while it is being written: text to add to what came before.

    `finish` and `usage` come with the last piece.  `seconds` is the time since the request was sent.  `anew` tells that
    the server failed half-way and answers once more from the beginning: what came before this piece counts no longer.
    """

    content: str = ""
    reasoning: str = ""
    finish: str | None = None
    usage: Usage | None = None
    model: str | None = None
    seconds: float = 0.0
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a reply: where, a stable code, a message for people and models, the offending value."""

    path: Path
    code: str
    message: str
    value: Json = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know about a result that was returned all the same; `code` is a stable word."""

    code: str
    message: str
    path: Path = Path()

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if not self.path else f"{self.code} at {self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Valid(Generic[T_co]):
    """A JSON value that fits the target, as the target's own type; the notes tell what was coerced on the way."""

    value: T_co
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Invalid:
    """A JSON value that does not fit the target, and why."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request, why it was asked (as `Request.kind` has it), its reply, and what was wrong with that."""

    kind: str
    request: Request
    reply: Reply
    problems: tuple[Problem, ...] = ()

    @property
    def finish(self) -> str:
        """`"stop"` where the model ended by itself, `"length"` where it was cut."""
        return self.reply.finish

    @property
    def usage(self) -> Usage:
        """The tokens that it took."""
        return self.reply.usage

    @property
    def seconds(self) -> float:
        """How long the server took for the answer, tries that failed on the way not counted."""
        return self.reply.seconds


@dataclass(frozen=True, slots=True)
class Step:
    """One request of an extraction as it went by: its reply, or the error that came instead.

    `number` counts the requests of this extraction from 1.  `seconds` is the time until the reply was there, with all
    that the server object did to get it: waiting for a slot, trying again.
    """

    number: int
    request: Request
    seconds: float
    reply: Reply | None = None
    error: LMExtractError | None = None

    @property
    def kind(self) -> str:
        """Why it was asked: `"think"`, `"extract"`, `"repair"`, `"mend"` or `"rest"`, as `Request` has it."""
        return self.request.kind


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a leaf of the value stands in the document: `text[start:end]`; `match` says how it was found."""

    path: Path
    start: int
    end: int
    page: int | None
    text: str
    match: str
    score: float


@dataclass(frozen=True, slots=True)
class Extraction(Generic[T_co]):
    """The typed value and the full account of how it came to be; no notes means clean, at the first try."""

    value: T_co
    notes: tuple[Note, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    usage: Usage = Usage()
    model: str | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def seconds(self) -> float:
        """How long the server took for all answers together."""
        return sum(attempt.seconds for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T_co]):
    """What became of one document of many: an extraction or an error, never neither."""

    document: Document
    extraction: Extraction[T_co] | None = None
    error: LMExtractError | None = None

    @property
    def ok(self) -> bool:
        """Whether there is an extraction."""
        return self.extraction is not None


@dataclass(frozen=True, slots=True)
class Profile:
    """What a server knows of the model that will answer.

    `aliases` are the other names under which this model may sign its replies.
    """

    model: str | None = None
    dialect: str = "safe"
    context_length: int | None = None
    parallel: int = 1
    aliases: frozenset[str] = field(default_factory=frozenset[str])


def is_object(value: Json) -> TypeGuard[dict[str, Any]]:
    """Whether a JSON value is an object, in a way that type checkers follow."""
    return isinstance(value, dict)


def is_array(value: Json) -> TypeGuard[list[Any]]:
    """Whether a JSON value is an array, in a way that type checkers follow."""
    return isinstance(value, list)
