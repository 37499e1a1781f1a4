"""The library's loggers: silent unless the program that uses it configures logging.

Above DEBUG nothing is said of what prompts, documents and replies contain.
"""

from __future__ import annotations

import logging

__all__ = ["logger"]

logging.getLogger("lmextract").addHandler(logging.NullHandler())


def logger(name: str) -> logging.Logger:
    """The logger of a part of the library: `logger("servers")` is that of `lmextract.servers`."""
    return logging.getLogger(f"lmextract.{name}")
