"""Retrieval of real motions by motion or by words (the idea is MotionRAG's).

Nearness is cosine in the aligner's space, corrected by what cosine cannot see. Left and right cost
nothing extra: a query is asked for a second time in the mirror, and what answers is mirrored.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core import checkpoint
from core.body import features
from core.body.skeleton import FPS
from core.body.take import PromptMark, Take
from core.motion import attributes
from core.motion.align import Aligner
from core.motion.attributes import mirror_caption
from core.motion.decode import perform, shown
from core.motion.text import TextEncoder, load_text_encoder
from core.motion.vae import STRIDE, MotionVAE
from core.retrieval.index import MotionIndex

ASKED = 80
"""Poses of a window of the take that is asked about; the longest in an index, too."""
OFF_MOTION, OFF_WORDS = 0.3, 0.4
"""What it costs in cosine to differ in everything that attributes tell."""
TIE = 1e-4
"""Where the mirror changes nothing, motions are left as they were recorded."""
USUAL = 100
"""Nearest windows whose pace is what "fast" and "slow" are said against."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """A real motion that was found."""

    id: str
    label: str
    caption: str
    licence: str
    pack: str
    score: float
    """0 to 1, larger is nearer."""
    seconds: float
    mirrored: bool
    """Whether left and right are exchanged, in the motion and in the caption."""
    latents: np.ndarray
    """(n, 64), never mirrored; `features` are."""
    features: np.ndarray
    """(4 n, 263) float32, decoded."""

    def take(self) -> Take:
        """Return the motion, to be played or exported."""
        info = {"checkpoint": "none", "licence": self.licence, "data": self.pack, "clip": self.id}
        return perform(self.features, (PromptMark(start=0, text=self.caption),), info)


def usable(take: Take) -> Take:
    """Return a take that can be looked up; raise ValueError for one that is too short."""
    if len(take) < STRIDE:
        raise ValueError(f"at least {STRIDE} poses are needed; the take has {len(take)}")
    return take


class Finder:
    """Search an index; loads what it needs beside it."""

    def __init__(
        self, index: MotionIndex, aligner: Aligner, vae: MotionVAE, encoder: TextEncoder
    ) -> None:
        self.index, self.aligner, self.vae, self.encoder = index, aligner, vae, encoder
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Finder:
        """Load an index and, from beside it, the aligner and the VAE that it was made with."""
        index = MotionIndex.load(folder)
        beside = folder.parent
        aligner = checkpoint.load(beside / index.cfg.aligner, Aligner, device=device)
        vae = checkpoint.load(beside / index.cfg.vae, MotionVAE, device=device)
        return cls(index, aligner, vae, load_text_encoder(index.cfg.text_encoder))

    def find(self, take: Take | None, text: str, count: int) -> list[Match]:
        """Return the real motions nearest to a take, to a prompt or to both, one a clip."""
        queries = [] if take is None else [self._near_motion(take)]
        if text:
            queries.append(self._near_words(text))
        plain, flipped = np.mean(queries, axis=0)
        return self._best(plain, flipped, count)

    def _near_motion(self, take: Take) -> np.ndarray:
        """Return how near all windows and their mirror images are to a take, (2, W)."""
        x = take.features
        starts = range(0, max(len(x) - ASKED // 2, 1), ASKED // 2)
        parts = [features.decode(x[s : s + ASKED]) for s in starts]
        # a window in the mirror is as near to a motion as it is itself to the motion's mirror image
        return np.array(
            [
                np.mean([self._near(features.mirror(j) if flip else j) for j in parts], axis=0)
                for flip in (False, True)
            ]
        )

    def _near(self, joints: np.ndarray) -> np.ndarray:
        """Return how near all windows (W,) are to one motion (T, 22, 3)."""
        cosine = self.index.windows.embeddings @ embed(self.aligner, joints)
        off = attributes.distance(attributes.measure(joints), self.index.windows.attributes)
        return cosine - OFF_MOTION * off

    def _near_words(self, text: str) -> np.ndarray:
        """Return how near all windows and their mirror images are to a prompt, (2, W)."""
        return np.array([self._told(text) + TIE, self._told(mirror_caption(text))])

    def _told(self, text: str) -> np.ndarray:
        windows = self.index.windows
        states, mask = self.encoder([text])
        device = self.aligner.mean.device
        with torch.inference_mode():
            asked = self.aligner.embed_text(states.to(device), mask.to(device))[0].cpu().numpy()
        cosine = (windows.embeddings @ asked + (self.index.words @ asked)[windows.clip]) / 2
        pace = windows.attributes[np.argsort(-cosine)[:USUAL], attributes.NAMES.index("pace")]
        off = attributes.mismatch(
            attributes.wanted(text), windows.attributes, float(np.median(pace))
        )
        return cosine - OFF_WORDS * off

    def _best(self, plain: np.ndarray, flipped: np.ndarray, count: int) -> list[Match]:
        score = np.maximum(plain, flipped)
        found: dict[int, Match] = {}
        for row in np.argsort(-score, kind="stable"):
            clip = int(self.index.windows.clip[row])
            if clip not in found:
                found[clip] = self._match(
                    int(row), float(score[row]), bool(flipped[row] > plain[row])
                )
            if len(found) == count:
                break
        return list(found.values())

    def _match(self, row: int, score: float, flip: bool) -> Match:
        clip = self.index.clips[int(self.index.windows.clip[row])]
        latents, before = self.index.of_window(row)
        x = self._decode(np.concatenate([before, latents]))[len(before) * STRIDE :]
        if flip:
            x = _mirror(x)
        return Match(
            id=clip.id,
            label=clip.label,
            licence=clip.licence,
            pack=clip.pack,
            mirrored=flip,
            caption=mirror_caption(clip.caption) if flip else clip.caption,
            score=min(max(score, 0.0), 1.0),
            seconds=len(x) / FPS,
            latents=latents,
            features=x,
        )

    @torch.inference_mode()
    def _decode(self, latents: np.ndarray) -> np.ndarray:
        z = torch.from_numpy(latents)[None].to(self.vae.mean.device)
        x = self.vae.denormalize(self.vae.decode(z))[0].float().cpu().numpy()
        return shown(x, self.vae.filter_weights().cpu().numpy())


@torch.inference_mode()
def embed(aligner: Aligner, joints: np.ndarray) -> np.ndarray:
    """Return the unit vector (E,) of a motion (T, 22, 3)."""
    x = features.encode(features.normalize_place(joints), "steady")
    x = torch.from_numpy(x).to(aligner.mean.device)
    mask = torch.ones(1, len(x), dtype=torch.bool, device=x.device)
    return aligner.embed_motion(aligner.normalize(x)[None], mask)[0].cpu().numpy()


def _mirror(x: np.ndarray) -> np.ndarray:
    """Mirror features (T, 263)."""
    return features.encode_all(features.mirror(features.decode(x)))
