"""Teach a few-step student of a motion transformer: `python -m train.student --data SET`.

The student is played with one call a block: two blocks stand in the window, one on its way from
noise to EDGE, the other from there to clean. The guided teacher goes down the same staircase in
many small steps, so what it reaches at both levels is an exact target: the mean velocity over the
whole step, for the very noise that it began with. Guidance is an input (arXiv 2210.03142), so that
nothing is doubled. Histories are what the teacher made itself, after the beginning of a recording.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
from torch import Tensor, nn

from core import checkpoint
from core.device import pick_device
from core.diffusion import schedule
from core.diffusion.attention import Rotary
from core.diffusion.flow import CLEAN, NOISE
from core.diffusion.sampler import StreamSampler
from core.motion.model import UNASKED, MotionDiT, Prompt
from core.motion.text import load_text_encoder
from core.motion.vae import MotionVAE
from train.dataset import read_sets
from train.feed import feed
from train.latents import LatentSet
from train.loop import LoopSettings, Losses, Trainer
from train.setup import CHECKPOINTS, MotionData, Out, Run, fresh_seed, warm_start

SMALL = 6
"""The teacher's steps in each of the student's two."""
EDGE = float(schedule.times(2 * SMALL)[SMALL])
BLOCKS, HISTORIES = 10, (0, 0, 4, 9)
"""Blocks that the teacher makes, after so many of a recording."""
SWITCHED = 0.5
"""Share of rows that are told another caption than their recording's: prompts change in streams."""
SCALES = 1.0, 3.5
"""Of guidance."""
POOL, REUSE = 24, 3
"""Rollouts that are kept to draw from, and batches for each new one."""
ALONE = 0.3
"""Share of batches whose blocks stand in the window alone, as steered ones do."""


class Rollout(NamedTuple):
    """What a teacher made of noise, with what it was told."""

    history: Tensor
    """(B, H, P, D) clean blocks of a recording."""
    noise: Tensor
    """(B, T, P, D), as `half` at EDGE and `clean`."""
    half: Tensor
    clean: Tensor
    text: Tensor
    text_mask: Tensor
    traits: Tensor
    guidance: Tensor
    """(B, 1)."""

    def prompt(self, model: MotionDiT) -> Prompt:
        """Return what a model is told."""
        return model.prompt(self.text, self.text_mask, traits=self.traits)


class Recorder:
    """A denoiser that keeps what blocks are when they enter and when they are half way."""

    def __init__(self, model: MotionDiT, rows: int) -> None:
        self.model, self.rows = model, rows
        self.noise: list[Tensor] = []
        self.half: list[Tensor] = []

    def __call__(self, x: Tensor, t: Tensor, conditions, cache=None, commit: int = 0) -> Tensor:
        for i in range(commit, x.shape[1]):
            for level, kept in ((NOISE, self.noise), (EDGE, self.half)):
                if abs(float(t[0, i]) - level) < 1e-6:
                    kept.append(x[: self.rows, i].clone())
        return self.model(x, t, conditions, cache, commit)


@torch.inference_mode()
def roll_out(teacher: MotionDiT, told: Rollout, blocks: int, seed: int) -> Rollout:
    """Return a rollout with what the teacher makes after its history."""
    recorder = Recorder(teacher, len(told.text))
    generator = torch.Generator().manual_seed(seed)
    sampler = StreamSampler(
        recorder,
        (len(told.text), *teacher.frame_shape),
        teacher.new_cache(),
        steps=2 * SMALL,
        stagger=SMALL,
        guidance=float(told.guidance[0, 0]),
        multistep=True,
        generator=generator,
        device=told.text.device,
    )
    if told.history.shape[1]:
        sampler.commit(told.history, [UNASKED])
    prompt = told.prompt(teacher)
    clean = [sampled.x for sampled in sampler.stream(prompt for _ in range(blocks))]
    kept = (torch.stack(x[:blocks], 1) for x in (recorder.noise, recorder.half, clean))
    noise, half, made = kept
    return told._replace(noise=noise, half=half, clean=made)


