"""Train the aligner (see core.motion.align): `python -m train.aligner --data SET`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import nn

from core import checkpoint
from core.motion.align import Aligner, AlignerConfig, contrastive_loss
from core.motion.text import load_text_encoder
from train.batches import PairBatch, held_out_pairs, pair_batches
from train.dataset import MotionSet, TextBank
from train.loop import LoopSettings, Losses, Trainer


def embed(
    model: Aligner, batch: PairBatch, noise: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return motion and text embeddings of a batch; noise is in normalized units."""
    x = model.normalize(batch.features)
    x = x + noise * torch.randn_like(x)
    return model.embed_motion(x, batch.mask), model.embed_text(batch.text, batch.text_mask)


def loss_fn(model: nn.Module, batch: PairBatch, step: int) -> Losses:
    motion, text = embed(model, batch, noise=0.1)
    return Losses(contrastive_loss(motion, text, model.log_scale.exp().clamp(max=100), batch.same))


@torch.no_grad()
def retrieval(motion: torch.Tensor, text: torch.Tensor, same: torch.Tensor) -> dict[str, float]:
    """Return how often a caption of the right meaning is among the nearest of all pairs."""
    order = (motion @ text.T).argsort(dim=1, descending=True)
    hits = same.gather(1, order)
    tops = {f"top{k}": hits[:, :k].any(1).float().mean().item() for k in (1, 3)}
    return {"score": 1 - (tops["top1"] + tops["top3"]) / 2, **tops}


def main(
    data: Annotated[Path, typer.Option(help="A training set made by train.data.")],
    out: Annotated[Path, typer.Option(help="Checkpoint folder.")] = Path(
        "checkpoints/motion-aligner"
    ),
    run: Annotated[Path, typer.Option(help="Folder for state and curves.")] = Path("runs/aligner"),
    steps: int = 3000,
    minutes: float = 1e9,
    batch: int = 48,
    precision: str = "auto",
) -> None:
    """Train the text-motion aligner."""
    torch.manual_seed(0)
    encoder = load_text_encoder("minilm")
    motions, held_out = MotionSet(data, "train"), MotionSet(data, "val", mirrored=True)
    bank = TextBank(encoder, sorted({*motions.captions(), *held_out.captions()}))
    model = Aligner(AlignerConfig(text_dim=encoder.width))
    if (out / "config.json").is_file():
        model.load_state_dict(checkpoint.load(out, Aligner).state_dict())
    mean, std = motions.statistics()
    model.mean.copy_(mean)
    model.std.copy_(std)
    pairs = held_out_pairs(held_out, bank)
    settings = LoopSettings(
        run=run, steps=steps, minutes=minutes, lr=3e-4, weight_decay=0.05, eval_every=150,
        precision=precision, ema=0.995,
    )  # fmt: skip
    Trainer(
        model,
        settings,
        batches=pair_batches(motions, bank, batch),
        loss_fn=loss_fn,
        evaluate=lambda ema: retrieval(*embed(ema, pairs), pairs.same),
        save=lambda ema, figures: checkpoint.save(
            ema, out, about={**motions.about(), "figures": figures}
        ),
    ).run()


if __name__ == "__main__":
    typer.run(main)
