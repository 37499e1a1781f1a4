"""How well replies are read: `python benchmarks/reading.py [--update] [--count N]`.

(a) 18 kinds of seeded damage to valid instances of real-world schemas: read back exactly, refused, or silently wrong;
(b) the recorded answers of 34 models: a typed object without another call, and nothing that the answer did not hold;
(c) the reply shapes of local models.  json-repair, where it is installed, is measured on the same texts.
Ends with 1 where a goal is missed or a figure is worse than kept in ratchet/reading.json; `--update` keeps the new.
Nothing is timed.  The data is read from ../shared/data, and what needs it is skipped where it is not there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import lzma
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder is a package to the tests and to its own files

from benchmarks.damage import DAMAGES, FURTHER, HOPELESS, seasoned
from benchmarks.reading_shapes import shapes

from lmextract import TargetError
from lmextract.reading import read_reply
from lmextract.target import Target

DATA = Path(__file__).parents[1].parent / "shared" / "data"
RATCHET = Path(__file__).parent / "ratchet" / "reading.json"
COUNT = 1500
SEED = 4
GOAL_EXACT = 0.97
GOAL_WRONG = 0.005
GOAL_TYPED = 0.97

Verdict = str
Reader = Callable[[str, Target[Any], Any], Verdict]


def lines(name: str) -> Iterator[dict[str, Any]]:
    """The lines of one data file."""
    with lzma.open(DATA / name, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values in which 1, 1.0 and true differ."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def ours(text: str, target: Target[Any], value: Any) -> Verdict:
    """How lmextract reads a text that stands for a value."""
    reading = read_reply(text, target)
    if not reading.ok:
        return "refused"
    return "exact" if same(reading.value, value) else "wrong"


def json_repair(text: str, _: Target[Any], value: Any) -> Verdict:
    """How json-repair reads it; it never refuses."""
    repaired = importlib.import_module("json_repair").loads(text)
    return "exact" if same(repaired, value) else "wrong"


def instances(count: int) -> Iterator[tuple[str, Target[Any], Any]]:
    """Valid instances whose schemas make a target, in a seeded order: an id, the target, the instance."""
    found = [
        (f"{line['id']} {index}", line["schema"], test["data"])
        for line in lines("maskbench-dev.jsonl.xz")
        for index, test in enumerate(line["tests"])
        if test["valid"]
    ]
    random.Random(SEED).shuffle(found)
    for name, schema, value in found:
        try:
            target = Target.of(schema)
        except TargetError:
            continue
        if ours(json.dumps(value), target, value) == "exact":
            count -= 1
            yield name, target, value
        if not count:
            return


def damage(readers: dict[str, Reader], count: int) -> dict[str, dict[str, Counter[Verdict]]]:
    """The verdicts by reader and kind of damage."""
    found = {name: {kind: Counter[Verdict]() for kind in (*DAMAGES, *FURTHER, *HOPELESS)} for name in readers}
    for name, target, value in instances(count):
        slow = '"pattern"' in json.dumps(target.schema)  # some take forever on strings that do not match
        for kind, made in {**DAMAGES, **FURTHER, **HOPELESS}.items():
            rng = random.Random(f"{SEED} {name} {kind}")
            meant = value if slow else seasoned(value, kind, rng)
            text = made(meant, rng)
            if text is None or (meant is not value and ours(json.dumps(meant), target, meant) != "exact"):
                continue
            for reader, read in readers.items():
                found[reader][kind][read(text, target, meant)] += 1
    return found


def nullable(schema: Any) -> Any:
    """The schema with null allowed in every field: null means absent."""
    if isinstance(schema, list):
        return [nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: nullable(each) for key, each in schema.items() if key != "properties"}
    if "properties" in schema:
        made["properties"] = {
            key: {"anyOf": [nullable(each), {"type": "null"}]} for key, each in schema["properties"].items()
        }
    return made


def replay() -> Counter[str]:
    """What comes of the recorded answers."""
    found = Counter[str]()
    for line in lines("replay-dev.jsonl.xz"):
        target = Target.of(nullable(line["schema"]))
        for answer in line["answers"].values():
            text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
            found[replayed(text, answer, target)] += 1
    return found


def replayed(text: str, answer: Any, target: Target[Any]) -> str:
    """What comes of one recorded answer."""
    reading = read_reply(text, target)
    if not reading.ok:
        codes = {problem.code for problem in reading.problems}
        unanswered = codes & {"truncated", "empty", "no_json", "reasoning_only"}
        return f"refused: {min(unanswered)}" if unanswered else "refused: does not fit"
    held = all(_holds(text, leaf) for leaf in leaves(reading.value))
    if not isinstance(answer, str):
        held = same(reading.value, answer)
    return "typed" if held else "typed, with a value that the answer did not hold"


def leaves(value: Any) -> Iterator[Any]:
    """Every scalar in a JSON value."""
    if isinstance(value, dict | list):
        for held in value.values() if isinstance(value, dict) else value:
            yield from leaves(held)
    else:
        yield value


def _holds(text: str, leaf: Any) -> bool:
    spellings = {json.dumps(leaf), json.dumps(leaf, ensure_ascii=False)}
    if isinstance(leaf, str):
        spellings = {spelling[1:-1] for spelling in spellings}
    # Some answers double some of their backslashes and not others.
    bare = text.replace("\\", "")
    return any(spelling in text or spelling.replace("\\", "") in bare for spelling in spellings)


def shares(verdicts: dict[str, Counter[Verdict]], kinds: dict[str, Any]) -> tuple[float, float]:
    """Exact and silently wrong, over all texts of these kinds."""
    total = sum((verdicts[kind] for kind in kinds), Counter[Verdict]())
    return total["exact"] / total.total(), total["wrong"] / total.total()


def measured(count: int) -> dict[str, Any]:
    """Every figure, as it is kept."""
    found: dict[str, Any] = {"shapes": shapes()}
    if not (DATA / "maskbench-dev.jsonl.xz").exists():
        print(f"skipped damage and replay: no data in {DATA}")
        return found
    readers: dict[str, Reader] = {"lmextract": ours}
    if importlib.util.find_spec("json_repair"):
        readers["json-repair"] = json_repair
    else:
        print("json-repair is not installed: not measured")
    verdicts = damage(readers, count)
    for reader, by_kind in verdicts.items():
        report(reader, by_kind)
    found["damage"] = {kind: dict(counted) for kind, counted in verdicts["lmextract"].items()}
    found["replay"] = dict(replay())
    return found


def report(reader: str, by_kind: dict[str, Counter[Verdict]]) -> None:
    """Print one reader's table."""
    print(f"\n{reader:18} {'texts':>6} {'exact':>8} {'refused':>8} {'wrong':>8}")
    for kind, counted in by_kind.items():
        total = counted.total() or 1
        row = "".join(f"{counted[verdict] / total:9.2%}" for verdict in ("exact", "refused", "wrong"))
        print(f"{kind:18} {total:6}{row}")
    exact, wrong = shares(by_kind, DAMAGES)
    print(f"{'all 18 kinds':18} {'':6}{exact:9.2%}{'':9}{wrong:9.2%}")


