"""What is to be seen of a value that is still being written, as it stood at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from lmextract.types import Json, Path, is_array, is_object

__all__ = ["MISSING", "Partial", "Snapshot"]

MISSING: Any = object()
"""Stands where no value has begun yet."""


class Snapshot:
    """The value as it stood at one moment: the open containers with their sizes then, and the open string."""

    def __init__(
        self, spine: tuple[tuple[Any, int, str], ...], string: tuple[list[str], int] | None, whole: Json = None
    ) -> None:
        self._spine = spine
        self._string = string
        self._whole = whole

    @cached_property
    def value(self) -> Json:
        """The value, made of copies of the containers that were open, and of the others themselves."""
        child = self._leaf()
        for container, size, key in reversed(self._spine):
            if is_array(container):
                made: Any = container[:size]
                if child is not MISSING:
                    made.append(child)
            else:
                made = dict(islice(container.items(), size))
                if child is not MISSING:
                    made.setdefault(key, child)
            child = made
        return child

    @cached_property
    def growing(self) -> Path | None:
        """The innermost value that was not complete; None if the whole was."""
        if not self._spine and self._string is None:
            return None
        steps = [size if is_array(container) else key for container, size, key in self._spine]
        return Path(*(steps if self._string is not None else steps[:-1]))

    def _leaf(self) -> Json:
        if self._string is not None:
            pieces, count = self._string
            return "".join(pieces[:count])
        return MISSING if self._spine else self._whole


@dataclass(frozen=True, slots=True, eq=False)
class Partial:
    """What a model has written so far of a value: `json`, in the target's own form.

    Within a `draft` each value extends the one before it; a higher number is a new beginning (the server failed
    half-way, or the answer was asked again).  Nothing is checked yet: the validated `Extraction` comes last.
    """

    snapshot: Snapshot
    draft: int = 1

    @property
    def json(self) -> Json:
        """The value so far, of plain dicts, lists and scalars; other partial values share it, so do not change it."""
        return self.snapshot.value

    @property
    def growing(self) -> Path | None:
        """The path of the innermost value that is still being written; None where the whole is complete."""
        return self.snapshot.growing

    def has(self, *path: str | int) -> bool:
        """Whether the value at a path (`has("authors", 0)`) is there and complete."""
        at = self.json
        for step in path:
            if not _has(at, step):
                return False
            at = at[step]
        return self.growing is None or self.growing[: len(path)] != path

    def __repr__(self) -> str:
        return f"Partial({self.json!r}, draft={self.draft})"


def _has(value: Json, step: str | int) -> bool:
    if isinstance(step, str):
        return is_object(value) and step in value
    return is_array(value) and 0 <= step < len(value)
