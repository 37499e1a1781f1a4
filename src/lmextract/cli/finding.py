"""What `lmextract doctor` finds, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lmextract.cli.exits import Exit, exit_code
from lmextract.errors import LMExtractError

__all__ = ["Finding", "failed", "ok", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One step: how it went, what was seen, and what to do about it."""

    step: str
    state: Literal["ok", "warn", "FAIL"]
    seen: str
    cure: str = ""
    exit: Exit = Exit.OK


def ok(step: str, seen: str) -> Finding:
    """All is well."""
    return Finding(step, "ok", seen)


def warning(step: str, seen: str, cure: str = "") -> Finding:
    """It works, and could work better."""
    return Finding(step, "warn", seen, cure)


def failed(step: str, error: LMExtractError, cure: str = "") -> Finding:
    """It does not work; the cure is the error's own unless another is given."""
    seen = str(error).removesuffix(error.hint).strip() if error.hint else str(error)
    return Finding(step, "FAIL", seen, cure or error.hint, exit_code(error))
