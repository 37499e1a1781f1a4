"""`lmextract doctor`: whether everything is ready for an extraction, and what to do if not."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from lmextract.cli.command import Command
from lmextract.cli.connection import Connection, add_connection
from lmextract.cli.console import dumps, without_control
from lmextract.cli.exits import Exit
from lmextract.cli.finding import Finding

__all__ = ["COMMAND"]

_ABOUT = """\
See whether everything is ready for an extraction: the server, its key, its models, the context of the
model that would be used, and a real extraction from two lines of text.  For everything that is not
right it says what to do.  The exit code is 0 if an extraction works, else that of what stands in its way.
"""


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="write the findings as JSON")
    add_connection(parser, timeout_s=120)


def _run(arguments: Namespace) -> int:
    from lmextract.cli.checkup import examine

    findings = list[Finding]()
    for finding in examine(Connection.of(arguments), quiet=arguments.verbosity < 0):
        findings.append(finding)
        if not arguments.json:
            _print(finding)
    print(_json(findings) if arguments.json else f"\n{_summary(findings)}")
    return _exit(findings)


def _print(finding: Finding) -> None:
    print(_indented(f"{finding.state:<4}  {finding.step:<10}  ", finding.seen), flush=True)
    if finding.cure:
        print(_indented(f"{'':<18}-> ", finding.cure), flush=True)


def _indented(head: str, text: str) -> str:
    return head + without_control(text).strip().replace("\n", "\n" + " " * len(head))


def _summary(findings: Iterable[Finding]) -> str:
    states = [finding.state for finding in findings]
    if "FAIL" in states:
        return "An extraction would fail: see FAIL above."
    warnings = states.count("warn")
    if warnings:
        return (
            f"An extraction works; {warnings} {'thing' if warnings == 1 else 'things'} could be better: see warn above."
        )
    return "All is well."


def _json(findings: Iterable[Finding]) -> str:
    described = [
        {"step": each.step, "state": each.state.lower(), "seen": each.seen, "cure": each.cure} for each in findings
    ]
    return dumps(described, indent=2)


def _exit(findings: Iterable[Finding]) -> Exit:
    return next((finding.exit for finding in findings if finding.state == "FAIL"), Exit.OK)


COMMAND = Command("doctor", "see whether everything is ready, and what to do if not", _ABOUT, _add_arguments, _run)
