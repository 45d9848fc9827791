"""The speaking GGUF: a real model, built by arithmetic, that says one fixed sentence.

It is a Markov chain over the sentence's pieces. Attention and FFN contribute zero, so the last token alone
decides the next: `token_embd` maps piece i to state i+1 and every other token to state 0, `output` maps state
k to piece k and the last state to EOS. The tokenizer ends every prompt with EOS, hence in state 0, whatever was
asked. A test can therefore tell from the text alone *which* model answered.

States are written as two one-hot digits, so n pieces need a width of only 2·√n; a wrong token shares at most
one digit. Needs numpy and gguf, which only development installs; neither `app` nor `router` imports this.

    python -m resources.speaking OUT.gguf --sentence "Hello there." --name alpha
"""

from __future__ import annotations

import argparse
import itertools
import math
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import gguf
import numpy as np
import numpy.typing as npt

SpeakingKind = Literal["chat", "embedding", "rerank"]
Array = npt.NDArray[Any]

DEMO_NAME = "hal0-demo"
DEMO_SENTENCE = (
    "Hello from hal0. This small built-in model only proves that everything works: "
    "choose a real model in the tray to begin."
)
TEMPLATE = (
    "{% for message in messages %}<|turn|>{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|reply|>{% endif %}"
)
ARCH = "qwen3"  # the one plain architecture with generation, pooling and a rerank head (`cls.output`)
SPECIAL = ("<unk>", "<s>", "</s>", "<|turn|>", "<|reply|>")
EOS = SPECIAL.index("</s>")
# Halves the tokens of ordinary text, so that a client's long system prompt fits and is read quickly.
PAIRS = [first + second for first, second in itertools.product(" " + string.ascii_lowercase, repeat=2)]
HEAD_DIM = 64  # the smallest head for which every backend has flash attention
MARGIN = 80.0  # logits between the right token and the best wrong one: no sampler temperature gets past it
PAD_WIDTH, PAD_LAYER_BYTES = 4096, 2**28  # few, wide layers: the padding is weights, not key-value cache


class _Shape(NamedTuple):
    """Embedding length, feed-forward length, block count."""

    width: int
    ffn: int
    layers: int


