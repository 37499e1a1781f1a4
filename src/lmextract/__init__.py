"""Typed objects from text, with a language model that runs on your own machine.

Names load when they are first used, so that `import lmextract` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lmextract.decorator import extractor
    from lmextract.dialects import compile_schema
    from lmextract.errors import (
        ConfigError,
        ContextOverflow,
        DocumentError,
        ExampleError,
        InvalidReply,
        LMExtractError,
        ReasoningOnlyReply,
        ReplyError,
        SchemaRefused,
        ServerError,
        ServerRefused,
        ServerUnavailable,
        TargetError,
        TruncatedReply,
    )
    from lmextract.extracting import Extractor, aextract, extract
    from lmextract.partial import Partial
    from lmextract.reading import Reading, read_reply
    from lmextract.servers import Embedded, LMStudio, Retry, Server, StreamingServer
    from lmextract.servers._current import use_server
    from lmextract.streaming import astream, astream_items, stream, stream_items
    from lmextract.target import Target
    from lmextract.types import (
        Attempt,
        Delta,
        Document,
        Extraction,
        Invalid,
        Note,
        Options,
        Outcome,
        Path,
        Problem,
        Relaxation,
        Reply,
        Request,
        Step,
        Usage,
        Valid,
        WireSchema,
    )

__all__ = [
    "Attempt",
    "ConfigError",
    "ContextOverflow",
    "Delta",
    "Document",
    "DocumentError",
    "Embedded",
    "ExampleError",
    "Extraction",
    "Extractor",
    "Invalid",
    "InvalidReply",
    "LMExtractError",
    "LMStudio",
    "Note",
    "Options",
    "Outcome",
    "Partial",
    "Path",
    "Problem",
    "Reading",
    "ReasoningOnlyReply",
    "Relaxation",
    "Reply",
    "ReplyError",
    "Request",
    "Retry",
    "SchemaRefused",
    "Server",
    "ServerError",
    "ServerRefused",
    "ServerUnavailable",
    "Step",
    "StreamingServer",
    "Target",
    "TargetError",
    "TruncatedReply",
    "Usage",
    "Valid",
    "WireSchema",
    "aextract",
    "astream",
    "astream_items",
    "compile_schema",
    "extract",
    "extractor",
    "read_reply",
    "stream",
    "stream_items",
    "use_server",
]

_HOMES = {
    "decorator": ("extractor",),
    "dialects": ("compile_schema",),
    "extracting": ("Extractor", "aextract", "extract"),
    "partial": ("Partial",),
    "reading": ("Reading", "read_reply"),
    "servers": ("Embedded", "LMStudio", "Retry", "Server", "StreamingServer"),
    "servers._current": ("use_server",),
    "streaming": ("astream", "astream_items", "stream", "stream_items"),
    "target": ("Target",),
    "types": (
        "Attempt",
        "Delta",
        "Document",
        "Extraction",
        "Invalid",
        "Note",
        "Options",
        "Outcome",
        "Path",
        "Problem",
        "Relaxation",
        "Reply",
        "Request",
        "Step",
        "Usage",
        "Valid",
        "WireSchema",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
