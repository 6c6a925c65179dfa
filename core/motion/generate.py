"""A motion checkpoint ready to run: transformer, VAE and text encoder behind three calls."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core import checkpoint
from core.motion.model import MotionDiT, Prompt
from core.motion.text import TextEncoder, load_text_encoder
from core.motion.vae import STRIDE, MotionVAE, StreamState

KEPT_PROMPTS = 256
"""Prompts whose token states are kept, so that going back to one costs nothing."""


class MotionModel:
    """Weights and text encoder of one checkpoint; nothing in it belongs to a single stream."""

    def __init__(self, dit: MotionDiT, vae: MotionVAE, encoder: TextEncoder, device: str) -> None:
        self.dit, self.vae, self.encoder, self.device = dit, vae, encoder, device
        self._prompts: OrderedDict[str, Prompt] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path, device: str) -> MotionModel:
        """Load a checkpoint and, from beside it, the VAE that its config names."""
        dit = checkpoint.load(folder, MotionDiT, device=device)
        vae = checkpoint.load(folder.parent / dit.cfg.vae, MotionVAE, device=device)
        return cls(dit, vae, load_text_encoder(dit.cfg.text_encoder), device)

    @torch.inference_mode()
    def prompts(self, texts: Sequence[str]) -> Prompt:
        """Return the condition of a batch with one prompt a row."""
        states, mask = self.encoder(texts)
        return self.dit.prompt(states.to(self.device), mask.to(self.device), " | ".join(texts))

    def prompt(self, text: str) -> Prompt:
        """Return the condition of one prompt: the same object for the same text."""
        with self._lock:
            if text not in self._prompts:
                self._prompts[text] = self.prompts([text])
                if len(self._prompts) > KEPT_PROMPTS:
                    self._prompts.popitem(last=False)
            self._prompts.move_to_end(text)
            return self._prompts[text]

    @torch.inference_mode()
    def decode(self, blocks: Tensor, state: StreamState) -> np.ndarray:
        """Return features (B, T * P * 4, 263) of the next blocks (B, T, P, 64) of a stream."""
        latents = self.dit.to_latents(blocks)
        return self.vae.denormalize(self.vae.decode_stream(latents, state)).float().cpu().numpy()

    @torch.inference_mode()
    def encode(self, features: np.ndarray) -> Tensor:
        """Return latents (1, T / 4, 64) of features (T, 263), T a multiple of 4."""
        x = torch.from_numpy(np.asarray(features, np.float32)).to(self.device)[None]
        return self.vae.encode(self.vae.normalize(x))

    @torch.inference_mode()
    def reconstruct(self, features: np.ndarray) -> np.ndarray:
        """Return features (T, 263) after encoding and decoding; T is cut to a multiple of 4."""
        whole = len(features) // STRIDE * STRIDE
        y = self.vae.denormalize(self.vae.decode(self.encode(features[:whole])))
        return y[0].cpu().numpy()
