"""What `lmextract doctor` does: step after step, from the address of the server to an extraction.

The first step that fails is the last: what follows could not work.
"""

from __future__ import annotations

from collections.abc import Iterator

from lmextract.cli import checks_embedded, checks_model, checks_server
from lmextract.cli.case import Case, Step
from lmextract.cli.connection import Connection
from lmextract.cli.console import working
from lmextract.cli.finding import Finding, failed
from lmextract.errors import LMExtractError

__all__ = ["examine"]

_MODEL: tuple[tuple[str, Step], ...] = (
    ("context", checks_model.context),
    ("dialect", checks_model.dialect),
    ("extraction", checks_model.round_trip),
    ("reasoning", checks_model.reasoning),
)
_LMSTUDIO: tuple[tuple[str, Step], ...] = (
    ("address", checks_server.address),
    ("server", checks_server.greeting),
    ("server", checks_server.key),
    ("server", checks_server.version),
    ("models", checks_server.models),
    ("model", checks_model.model),
    *_MODEL,
    ("context", checks_model.loaded_context),
    ("engine", checks_server.engine),
)
_EMBEDDED: tuple[tuple[str, Step], ...] = (
    ("engine", checks_embedded.package),
    ("model", checks_embedded.model_file),
    ("start", checks_embedded.start),
    *_MODEL,
)


def examine(connection: Connection, *, quiet: bool = False) -> Iterator[Finding]:
    """Yield what each step finds."""
    case = Case(connection)
    try:
        for name, step in _EMBEDDED if connection.embedded else _LMSTUDIO:
            try:
                with working(f"checking the {name}", quiet=quiet):
                    case, findings = step(case)
            except LMExtractError as error:
                findings = (failed(name, error),)
            yield from findings
            if any(finding.state == "FAIL" for finding in findings):
                return
    finally:
        if case.server is not None:
            case.server.close()
