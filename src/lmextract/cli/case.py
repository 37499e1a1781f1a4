"""What `lmextract doctor` knows so far, and what a step of its check-up is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lmextract.cli.connection import Connection
from lmextract.cli.finding import Finding
from lmextract.types import Extraction, Profile

if TYPE_CHECKING:
    from lmextract.servers import Embedded, LMStudio
    from lmextract.servers._listing import ModelRecord

__all__ = ["Case", "Seen", "Step"]


@dataclass(frozen=True, slots=True)
class Case:
    """The choice of server, and what the steps so far have learned of it."""

    connection: Connection
    server: LMStudio | Embedded | None = None
    is_lmstudio: bool = True
    records: tuple[ModelRecord, ...] = ()
    profile: Profile = Profile()
    extraction: Extraction[Any] | None = None

    @property
    def lmstudio(self) -> LMStudio:
        """The server, once it is there."""
        from lmextract.servers import LMStudio

        assert isinstance(self.server, LMStudio)
        return self.server

    @property
    def record(self) -> ModelRecord | None:
        """What the listing says of the model that would be used."""
        name = (self.profile.model or "").casefold()
        return next((each for each in self.records if name in {own.casefold() for own in each.names}), None)


Seen: TypeAlias = tuple[Case, tuple[Finding, ...]]
Step: TypeAlias = Callable[[Case], Seen]
