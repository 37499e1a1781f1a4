"""What becomes of an extraction: JSON for stdout, words for stderr."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lmextract.cli.console import dumps, say, working
from lmextract.cli.exits import Exit, exit_code
from lmextract.target import Target
from lmextract.types import Document, Extraction, Json, Note, Outcome

if TYPE_CHECKING:
    from lmextract.extracting import Extractor

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """How to tell of extractions: with all there is to know or the value only, and about one text or `several`."""

    target: Target[Any]
    full: bool
    quiet: bool
    several: bool

    def asking(self, extractor: Extractor[Any], document: Document, place: str = "") -> Extraction[Any]:
        """Run an extraction, showing what is waited for."""
        with working(f"extracting from {document.source}{place}", quiet=self.quiet):
            return extractor.run(document)

    def value(self, extraction: Extraction[Any]) -> str:
        """The JSON text for a single extraction."""
        return dumps(self._full(extraction) if self.full else self._dumped(extraction), indent=2) + "\n"

    def line(self, outcome: Outcome[Any]) -> str:
        """The JSON line for one of several."""
        return dumps({"source": outcome.document.source, **self._result(outcome)}) + "\n"

    def told(self, outcome: Outcome[Any]) -> Exit:
        """Say on stderr what is to be known of one of several, and return its exit code."""
        if outcome.extraction is not None:
            self.tell(outcome.document, notes=outcome.extraction.notes)
            return Exit.OK
        assert outcome.error is not None
        say("error", self._with_source(outcome.document, str(outcome.error)))
        return exit_code(outcome.error)

    def done(self, codes: Sequence[Exit]) -> None:
        """Say on stderr how many of several there are results for."""
        if not self.quiet and len(codes) > 1:
            say("done", f"{codes.count(Exit.OK)} of {len(codes)} texts extracted")

    def tell(self, document: Document, *, notes: Iterable[Note]) -> None:
        """Say the notes on stderr."""
        for note in () if self.quiet else notes:
            say("note", self._with_source(document, " ".join(str(note).split())))

    def _result(self, outcome: Outcome[Any]) -> dict[str, Json]:
        if outcome.extraction is None:
            return {"error": {"kind": type(outcome.error).__name__, "message": str(outcome.error)}}
        return self._full(outcome.extraction) if self.full else {"value": self._dumped(outcome.extraction)}

    def _full(self, extraction: Extraction[Any]) -> dict[str, Json]:
        return {
            "value": self._dumped(extraction),
            "notes": [
                {"code": note.code, "path": str(note.path), "message": note.message} for note in extraction.notes
            ],
            "usage": asdict(extraction.usage),
            "model": extraction.model,
            "attempts": len(extraction.attempts),
        }

    def _dumped(self, extraction: Extraction[Any]) -> Json:
        return self.target.dump(extraction.value)

    def _with_source(self, document: Document, message: str) -> str:
        prefix = f"{document.source}: "
        return prefix + message if self.several and not message.startswith(prefix) else message
