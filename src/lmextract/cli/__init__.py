"""The command `lmextract`: arguments in, work done by the library, results on stdout, the rest on stderr, an exit code.

Nothing heavy is imported before a command needs it, so that `--help` is there at once.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line (without the program's name; default: that of the process) and return its exit code."""
    from lmextract.cli.program import run

    return run(argv)
