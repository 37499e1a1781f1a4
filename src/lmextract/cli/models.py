"""`lmextract models`: what the server has."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from lmextract.cli.command import Command
from lmextract.cli.connection import Connection, add_connection
from lmextract.cli.console import dumps, say, table
from lmextract.cli.exits import Exit
from lmextract.errors import ConfigError

if TYPE_CHECKING:
    from lmextract.servers._listing import ModelRecord

__all__ = ["COMMAND"]

_ABOUT = """\
List the models that the server has.

STATE is `loaded`, with the number of instances where there are several; CONTEXT is that of the loaded
model and the most that it can take, in tokens; SLOTS is how many requests it answers at once.  With
--server embedded: the GGUF models that the built-in engine finds, those of LM Studio among them.
"""
_HEAD = ("MODEL", "TYPE", "FORMAT", "QUANT", "SIZE", "STATE", "CONTEXT", "SLOTS")


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="write all that is known, as JSON")
    add_connection(parser, timeout_s=30)


def _run(arguments: Namespace) -> int:
    records = _records(Connection.of(arguments))
    if arguments.json:
        print(dumps([_json(record) for record in records], indent=2))
    elif records:
        table(_HEAD, [_row(record) for record in records])
    else:
        say("note", "there is no model; LM Studio downloads one: lms get <model>")
    return Exit.OK


def _records(connection: Connection) -> tuple[ModelRecord, ...]:
    """The models that a server lists, or that the embedded engine finds on this machine."""
    if connection.embedded:
        return _on_disk(connection.gguf)
    with connection.open_lmstudio(patient=False) as server:
        return server.models()


def _on_disk(named: str | None) -> tuple[ModelRecord, ...]:
    from lmextract.servers._models import BUNDLED, installed_models

    paths = [named] if named else [*sorted(BUNDLED.glob("*.gguf")), *installed_models()]
    return tuple(record for path in paths if (record := _file(path)) is not None)


def _file(path: str | Path) -> ModelRecord | None:
    """What a GGUF file is; None, and a word about it, where it is none: a broken download must not hide the others."""
    from lmextract.servers._listing import ModelRecord
    from lmextract.servers._models import find_model

    try:
        file = find_model(path)
    except ConfigError as error:
        say("error", str(error))
        return None
    return ModelRecord(
        key=file.name,
        type="llm",
        format="gguf",
        loaded=False,
        max_context_length=file.trained_context,
        size_bytes=file.size_bytes,
    )


def _json(record: ModelRecord) -> dict[str, object]:
    return {**asdict(record), "instances": list(record.instances)}


def _row(record: ModelRecord) -> list[str]:
    return [
        record.key,
        record.type or "-",
        record.format or "-",
        record.quantization or "-",
        _size(record.size_bytes),
        _state(record),
        _context(record),
        str(record.parallel or "-"),
    ]


def _size(size_bytes: int | None) -> str:
    if size_bytes is None:
        return "-"
    return f"{size_bytes / 1e9:.2f} GB" if size_bytes >= 1e8 else f"{size_bytes / 1e6:.2f} MB"


def _state(record: ModelRecord) -> str:
    if record.loaded is None:
        return "-"
    several = f" x{len(record.instances)}" if len(record.instances) > 1 else ""
    return f"loaded{several}" if record.loaded else "not loaded"


def _context(record: ModelRecord) -> str:
    lengths = [str(length) for length in (record.context_length, record.max_context_length) if length]
    return " of ".join(lengths) if record.context_length else f"max {lengths[0]}" if lengths else "-"


COMMAND = Command("models", "list the models that the server has", _ABOUT, _add_arguments, _run)
