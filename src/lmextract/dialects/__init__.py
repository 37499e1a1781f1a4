"""Lowering a target's schema to what an engine's grammar can hold, and undoing that on the value that comes back."""

from __future__ import annotations

from lmextract.dialects.compiling import compile_schema
from lmextract.dialects.ladder import lower_further
from lmextract.dialects.records import DIALECTS, Dialect, dialect_for
from lmextract.dialects.restoring import restore, to_wire

__all__ = ["DIALECTS", "Dialect", "compile_schema", "dialect_for", "lower_further", "restore", "to_wire"]
