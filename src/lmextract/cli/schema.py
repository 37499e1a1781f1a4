"""`lmextract schema`: what is sent to the server for a type, and what is only checked afterwards."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from lmextract.cli.command import Command
from lmextract.cli.console import dumps, table
from lmextract.cli.exits import Exit
from lmextract.cli.specs import SPEC_HELP, target_named
from lmextract.errors import ConfigError
from lmextract.ready_made import ready_made, ready_made_names
from lmextract.target import Target

if TYPE_CHECKING:
    from lmextract.types import Message, Relaxation, WireSchema

__all__ = ["COMMAND"]

_ABOUT = """\
Show what is sent for a type or schema: the wire schema that the engine enforces while it generates,
the prompt that the model reads, and the constraints that are only checked afterwards.  Nothing is
sent.  Without SCHEMA: list the ready-made schemas.
"""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("schema", metavar="SCHEMA", nargs="?", help=SPEC_HELP)
    parser.add_argument(
        "--dialect",
        metavar="NAME",
        default="safe",
        help="the engine to write for: gguf, mlx-outlines, mlx-llguidance, or safe, which all take (default: safe)",
    )
    parser.add_argument("--instructions", metavar="TEXT", help="show the prompt with these")
    parser.add_argument("--json", action="store_true", help="write it all as JSON")


def _run(arguments: Namespace) -> int:
    if arguments.schema is None:
        return _list(as_json=arguments.json)
    from lmextract.dialects import DIALECTS, compile_schema
    from lmextract.prompt import preamble

    if arguments.dialect not in DIALECTS:
        raise ConfigError(
            f"there is no dialect {arguments.dialect!r}.", hint=f"There are: {', '.join(sorted(DIALECTS))}."
        )
    target = target_named(arguments.schema)
    wire = compile_schema(target, arguments.dialect)
    prompt = preamble(target.schema, wire=wire, instructions=arguments.instructions, name=target.name)
    if arguments.json:
        print(dumps(_json(target, wire, prompt), indent=2))
    else:
        _print(target, wire, prompt)
    return Exit.OK


def _print(target: Target[Any], wire: WireSchema, prompt: tuple[Message, ...]) -> None:
    _title(
        "Wire schema",
        f"{target.name}, for the dialect {wire.dialect}{', wrapped in an object' if wire.wrapped else ''}",
    )
    print(dumps(wire.schema, indent=2))
    _title("\nPrompt", "what the model reads before the text")
    for message in prompt:
        print(f"[{message.role}]\n{message.content}")
    if wire.fully_enforced:
        _title("\nChecked afterwards", "nothing: whatever the engine writes fits the schema")
        return
    _title("\nChecked afterwards", "the engine's grammar does not hold these; a reply that breaks one is asked again")
    table(("WHERE", "KEYWORD", "INSTEAD", "WHY"), [_row(relaxation) for relaxation in dict.fromkeys(wire.relaxations)])


def _title(title: str, about: str) -> None:
    print(f"{title} ({about})\n")


def _row(relaxation: Relaxation) -> list[str]:
    return [str(relaxation.path), relaxation.keyword, relaxation.instead, relaxation.reason]


def _json(target: Target[Any], wire: WireSchema, prompt: tuple[Message, ...]) -> dict[str, Any]:
    return {
        "name": target.name,
        "schema": target.schema,
        "dialect": wire.dialect,
        "wire_schema": wire.schema,
        "wrapped": wire.wrapped,
        "fully_enforced": wire.fully_enforced,
        "checked_afterwards": [
            {"path": str(each.path), "keyword": each.keyword, "reason": each.reason, "instead": each.instead}
            for each in wire.relaxations
        ],
        "prompt": [{"role": message.role, "content": message.content} for message in prompt],
    }


def _list(*, as_json: bool) -> int:
    about = {name: _description(name) for name in ready_made_names()}
    if as_json:
        print(dumps(about, indent=2))
    else:
        table(("SCHEMA", "WHAT IT IS FOR"), list(about.items()))
    return Exit.OK


def _description(name: str) -> str:
    path = ready_made(name)
    assert path is not None
    schema = json.loads(path.read_bytes())
    return str(schema.get("description", ""))


COMMAND = Command(
    "schema", "show what is sent for a type, and list the ready-made schemas", _ABOUT, _add_arguments, _run
)
