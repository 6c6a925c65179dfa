"""Train the evaluator (see train.evaluator_network): `python -m train.evaluator --data SET`.

The best weights by held-out R-Precision are kept; figures of other checkpoints are comparable only
as long as this one stays the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import nn

from core import checkpoint
from core.motion.align import contrastive_loss
from core.motion.text import load_text_encoder
from train.batches import PairBatch, held_out_pairs, pair_batches
from train.dataset import MotionSet, TextBank
from train.evaluator_network import Evaluator, EvaluatorConfig
from train.loop import LoopSettings, Losses, Trainer

SEED = 1234
"""Another one than the aligner's."""


def embed(
    model: Evaluator, batch: PairBatch, noise: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return motion and text embeddings of a batch; noise is in normalized units."""
    x = model.normalize(batch.features)
    x = x + noise * torch.randn_like(x)
    return model.embed_motion(x, batch.mask), model.embed_text(batch.text, batch.text_mask)


def loss_fn(model: nn.Module, batch: PairBatch, step: int) -> Losses:
    motion, text = embed(model, batch, noise=0.2)
    return Losses(contrastive_loss(motion, text, model.log_scale.exp().clamp(max=30), batch.same))


@torch.no_grad()
def retrieval(model: Evaluator, pairs: PairBatch, pool: int = 32) -> dict[str, float]:
    """Return R-Precision@1-3 within pools of held-out pairs; the same caption counts as found."""
    motion, text = embed(model, pairs)
    similarity = (motion @ text.T).numpy()
    rng, hits = np.random.default_rng(0), []
    for _ in range(40):
        chosen = rng.permutation(len(motion))[:pool]
        part = similarity[np.ix_(chosen, chosen)]
        hits.append((part > np.diagonal(part)[:, None] + 1e-6).sum(1))
    ranks = np.concatenate(hits)
    tops = {f"top{k}": float((ranks < k).mean()) for k in (1, 2, 3)}
    return {"score": 1 - sum(tops.values()) / 3, **tops}


def main(
    data: Annotated[Path, typer.Option(help="A training set made by train.data.")],
    out: Annotated[Path, typer.Option(help="Checkpoint folder.")] = Path(
        "checkpoints/motion-evaluator"
    ),
    run: Annotated[Path, typer.Option(help="State and curves.")] = Path("runs/evaluator"),
    steps: int = 1500,
    minutes: float = 8.0,
    batch: int = 64,
    precision: str = "auto",
) -> None:
    """Train the text-motion evaluator."""
    torch.manual_seed(SEED)
    encoder = load_text_encoder("minilm")
    motions, held_out = MotionSet(data, "train"), MotionSet(data, "val")
    bank = TextBank(encoder, sorted({*motions.captions(), *held_out.captions()}))
    model = Evaluator(EvaluatorConfig(text_dim=encoder.width))
    mean, std = motions.statistics()
    model.mean.copy_(mean)
    model.std.copy_(std)
    pairs = held_out_pairs(held_out, bank)
    settings = LoopSettings(
        run=run, steps=steps, minutes=minutes, lr=5e-4, weight_decay=0.05, eval_every=100,
        precision=precision, ema=0.99, seed=SEED,
    )  # fmt: skip
    Trainer(
        model,
        settings,
        batches=pair_batches(motions, bank, batch, seed=SEED),
        loss_fn=loss_fn,
        evaluate=lambda ema: retrieval(ema, pairs),
        save=lambda ema, figures: checkpoint.save(
            ema,
            out,
            about={**motions.about(), "figures": figures, "held_out_pairs": len(pairs.mask)},
        ),
    ).run()


if __name__ == "__main__":
    typer.run(main)
