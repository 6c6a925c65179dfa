"""The aligner: a contrastive pair of encoders that puts motion and language into one space.

A member of the TMR family (arXiv 2305.00976), built like CMDM's Part-TMR: the body is read in six
parts, each with its own projection. Its frame features are what MAC-VAE's latents are aligned to,
and its embeddings serve retrieval. Quality figures never come from it but from `evaluator`.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.body.features import LAYOUT, NUM_FEATURES
from core.body.skeleton import INDEX
from core.config import Config
from core.diffusion.layers import FeedForward, masked_mean
from core.motion.vae import FeatureNetwork

PARTS = {
    "right leg": ("right_hip", "right_knee", "right_ankle", "right_foot"),
    "left leg": ("left_hip", "left_knee", "left_ankle", "left_foot"),
    "backbone": ("spine1", "spine2", "spine3", "neck", "head"),
    "right arm": ("right_collar", "right_shoulder", "right_elbow", "right_wrist"),
    "left arm": ("left_collar", "left_shoulder", "left_elbow", "left_wrist"),
}


class AlignerConfig(Config):
    """Size of the aligner."""

    width: int = 192
    """Size of a token in both encoders."""
    depth: int = 3
    """Transformer layers of the motion encoder; the text encoder has one."""
    heads: int = 4
    embed_dim: int = 256
    """Size of the shared space and of frame features."""
    text_dim: int = 384
    """Width of the frozen text encoder's token states."""
    dropout: float = 0.1
    patch: int = 4
    """Poses a token; the VAE's stride, so that a frame feature faces a latent."""
    max_tokens: int = 64


def part_columns() -> list[list[int]]:
    """Return the feature columns of the root and of each of PARTS."""
    numbers = np.arange(NUM_FEATURES)
    joints = numbers[LAYOUT.joints].reshape(-1, 3)
    rotations = numbers[LAYOUT.rotations].reshape(-1, 6)
    velocities = numbers[LAYOUT.velocities].reshape(-1, 3)
    contacts = numbers[LAYOUT.contacts]
    parts = [[*numbers[:4], *velocities[0]]]
    for names in PARTS.values():
        rows = [INDEX[n] for n in names]
        part = [c for r in rows for c in (*joints[r - 1], *rotations[r - 1], *velocities[r])]
        if "ankle" in names[2]:
            part += list(contacts[:2] if "left" in names[2] else contacts[2:])
        parts.append(part)
    return [[int(c) for c in part] for part in parts]


def _encoder(cfg: AlignerConfig, depth: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        cfg.width, cfg.heads, 2 * cfg.width, cfg.dropout, "gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, depth, nn.LayerNorm(cfg.width), enable_nested_tensor=False)


class Aligner(FeatureNetwork):
    """Embed normalized features and token states into one space of unit vectors."""

    kind = "motion-aligner"
    Config = AlignerConfig

    def __init__(self, cfg: AlignerConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.columns = part_columns()
        self.parts = nn.ModuleList(
            nn.Linear(cfg.patch * len(c), cfg.width // 2) for c in self.columns
        )
        self.join = nn.Linear(len(self.columns) * (cfg.width // 2), cfg.width)
        self.position = nn.Parameter(torch.randn(cfg.max_tokens, cfg.width) * 0.02)
        self.motion_encoder = _encoder(cfg, cfg.depth)
        self.frame_head = nn.Linear(cfg.width, cfg.embed_dim)
        self.text_in = nn.Linear(cfg.text_dim, cfg.width)
        self.text_encoder = _encoder(cfg, 1)
        self.text_head = nn.Sequential(
            nn.Linear(cfg.width, cfg.width), nn.GELU(), nn.Linear(cfg.width, cfg.embed_dim)
        )
        self.mix = FeedForward(cfg.embed_dim, cfg.embed_dim)
        self.log_scale = nn.Parameter(torch.tensor(np.log(1 / 0.07), dtype=torch.float32))

    def frames(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return frame features (B, T / patch, E) of normalized ones (B, T, 263), and their mask.

        T is rounded up to a multiple of the patch; a token counts once its first pose does.
        """
        x = F.pad(x, (0, 0, 0, -x.shape[1] % self.cfg.patch))
        mask = mask[:, :: self.cfg.patch]
        patches = x.unflatten(1, (-1, self.cfg.patch))  # (B, T, C) -> (B, T / patch, patch, C)
        parts = [
            p(patches[..., c].flatten(2)) for p, c in zip(self.parts, self.columns, strict=True)
        ]
        h = self.join(F.gelu(torch.cat(parts, dim=-1))) + self.position[: len(mask[0])]
        return self.frame_head(self.motion_encoder(h, src_key_padding_mask=~mask)), mask

    def embed_motion(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return unit vectors (B, E) of normalized features with mask (B, T)."""
        pooled = masked_mean(*self.frames(x, mask))
        return F.normalize(pooled + self.mix(pooled), dim=-1)

    def embed_text(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return unit vectors (B, E) of token states (B, L, C) with mask (B, L)."""
        h = self.text_encoder(self.text_in(states), src_key_padding_mask=~mask)
        return F.normalize(self.text_head(masked_mean(h, mask)), dim=-1)


def contrastive_loss(motion: Tensor, text: Tensor, scale: Tensor, same: Tensor) -> Tensor:
    """Return the symmetric InfoNCE of paired unit vectors (B, E).

    `same` (B, B) marks pairs whose captions mean nearly the same; they are no negatives (TMR).
    """
    logits = scale * motion @ text.T
    target = torch.arange(len(motion), device=motion.device)
    logits = logits.masked_fill(same & (target[:, None] != target), -1e4)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