def build_speaking_model(
    path: Path,
    sentence: str = DEMO_SENTENCE,
    *,
    name: str = DEMO_NAME,
    kind: SpeakingKind = "chat",
    context_length: int = 65_536,
    pad_bytes: int = 0,
    template: str | None = TEMPLATE,
) -> Path:
    """Write the model to `path`, byte-identical for equal arguments, and return `path`.

    Args:
        sentence: what a chat model answers; an embedding or rerank model ignores it.
        name: `general.name`.
        context_length: tokens it claims to be trained for.
        pad_bytes: adds this many bytes of zero weights. The engine refuses tensors it does not know, so
            they are FFN weights, which it loads, warms up and multiplies as those of any model this big.
        template: the chat template of a chat model; None: it has none.
    """
    pieces = split_pieces(sentence) if kind == "chat" else []
    pairs = [pair for pair in PAIRS if pair not in pieces]
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *pairs, *pieces]
    if len(set(tokens)) < len(tokens):
        raise ValueError(f"{sentence!r} has a word that is a special token: say it another way")
    shape = _shape(kind, len(pieces), pad_bytes)
    partial = path.with_name(path.name + ".part")
    writer = gguf.GGUFWriter(partial, ARCH)
    _add_metadata(writer, name, kind, context_length, shape, template)
    _add_vocabulary(writer, tokens)
    for tensor_name, data in _tensors(kind, len(tokens), len(pieces), shape):
        writer.add_tensor(tensor_name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return partial.replace(path)


def split_pieces(sentence: str) -> list[str]:
    """Words with their leading space; a word already used joins the next one, as no two tokens may be equal."""
    pieces: list[str] = []
    held = ""
    for number, word in enumerate(sentence.split(" ")):
        held += word if number == 0 else f" {word}"
        if held and held not in pieces:
            pieces.append(held)
            held = ""
    while held and pieces:  # a repeated word at the very end joins the one before
        held = pieces.pop() + held
        if held not in pieces:
            pieces.append(held)
            held = ""
    if not pieces:
        raise ValueError("the sentence is empty: give at least one word to say")
    return pieces


def _shape(kind: SpeakingKind, n_pieces: int, pad_bytes: int) -> _Shape:
    if pad_bytes:
        layers = math.ceil(pad_bytes / PAD_LAYER_BYTES)
        return _Shape(PAD_WIDTH, _round_up(pad_bytes // (layers * 3 * 2 * PAD_WIDTH), 32), layers)
    return _Shape(_round_up(2 * _base(n_pieces + 1), 32) if kind == "chat" else HEAD_DIM, 32, 1)


def _add_metadata(
    writer: gguf.GGUFWriter,
    name: str,
    kind: SpeakingKind,
    context_length: int,
    shape: _Shape,
    template: str | None,
) -> None:
    writer.add_type("model")
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(context_length)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_layer_norm_rms_eps(1e-6)
    if kind == "chat":
        if template is not None:
            writer.add_chat_template(template)
    elif kind == "embedding":
        writer.add_pooling_type(gguf.PoolingType.MEAN)
    else:
        writer.add_pooling_type(gguf.PoolingType.RANK)
        writer.add_classifier_output_labels(["yes", "no"])


def _add_vocabulary(writer: gguf.GGUFWriter, tokens: list[str]) -> None:
    """Add a sentencepiece vocabulary with byte fallback, so that every text can be tokenized."""
    types = [gguf.TokenType.UNKNOWN, *[gguf.TokenType.CONTROL] * (len(SPECIAL) - 1)]
    types += [gguf.TokenType.BYTE] * 256
    types += [gguf.TokenType.NORMAL] * (len(tokens) - len(types))
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token.replace(" ", "▁") for token in tokens])
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(types)
    writer.add_unk_token_id(SPECIAL.index("<unk>"))
    writer.add_bos_token_id(SPECIAL.index("<s>"))
    writer.add_eos_token_id(EOS)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    writer.add_add_space_prefix(False)


def _tensors(kind: SpeakingKind, n_tokens: int, n_pieces: int, shape: _Shape) -> Iterator[tuple[str, Array]]:
    width = shape.width
    if kind == "chat":
        embd, output = _chain(n_tokens, n_pieces, width)
    else:
        embd = output = _noise(n_tokens, width)
    yield "token_embd.weight", embd
    yield "output_norm.weight", np.ones(width, np.float32)
    yield "output.weight", output
    if kind == "rerank":
        yield "cls.output.weight", _noise(2, width)
    # A reranker reads only its last token; uniform attention over equal keys gives that token the whole text.
    mixing = np.eye(HEAD_DIM, width, dtype=np.float16) if kind == "rerank" else None
    for layer in range(shape.layers):
        yield from _layer(f"blk.{layer}", width, shape.ffn, mixing)


def _layer(prefix: str, width: int, ffn: int, mixing: Array | None) -> Iterator[tuple[str, Array]]:
    def zeros(*dims: int) -> Array:
        return np.zeros(dims, np.float16)

    yield f"{prefix}.attn_norm.weight", np.ones(width, np.float32)
    yield f"{prefix}.attn_q.weight", zeros(HEAD_DIM, width)
    yield f"{prefix}.attn_k.weight", zeros(HEAD_DIM, width)
    yield f"{prefix}.attn_v.weight", zeros(HEAD_DIM, width) if mixing is None else mixing
    yield f"{prefix}.attn_output.weight", zeros(width, HEAD_DIM) if mixing is None else mixing.T.copy()
    yield f"{prefix}.attn_q_norm.weight", np.ones(HEAD_DIM, np.float32)
    yield f"{prefix}.attn_k_norm.weight", np.ones(HEAD_DIM, np.float32)
    yield f"{prefix}.ffn_norm.weight", np.ones(width, np.float32)
    yield f"{prefix}.ffn_gate.weight", zeros(ffn, width)
    yield f"{prefix}.ffn_up.weight", zeros(ffn, width)
    yield f"{prefix}.ffn_down.weight", zeros(width, ffn)


def _chain(n_tokens: int, n_pieces: int, width: int) -> tuple[Array, Array]:
    """`token_embd` and `output`, shape (tokens, width): which state a token leads to, what a state says."""
    first = n_tokens - n_pieces
    leads_to = np.zeros(n_tokens, np.int64)
    leads_to[first:] = np.arange(1, n_pieces + 1)
    says = np.append(np.arange(first, n_tokens), EOS)
    codes = _codes(n_pieces + 1, width)
    # RMS norm turns the two ones of a state into sqrt(width / 2); a wrong piece shares one of them.
    gain = MARGIN / math.sqrt(width / 2)
    output = np.zeros((n_tokens, width), np.float16)
    output[says] = codes * gain
    return codes[leads_to].astype(np.float16), output


def _codes(n_states: int, width: int) -> Array:
    """Shape (states, width): each state as two one-hot digits in base ceil(sqrt(states))."""
    base = _base(n_states)
    codes = np.zeros((n_states, width), np.float32)
    for state in range(n_states):
        codes[state, [state // base, base + state % base]] = 1
    return codes


def _base(n_states: int) -> int:
    return math.isqrt(n_states - 1) + 1


def _noise(rows: int, width: int) -> Array:
    """Numbers in [-1, 1) that look random and are the same on every machine (Knuth's multiplicative hash)."""
    seeds = np.arange(1, rows * width + 1, dtype=np.uint64).reshape(rows, width)
    hashed = (seeds * seeds * np.uint64(2654435761)) % np.uint64(2**32)
    return ((hashed >> np.uint64(16)).astype(np.float64) / 2**15 - 1).astype(np.float16)


def _round_up(number: int, step: int) -> int:
    return -(-number // step) * step


def main(argv: list[str] | None = None) -> None:
    """Command line; without arguments it rebuilds the demo that ships beside this file."""
    parser = argparse.ArgumentParser(prog="python -m resources.speaking", description="Build a speaking GGUF.")
    parser.add_argument("out", type=Path, nargs="?", default=Path(__file__).with_name("hal0-demo.gguf"))
    parser.add_argument("--sentence", default=DEMO_SENTENCE)
    parser.add_argument("--name", default=DEMO_NAME)
    parser.add_argument("--kind", choices=get_args(SpeakingKind), default="chat")
    parser.add_argument("--context-length", type=int, default=65_536)
    parser.add_argument("--pad-bytes", type=int, default=0)
    arguments = vars(parser.parse_args(argv))
    build_speaking_model(arguments.pop("out"), arguments.pop("sentence"), **arguments)


if __name__ == "__main__":
    main()
