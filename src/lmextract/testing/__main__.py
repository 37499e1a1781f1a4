"""`python -m lmextract.testing`: a fake LM Studio as a process of its own, for benchmarks and for other languages.

Prints `{"base_url": ...}` as one line when it listens; ends on SIGINT, SIGTERM or (with --until-eof) the end of its
standard input, and then prints `{"calls": ..., "cpu_s": ...}`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

from lmextract.testing import FakeLMStudio, FakeModel, Loading, Overflow, Reasoning, Timing
from lmextract.testing.fake.engines import ENGINES
from lmextract.testing.fake.errors import Era
from lmextract.testing.fake.server import DEFAULT_MODELS
from lmextract.testing.fake.values import Place
from lmextract.testing.script import Scripted


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lmextract.testing", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=0, help="0 for any free one")
    add("--model", action="append", metavar="KEY", help="a loaded model; may be repeated")
    add("--replies", type=Path, metavar="FILE", help="a JSON array of replies, given in turn over and over")
    add("--engine", choices=sorted(ENGINES), default="gguf")
    add("--context-length", type=int, default=32_768, metavar="TOKENS")
    add("--parallel", type=int, default=4, metavar="SLOTS")
    add("--era", choices=get_args(Era), default="C", help="whose words for a prompt that is too long")
    add("--own-context", action="store_true", help="every slot has a context of its own, not a share of one")
    add("--reasoning", choices=get_args(Place), default="none")
    add("--no-jit", action="store_true", help="load no model on demand")
    add("--token", help="require this token: sk-lm-, 8 alphanumerics, a colon, 20 alphanumerics")
    add("--delay", type=float, default=0.0, metavar="SECONDS", help="before the first token")
    add("--token-delay", type=float, default=0.0, metavar="SECONDS", help="for each token")
    add("--keep-alive", type=float, default=5.0, metavar="SECONDS")
    add("--until-eof", action="store_true", help="end with standard input, and so with the process that holds it")
    return parser.parse_args(argv)


def _replies(path: Path | None) -> Iterable[Scripted] | None:
    return None if path is None else itertools.cycle(json.loads(path.read_text(encoding="utf-8")))


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to end."""
    given = _arguments(argv)
    fake = FakeLMStudio(
        _replies(given.replies),
        models=[FakeModel(key) for key in given.model] if given.model else DEFAULT_MODELS,
        engine=given.engine,
        context_length=given.context_length,
        parallel=given.parallel,
        reasoning=Reasoning(place=given.reasoning),
        token=given.token,
        timing=Timing(first_token_s=given.delay, token_s=given.token_delay, keep_alive_s=given.keep_alive),
        loading=Loading(jit=not given.no_jit),
        overflow=Overflow(era=given.era, shared_pool=not given.own_context),
        record=False,
        port=given.port,
    )
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    if given.until_eof:
        threading.Thread(target=_set_at_eof, args=(ended,), daemon=True).start()
    with fake:
        before = time.process_time()
        _tell({"base_url": fake.base_url})
        ended.wait()
        calls, cpu_s = fake.call_count, time.process_time() - before
    _tell({"calls": calls, "cpu_s": round(cpu_s, 4)})
    return 0


def _tell(facts: dict[str, str | float]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def _set_at_eof(ended: threading.Event) -> None:
    sys.stdin.read()
    ended.set()


if __name__ == "__main__":
    sys.exit(main())
