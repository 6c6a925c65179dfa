"""Train the evaluator, which quality figures come from: `python -m train.evaluator --data SET`.

Guo et al. (CVPR 2022) in small: strided convolutions and a bidirectional GRU over the features
without foot contacts, another GRU over the caption's tokens. It shares neither architecture, seed
nor weights with the aligner that teaches the VAE, so no model is graded by its own teacher. The
best weights by held-out R-Precision are kept; figures of other checkpoints are comparable only as
long as this one stays the same.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from torch import Tensor, nn

from core.body.features import LAYOUT
from core.config import Config
from core.diffusion.layers import masked_mean
from core.motion.text import load_text_encoder
from core.motion.vae import FeatureNetwork
from train.aligner import embed, loss_fn
from train.dataset import PairBatch, held_out_pairs, pair_batches, read_sets
from train.loop import LoopSettings, Trainer
from train.setup import CHECKPOINTS, MotionData, Out

SEED = 1234
"""Another one than the aligner's."""
INPUTS = LAYOUT.contacts.start
"""Foot contacts are left out, as in Guo et al.: they are thresholds of other features."""


class EvaluatorConfig(Config):
    """Size of the evaluator."""

    width: int = 256
    """Channels of the convolutions."""
    hidden: int = 192
    """Units of each direction of both GRUs."""
    embed_dim: int = 128
    """Size of the shared space; FID is fitted in it, so it must suit sets of hundreds."""
    text_dim: int = 384
    """Width of the frozen text encoder's token states."""
    dropout: float = 0.3


class Recurrent(nn.Module):
    """Bidirectional GRU over (B, L, C), read out as the mean over valid steps."""

    def __init__(self, inputs: int, cfg: EvaluatorConfig) -> None:
        super().__init__()
        self.gru = nn.GRU(inputs, cfg.hidden, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(
            nn.LayerNorm(2 * cfg.hidden),
            nn.Dropout(cfg.dropout),
            nn.Linear(2 * cfg.hidden, cfg.embed_dim),
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return unit vectors (B, E); mask (B, L) is true on a row's first steps."""
        lengths = mask.sum(1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, True, enforce_sorted=False)
        h, _ = nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], True, total_length=x.shape[1])
        return F.normalize(self.head(masked_mean(h, mask)), dim=-1)


class Evaluator(FeatureNetwork):
    """Embed normalized features and token states into one space of unit vectors."""

    kind = "motion-evaluator"
    Config = EvaluatorConfig

    def __init__(self, cfg: EvaluatorConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.halve = nn.ModuleList(
            nn.Conv1d(inputs, cfg.width, 4, stride=2, padding=1) for inputs in (INPUTS, cfg.width)
        )
        self.drop = nn.Dropout(cfg.dropout)
        self.motion = Recurrent(cfg.width, cfg)
        self.text_in = nn.Sequential(nn.Linear(cfg.text_dim, cfg.hidden), nn.Dropout(cfg.dropout))
        self.text = Recurrent(cfg.hidden, cfg)
        self.log_scale = nn.Parameter(torch.tensor(2.66))  # log(1 / 0.07)

    def embed_motion(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return unit vectors (B, E) of normalized features (B, T >= 4, 263) with mask (B, T)."""
        x = x[..., :INPUTS]
        for conv in self.halve:
            x = x * mask[..., None]  # so that padding looks like the convolution's own
            x = F.leaky_relu(self.drop(conv(x.transpose(1, 2))), 0.2).transpose(1, 2)
            mask = mask[:, 1::2]  # (B, T) -> (B, T / 2)
        return self.motion(x, mask)

    def embed_text(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return unit vectors (B, E) of token states (B, L, C) with mask (B, L)."""
        return self.text(self.text_in(states), mask)


@torch.no_grad()
def retrieval(model: Evaluator, pairs: PairBatch, pool: int = 32) -> dict[str, float]:
    """Return R-Precision@1-3 within pools of held-out pairs; the same caption counts as found."""
    motion, text = embed(model, pairs)
    similarity = (motion @ text.T).cpu().numpy()
    rng, hits = np.random.default_rng(0), []
    for _ in range(40):
        chosen = rng.permutation(len(motion))[:pool]
        part = similarity[np.ix_(chosen, chosen)]
        hits.append((part > np.diagonal(part)[:, None] + 1e-6).sum(1))
    ranks = np.concatenate(hits)
    tops = {f"top{k}": float((ranks < k).mean()) for k in (1, 2, 3)}
    return {"score": 1 - sum(tops.values()) / 3, **tops}


def main(
    data: MotionData,
    out: Out = CHECKPOINTS / "motion-evaluator",
    run: Annotated[Path, typer.Option(help="State and curves.")] = Path("runs/evaluator"),
    steps: int = 1500,
    minutes: float = 8.0,
    batch: int = 64,
    precision: str = "auto",
) -> None:
    """Train the text-motion evaluator."""
    torch.manual_seed(SEED)
    encoder = load_text_encoder("minilm")
    motions, held_out, bank = read_sets(data, encoder)
    model = Evaluator(EvaluatorConfig(text_dim=encoder.width))
    motions.set_statistics(model)
    pairs = held_out_pairs(held_out, bank)
    settings = LoopSettings(
        run, steps, minutes, precision, lr=5e-4, weight_decay=0.05, eval_every=100, ema=0.99
    )
    trainer = Trainer(model, settings, out, {**motions.about(), "held_out_pairs": len(pairs.mask)})
    trainer.run(
        pair_batches(motions, bank, batch, seed=SEED),
        partial(loss_fn, noise=0.2, most=30),
        retrieval,
        pairs,
    )


if __name__ == "__main__":
    typer.run(main)
