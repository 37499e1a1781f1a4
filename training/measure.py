"""Measure a GGUF model through the public API and the real engine: the figures of the model card.

python training/measure.py                                  # the bundled model
python training/measure.py some.gguf --documents 100
python training/measure.py --overlap                        # words that training shares with the examples
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from books import Book, Forms, document
from pydantic import BaseModel, create_model
from tasks import READY_MADE, Question, own_schema

from lmextract import Embedded, Extractor, LMExtractError
from lmextract.types import Json, JsonSchema

EXAMPLES = Path(__file__).parent.parent / "examples" / "book"

Case = tuple[Extractor[Any], str, dict[str, Json]]


README_CLASS = create_model("Book", title=(str, ...), author=(str, ...), year=(int | None, ...))


@dataclass(slots=True)
class Score:
    """Counts of records and of fields; a field that should be empty counts as wrong only if it was invented."""

    records: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def line(self) -> str:
        """As a row of a table."""
        records, fields = self.records.total(), self.fields.total()
        shares = [100 * self.fields[kind] / fields for kind in ("right", "wrong", "missed", "invented")]
        exact = f"{100 * self.records['right'] / records:.1f} %"
        cells = [str(records), exact, *(f"{share:.1f} %" for share in shares)]
        return " | ".join([*cells, f"{1000 * statistics.median(self.seconds):.0f} ms"])


def score(cases: Iterable[Case], show: int = 0) -> Score:
    """Ask for each case and compare field by field, to the letter."""
    result = Score()
    for extractor, text, expected in cases:
        began = time.perf_counter()
        try:
            got = _plain(extractor.run(text).value)
        except LMExtractError as error:
            got = {"error": str(error)}
        result.seconds.append(time.perf_counter() - began)
        result.records["right" if got == expected else "wrong"] += 1
        for name, wanted in expected.items():
            result.fields[_kind(got.get(name), wanted)] += 1
        if got != expected and show > 0:
            show -= 1
            print(f"    {text!r}\n      expected {json.dumps(expected, ensure_ascii=False)}")
            print(f"      got      {json.dumps(got, ensure_ascii=False)}")
    return result


def _kind(got: Json, wanted: Json) -> str:
    if got == wanted:
        return "right"
    if wanted in (None, ""):
        return "invented"
    return "missed" if got in (None, "") else "wrong"


def _plain(value: Any) -> dict[str, Json]:
    return value.model_dump() if isinstance(value, BaseModel) else dict(value)


def synthetic(server: Embedded, which: Forms, count: int, *, ready_made: bool) -> Iterator[Case]:
    """Documents that training never showed, each for the book schema or for a schema of its own."""
    rng = random.Random(f"measure {which}")
    usual = Extractor(READY_MADE, server=server)
    while count > 0:
        schema, name = (READY_MADE, "Book") if ready_made else own_schema(rng)
        text, book = document(rng, which)
        answer = Question(schema, name, ()).answer(book)
        if answer is not None:
            yield (usual if ready_made else Extractor({**schema, "title": name}, server=server)), text, answer
            count -= 1


def examples(server: Embedded, target: Any, fields: Iterable[str]) -> Iterator[Case]:
    """The example documents, for a target with some of the fields."""
    extractor, wanted = Extractor(target, server=server), list(fields)
    for path in sorted(EXAMPLES.glob("[0-9]*.txt")):
        book = Book(**json.loads(path.with_suffix(".json").read_text("utf-8")))
        said = {name: getattr(book, name) for name in wanted}
        if isinstance(target, type):
            said["author"] = said["author"] or ""
        yield extractor, path.read_text("utf-8").strip(), said


def _schema(*fields: str, described: bool = False) -> JsonSchema:
    properties = {
        name: {"type": ["integer" if name == "year" else "string", "null"]}
        | ({"description": f"The book's {name}, if the text has it."} if described else {})
        for name in fields
    }
    return {"title": "Book", "type": "object", "properties": properties, "required": list(fields)}


def overlap(count: int) -> str:
    """The longest run of words that an example document has in common with any of `count` training documents."""
    rng = random.Random(0)
    runs: Counter[tuple[str, ...]] = Counter()
    for _ in range(count):
        runs.update(_runs(document(rng)[0]))
    lines = []
    for path in sorted(EXAMPLES.glob("[0-9]*.txt")):
        shared = [run for run in _runs(path.read_text("utf-8")) if run in runs]
        lines.append(f"{path.name}: {' '.join(max(shared, key=len)) if shared else 'nothing'}")
    return "\n".join(lines)


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = "".join(letter if letter.isalnum() else " " for letter in text.casefold()).split()
    for size in range(2, 9):
        yield from (tuple(words[at : at + size]) for at in range(len(words) - size + 1))


def main() -> None:
    """Print the table of the model card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--show", type=int, default=0, help="print so many wrong answers of each row")
    parser.add_argument("--overlap", action="store_true")
    args = parser.parse_args()
    if args.overlap:
        print(overlap(20_000))
        return
    with Embedded(args.model) as server:
        server.start()
        count, all_four = args.documents, ("title", "author", "year", "publisher")
        shuffled = ("publisher", "year", "title", "author")
        table = {
            "new names, known forms, schemas/book.json": synthetic(server, "training", count, ready_made=True),
            "new names, new forms, schemas/book.json": synthetic(server, "held-out", count, ready_made=True),
            "new names, known forms, other schemas": synthetic(server, "training", count, ready_made=False),
            "new names, new forms, other schemas": synthetic(server, "held-out", count, ready_made=False),
            "examples, schemas/book.json": examples(server, READY_MADE, all_four),
            "examples, the class of the README": examples(server, README_CLASS, ("title", "author", "year")),
            "examples, undescribed, other order": examples(server, _schema(*shuffled), shuffled),
            "examples, other descriptions": examples(server, _schema(*all_four, described=True), all_four),
            "examples, title and year only": examples(server, _schema("title", "year"), ("title", "year")),
        }
        print("| documents | records | exact | fields right | wrong | missed | invented | time |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for name, cases in table.items():
            print(f"| {name} | {score(cases, args.show).line()} |", flush=True)


if __name__ == "__main__":
    main()
