"""Every error that this library raises on purpose, split by who must act.

LMExtractError
├── TargetError              the target cannot be expressed as a schema     -> the programmer
│   └── ExampleError         an example does not fit the target (a ValueError too)
├── ConfigError              settings or names that do not resolve          -> the programmer
├── ServerError              status, detail, transient, hint                -> the operator
│   ├── ServerUnavailable    refused, timed out, crashed, unloaded, 5xx, 429
│   ├── ServerRefused        other refusals: key, unknown model, bad request
│   ├── SchemaRefused        the engine does not take the schema
│   └── ContextOverflow      prompt_tokens, context_length
├── ReplyError               problems, attempts                             -> the model or the prompt
│   ├── TruncatedReply       cut at the token limit
│   ├── ReasoningOnlyReply   nothing but thinking
│   └── InvalidReply         does not fit the target
└── DocumentError            source, reason                                 -> the data

Mistakes in calling a function stay TypeError and ValueError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lmextract.types import Attempt, Problem, Usage

__all__ = [
    "ConfigError",
    "ContextOverflow",
    "DocumentError",
    "ExampleError",
    "InvalidReply",
    "LMExtractError",
    "ReasoningOnlyReply",
    "ReplyError",
    "SchemaRefused",
    "ServerError",
    "ServerRefused",
    "ServerUnavailable",
    "TargetError",
    "TruncatedReply",
]


class LMExtractError(Exception):
    """Base of all: `reason` says what is wrong, `hint` what to do about it; both make up the message."""

    reason: str
    hint: str

    def __init__(self, reason: str, *, hint: str = "", **fields: Any) -> None:
        self.reason = reason
        self.hint = hint
        self.__dict__.update(fields)
        super().__init__(reason)

    def __str__(self) -> str:
        said = self._headline()
        return f"{said if said.endswith(('.', ':', '!', '?')) else said + '.'} {self.hint}" if self.hint else said

    def _headline(self) -> str:
        return self.reason

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions pickle as class(*args) and would lose the keyword fields; batches send them across processes.
        return _revive, (type(self), self.__dict__)


def _revive(kind: type[LMExtractError], fields: dict[str, Any]) -> LMExtractError:
    error = kind.__new__(kind, fields["reason"])
    error.__dict__.update(fields)
    return error


class TargetError(LMExtractError):
    """The target cannot be expressed as a JSON Schema, or the schema given is none."""


class ExampleError(TargetError, ValueError):
    """An example whose value does not fit the target; found before anything is sent."""


class ConfigError(LMExtractError):
    """A setting, a model name or an environment variable that does not resolve."""


class DocumentError(LMExtractError):
    """A document that cannot be used; `source` names it."""

    source: str | None

    def __init__(self, reason: str, *, source: str | None = None, hint: str = "") -> None:
        super().__init__(reason, hint=hint, source=source)

    def _headline(self) -> str:
        return f"{self.source}: {self.reason}" if self.source else self.reason


class ServerError(LMExtractError):
    """The server did not answer the question.

    `status` is the HTTP status (None: there was no answer), `detail` the server's own words with secrets removed,
    `transient` whether the same request may succeed later.  `attempts` are the requests of the same extraction that
    were answered before.
    """

    status: int | None
    detail: str
    transient: bool
    attempts: tuple[Attempt, ...] = ()

    def __init__(
        self, reason: str, *, hint: str = "", status: int | None = None, detail: str = "", transient: bool = False
    ) -> None:
        super().__init__(reason, hint=hint, status=status, detail=detail, transient=transient)


class ServerUnavailable(ServerError):
    """No server, or one that cannot answer now: refused, timed out, crashed, unloaded, 5xx, 429.

    `retry_after_s` is the wait that the server asked for, if it did.
    """

    retry_after_s: float | None

    def __init__(
        self,
        reason: str,
        *,
        hint: str = "",
        status: int | None = None,
        detail: str = "",
        transient: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(reason, hint=hint, status=status, detail=detail, transient=transient)
        self.retry_after_s = retry_after_s


class ServerRefused(ServerError):
    """The server is there and says no: a wrong key, an unknown model, a request that it does not take."""


class SchemaRefused(ServerError):
    """The engine does not take the wire schema."""


class ContextOverflow(ServerError):
    """The prompt is longer than the model's context; both in tokens where the server names them."""

    prompt_tokens: int | None
    context_length: int | None

    def __init__(
        self,
        reason: str,
        *,
        hint: str = "",
        status: int | None = None,
        detail: str = "",
        transient: bool = False,
        prompt_tokens: int | None = None,
        context_length: int | None = None,
    ) -> None:
        super().__init__(reason, hint=hint, status=status, detail=detail, transient=transient)
        self.prompt_tokens = prompt_tokens
        self.context_length = context_length


class ReplyError(LMExtractError):
    """The model answered, and no usable value came of it; carries every attempt and the last problems.

    `partial` is what was read of the answer less what is wrong with it, as JSON; it is no value of the target.
    """

    problems: tuple[Problem, ...]
    attempts: tuple[Attempt, ...]
    partial: Any

    def __init__(
        self,
        reason: str,
        *,
        hint: str = "",
        problems: tuple[Problem, ...] = (),
        attempts: tuple[Attempt, ...] = (),
        partial: Any = None,
    ) -> None:
        super().__init__(reason, hint=hint, problems=problems, attempts=attempts, partial=partial)

    @property
    def usage(self) -> Usage:
        """Tokens spent over all attempts."""
        from lmextract.types import Usage

        return sum((attempt.reply.usage for attempt in self.attempts), Usage())

    def __str__(self) -> str:
        listed = "".join(f"\n  {problem}" for problem in self.problems[:20])
        more = f"\n  ... and {len(self.problems) - 20} more" if len(self.problems) > 20 else ""
        return super().__str__() + listed + more


class TruncatedReply(ReplyError):
    """The reply was cut at the token limit, again and again."""


class ReasoningOnlyReply(ReplyError):
    """The reply holds thinking and no answer."""


class InvalidReply(ReplyError):
    """The reply does not fit the target."""
