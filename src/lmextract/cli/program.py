"""The whole command line: its parser, and what becomes of errors, Ctrl-C and a reader that has gone."""

from __future__ import annotations

import os
import sys
from argparse import Action, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence

from lmextract.cli import doctor, extract, models, schema
from lmextract.cli.console import logging_to_stderr, say
from lmextract.cli.exits import EPILOG, Exit, exit_code
from lmextract.errors import LMExtractError

__all__ = ["build_parser", "run"]

_ABOUT = (
    "Typed data from text, with a language model that runs on your own machine (LM Studio, or the built-in llama.cpp)."
)
_EXAMPLES = """\
examples:
  lmextract doctor                                      is everything ready?
  lmextract extract -s book review.txt                  a ready-made schema, one text: its JSON
  lmextract extract -s models.py:Invoice inbox/*.txt    your own type, many texts: JSON lines
  cat mail.txt | lmextract extract -s event             text from a pipe
  lmextract schema models.py:Invoice                    what is sent for this type
"""


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)  # absent where something else stands in for stdout
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")  # a letter that the terminal does not have must not end a command
    try:
        return _run(argv)
    except BrokenPipeError:
        return _reader_gone()
    except KeyboardInterrupt:
        print("\nlmextract: interrupted", file=sys.stderr)
        return Exit.INTERRUPTED


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as stop:  # how argparse ends, after --help and after saying what is wrong
        sys.stdout.flush()
        return int(stop.code or 0)
    try:
        with logging_to_stderr(arguments.verbosity):
            code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (LMExtractError, OSError) as error:  # OSError: the disk is full
        if arguments.debug:
            import traceback

            traceback.print_exc()
        say("error", str(error))
        return exit_code(error)
    return code


def _reader_gone() -> Exit:
    """Whoever read our output (`| head`) has what it wanted; keep the interpreter's last flush from complaining."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.BROKEN_PIPE


def build_parser() -> ArgumentParser:
    """Make the parser of all commands."""
    parser = ArgumentParser(
        prog="lmextract",
        description=_ABOUT,
        epilog=f"{_EXAMPLES}\n{EPILOG}",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (extract.COMMAND, models.COMMAND, doctor.COMMAND, schema.COMMAND):
        own = commands.add_parser(
            command.name,
            help=command.help,
            description=command.about,
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(own)
        _add_output(own)
        own.set_defaults(run=command.run)
    return parser


class _ShowVersion(Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"lmextract {version('lmextract')}")
        parser.exit()


def _add_output(parser: ArgumentParser) -> None:
    """What every command takes."""
    group = parser.add_argument_group("messages")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument(
        "-q", "--quiet", dest="verbosity", action="store_const", const=-1, help="say nothing but errors on stderr"
    )
    loudness.add_argument(
        "-v", "--verbose", dest="verbosity", action="count", help="say more on stderr; twice: what goes over the wire"
    )
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(verbosity=0)
