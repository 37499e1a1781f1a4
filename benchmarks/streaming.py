"""What reading a streamed reply costs: `python benchmarks/streaming.py [--update]`.

A reply of 100 KB comes in pieces of 5 characters, and every partial value that `stream()` would give is read.  Its cost
is compared with that of the same reply in one piece, read by the same reader, and with `json.loads`, which is C and
knows nothing of prefixes; `growth` is the cost per character at 400 KB against that at 100 KB (1 = linear).  The
columns `unthrottled` and `items` are for looks at every piece, and for `stream_items`, which looks at no partial value.

Processor time, the best of several rounds, all in one process; only ratios are kept.  Ends with 1 where one is worse
than in ratchet/streaming.json by more than half; `--update` keeps the new ones.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lmextract._items import ItemProgress
from lmextract._progress import Progress
from lmextract.drive import Event
from lmextract.partial import PartialJson
from lmextract.target import Target
from lmextract.types import Delta, Message, Reply, Request

RATCHET = Path(__file__).parent / "ratchet" / "streaming.json"
SIZE = 100_000
PIECE = 5
SLACK = 1.5
ROUNDS = 5
CHOOSE = random.Random(1)
REQUEST = Request((Message("user", "?"),), None, 100)


def words(count: int) -> str:
    """Some words."""
    return " ".join(CHOOSE.choice(["sand", "water", "spice", "desert", "house", "duke"]) for _ in range(count))


def book() -> dict[str, Any]:
    """An object as extractions have them."""
    return {
        "title": words(4),
        "year": CHOOSE.randint(1500, 2020),
        "price": round(CHOOSE.random() * 50, 2),
        "tags": [words(1) for _ in range(CHOOSE.randint(0, 3))],
        "in_print": CHOOSE.random() < 0.5,
        "publisher": None,
    }


SHAPES: dict[str, Callable[[], Any]] = {
    "books": book,
    "indented books": book,
    "numbers": lambda: CHOOSE.randint(0, 10**6),
    "sentences": lambda: words(30),
    "quoted": lambda: f'"{words(3)}"\n\t{words(3)}\\',
    "one text": lambda: words(10),
}


def text_of(shape: str, size: int) -> str:
    """A list of so many characters, or an object with one long string."""
    items: list[Any] = []
    length = 0
    while length < size:
        items.append(SHAPES[shape]())
        length += len(json.dumps(items[-1], indent=2 if shape == "indented books" else None)) + 2
    if shape == "one text":
        return json.dumps({"text": "\n".join(items)})
    return json.dumps(items, indent=2 if shape == "indented books" else None)


def seconds(work: Callable[[], object]) -> float:
    """The processor time of the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def pieces_of(text: str) -> list[str]:
    """The text as a model writes it."""
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def watched(pieces: list[str]) -> Callable[[], int]:
    """What `stream()` does with the pieces of a reply: every partial value is read."""
    deltas = [Delta(piece) for piece in pieces]

    def work() -> int:
        progress, looks = Progress({}), 0
        progress.see(REQUEST)
        for delta in deltas:
            partial = progress.see(delta)
            if partial is not None:
                assert partial.json is not None
                looks += 1
        progress.see(Reply(""))
        return looks

    return work


def unthrottled(pieces: list[str]) -> Callable[[], object]:
    """A look at every piece."""

    def work() -> None:
        reader = PartialJson()
        for piece in pieces:
            reader.feed(piece)
            snapshot = reader.snapshot()
            assert snapshot is None or snapshot.value is not None

    return work


def given(pieces: list[str]) -> Callable[[], int]:
    """What `stream_items()` does with the pieces of a reply, the check of each item included."""
    events: list[Event[Any]] = [REQUEST, *map(Delta, pieces)]

    def work() -> int:
        progress: ItemProgress[Any] = ItemProgress(Target.of(list[Any]), Target.of(Any), None)
        return sum(len(list(progress.see(event))) for event in events)

    return work


def figures(shape: str) -> dict[str, float]:
    """The ratios of one shape."""
    text, longer = text_of(shape, SIZE), text_of(shape, 4 * SIZE)
    pieces = pieces_of(text)
    one, plain = seconds(watched([text])), seconds(lambda: json.loads(text))
    live, longest = seconds(watched(pieces)), seconds(watched(pieces_of(longer)))
    found = {
        "one piece / json.loads": one / plain,
        "pieces / one piece": live / one,
        "pieces / json.loads": live / plain,
        "growth": longest / len(longer) / (live / len(text)),
        "unthrottled / pieces": seconds(unthrottled(pieces)) / live,
        "items / pieces": seconds(given(pieces)) / live if shape != "one text" else 0.0,
        "µs per piece": live / len(pieces) * 1e6,
        "looks": float(watched(pieces)()),
    }
    return {name: round(value, 2) for name, value in found.items()}


def main() -> int:
    """Print the table; 1 if a ratio got worse."""
    kept: dict[str, dict[str, float]] = json.loads(RATCHET.read_text("utf-8")) if RATCHET.exists() else {}
    found = {shape: figures(shape) for shape in SHAPES}
    names = list(found["books"])
    print(f"{SIZE // 1000} KB in pieces of {PIECE} characters\n")
    print(" " * 16 + "".join(f"{name:>24}" for name in names))
    for shape, ratios in found.items():
        print(f"{shape:<16}" + "".join(f"{ratios[name]:>24.2f}" for name in names))
    compared = [name for name in names if name not in ("µs per piece", "looks")]
    if "--update" in sys.argv:
        RATCHET.write_text(
            json.dumps({shape: {name: ratios[name] for name in compared} for shape, ratios in found.items()}, indent=2)
            + "\n",
            "utf-8",
        )
        return 0
    worse = [
        f"{shape}: {name} is {ratios[name]}, was {kept[shape][name]}"
        for shape, ratios in found.items()
        for name in compared
        if ratios[name] > kept.get(shape, ratios)[name] * SLACK
    ]
    print("\n".join(["", *worse]))
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
