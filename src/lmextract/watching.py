"""Who may look on while a flow runs: a callback, the log, OpenTelemetry.

A watched flow is a flow, so every driver can run it.  Watchers are told; they change nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lmextract._log import logger
from lmextract.errors import LMExtractError, ReplyError, ServerError
from lmextract.flow import Flow
from lmextract.telemetry import telemetry
from lmextract.types import Extraction, Request, Step, Usage

if TYPE_CHECKING:
    from lmextract.servers import Server
    from lmextract.target import Target

__all__ = ["Callback", "Log", "Watcher", "watched", "watchers_of"]

T = TypeVar("T")

_LOG = logger("extracting")
_REPAIRS = ("repair", "mend", "rest")
_OF_FORM = frozenset(
    "after-marker after-think coerced double-encoded fenced normalised prose repaired unwrapped".split()
)
"""Notes that cast no doubt on the value: it stood in an unusual form, or asking again cured it, which was logged."""


class Watcher(Protocol):
    """Sees one extraction go by; the last call is `ended` or `failed`."""

    def asked(self, number: int, request: Request, /) -> None:
        """See a request on its way to the server; the first has number 1."""

    def stepped(self, step: Step, /) -> None:
        """See what came of it."""

    def ended(self, extraction: Extraction[Any], /) -> None:
        """See the result."""

    def failed(self, error: BaseException, /) -> None:
        """See the error that ended it, be it an interruption or `GeneratorExit` from a driver that was left early."""


def watchers_of(
    target: Target[Any], server: Server, on_step: Callable[[Step], object] | None, *, attached: bool
) -> list[Watcher]:
    """The watchers of one extraction; for `attached` see `telemetry`.

    The callback is the last to be told, so that an exception of its own finds the step accounted for.
    """
    spans = telemetry(target, server, attached=attached)
    watchers: list[Watcher] = [Log(target.name)]
    watchers += [spans] if spans else []
    return [*watchers, Callback(on_step)] if on_step else watchers


def watched(flow: Flow[T], watchers: Sequence[Watcher]) -> Flow[T]:
    """The same flow, with watchers; raises whatever one of them raises."""
    try:
        result = yield from _steps(flow, watchers)
        for watcher in watchers:
            watcher.ended(result)
    except BaseException as error:
        for watcher in watchers:
            watcher.failed(error)
        raise
    return result


def _steps(flow: Flow[T], watchers: Sequence[Watcher]) -> Flow[T]:
    number, state = 0, _after(partial(next, flow))
    while isinstance(state, Request):
        number += 1
        for watcher in watchers:
            watcher.asked(number, state)
        started = perf_counter()
        try:
            reply = yield state
        except LMExtractError as error:
            _tell(watchers, Step(number, state, perf_counter() - started, error=error))
            state = _after(partial(flow.throw, error))
        else:
            _tell(watchers, Step(number, state, perf_counter() - started, reply))
            state = _after(partial(flow.send, reply))
    return state


def _after(move: Callable[[], Request]) -> Request | Extraction[Any]:
    """The flow's next request, or its result."""
    try:
        return move()
    except StopIteration as end:
        result: Extraction[Any] = end.value
        return result


def _tell(watchers: Iterable[Watcher], step: Step) -> None:
    for watcher in watchers:
        watcher.stepped(step)


@dataclass(frozen=True, slots=True)
class Callback:
    """Gives each step to a function of the user."""

    on_step: Callable[[Step], object]

    def asked(self, number: int, request: Request, /) -> None:
        """Do nothing."""

    def stepped(self, step: Step, /) -> None:
        """Pass the step on."""
        self.on_step(step)

    def ended(self, extraction: Extraction[Any], /) -> None:
        """Do nothing."""

    def failed(self, error: BaseException, /) -> None:
        """Do nothing."""


@dataclass(slots=True)
class Log:
    """Writes to `lmextract.extracting`: one line per extraction, a warning for what was asked again or is doubtful."""

    target: str
    count: int = 0
    steps: list[Step] = field(default_factory=list[Step])

    def asked(self, number: int, request: Request, /) -> None:
        """Warn where something is asked again; the words of the question only in DEBUG."""
        self.count = number
        last = self.steps[-1] if self.steps else None
        if last is not None and last.error is not None:
            _LOG.warning("%s: asking again after %s (request %d)", self.target, _named(last.error), number)
        elif request.kind in _REPAIRS:
            _LOG.warning(
                "%s: the reply was not right; asking again (%s, request %d)", self.target, request.kind, number
            )
        if _LOG.isEnabledFor(logging.DEBUG):
            words = "\n".join(f"{message.role}: {message.content}" for message in request.messages)
            _LOG.debug("%s: request %d (%s)\n%s", self.target, number, request.kind, words)

    def stepped(self, step: Step, /) -> None:
        """Write the reply or the error, in DEBUG."""
        self.steps.append(step)
        if not _LOG.isEnabledFor(logging.DEBUG):
            return
        if step.reply is None:
            _LOG.debug("%s: request %d failed after %.1f s: %s", self.target, step.number, step.seconds, step.error)
        else:
            said = f"reply {step.number} ({step.reply.finish}, {step.seconds:.1f} s)"
            _LOG.debug("%s: %s\n%s", self.target, said, step.reply.content or step.reply.reasoning)

    def ended(self, extraction: Extraction[Any], /) -> None:
        """Write the line of a result, and a warning of the notes that matter."""
        if _LOG.isEnabledFor(logging.INFO):
            _LOG.info("%s: extracted by %s %s", self.target, extraction.model or "an unnamed model", self._spent())
        codes = [note.code for note in extraction.notes if note.code not in _OF_FORM]
        if codes:
            _LOG.warning("%s: noted %s", self.target, _counted(codes))

    def failed(self, error: BaseException, /) -> None:
        """Write the line of an extraction without a result; whoever catches the error knows what it is worth."""
        codes = [problem.code for problem in error.problems] if isinstance(error, ReplyError) else []
        wrong = f" ({_counted(codes)})" if codes else ""
        _LOG.info("%s: ended by %s%s %s", self.target, _named(error), wrong, self._spent())

    def _spent(self) -> str:
        usage = sum((step.reply.usage for step in self.steps if step.reply), Usage())
        tries = "1 request" if self.count == 1 else f"{self.count} requests"
        return f"in {tries}, {usage.prompt} + {usage.completion} tokens, {sum(s.seconds for s in self.steps):.1f} s"


def _named(error: BaseException) -> str:
    """An error's class and status, without its words: they may quote a document, a reply or a server that does."""
    status = f" {error.status}" if isinstance(error, ServerError) and error.status is not None else ""
    return type(error).__name__ + status


def _counted(codes: Iterable[str]) -> str:
    return ", ".join(code if count == 1 else f"{code} x{count}" for code, count in Counter(codes).items())
