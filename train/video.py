"""Train the frame transformer (NFD): `python -m train.video --data SET`.

Every frame gets a flow time of its own (logit-normal); a random number of leading frames, or single
frames, are clean context with a little noise that the model is told of (FAR, arXiv 2503.19325),
which is what it meets when it plays.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from core import checkpoint
from core.device import pick_device
from core.diffusion import flow
from core.video.model import FrameConfig, FrameDiT
from core.video.tokenizer import FrameTokenizer
from train.frames import TokenSet, Window
from train.loop import LoopSettings, Losses, Trainer
from train.setup import (
    TEACHER,
    TOKENIZER,
    Compile,
    Muon,
    Out,
    PlayData,
    compiles,
    fresh_seed,
    trainable,
)

CONTEXT_NOISE = 0.3
"""Largest noise level of clean context."""
TIME_MEAN, TIME_STD = -0.6, 1.0
"""Of the logit-normal flow time: few steps have to do much of their work near the noise."""
FROM_NOISE = 0.2
"""Share of noisy frames that start at t = 0 exactly, where sampling does."""


def draw_times(rows: int, frames: int, generator: torch.Generator | None = None) -> Tensor:
    """Return flow times (rows, frames) of a batch; those above 1 - CONTEXT_NOISE are context.

    Two thirds of the rows have a clean beginning of random length, the others single clean frames.
    """

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    t = torch.randn(rows, frames, generator=generator).mul(TIME_STD).add(TIME_MEAN).sigmoid()
    t = t.clamp(max=1 - CONTEXT_NOISE - 1e-3)
    t = torch.where(uniform(rows, frames) < FROM_NOISE, flow.NOISE, t)
    history = 1 + (uniform(rows, 1) * (frames - 1)).floor()
    prefix = torch.arange(frames) < history
    single = uniform(rows, frames) < 0.15
    clean = torch.where(uniform(rows, 1) < 0.67, prefix, single)
    noise = CONTEXT_NOISE * uniform(rows, 1)
    return torch.where(clean, flow.CLEAN - noise, t)


def loss_fn(model: nn.Module, batch: Window, step: int) -> Losses:
    x = batch.tokens
    t = draw_times(*x.shape[:2]).to(x.device)
    noise = torch.randn_like(x)
    v = model.denoise(flow.add_noise(x, noise, t), t, batch.actions).float()
    error = (v - flow.velocity(x, noise)).square().mean((2, 3))
    counts = t < 1 - CONTEXT_NOISE
    return Losses((error * counts).sum() / counts.sum().clamp(min=1))


@torch.no_grad()
def held_out(model: FrameDiT, batches: list[Window]) -> dict[str, float]:
    """Return the velocity error of the last frame after clean context, at three times.

    `wrong` is the error at t = 0 under the actions of another row: how much keys matter.
    """
    generator = torch.Generator().manual_seed(0)
    sums: dict[str, float] = dict.fromkeys(("t0", "t3", "t7", "wrong"), 0.0)
    for x, actions in batches:
        noise = torch.randn(x.shape, generator=generator).to(x.device)
        for name, level in (("t0", 0.0), ("t3", 0.3), ("t7", 0.7), ("wrong", 0.0)):
            t = torch.full(x.shape[:2], 1 - model.cfg.context_noise, device=x.device)
            t[:, -1] = level
            held = actions.clone()
            if name == "wrong":
                held[:, -1] = actions.roll(1, 0)[:, -1]
            v = model.denoise(flow.add_noise(x, noise, t), t, held)
            error = (v - flow.velocity(x, noise))[:, -1].square().mean()
            sums[name] += error.item() / len(batches)
    return {"score": (2 * sums["t0"] + sums["t3"] + sums["t7"]) / 4, **sums}


def main(
    data: PlayData,
    out: Out = TEACHER,
    tokenizer: Annotated[Path, typer.Option(help="The frame tokenizer's checkpoint.")] = TOKENIZER,
    run: Annotated[Path, typer.Option(help="Folder for state, curves and tokens.")] = Path(
        "runs/video"
    ),
    width: int = 256,
    depth: int = 6,
    heads: int = 4,
    steps: int = 20000,
    minutes: float = 1e9,
    batch: int = 8,
    lr: float = 8e-4,
    precision: str = "auto",
    muon: Muon = True,
    compile: Compile = None,
) -> None:
    """Train the frame transformer."""
    seed = fresh_seed(run)
    device = pick_device()
    coder = checkpoint.load(tokenizer, FrameTokenizer, device=device)
    train, judged = TokenSet.splits(data, coder, run)
    if (out / "config.json").is_file():
        model = trainable(out, FrameDiT)
    else:
        model = FrameDiT(
            FrameConfig(
                tokenizer=tokenizer.name,
                keys=train.frames.keys,
                grid=coder.cfg.grid,
                channels=coder.cfg.channels,
                width=width,
                depth=depth,
                heads=heads,
                hidden=4 * width,
                fps=train.frames.meta["fps"],
                steps=4,
            )
        )
    length = model.cfg.max_frames
    stream = judged.windows(16, length, seed=1)
    fixed = [next(stream) for _ in range(4)]
    if compiles(compile):
        model.transformer.compile()
    settings = LoopSettings(run, steps, minutes, precision, lr=lr, weight_decay=0.01, muon=muon)
    trainer = Trainer(model, settings, out, train.frames.about())
    trainer.run(train.windows(batch, length, seed=seed, device=device), loss_fn, held_out, fixed)


if __name__ == "__main__":
    typer.run(main)
