"""What a call costs over bare httpx and pydantic, beside the clients that people come from; all in one run.

    make bench            the table
    make bench ARGS=--quick

Every figure is measured against the same loopback server, client after client in turns, so that a machine whose speed
drifts treats all alike; what counts is the median of the ratios to bare httpx within a round.  Times never decide a
test: they are printed and compared with the ratchet file by a person.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from overhead_client import CLIENTS, VALUES

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "overhead.json"
IMPORTS = {
    "httpx": "import httpx, pydantic",
    "lmextract": "import lmextract",
    "openai": "import openai",
    "instructor": "import instructor",
    "litellm": "import litellm",
}
# LiteLLM fetches a price list at import unless told not to; nothing here may leave the machine.
ENVIRONMENT = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}

Row = dict[str, float]


@contextmanager
def server(case: str, delay_ms: float = 0) -> Iterator[str]:
    """A server in a process of its own that always gives the right answer of a case."""
    command = [sys.executable, str(HERE / "fixed_server.py"), "--delay-ms", str(delay_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(VALUES[case][1]) + "\n")
        process.stdin.flush()
        yield process.stdout.readline().strip()
        process.stdin.close()


def run(*arguments: str) -> str:
    """One process; its output."""
    return subprocess.run(arguments, env=ENVIRONMENT, check=True, capture_output=True, text=True).stdout


def measured(client: str, case: str, mode: str, url: str, calls: int) -> float:
    """One figure from one client in a process of its own."""
    return float(run(sys.executable, str(HERE / "overhead_client.py"), client, case, mode, url, str(calls)))


def in_rounds(clients: Sequence[str], rounds: int, measure: Callable[[str], float]) -> tuple[Row, Row]:
    """Medians of a figure per client, and medians of its ratio to the first client within each round."""
    figures: dict[str, list[float]] = {client: [] for client in clients}
    for _ in range(rounds):
        for client in clients:
            figures[client].append(measure(client))
    base = figures[clients[0]]
    ratios = {client: [mine / bare for mine, bare in zip(figures[client], base, strict=True)] for client in clients}
    return (
        {client: statistics.median(values) for client, values in figures.items()},
        {client: statistics.median(values) for client, values in ratios.items()},
    )


def cpu_of_import(client: str) -> float:
    """CPU milliseconds of an import, over those of an interpreter that imports nothing."""
    return 1000 * (cpu_of(IMPORTS[client]) - cpu_of("pass"))


def cpu_of(code: str) -> float:
    """CPU seconds of a Python process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(sys.executable, "-c", code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_answer(client: str, url: str) -> float:
    """Milliseconds from the start of a process to its end with one answer in between."""
    started = time.perf_counter()
    run(sys.executable, str(HERE / "overhead_client.py"), client, "small", "once", url, "1")
    return 1000 * (time.perf_counter() - started)


def installed(requirement: str) -> tuple[int, float]:
    """Distributions and megabytes of a fresh environment that holds only this."""
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        python = f"{folder}/bin/python"
        run(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, *requirement.split())
        site = next(Path(folder).glob("lib/python*/site-packages"))
        size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
        return len(list(site.glob("*.dist-info"))), size / 1e6


def cpu_rows(clients: Sequence[str], *, rounds: int, calls: int) -> dict[str, Row]:
    """CPU per call for both cases, as ratios to bare httpx."""
    rows = {}
    for case, label in (("small", "CPU per call, 8 fields"), ("deep", "CPU per call, 30 fields on 4 levels")):
        with server(case) as url:
            _, ratios = in_rounds(clients, rounds, lambda client: measured(client, case, "cpu", url, calls))  # noqa: B023
        rows[f"{label} (ratio)"] = ratios
    return rows


def async_row(clients: Sequence[str], *, rounds: int, calls: int) -> Row:
    """Calls per second with 32 in flight and answers after 50 ms; 640 is the most there can be."""
    with server("small", delay_ms=50) as url:
        return in_rounds(clients, rounds, lambda client: measured(client, "small", "async", url, calls))[0]


def start_rows(clients: Sequence[str], *, rounds: int) -> dict[str, Row]:
    """What it costs to begin."""
    with server("small") as url:
        answers = in_rounds(clients, rounds, lambda client: first_answer(client, url))[0]
    return {
        "import, CPU ms": in_rounds(clients, rounds, cpu_of_import)[0],
        "process start to first answer, ms": answers,
    }


def installed_rows(clients: Sequence[str]) -> dict[str, Row]:
    """Size on disk."""
    needs = {"httpx": "httpx pydantic", "lmextract": str(HERE.parent), "openai": "openai pydantic"}
    sizes = {client: installed(needs.get(client, client)) for client in clients}
    return {
        "installed, distributions": {client: float(count) for client, (count, _) in sizes.items()},
        "installed, MB": {client: size for client, (_, size) in sizes.items()},
    }


def show(rows: dict[str, Row], clients: Sequence[str]) -> None:
    """Print the table."""
    print(f"{'':42}" + "".join(f"{client:>12}" for client in clients))
    for label, row in rows.items():
        print(f"{label:42}" + "".join(f"{row[client]:12.2f}" for client in clients))


def main() -> None:
    """Measure everything, print the table, and keep it with --save."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--quick", action="store_true", help="fewer rounds, and nothing installed")
    arguments.add_argument("--save", action="store_true", help=f"write {RESULTS.relative_to(HERE.parent)}")
    asked = arguments.parse_args()
    clients = [client for client in CLIENTS if find_spec(client)]
    rounds, calls = (3, 200) if asked.quick else (7, 400)

    rows = cpu_rows(clients, rounds=rounds, calls=calls)
    rows["async, 32 in flight, 50 ms, calls/s"] = async_row(clients, rounds=rounds, calls=calls * 4)
    rows |= start_rows(clients, rounds=rounds * 2)
    if not asked.quick:
        rows |= installed_rows(clients)
    show(rows, clients)
    if asked.save:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
