"""Lowering a target's schema to what an engine's grammar can hold, and undoing that on the value that comes back."""

from __future__ import annotations

from lmextract.dialects.first import DIALECTS, compile_schema, dialect_for, lower_further, restore

__all__ = ["DIALECTS", "compile_schema", "dialect_for", "lower_further", "restore"]
