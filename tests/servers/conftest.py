"""The models and the engine, for every test of a server."""

from __future__ import annotations

from tests.support.models import engine, random_gguf, scripted_gguf

__all__ = ["engine", "random_gguf", "scripted_gguf"]
