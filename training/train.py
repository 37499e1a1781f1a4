"""Train the small model for the book schema on one CPU core (or whatever `--threads` says).

    python training/train.py --minutes 40 --out runs/book         # goes on where it stopped, if it was stopped
    python training/export.py runs/book/model.pt src/lmextract/models/lmextract-book-1.gguf

The learning rate follows the clock: warm-up, then a cosine to nothing at the end of the minutes.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from model import Llama, Shape
from optimiser import Optimiser
from tasks import Row, questions, rows, tokens
from tokens import END, Tokens
from torch import Tensor
from torch.nn import functional

from lmextract.prompt import PROMPT_VERSION

BATCH = 32
CHECK_S = 60.0
SAVE_S = 240.0
IGNORED = -100

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


def batches(rng: random.Random, vocabulary: Tokens, longest: Callable[[], int]) -> Iterator[Batch]:
    """Batches without end; each has one question, and documents of about one length, at most `longest` tokens."""
    asked = questions(rng)
    while True:
        pool: list[Batch] = []
        for _ in range(8):
            question = next(asked)
            prefix = vocabulary.turns(question.fixed)
            ordered = sorted(
                rows(rng, question, vocabulary, BATCH * 3, longest=longest()), key=lambda row: len(row.tokens)
            )
            pool += [batch(prefix, ordered[at : at + BATCH]) for at in range(0, len(ordered), BATCH)]
        rng.shuffle(pool)
        yield from pool


def batch(prefix: Sequence[int], chosen: Sequence[Row]) -> Batch:
    """Prefix, rows, the places whose next token is asked for, and these tokens."""
    length = max(len(row.tokens) for row in chosen) - 1
    answer = max(len(row.tokens) - row.asked for row in chosen)
    table = torch.full((len(chosen), length), END)
    places = torch.zeros(len(chosen), answer, dtype=torch.long)
    wanted = torch.full((len(chosen), answer), IGNORED)
    for number, row in enumerate(chosen):
        table[number, : len(row.tokens) - 1] = torch.tensor(row.tokens[:-1])
        said = torch.tensor(row.tokens[row.asked :])
        wanted[number, : len(said)] = said
        places[number, : len(said)] = torch.arange(row.asked - 1, len(row.tokens) - 1)
    return torch.tensor(prefix), table, places, wanted


@torch.no_grad()
def exactness(model: Llama, chosen: Sequence[Batch]) -> float:
    """Share of answers that greedy decoding gets right to the last letter.

    An answer is greedily right exactly if each of its tokens is the likeliest after those before it.
    """
    right = total = 0
    for prefix, table, places, wanted in chosen:
        guessed = model(prefix, table, places).argmax(-1)
        right += int(((guessed == wanted) | (wanted == IGNORED)).all(-1).sum())
        total += len(wanted)
    return right / total


def rate_at(done: float, step: int) -> float:
    """The fraction of the peak learning rate after a share of the time."""
    return min(1.0, (step + 1) / 60) * max(0.01, 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class Run:
    """One training run: its model, its clock and its files."""

    def __init__(self, folder: Path, shape: Shape, seed: int, budget_s: float, peak: float = 1.0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        self.folder, self.budget_s, self.seed, self.peak = folder, budget_s, seed, peak
        self.model = Llama(shape)
        self.optimiser = Optimiser(self.model)
        self.step, self.elapsed_s, self.rows = 0, 0.0, 0
        if (folder / "state.pt").exists():
            state = torch.load(folder / "state.pt", weights_only=True)
            self.model.load_state_dict(state["weights"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.elapsed_s, self.rows = state["step"], state["elapsed_s"], state["rows"]

    def longest(self) -> int:
        """How many tokens a row may have: short ones teach copying sooner."""
        return round(110 + 150 * min(1.0, self.elapsed_s / self.budget_s / 0.3))

    def learn(self, given: Batch) -> float:
        """Take one step."""
        prefix, table, places, wanted = given
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.model(prefix, table, places)
        loss = functional.cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)
        loss.backward()
        self.optimiser.step(self.peak * rate_at(self.elapsed_s / self.budget_s, self.step))
        self.step, self.rows = self.step + 1, self.rows + len(wanted)
        return float(loss.detach())

    def save(self, vocabulary: Tokens) -> None:
        """Write what export needs, and what a resumed run needs beside it."""
        weights = self.model.state_dict()
        facts = {"rows": self.rows, "steps": self.step, "seconds": round(self.elapsed_s), "seed": self.seed}
        model = {
            "shape": self.model.shape.asdict(),
            "weights": weights,
            "pieces": list(vocabulary.pieces),
            "prompt_version": PROMPT_VERSION,
            "facts": facts,
        }
        state = {
            "weights": weights,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "rows": self.rows,
        }
        for name, value in (("model.pt", model), ("state.pt", state)):
            torch.save(value, self.folder / f"{name}.new")
            (self.folder / f"{name}.new").replace(self.folder / name)


def checks(vocabulary: Tokens) -> dict[str, list[Batch]]:
    """Documents that training never shows: new names in known forms, and new names in new forms."""
    found: dict[str, list[Batch]] = {}
    for which in ("training", "held-out"):
        rng = random.Random(f"check {which}")
        asked = questions(rng)
        found[which] = []
        for _ in range(8):
            question = next(asked)
            prefix = vocabulary.turns(question.fixed)
            found[which].append(batch(prefix, rows(rng, question, vocabulary, 8, which=which)))
    return found


def train(run: Run, vocabulary: Tokens) -> None:
    """Train until the time is over, with a line in curve.csv each minute."""
    given = batches(random.Random(run.seed * 1_000_003 + run.step), vocabulary, run.longest)
    checked, curve = checks(vocabulary), run.folder / "curve.csv"
    if not curve.exists():
        curve.write_text("seconds,steps,rows,loss,exact_known_forms,exact_new_forms\n")
    recent: list[float] = []
    last_check = last_save = last = time.monotonic()
    while run.elapsed_s < run.budget_s:
        recent.append(run.learn(next(given)))
        now = time.monotonic()
        run.elapsed_s += now - last
        last = now
        if now - last_check > CHECK_S or run.elapsed_s >= run.budget_s:
            exact = {name: exactness(run.model, chosen) for name, chosen in checked.items()}
            loss = sum(recent) / len(recent)
            shares = ",".join(f"{exact[which]:.3f}" for which in ("training", "held-out"))
            line = f"{run.elapsed_s:.0f},{run.step},{run.rows},{loss:.4f},{shares}"
            with curve.open("a") as file:
                file.write(f"{line}\n")
            print(line, flush=True)
            recent, last_check = [], now
        if now - last_save > SAVE_S:
            run.save(vocabulary)
            last_save = now
    run.save(vocabulary)


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="more than there are free cores makes it slower")
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument(
        "--begin-with", type=Path, help="the model.pt of an earlier run, to go on from with a new clock"
    )
    parser.add_argument("--peak", type=float, default=1.0, help="factor on the learning rate; less where a run goes on")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    begun = next((path for path in (args.out / "model.pt", args.begin_with) if path and path.exists()), None)
    vocabulary = Tokens(tuple(torch.load(begun, weights_only=True)["pieces"])) if begun else tokens()
    shape = Shape(vocabulary.size, dim=args.dim, layers=args.layers, heads=args.dim // 32, hidden=args.dim * 11 // 4)
    run = Run(args.out, shape, args.seed, args.minutes * 60, args.peak)
    if begun and not run.step:
        run.model.load_state_dict(torch.load(begun, weights_only=True)["weights"])
    print(f"{sum(weight.numel() for weight in run.model.parameters()):,} parameters", flush=True)
    train(run, vocabulary)


if __name__ == "__main__":
    main()
