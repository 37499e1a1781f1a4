"""The schema compiler against real schemas and real engines; `make bench` does not run it, it takes minutes.

    python benchmarks/compiler.py gguf mlx-llguidance mlx-outlines [--every N] [--raw] [--write]

For each schema of the data set: compile it, give the wire schema to the engine (a process of its own, with a time
limit), and ask which of the labelled instances it takes, once they are brought into the form of the wire schema.
`--write` puts the cases that fall short into `benchmarks/ratchet/<dialect>.json`; without it, a case that is worse than
there is an error.

Needs `llguidance`, `outlines-core==0.1.26` with `interegular` and, for gguf, the program that
`benchmarks/gbnf_matcher/build.py` makes.
"""

from __future__ import annotations

import argparse
import json
import lzma
import selectors
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema

from lmextract.dialects import restore, to_wire
from lmextract.dialects.compiling import compile_afresh
from lmextract.errors import TargetError
from lmextract.target import Target
from lmextract.types import Valid, WireSchema

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data"
RATCHET = HERE / "ratchet"
LIMIT_S = 20.0
LONGEST_CHARS = 60_000
ENGINES = {
    "gguf": [str(HERE / "gbnf_matcher" / "build" / "gbnf")],
    "mlx-llguidance": [sys.executable, str(HERE / "engine_worker.py"), "llguidance"],
    "mlx-outlines": [sys.executable, str(HERE / "engine_worker.py"), "outlines"],
}
MEASURED_AS = {"gguf": "llama.cpp", "mlx-llguidance": "llguidance", "mlx-outlines": "outlines-core"}


