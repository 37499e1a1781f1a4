"""Real-world schemas and the engines' verdicts on them, which are no part of the repository."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


def schemas() -> dict[str, Any]:
    """Every schema by its id; skips the test where there are none."""
    return {record["id"]: record["schema"] for record in _records("maskbench-dev.jsonl.xz")}


def verdicts(engine: str) -> list[tuple[Any, str | None]]:
    """Every fourth schema with the error that this engine gives, or None where it takes it."""
    known = schemas()
    found = [(known[record["id"]], record["engines"].get(engine)) for record in _records("engines-dev.jsonl.xz")[::4]]
    return [
        (schema, None if verdict["compiles"] else str(verdict["error"]))
        for schema, verdict in found
        if verdict and verdict["state"] in ("ok", "err")
    ]


def _records(name: str) -> list[Any]:
    if not (DATA / name).exists():
        pytest.skip(f"no {name} beside the checkout")
    return _read(DATA / name)


@cache
def _read(path: Path) -> list[Any]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