def tasks(teacher: MotionDiT, data: LatentSet, rows: int, seed: int) -> Iterator[Rollout]:
    """Yield what a teacher may be told: captions, traits and beginnings of recordings."""
    generator = torch.Generator().manual_seed(seed)
    device = str(teacher.latent_mean.device)
    batches = feed(data.batches(2 * rows), device, seed=seed)
    while True:
        length = HISTORIES[int(torch.randint(len(HISTORIES), (), generator=generator))]
        batch = next(batches)
        long = batch.valid.sum(1) >= max(length, 1)
        chosen = (long & ~batch.untold).nonzero()[:rows, 0]
        if len(chosen) < rows:
            continue
        blocks = teacher.to_blocks(batch.latents[chosen])[:, :length]
        changed = torch.rand(rows, generator=generator) < (SWITCHED if length else 0)
        changed = changed.to(device)
        told = torch.where(changed, chosen.roll(1), chosen)
        low, high = SCALES
        scale = low + (high - low) * float(torch.rand((), generator=generator))
        none = blocks[:, :0]
        yield Rollout(
            blocks,
            *(none, none, none),
            batch.text[told],
            batch.text_mask[told],
            batch.traits[told],
            torch.full((rows, 1), scale, device=device),
        )


def rollouts(teacher: MotionDiT, data: LatentSet, rows: int, seed: int) -> Iterator[Rollout]:
    """Yield rollouts out of a pool that is renewed little by little."""
    wanted = tasks(teacher, data, rows, seed)
    pool: deque[Rollout] = deque(maxlen=POOL)
    for number in count(seed):
        pool.append(roll_out(teacher, next(wanted), BLOCKS, number))
        for _ in range(REUSE):
            yield pool[int(torch.randint(len(pool), ()))]


class Placed(nn.Module):
    """Rotary positions by frame: the same block stands three times in a row of training."""

    def __init__(self, rotary: Rotary, frames: Tensor, tokens: int) -> None:
        super().__init__()
        index = (frames[:, None] * tokens + torch.arange(tokens)).flatten().to(rotary.turns.device)
        self.turns = rotary.turns[index]

    def forward(self, x: Tensor, start: int) -> Tensor:
        """Rotate tokens (..., N, K)."""
        pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2).contiguous())
        return torch.view_as_real(pairs * self.turns).flatten(-2).to(x.dtype)


def layout(history: int, blocks: int, alone: bool) -> tuple[Tensor, Tensor]:
    """Return which frames (N,) stand in a row of clean, half and noisy ones, and who sees whom.

    Half a block sees all clean ones before it; a noisy one the half one before it, and of clean
    ones those before that, or, `alone`, all clean ones before it.
    """
    clean, made = torch.arange(history + blocks), history + torch.arange(blocks)
    frames = torch.cat([clean, made, made])
    kind = torch.cat([torch.zeros(len(clean)), torch.ones(blocks), torch.full((blocks,), 2.0)])
    ago = frames[:, None] - frames[None, :]
    a, b = kind[:, None], kind[None, :]
    sees = (a == 0) & (b == 0) & (ago >= 0)
    sees |= (a == 1) & (((b == 0) & (ago > 0)) | ((b == 1) & (ago == 0)))
    before = 0 if alone else 1
    sees |= (a == 2) & (((b == 0) & (ago > before)) | ((b == 2) & (ago == 0)))
    if not alone:
        sees |= (a == 2) & (b == 1) & (ago == 1)
        first = (a == 2) & (b == 0) & (ago > 0) & (frames[:, None] == history)
        sees |= first  # nothing is half way before the first
    return frames, sees


