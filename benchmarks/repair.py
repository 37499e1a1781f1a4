"""Every reply shape, every curable fault, and what repairs cost: `python benchmarks/repair.py [--update]`.

Drives the public API against `FakeLMStudio` over HTTP; nothing is timed.  Ends with 1 where a figure misses its goal or
a case is worse than kept in ratchet/repair.json; `--update` keeps the new figures.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder is a package to the tests and to its own files

from benchmarks.repair_cases import FAULTS, SHAPES
from benchmarks.repair_cost import Cost, costs, growths
from benchmarks.repair_lab import MODES, played, verdict

RATCHET = Path(__file__).parent / "ratchet" / "repair.json"
SLACK = 0.005
MOST_REPAIRS = 2
MOST_SHARE = 0.15
MOST_GROWTH = 1.5
FAULTY = -1
"""Stands for the repairs of a fault that was not cured."""

GOOD = ("right", "typed error")
RANKS = ("silently wrong", "loud", "wrong error", "typed error", "right")


def shapes() -> dict[str, dict[str, str]]:
    """The verdict on each shape in each mode."""
    return {name: {mode: verdict(case, played(case, mode).outcome) for mode in MODES} for name, case in SHAPES.items()}


def faults() -> dict[str, dict[str, int]]:
    """How many repairs cured each fault in each mode."""
    found: dict[str, dict[str, int]] = {}
    for name, case in FAULTS.items():
        runs = {mode: played(case, mode) for mode in MODES}
        found[name] = {
            mode: run.repairs if verdict(case, run.outcome) == "right" else FAULTY for mode, run in runs.items()
        }
    return found


def measured() -> dict[str, dict[str, Any]]:
    """Everything, as it is kept."""
    spent = list(costs())
    return {
        "shapes": shapes(),
        "faults": faults(),
        "tokens": {_count(cost.wrong): _figures(cost) for cost in spent},
        "bytes": {name: round(growth, 3) for name, growth in growths()},
    }


def _count(wrong: int) -> str:
    return f"{wrong} wrong"


def _figures(cost: Cost) -> dict[str, float]:
    return {
        "per field": round(cost.per_field, 4),
        "of the whole": round(cost.share, 4),
        "worst of the whole": round(cost.worst, 4),
    }


def missed(now: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The goals that are not reached."""
    for name, modes in now["shapes"].items():
        yield from (f"shape {name!r}, {mode}: {said}" for mode, said in modes.items() if said not in GOOD)
    for name, modes in now["faults"].items():
        yield from (
            f"fault {name!r}, {mode}: {'not cured' if repairs == FAULTY else f'{repairs} repairs'}"
            for mode, repairs in modes.items()
            if repairs == FAULTY or repairs > MOST_REPAIRS
        )
    for name, figures in now["tokens"].items():
        if figures["per field"] > MOST_SHARE:
            yield f"tokens, {name}: {figures['per field']:.1%} per field"
    if mean(figures["of the whole"] for figures in now["tokens"].values()) > MOST_SHARE:
        yield f"tokens: more than {MOST_SHARE:.0%} of the whole on average"
    yield from (f"bytes, {name}: {growth:.2f}" for name, growth in now["bytes"].items() if growth > MOST_GROWTH)


def worse(now: dict[str, dict[str, Any]], kept: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The cases that were better before, or are gone."""
    for table, cases in kept.items():
        for name, before in cases.items():
            after = now[table].get(name)
            pairs = before.items() if isinstance(before, dict) else [("", before)]
            for key, value in pairs:
                new = after.get(key) if isinstance(after, dict) else after
                if new is None or _is_worse(new, value):
                    yield f"{table}, {name} {key}: {new}, was {value}"


def _is_worse(new: Any, old: Any) -> bool:
    if isinstance(old, str):
        return RANKS.index(new) < RANKS.index(old)
    if FAULTY in (new, old):
        return bool(new == FAULTY and old != FAULTY)
    return bool(new > old + SLACK)


def show(now: dict[str, dict[str, Any]]) -> None:
    """Print the tables."""
    modes = ", ".join(MODES)
    verdicts = Counter(said for case in now["shapes"].values() for said in case.values())
    print(f"\nreply shapes: {len(now['shapes'])}, each {modes}\n")
    print("\n".join(f"  {said:<16}{verdicts[said]:>5}" for said in reversed(RANKS)))
    repairs = Counter(count for case in now["faults"].values() for count in case.values())
    print(
        f"\nrecoverable faults: {len(now['faults'])}, each {modes}; cured by (goal: at most {MOST_REPAIRS} repairs)\n"
    )
    print(
        "\n".join(f"  {'not at all' if c == FAULTY else f'{c} repairs':<16}{n:>5}" for c, n in sorted(repairs.items()))
    )
    print(
        f"\ncompletion tokens of repairs, 30 fields, whole object = 100 % (goal: at most {MOST_SHARE:.0%} per field)\n"
    )
    print(f"  {'':<16}{'per field':>10}{'together':>10}{'worst':>10}")
    for name, figures in now["tokens"].items():
        print(f"  {name:<16}" + "".join(f"{value:>10.1%}" for value in figures.values()))
    print(f"\nbytes of the third request less the failing fragment, first = 1 (goal: at most {MOST_GROWTH})\n")
    print("\n".join(f"  {name:<16}{growth:>10.2f}" for name, growth in now["bytes"].items()))


def main() -> int:
    """Print the tables; 1 if a goal is missed or a case got worse."""
    now = measured()
    show(now)
    kept = json.loads(RATCHET.read_text("utf-8")) if RATCHET.exists() else {}
    failures = [f"missed: {each}" for each in missed(now)]
    if "--update" in sys.argv:
        RATCHET.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", "utf-8")
    else:
        failures += [f"worse: {each}" for each in worse(now, kept)]
    print("\n".join(["", *failures]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
