"""Few-step student (NFD+): `python -m train.distill --data SET`.

Continuous-time consistency distillation of the trained transformer in TrigFlow form, with a time of
its own for every frame, and a hinge GAN whose discriminator is small heads on the frozen teacher's
features, fed re-noised frames (SANA-Sprint's recipe, as NFD uses it).
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from core import checkpoint
from core.diffusion import flow
from core.video.model import FrameDiT
from core.video.tokenizer import FrameTokenizer
from train import trigflow
from train.discriminator import Discriminator
from train.loop import LoopSettings, Losses, Trainer
from train.setup import Out, PlayData, Run, Tokens, fresh_seed
from train.tokens import TokenSet, Window
from train.video import CONTEXT_NOISE, draw_times, held_out

PROPOSAL = 0.4, 1.6
"""Mean and deviation of log tan(angle). NFD has mean 0; of two steps the one from noise matters
most, so the proposal leans towards it."""
TANGENT_WARMUP = 300
ADVERSARIAL_WEIGHT = 0.1
STUDENT_STEPS = 2
"""As it is shipped: one step is quicker, but what moves is blurred."""
STUDENT_SHIFT = 4.0
"""The first of two steps ends at 0.2: a longer one settles for what is likeliest."""
TEACHER_STEPS = 8
"""Of the frames that the student's single step is judged by: the same noise should give the same
frame, whereas the error against the recorded frame would reward blur."""


class Distiller:
    """The loss of a student batch; it trains its own discriminator on the way."""

    def __init__(self, teacher: FrameDiT) -> None:
        self.teacher, self.judge = teacher, Discriminator(teacher)

    def __call__(self, model: nn.Module, batch: Window, step: int) -> Losses:
        """Return sCM loss plus adversarial loss of a window."""
        data, actions = batch
        t = draw_times(*data.shape[:2]).to(data.device)
        context = t >= 1 - CONTEXT_NOISE
        mean, std = PROPOSAL
        angle = (torch.randn_like(t) * std + mean).exp().atan()
        angle = torch.where(context, trigflow.to_angle(t), angle)
        x = trigflow.add_noise(data, torch.randn_like(data), angle)
        ramp = min(1.0, step / TANGENT_WARMUP)
        with torch.no_grad():
            dx = trigflow.field(partial(self._velocity, self.teacher, actions), x, angle)
            velocity = partial(self._velocity, model, actions)
            f_old, g = trigflow.tangent(velocity, dx, x, angle, ~context, ramp)
        f = trigflow.field(partial(self._velocity, model, actions), x, angle)
        weight = (~context) / angle.tan().clamp(min=0.05, max=20.0)
        consistency = ((f - f_old - g).square().mean((2, 3)) * weight).sum() / weight.sum()
        fake = trigflow.predict_data(x, f, angle)
        fake = torch.where(context[..., None, None], data, fake)
        adversarial, judged = self.judge(fake, data, context, t, actions)
        total = consistency + ADVERSARIAL_WEIGHT * adversarial
        return Losses(total, {"consistency": consistency.detach(), "judge": judged})

    @staticmethod
    def _velocity(model: nn.Module, actions: Tensor, x: Tensor, t: Tensor) -> Tensor:
        return model.denoise(x, t, actions)


@torch.no_grad()
def teach(teacher: FrameDiT, data: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Return noise (B, P, C) and what the teacher makes of it in TEACHER_STEPS as last frame."""
    noise = torch.randn(data[:, -1].shape, generator=torch.Generator().manual_seed(0))
    x, times = noise.to(data.device), torch.linspace(flow.NOISE, flow.CLEAN, TEACHER_STEPS + 1)
    for now, then in pairwise(times.tolist()):
        x = x + (then - now) * last_velocity(teacher, data, actions, x, now)
    return noise, x


@torch.no_grad()
def far_from(
    model: FrameDiT, data: Tensor, actions: Tensor, noise: Tensor, wanted: Tensor
) -> float:
    """Return the squared error of one step from `noise` against the teacher's frame `wanted`."""
    x = noise.to(data.device)
    made = x + last_velocity(model, data, actions, x, flow.NOISE)
    return (made - wanted).square().mean().item()


def last_velocity(model: FrameDiT, data: Tensor, actions: Tensor, x: Tensor, t: float) -> Tensor:
    """Return the velocity of a last frame x (B, P, C) at t, after the frames of `data`."""
    settled = 1 - model.cfg.context_noise
    times = torch.full(data.shape[:2], settled, device=data.device)
    times[:, -1] = t
    noise = torch.randn(data.shape, generator=torch.Generator().manual_seed(1)).to(data.device)
    frames = torch.cat([flow.add_noise(data, noise, times)[:, :-1], x[:, None]], dim=1)
    return model.denoise(frames, times, actions)[:, -1]


def main(
    data: PlayData,
    out: Out = Path("checkpoints/video"),
    teacher: Annotated[Path, typer.Option(help="The transformer to distil.")] = Path(
        "checkpoints/video-teacher"
    ),
    run: Run = Path("runs/distill"),
    cache: Tokens = Path("runs/video"),
    steps: int = 3000,
    minutes: float = math.inf,
    batch: int = 6,
    lr: float = 1e-4,
    precision: str = "auto",
) -> None:
    """Distil a few-step student."""
    seed = fresh_seed(run)
    guide = checkpoint.load(teacher, FrameDiT)
    coder = checkpoint.load(teacher.parent / guide.cfg.tokenizer, FrameTokenizer)
    train, judged = TokenSet.splits(data, coder, cache)
    source = out if (out / "config.json").is_file() else teacher
    model = checkpoint.load(source, FrameDiT).requires_grad_(True).train()
    model.cfg = model.cfg.model_copy(update={"steps": STUDENT_STEPS, "shift": STUDENT_SHIFT})
    length = model.cfg.max_frames
    stream = judged.windows(16, length, seed=1)
    fixed = [next(stream) for _ in range(4)]
    settings = LoopSettings(
        run=run,
        steps=steps,
        minutes=minutes,
        lr=lr,
        warmup=50,
        ema=0.995,
        eval_every=100,
        precision=precision,
    )

    wanted = [teach(guide, *batch) for batch in fixed[:2]]

    def judge(ema: FrameDiT) -> dict[str, float]:
        errors = [
            far_from(ema, *batch, *target) for batch, target in zip(fixed, wanted, strict=False)
        ]
        return {**held_out(ema, fixed), "score": sum(errors) / len(errors)}

    Trainer(
        model,
        settings,
        out=out,
        about=train.frames.about(),
        batches=train.windows(batch, length, seed=seed),
        loss_fn=Distiller(guide),
        evaluate=judge,
    ).run()


if __name__ == "__main__":
    typer.run(main)
