"""Hold PyTorch and llama.cpp against each other: tokens, log-probabilities, greedy answers.

    python training/parity.py runs/book/model.pt

Exports the checkpoint as f32 and as q8_0 into a temporary folder and asks the real engine about both.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import httpx
import torch
from books import document
from export import export
from model import Llama, Shape
from tasks import Question, questions
from tokens import CONTROL, END, Tokens

from lmextract import Embedded, compile_schema
from lmextract.prompt import document_message
from lmextract.servers.embedded import Endpoint
from lmextract.types import Request

SCRAPS = (
    *('","', '":', "null", "|null", ": string", "title", "year", " the", " published", "<text>\n"),
    *("\n", "\n\n", "  ", "é", "日本", "🙂", "1984"),
)


class Engine:
    """llama.cpp's own routes, beside the chat route that the library uses."""

    def __init__(self, endpoint: Endpoint) -> None:
        headers = {"authorization": f"Bearer {endpoint.api_key}"}
        self.client = httpx.Client(base_url=endpoint.base_url.removesuffix("/v1"), headers=headers, timeout=60)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON that comes back."""
        return self.client.post(path, json=body).raise_for_status().json()


def texts(rng: random.Random, count: int) -> list[str]:
    """Documents, prompts, and rubbish made of the pieces that could be cut in more than one way."""
    asked = questions(rng)
    found = [document(rng)[0] for _ in range(count // 3)]
    found += [next(asked).fixed[0].content for _ in range(count // 3)]
    while len(found) < count:
        pieces = (rng.choice([rng.choice(SCRAPS), chr(rng.randint(32, 126))]) for _ in range(rng.randint(1, 60)))
        found.append("".join(pieces))
    return found


def different_tokens(engine: Engine, vocabulary: Tokens, chosen: list[str]) -> int:
    """How many texts the two cut differently; also whether llama.cpp's chat template gives our turns."""
    wrong = 0
    for text in chosen:
        theirs = engine.post("/tokenize", {"content": text, "parse_special": False})["tokens"]
        wrong += theirs != vocabulary.encode(text)
    message = document_message(chosen[0])
    prompt = engine.post("/apply-template", {"messages": [{"role": "user", "content": message.content}]})["prompt"]
    theirs = engine.post("/tokenize", {"content": prompt, "parse_special": True})["tokens"]
    return wrong + (theirs != [*vocabulary.turns([message]), vocabulary.role("assistant")])


@torch.no_grad()
def logits(model: Llama, tokens: list[int]) -> torch.Tensor:
    """The logits of the next token."""
    row = torch.tensor([tokens[1:]])
    return model(torch.tensor(tokens[:1]), row, torch.tensor([[row.shape[1] - 1]]))[0, 0]


def worst_difference(engine: Engine, model: Llama, prompts: list[list[int]]) -> float:
    """The largest difference of a log-probability among those of each prompt's twenty likeliest tokens."""
    worst = 0.0
    for tokens in prompts:
        body = {
            "prompt": tokens,
            "n_predict": 1,
            "n_probs": 20,
            "temperature": 0.0,
            "ignore_eos": True,
            "cache_prompt": False,
        }
        told = engine.post("/completion", body)["completion_probabilities"][0]["top_logprobs"]
        mine = torch.log_softmax(logits(model, tokens), -1)
        worst = max(worst, *(abs(float(mine[each["id"]]) - each["logprob"]) for each in told))
    return worst


def greedy(model: Llama, tokens: list[int], limit: int = 160) -> list[int]:
    """What the model says if it always takes the likeliest token."""
    said: list[int] = []
    while len(said) < limit and (not said or said[-1] != END):
        said.append(int(logits(model, tokens + said).argmax()))
    return said[:-1]


def different_answers(server: Embedded, model: Llama, vocabulary: Tokens, count: int) -> tuple[int, int]:
    """How many answers differ between PyTorch and the library with llama.cpp and its grammar, of how many."""
    rng = random.Random("greedy")
    asked, wrong = questions(rng), 0
    for _ in range(count):
        question: Question = next(asked)
        text = document(rng)[0]
        tokens = vocabulary.turns([*question.fixed, document_message(text)])
        mine = vocabulary.decode(greedy(model, [*tokens, vocabulary.role("assistant")]))
        wrong += mine != _through_engine(server, question, text)
    return wrong, count


def _through_engine(server: Embedded, question: Question, text: str) -> str:
    wire = compile_schema(question.schema, "gguf")
    messages = (*question.fixed, document_message(text))
    return server.send(Request(messages, wire, 400, fixed=len(question.fixed))).content


def main() -> None:
    """Print one line for each kind of file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--texts", type=int, default=600)
    parser.add_argument("--answers", type=int, default=40)
    args = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = torch.load(args.checkpoint, weights_only=True)
    model = Llama(Shape(**checkpoint["shape"]))
    model.load_state_dict(checkpoint["weights"])
    vocabulary = Tokens(tuple(checkpoint["pieces"]))
    chosen = texts(random.Random(5), args.texts)
    prompts = [[END + CONTROL.index("<|user|>"), *vocabulary.encode(text)][:600] for text in chosen[: args.answers]]
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("f32", "q8_0"):
            path = Path(folder) / f"{kind}.gguf"
            export(checkpoint, path, kind=kind)
            with Embedded(path) as server:
                engine = Engine(server.start())
                report = {
                    "kind": kind,
                    "bytes": path.stat().st_size,
                    "texts": len(chosen),
                    "cut differently": different_tokens(engine, vocabulary, chosen),
                    "largest difference of a log-probability": round(worst_difference(engine, model, prompts), 4),
                    "answers that differ": "{} of {}".format(
                        *different_answers(server, model, vocabulary, args.answers)
                    ),
                }
                print(json.dumps(report))


if __name__ == "__main__":
    main()