class Engine:
    """An engine in a child process, started anew after a crash or a hang."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.process: subprocess.Popen[str] | None = None

    def ask(self, schema: Any, texts: Sequence[str]) -> dict[str, Any]:
        """What the engine makes of a schema and some texts; `error` is `crash` or `timeout` where it gave no answer."""
        if self.process is None:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write(json.dumps({"schema": schema, "texts": texts}) + "\n")
            self.process.stdin.flush()
            with selectors.DefaultSelector() as selector:
                selector.register(self.process.stdout, selectors.EVENT_READ)
                line = self.process.stdout.readline() if selector.select(LIMIT_S) else None
        except BrokenPipeError:
            line = ""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.stop()
        return {"error": "timeout" if line is None else "crash"}

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Tally:
    """What came of one dialect over all schemas."""

    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    cases: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in CASES})

    def note(self, name: str, case: str) -> None:
        """File a case under one of the ways to fall short."""
        self.cases[name].append(case)


CASES = (
    "exception",
    "crash",
    "timeout",
    "refused by engine",
    "bad accepted by engine",
    "good newly refused by engine",
    "good refused by engine",
    "not fully enforced",
    "fully enforced untrue",
    "bad accepted by path",
    "good refused by path",
)


def cases(every: int) -> Iterator[dict[str, Any]]:
    """The schemas, or every n-th of them."""
    with lzma.open(DATA / "maskbench-dev.jsonl.xz", "rt") as lines:
        for i, line in enumerate(lines):
            if i % every == 0:
                yield json.loads(line)


def raw_verdicts() -> dict[str, dict[str, Any]]:
    """What the engines do with the schemas as they are."""
    with lzma.open(DATA / "engines-dev.jsonl.xz", "rt") as lines:
        return {case["id"]: case["engines"] for case in map(json.loads, lines)}


def check_of(schema: Any) -> Callable[[Any], bool]:
    """Whether a value is valid, by the validator of record; the labels were made with jsonschema."""
    try:
        target = Target.of(schema)
    except TargetError:
        kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        validator = kind(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
        return lambda value: bool(validator.is_valid(value))
    return lambda value: isinstance(target.check(value), Valid)


def measure(
    tally: Tally, engine: Engine, dialect: str, case: dict[str, Any], raw: dict[str, Any], *, as_is: bool
) -> None:
    """Put one schema through the compiler and the engine."""
    start = time.perf_counter()
    try:
        wire = compile_afresh(case["schema"], dialect)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the finding
        tally.note("exception", f"{case['id']}: {error!r}")
        return
    tally.seconds.append(time.perf_counter() - start)
    if as_is:
        wire = WireSchema(case["schema"], (), fully_enforced=False, dialect=dialect)
    fits = check_of(case["schema"])
    shown: list[tuple[bool, str, bool]] = []  # labelled valid; text; what the path makes of it
    for test in case["tests"]:
        text = json.dumps(to_wire(test["data"], wire) if not as_is else test["data"], ensure_ascii=False)
        if len(text) <= LONGEST_CHARS:
            back, _ = restore(json.loads(text), case["schema"], None if as_is else wire)
            shown.append((test["valid"], text, fits(back)))
    answer = engine.ask(wire.schema, [text for _, text, _ in shown])
    judge(tally, case["id"], wire, shown, answer, raw)


def judge(  # noqa: PLR0917  # all of a case
    tally: Tally,
    case: str,
    wire: WireSchema,
    shown: list[tuple[bool, str, bool]],
    answer: dict[str, Any],
    raw: dict[str, Any],
) -> None:
    """File what the engine said."""
    if not wire.fully_enforced:
        tally.note("not fully enforced", case)
    for label, _, fits in shown:
        if label and not fits:
            tally.note("good refused by path", case)
    if "error" in answer:
        kind = answer["error"]
        tally.note(kind if kind in {"crash", "timeout"} else "refused by engine", case)
        tally.errors[f"{kind[:110]}"] += 1
        return
    verdicts = list(zip(shown, answer["accepts"], strict=True))
    through = sum(1 for (label, _, fits), accepted in verdicts if not label and accepted and not fits)
    refused = sum(1 for (label, _, _), accepted in verdicts if label and accepted is False)
    if through:
        tally.note("bad accepted by engine", case)
        if wire.fully_enforced:
            tally.note("fully enforced untrue", case)
    if refused:
        tally.note("good refused by engine", case)
        if raw and refused > raw["good"][1] and raw["compiles"]:
            tally.note("good newly refused by engine", case)


def report(dialect: str, tally: Tally, total: int) -> None:
    """Print the figures of a dialect."""
    tally.cases = {name: sorted(set(found)) for name, found in tally.cases.items()}
    millis = sorted(each * 1000 for each in tally.seconds)
    print(f"\n{dialect}: {total} schemas")
    print(
        f"  compile p50 {statistics.median(millis):.2f} ms, p99 {millis[int(len(millis) * 0.99)]:.1f} ms,"
        f" max {millis[-1]:.0f} ms"
    )
    print(f"  fully enforced: {1 - len(tally.cases['not fully enforced']) / total:.1%}")
    for name in CASES:
        found = tally.cases[name]
        print(
            f"  {name}: {len(found)}" + (f"  {', '.join(found[:4])}" if found and name != "not fully enforced" else "")
        )
    for error, count in tally.errors.most_common(12):
        print(f"    {count} x {error}")


def ratchet(dialect: str, tally: Tally, *, write: bool) -> list[str]:
    """The cases that fall short now and did not when the file was written."""
    path = RATCHET / f"{dialect}.json"
    if write:
        path.write_text(json.dumps(tally.cases, indent=0) + "\n")
        return []
    if not path.exists():
        return []
    before = json.loads(path.read_text())
    return [f"{name}: {case}" for name, found in tally.cases.items() for case in found if case not in before[name]]


def main() -> int:
    """Measure the dialects that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dialects", nargs="+", choices=ENGINES)
    parser.add_argument("--every", type=int, default=1, help="take every n-th schema only")
    parser.add_argument("--raw", action="store_true", help="give the engine the schemas as they are")
    parser.add_argument("--write", action="store_true", help="write the ratchet files")
    options = parser.parse_args()
    if not DATA.exists():
        print(f"skipped: there is no {DATA}")
        return 0
    raw = raw_verdicts()
    worse: list[str] = []
    for dialect in options.dialects:
        tally, engine, total = Tally(), Engine(ENGINES[dialect]), 0
        for case in cases(options.every):
            total += 1
            known = next(
                (v for name, v in raw.get(case["id"], {}).items() if name.startswith(MEASURED_AS[dialect])), {}
            )
            measure(tally, engine, dialect, case, known, as_is=options.raw)
        engine.stop()
        report(dialect, tally, total)
        if options.every == 1 and not options.raw:
            worse += ratchet(dialect, tally, write=options.write)
    print("\n".join(f"worse than before: {each}" for each in worse))
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
