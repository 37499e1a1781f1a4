"""The exit codes that scripts can rely on, and which error means which."""

from __future__ import annotations

from enum import IntEnum

from lmextract.errors import ContextOverflow, DocumentError, LMExtractError, ReplyError, ServerError

__all__ = ["EPILOG", "Exit", "exit_code"]


class Exit(IntEnum):
    """What the command returns to the shell."""

    OK = 0
    NO_ANSWER = 1
    USAGE = 2
    SERVER = 3
    DOCUMENT = 4
    INTERRUPTED = 130
    BROKEN_PIPE = 141


EPILOG = """\
exit codes:
  0    all is well
  1    the model answered, and no usable value came of it
  2    the command line, the schema or a setting is wrong, or the output cannot be written
  3    the server is not there, or refuses
  4    a document cannot be used: missing, unreadable, empty, longer than the context
  130  interrupted (Ctrl-C)
  141  nobody reads the output any more (as after `| head`)
With several documents: the first of 3, 2, 1, 4 that came up.
"""


def exit_code(error: LMExtractError | OSError) -> Exit:
    """The exit code of a command that this error has ended."""
    match error:
        case ContextOverflow() | DocumentError():
            return Exit.DOCUMENT
        case ServerError():
            return Exit.SERVER
        case ReplyError():
            return Exit.NO_ANSWER
        case _:
            return Exit.USAGE
