"""The index of real motions: embeddings, latents, captions and licences of many short windows.

It is data, not weights: `train.index` makes it and adds to it, nothing is trained. Latents are kept
as bytes, so that an hour of motion takes a megabyte and a half.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from core import checkpoint
from core.config import Config

CLIPS = "clips.jsonl"
WARM = 8
"""Latents ahead of a window that a decoder is shown first, where the index has them."""
SPREAD = 6.0
"""Latents are kept up to so many deviations from their mean."""


class IndexConfig(Config):
    """What an index was made with; it fits checkpoints of the same VAE."""

    vae: str = "motion-vae"
    aligner: str = "motion-aligner"
    text_encoder: str = "minilm"


class Clip(BaseModel):
    """One clip, a line of clips.jsonl."""

    model_config = ConfigDict(frozen=True)
    id: str
    label: str
    caption: str
    licence: str
    pack: str


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Windows of clips, one a row."""

    clip: np.ndarray
    """(W,) which clip."""
    start: np.ndarray
    """(W,) first latent, counted over the whole index."""
    length: np.ndarray
    """(W,) latents."""
    embeddings: np.ndarray
    """(W, E) unit vectors of motion."""
    attributes: np.ndarray
    """(W, 8), see core.motion.attributes."""


@dataclass(frozen=True, kw_only=True)
class MotionIndex:
    """All that is known of the real motions."""

    kind: ClassVar[str] = "motion-index"
    cfg: IndexConfig
    about: dict[str, Any]
    clips: tuple[Clip, ...]
    words: np.ndarray
    """(C, E) mean embedding of each clip's captions, unit vectors; zero where it has none."""
    latents: np.ndarray
    """(N, 64) float32."""
    first: np.ndarray
    """(C,) where each clip's latents begin."""
    windows: Windows

    def of_window(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a window's latents (n, 64), and those just before it (<= WARM, 64)."""
        start, clip = int(self.windows.start[row]), int(self.windows.clip[row])
        before = max(start - WARM, int(self.first[clip]))
        return self.latents[start : start + int(self.windows.length[row])], self.latents[
            before:start
        ]

    @classmethod
    def load(cls, folder: Path) -> MotionIndex:
        """Read an index; raise ValueError where there is none."""
        from safetensors.numpy import load_file

        entry = checkpoint.describe(folder)
        if entry.get("kind") != cls.kind:
            raise ValueError(f"{folder} holds a {entry.get('kind')!r}, expected a {cls.kind!r}")
        data = load_file(str(folder / "model.safetensors"))
        lines = (folder / CLIPS).read_text(encoding="utf-8").splitlines()
        return cls(
            cfg=IndexConfig(**entry["config"]),
            about=entry["about"],
            clips=tuple(Clip(**json.loads(line)) for line in lines),
            words=_unit(data["words"]),
            latents=data["latents"].astype(np.float32) * data["scale"] + data["mean"],
            first=data["first"],
            windows=Windows(
                clip=data["clip"],
                start=data["start"],
                length=data["length"],
                embeddings=_unit(data["embeddings"]),
                attributes=data["attributes"].astype(np.float32),
            ),
        )

    def save(self, folder: Path) -> None:
        """Undo `load`; embeddings and latents are rounded to bytes."""
        mean = self.latents.mean(0).astype(np.float32)
        scale = (SPREAD * self.latents.std(0) / 127).astype(np.float32)
        rows = np.clip(np.rint((self.latents - mean) / scale), -127, 127).astype(np.int8)
        tensors = {
            "latents": rows,
            "mean": mean,
            "scale": scale,
            "first": self.first.astype(np.int32),
            "words": _bytes(self.words),
            "clip": self.windows.clip.astype(np.int16),
            "start": self.windows.start.astype(np.int32),
            "length": self.windows.length.astype(np.int16),
            "embeddings": _bytes(self.windows.embeddings),
            "attributes": self.windows.attributes.astype(np.float16),
        }
        entry = {"kind": self.kind, "config": self.cfg.model_dump(mode="json"), "about": self.about}
        checkpoint.write(folder, entry, {k: torch.from_numpy(v) for k, v in tensors.items()})
        lines = (clip.model_dump_json() + "\n" for clip in self.clips)
        (folder / CLIPS).write_text("".join(lines), encoding="utf-8")


def _bytes(vectors: np.ndarray) -> np.ndarray:
    """Round unit vectors to bytes, each to its own scale; direction is all they say."""
    largest = np.abs(vectors).max(-1, keepdims=True)
    return np.rint(vectors / np.maximum(largest, 1e-9) * 127).astype(np.int8)


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors = vectors.astype(np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
