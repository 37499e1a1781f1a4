"""Doubles for testing code that extracts: a server without a network, and a fake LM Studio with one.

Loaded when asked for, so that the pytest plugin costs nothing where it is not used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lmextract.testing.fake import (
        FAIL_OPEN,
        GGUF,
        MLX_LLGUIDANCE,
        MLX_OUTLINES,
        TOKEN,
        Engine,
        FakeLMStudio,
        FakeModel,
        Fault,
        Loading,
        Overflow,
        Reasoning,
        RecordedRequest,
        Timing,
        Unsettled,
    )
    from lmextract.testing.script import OutOfReplies
    from lmextract.testing.scripted import ScriptedServer

__all__ = [
    "FAIL_OPEN",
    "GGUF",
    "MLX_LLGUIDANCE",
    "MLX_OUTLINES",
    "TOKEN",
    "Engine",
    "FakeLMStudio",
    "FakeModel",
    "Fault",
    "Loading",
    "OutOfReplies",
    "Overflow",
    "Reasoning",
    "RecordedRequest",
    "ScriptedServer",
    "Timing",
    "Unsettled",
]

_HOMES = {"ScriptedServer": "scripted", "OutOfReplies": "script"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'fake')}"), name)
