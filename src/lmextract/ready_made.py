"""The ready-made extraction schemas: `schemas/` in a checkout, `lmextract/schemas/` in an installed package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ready_made", "ready_made_names"]

_PACKAGE = Path(__file__).parent
_FOLDERS = (_PACKAGE / "schemas", _PACKAGE.parent.parent / "schemas")  # docs/decisions/0002


def ready_made(name: str) -> Path | None:
    """The file of the ready-made schema of a name, as `book` or `meeting-notes`; None if there is none."""
    wanted = name.casefold().replace("-", "_")
    return next((path for path in _files() if path.stem == wanted), None)


def ready_made_names() -> tuple[str, ...]:
    """The names of all ready-made schemas, in order."""
    return tuple(path.stem for path in _files())


def _files() -> list[Path]:
    folder = next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])
    return sorted(folder.glob("*.json"))
