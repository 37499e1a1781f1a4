"""`lmextract extract`: documents in, JSON out."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmextract.cli.command import Command
from lmextract.cli.connection import Connection, add_connection
from lmextract.cli.destination import destination
from lmextract.cli.documents import named_files, read_document
from lmextract.cli.exits import Exit
from lmextract.cli.outcomes import each_outcome, worst
from lmextract.cli.report import Report
from lmextract.cli.specs import SPEC_HELP, target_named
from lmextract.cli.values import at_least_one, not_negative, not_negative_number
from lmextract.errors import ConfigError
from lmextract.types import Document, Extraction, Json, Options

if TYPE_CHECKING:
    from lmextract.extracting import Extractor

__all__ = ["COMMAND"]

_ABOUT = """\
Extract typed data from texts.

One text gives its value as JSON on stdout.  Several texts, or --jsonl, give one line for each:
{"source": ..., "value": ...}, or {"source": ..., "error": {"kind": ..., "message": ...}} for one
that failed.  Notes and errors are on stderr; --full puts the notes into the results too.
"""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("-s", "--schema", metavar="SCHEMA", required=True, help=SPEC_HELP)
    parser.add_argument("files", metavar="FILE", nargs="*", help="UTF-8 texts; `-`, or none at all: stdin")
    results = parser.add_argument_group("results")
    results.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write there, all or nothing, instead of stdout"
    )
    results.add_argument("--jsonl", action="store_true", help="write a line for each text, even if there is only one")
    results.add_argument("--full", action="store_true", help="write notes, usage, model and attempts beside the value")
    _add_asking(parser.add_argument_group("asking").add_argument)
    add_connection(parser, timeout_s=600)


def _add_asking(add: Callable[..., object]) -> None:
    add("--instructions", metavar="TEXT", help="what the model should know beyond the schema")
    add(
        "--example",
        metavar=("TEXTFILE", "JSONFILE"),
        nargs=2,
        action="append",
        default=[],
        help="a text and its right value, shown to the model; may be repeated",
    )
    add("--repairs", metavar="N", type=not_negative, default=2, help="ask again N times if wrong (default: 2)")
    add("--max-tokens", metavar="N", type=at_least_one, help="the longest answer (default: what fits)")
    add("--temperature", metavar="T", type=not_negative_number, default=0.0, help="default: 0")


def _run(arguments: Namespace) -> int:
    from lmextract.extracting import Extractor

    target: Any = target_named(arguments.schema)
    examples = [_example(*names) for names in arguments.example]
    files = named_files(arguments.files)
    several = len(files) > 1 or arguments.jsonl
    report = Report(target, full=arguments.full, quiet=arguments.verbosity < 0, several=several)
    only = None if several else read_document(files[0])
    connection = Connection.of(arguments)
    with connection.open() as server:
        extractor: Extractor[Any] = Extractor(
            target,
            server=server,
            instructions=arguments.instructions,
            examples=examples,
            repairs=arguments.repairs,
            options=Options(temperature=arguments.temperature, max_tokens=arguments.max_tokens),
        )
        connection.check()
        if only is not None:
            return _one(extractor, only, report, arguments.output)
        return _many(extractor, files, report, arguments.output)


def _example(text_file: str, json_file: str) -> tuple[str, Json]:
    text = read_document(json_file).text
    try:
        return read_document(text_file).text, json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the example {json_file} is no JSON: {error}.") from None


def _one(extractor: Extractor[Any], document: Document, report: Report, output: Path | None) -> Exit:
    with destination(output) as stream:
        extraction = report.asking(extractor, document)
        stream.write(report.value(extraction))
    report.tell(document, notes=extraction.notes)
    return Exit.OK


def _many(extractor: Extractor[Any], files: list[str], report: Report, output: Path | None) -> Exit:
    codes = list[Exit]()

    def ask(document: Document, number: int) -> Extraction[Any]:
        return report.asking(extractor, document, f" ({number} of {len(files)})")

    with destination(output) as stream:
        for outcome in each_outcome(files, ask):
            stream.write(report.line(outcome))
            stream.flush()
            codes.append(report.told(outcome))
    report.done(codes)
    return worst(codes)


COMMAND = Command("extract", "extract typed data from texts", _ABOUT, _add_arguments, _run)
