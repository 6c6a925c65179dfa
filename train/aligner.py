"""Train the aligner (see core.motion.align): `python -m train.aligner --data SET`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import typer
from torch import Tensor

from core.motion.align import Aligner, AlignerConfig, contrastive_loss
from core.motion.text import load_text_encoder
from train.dataset import PairBatch, held_out_pairs, pair_batches, read_sets
from train.loop import LoopSettings, Losses, Trainer
from train.setup import CHECKPOINTS, MotionData, Out, Run, warm_start


def embed(model: Any, batch: PairBatch, noise: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return motion and text embeddings of a batch; noise is in normalized units."""
    x = model.normalize(batch.features)
    x = x + noise * torch.randn_like(x)
    return model.embed_motion(x, batch.mask), model.embed_text(batch.text, batch.text_mask)


def loss_fn(
    model: Any, batch: PairBatch, step: int, *, noise: float = 0.1, most: float = 100
) -> Losses:
    """Return the contrastive loss; similarities count `most` times at most."""
    motion, text = embed(model, batch, noise)
    return Losses(contrastive_loss(motion, text, model.log_scale.exp().clamp(max=most), batch.same))


@torch.no_grad()
def retrieval(model: Any, pairs: PairBatch) -> dict[str, float]:
    """Return how often a caption of the right meaning is among the nearest of all pairs."""
    motion, text = embed(model, pairs)
    order = (motion @ text.T).argsort(dim=1, descending=True)
    hits = pairs.same.gather(1, order)
    tops = {f"top{k}": hits[:, :k].any(1).float().mean().item() for k in (1, 3)}
    return {"score": 1 - (tops["top1"] + tops["top3"]) / 2, **tops}


def main(
    data: MotionData,
    out: Out = CHECKPOINTS / "motion-aligner",
    run: Run = Path("runs/aligner"),
    steps: int = 3000,
    minutes: float = 1e9,
    batch: int = 48,
    precision: str = "auto",
) -> None:
    """Train the text-motion aligner."""
    torch.manual_seed(0)
    encoder = load_text_encoder("minilm")
    motions, held_out, bank = read_sets(data, encoder)
    model = Aligner(AlignerConfig(text_dim=encoder.width))
    warm_start(model, out)
    motions.set_statistics(model)
    pairs = held_out_pairs(held_out, bank)
    settings = LoopSettings(
        run, steps, minutes, precision, lr=3e-4, weight_decay=0.05, eval_every=150, ema=0.995
    )
    trainer = Trainer(model, settings, out, motions.about())
    trainer.run(pair_batches(motions, bank, batch), loss_fn, retrieval, pairs)


if __name__ == "__main__":
    typer.run(main)
