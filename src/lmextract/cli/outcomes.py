"""Several documents one after the other: an outcome for each, and one exit code for all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, TypeAlias

from lmextract.cli.documents import read_document, source_of
from lmextract.cli.exits import Exit, exit_code
from lmextract.errors import LMExtractError, ServerUnavailable, TargetError
from lmextract.types import Document, Extraction, Outcome

__all__ = ["Ask", "each_outcome", "worst"]

Ask: TypeAlias = Callable[[Document, int], Extraction[Any]]
"""Extract from a document, of which this is the number."""

_WORST_FIRST = (Exit.SERVER, Exit.USAGE, Exit.NO_ANSWER, Exit.DOCUMENT)
_LOST_AFTER = 2


def each_outcome(files: Iterable[str], ask: Ask) -> Iterator[Outcome[Any]]:
    """Ask about each file, and yield what became of it.

    One refusal may be a document's fault.  After two in a row the server counts as lost: the files that are left get
    that as their error and are not asked about.
    """
    refused = 0
    for number, file in enumerate(files, 1):
        outcome = _outcome(file, ask, number) if refused < _LOST_AFTER else _not_asked(file)
        if outcome.ok:
            refused = 0
        elif outcome.error is not None and exit_code(outcome.error) in (Exit.SERVER, Exit.USAGE):
            refused += 1
        yield outcome


def _outcome(file: str, ask: Ask, number: int) -> Outcome[Any]:
    document = Document("", source_of(file))
    try:
        document = read_document(file)
        return Outcome(document, ask(document, number))
    except TargetError:  # the same for every document
        raise
    except LMExtractError as error:
        return Outcome(document, error=error)


def _not_asked(file: str) -> Outcome[Any]:
    error = ServerUnavailable("not asked: the server failed twice in a row before.", hint="Ask again for this one.")
    return Outcome(Document("", source_of(file)), error=error)


def worst(codes: Collection[Exit]) -> Exit:
    """The exit code of a run in which these came up."""
    return next((code for code in _WORST_FIRST if code in codes), Exit.OK)