def velocities(model: MotionDiT, roll: Rollout, *, alone: bool) -> tuple[Tensor, Tensor]:
    """Return predicted and wanted velocities (B, 2 T, P, D) of half and of noisy blocks."""
    blocks, tokens = roll.clean.shape[1], model.cfg.block
    frames, sees = layout(roll.history.shape[1], blocks, alone)
    x = torch.cat([roll.history, roll.clean, roll.half, roll.noise], dim=1)
    t = torch.full((len(x), len(frames)), CLEAN, device=x.device)
    t[:, -2 * blocks : -blocks], t[:, -blocks:] = EDGE, NOISE
    mask = sees.repeat_interleave(tokens, 0).repeat_interleave(tokens, 1).to(x.device)
    rotary, model.transformer.rotary = (
        model.transformer.rotary,
        Placed(model.transformer.rotary, frames, tokens),
    )
    try:
        v = model(x, t, [roll.prompt(model)], mask=mask, guidance=roll.guidance)
    finally:
        model.transformer.rotary = rotary
    late, early = (roll.clean - roll.half) / (CLEAN - EDGE), (roll.half - roll.noise) / EDGE
    return v[:, -2 * blocks :], torch.cat([late, early], dim=1)


def loss_fn(model: nn.Module, roll: Rollout, step: int) -> Losses:
    v, wanted = velocities(model, roll, alone=bool(torch.rand(()) < ALONE))
    error = (v.float() - wanted).square().mean((0, 2, 3))
    late, early = error.chunk(2)
    return Losses(error.mean(), {"late": late.mean().detach(), "early": early.mean().detach()})


@torch.no_grad()
def held_out(model: MotionDiT, rolls: list[Rollout]) -> dict[str, float]:
    """Return how far the velocities of rollouts are missed, in shares of their size."""
    missed = {"late": 0.0, "early": 0.0}
    for roll in rolls:
        v, wanted = velocities(model, roll, alone=False)
        for name, (a, b) in zip(
            missed, zip(v.chunk(2, 1), wanted.chunk(2, 1), strict=True), strict=True
        ):
            missed[name] += float((a - b).square().mean() / b.square().mean()) / len(rolls)
    return {"score": sum(missed.values()) / 2, **missed}


def main(
    data: MotionData,
    teacher: Annotated[Path, typer.Option(help="Checkpoint to learn from.")] = CHECKPOINTS
    / "motion-teacher",
    out: Out = CHECKPOINTS / "motion",
    run: Run = Path("runs/student"),
    steps: int = 4000,
    minutes: float = math.inf,
    batch: int = 32,
    lr: float = 2e-4,
    precision: str = "auto",
) -> None:
    """Teach a few-step student."""
    seed = fresh_seed(run)
    guide = checkpoint.load(teacher, MotionDiT, device=pick_device())
    coder = checkpoint.load(teacher.parent / guide.cfg.vae, MotionVAE)
    encoder = load_text_encoder(guide.cfg.text_encoder)
    motions, validation, bank = read_sets(data, encoder, mirrored=False, more=3)
    train = LatentSet(motions, coder, bank, guide.cfg.block, transitions=400)
    judged = LatentSet(validation, coder, bank, guide.cfg.block, transitions=0, seed=1)
    sizes = {
        "told_guidance": True,
        "multistep": False,
        "steps": 2,
        "stagger": 1,
        "steered_steps": 2,
    }
    model = MotionDiT(guide.cfg.model_copy(update=sizes))
    warm_start(model, out if (out / "config.json").is_file() else teacher)
    wanted = tasks(guide, judged, batch, seed=1)
    fixed = [roll_out(guide, next(wanted), BLOCKS, seed=number) for number in range(4)]
    settings = LoopSettings(run, steps, minutes, precision, lr=lr, warmup=50, ema=0.998)
    trainer = Trainer(model, settings, out, motions.about())
    trainer.run(rollouts(guide, train, batch, seed=2 + seed), loss_fn, held_out, fixed)


if __name__ == "__main__":
    typer.run(main)
