"""Write a trained checkpoint as a GGUF file for llama.cpp.

    python training/export.py runs/book/model.pt lmextract-book-1.gguf            # q8_0
    python training/export.py runs/book/model.pt book-f32.gguf --kind f32

Rotary positions are interleaved in training as in llama.cpp's `llama`, so no weight is permuted.  Bytes are written in
the letters that GPT-2's vocabulary has for them; the shared pieces are user-defined tokens, which llama.cpp looks for
in raw text.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokens import CONTROL, END, TEMPLATE

# By name: the package brings annotations that lean on numpy's of the day.
gguf: Any = importlib.import_module("gguf")

__all__ = ["export"]

_KINDS = {"f32": ("F32", "ALL_F32"), "f16": ("F16", "MOSTLY_F16"), "q8_0": ("Q8_0", "MOSTLY_Q8_0")}
_NAMES = {
    "attn_norm": "attn_norm",
    "q": "attn_q",
    "k": "attn_k",
    "v": "attn_v",
    "o": "attn_output",
    "ffn_norm": "ffn_norm",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}
_DESCRIPTION = (
    "A toy of a million parameters that reads title, author, year and publisher from a sentence or two about a book, "
    "as asked by lmextract. For trying the library out without a download; for real work use a real model."
)


def export(checkpoint: dict[str, Any], path: Path, *, kind: str = "q8_0") -> None:
    """Write the model of a checkpoint to `path`."""
    writer = gguf.GGUFWriter(str(path), "llama")
    _write_facts(writer, checkpoint, path.stem, kind)
    _write_vocabulary(writer, checkpoint["pieces"])
    _write_weights(writer, checkpoint, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_facts(writer: Any, checkpoint: dict[str, Any], name: str, kind: str) -> None:
    shape = checkpoint["shape"]
    writer.add_name(name)
    writer.add_description(_DESCRIPTION)
    writer.add_license("Apache-2.0")
    writer.add_version(checkpoint["prompt_version"])
    writer.add_string("lmextract.prompt_version", checkpoint["prompt_version"])
    for fact, value in checkpoint["facts"].items():
        writer.add_uint32(f"lmextract.training.{fact}", value)
    writer.add_context_length(shape["context"])
    writer.add_embedding_length(shape["dim"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["hidden"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["heads"])
    writer.add_rope_dimension_count(shape["dim"] // shape["heads"])
    writer.add_rope_freq_base(shape["rope_base"])
    writer.add_layer_norm_rms_eps(shape["epsilon"])
    writer.add_vocab_size(shape["vocabulary"])
    writer.add_file_type(getattr(gguf.LlamaFileType, _KINDS[kind][1]))


def _write_vocabulary(writer: Any, pieces: list[str]) -> None:
    letters = _letters()
    kinds = gguf.TokenType
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*letters, *CONTROL, *pieces])
    writer.add_token_types([kinds.NORMAL] * END + [kinds.CONTROL] * len(CONTROL) + [kinds.USER_DEFINED] * len(pieces))
    # llama.cpp refuses a file without merges; this one's result is not in the vocabulary, so it never happens.
    writer.add_token_merges([f"{letters[0]} {letters[0]}"])
    writer.add_bos_token_id(END)
    writer.add_eos_token_id(END)
    writer.add_eot_token_id(END)
    writer.add_pad_token_id(END)
    writer.add_add_bos_token(value=False)
    writer.add_chat_template(TEMPLATE)


def _letters() -> list[str]:
    """The letter that stands for each byte in GPT-2's vocabulary."""
    plain = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def _write_weights(writer: Any, checkpoint: dict[str, Any], kind: str) -> None:
    weights = {name: weight.float().numpy() for name, weight in checkpoint["weights"].items()}
    quantised = getattr(gguf.GGMLQuantizationType, _KINDS[kind][0])

    def put(name: str, weight: Any) -> None:
        if weight.ndim == 1 or kind == "f32":
            writer.add_tensor(name, np.ascontiguousarray(weight, dtype=np.float32))
        else:  # q8_0 wants rows that are multiples of 32
            writer.add_tensor(name, gguf.quants.quantize(weight, quantised), raw_dtype=quantised)

    put("token_embd.weight", weights["emb.weight"])
    put("output_norm.weight", weights["norm.weight"])
    for layer in range(checkpoint["shape"]["layers"]):
        for ours, theirs in _NAMES.items():
            put(f"blk.{layer}.{theirs}.weight", weights[f"blk.{layer}.{ours}.weight"])


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("gguf", type=Path)
    parser.add_argument("--kind", choices=sorted(_KINDS), default="q8_0")
    args = parser.parse_args()
    args.gguf.parent.mkdir(parents=True, exist_ok=True)
    export(torch.load(args.checkpoint, weights_only=True), args.gguf, kind=args.kind)
    print(f"{args.gguf}: {args.gguf.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