def missed(now: dict[str, Any]) -> Iterator[str]:
    """The goals that are not reached."""
    yield from (f"shape {name!r}: {said}" for name, said in now["shapes"].items() if said != "right")
    if "damage" in now:
        verdicts = {kind: Counter(counted) for kind, counted in now["damage"].items()}
        exact, wrong = shares(verdicts, DAMAGES)
        if exact < GOAL_EXACT or wrong > GOAL_WRONG:
            yield f"damage: {exact:.2%} exact, {wrong:.2%} wrong"
        yield from (
            f"{kind}: {verdicts[kind]['wrong']} read as if whole" for kind in HOPELESS if verdicts[kind]["wrong"]
        )
        typed, whole = now["replay"]["typed"], sum(n for said, n in now["replay"].items() if not _unanswered(said))
        if typed / whole < GOAL_TYPED:
            yield f"replay: {typed} of {whole} answers typed"


def _unanswered(said: str) -> bool:
    return said.startswith("refused: ") and said != "refused: does not fit"


def worse(now: dict[str, Any], kept: dict[str, Any]) -> Iterator[str]:
    """Where fewer are exact, or more wrong, than was kept; only figures over the same texts are compared."""
    for kind, counted in now.get("damage", {}).items():
        before = kept.get("damage", {}).get(kind, {})
        if sum(before.values()) != sum(counted.values()):
            continue
        if counted.get("exact", 0) < before.get("exact", 0) or counted.get("wrong", 0) > before.get("wrong", 0):
            yield f"{kind}: {counted} was {before}"
    if now.get("replay", {}).get("typed", 0) < kept.get("replay", {}).get("typed", 0) and "replay" in now:
        yield f"replay: {now['replay']} was {kept['replay']}"


def main() -> int:
    """Measure, compare, and keep if told to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--count", type=int, default=COUNT)
    options = parser.parse_args()
    now = measured(options.count)
    print()
    for name, figures in now.items():
        if name != "damage":
            print(name, json.dumps(figures, indent=2))
    kept = json.loads(RATCHET.read_text()) if RATCHET.exists() else {}
    complaints = [*missed(now), *worse(now, kept)]
    print("\n".join(complaints) or "every goal reached, nothing worse than kept")
    if options.update:
        RATCHET.write_text(json.dumps({**kept, **now}, indent=2) + "\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(main())
