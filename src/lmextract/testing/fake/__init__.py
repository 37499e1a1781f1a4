"""A real HTTP server on loopback with LM Studio's manners, all of them switchable."""

from lmextract.testing.fake.engines import FAIL_OPEN, GGUF, MLX_LLGUIDANCE, MLX_OUTLINES, Engine
from lmextract.testing.fake.faults import Fault
from lmextract.testing.fake.server import FakeLMStudio
from lmextract.testing.fake.values import (
    TOKEN,
    FakeModel,
    Loading,
    Overflow,
    Reasoning,
    RecordedRequest,
    Timing,
    Unsettled,
)

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
    "Overflow",
    "Reasoning",
    "RecordedRequest",
    "Timing",
    "Unsettled",
]
