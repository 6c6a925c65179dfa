"""Few-step student (NFD+): `python -m train.distill --data SET`.

Continuous-time consistency distillation of the trained transformer in TrigFlow form, with a time of
its own for every frame, and a hinge GAN whose discriminator is small heads on the frozen teacher's
features, fed re-noised frames (SANA-Sprint's recipe, as NFD uses it).

TrigFlow (sCM, arXiv 2410.11081) is the same noise process on a circle: x_a = cos(a) data + sin(a)
noise with angle a in [0, pi/2], 0 = data. It is another parametrization of our flow, so that a
trained velocity needs no retraining (SANA-Sprint, arXiv 2503.09641, section 3.1). Latents have unit
variance, hence sigma_d = 1. Shapes: angle (B, T), x (B, T, P, C).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from core import checkpoint
from core.device import pick_device
from core.diffusion import flow
from core.video.model import FrameDiT
from core.video.tokenizer import FrameTokenizer
from train.discriminator import Discriminator
from train.frames import TokenSet, Window
from train.loop import LoopSettings, Losses, Trainer
from train.setup import STUDENT, TEACHER, Out, PlayData, Run, Tokens, fresh_seed, trainable
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

Wanted = tuple[Tensor, Tensor]
"""Noise (B, P, C), and what a teacher makes of it."""
Velocity = Callable[[Tensor, Tensor], Tensor]
"""(x, t) of our flow -> velocity."""


def like(a: Tensor) -> Tensor:
    """Return (B, T) as (B, T, 1, 1)."""
    return a[..., None, None]


def to_flow(x: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Return x and t of our flow for x on the circle."""
    total = angle.cos() + angle.sin()
    return x / like(total), angle.cos() / total


def to_angle(t: Tensor) -> Tensor:
    """Return the angle of a time of our flow."""
    return torch.atan2(1 - t, t)


def add_noise(data: Tensor, noise: Tensor, angle: Tensor) -> Tensor:
    """Return x at an angle between data (0) and noise (pi / 2)."""
    return like(angle.cos()) * data + like(angle.sin()) * noise


def field(velocity: Velocity, x: Tensor, angle: Tensor) -> Tensor:
    """Return F, which is dx/dangle where the velocity is exact."""
    x_flow, t = to_flow(x, angle)
    v = velocity(x_flow, t).float()
    data, noise = x_flow + like(1 - t) * v, x_flow - like(t) * v
    return like(angle.cos()) * noise - like(angle.sin()) * data


def predict_data(x: Tensor, f: Tensor, angle: Tensor) -> Tensor:
    """Return the data that x and F = `f` point at: the consistency function."""
    return like(angle.cos()) * x - like(angle.sin()) * f


def tangent(
    velocity: Velocity, dx: Tensor, x: Tensor, angle: Tensor, moving: Tensor, ramp: float
) -> tuple[Tensor, Tensor]:
    """Return F and the normalized tangent g of the frames that are `moving` (B, T).

    `dx` is the teacher's dx/dangle; `ramp` (0 to 1) brings in the second term (sCM section 4.2).
    The norm is taken per frame, as every frame has an angle of its own (NFD section 3.2).
    """
    cos, sin = like(angle.cos()), like(angle.sin())
    still = (~moving)[..., None, None]
    speed = (cos * sin).masked_fill(still, 0.0)
    with sdpa_kernel(SDPBackend.MATH):  # a GPU's other kernels have no forward-mode derivative
        f, df = torch.func.jvp(
            lambda x, angle: field(velocity, x, angle), (x, angle), (speed * dx, speed[..., 0, 0])
        )[:2]
    g = -(cos**2) * (f - dx) - ramp * (cos * sin * x + df)
    g = g / (g.square().mean((2, 3), keepdim=True).sqrt() + 0.1)
    return f, g


class Distiller:
    """The loss of a student batch; it trains its own discriminator on the way."""

    def __init__(self, teacher: FrameDiT) -> None:
        self.teacher, self.discriminator = teacher, Discriminator(teacher)

    def __call__(self, model: nn.Module, batch: Window, step: int) -> Losses:
        """Return sCM loss plus adversarial loss of a window."""
        data, actions = batch
        t = draw_times(*data.shape[:2]).to(data.device)
        context = t >= 1 - CONTEXT_NOISE
        mean, std = PROPOSAL
        angle = (torch.randn_like(t) * std + mean).exp().atan()
        angle = torch.where(context, to_angle(t), angle)
        x = add_noise(data, torch.randn_like(data), angle)
        ramp = min(1.0, step / TANGENT_WARMUP)
        with torch.no_grad():
            dx = field(partial(self._velocity, self.teacher, actions), x, angle)
            velocity = partial(self._velocity, model, actions)
            f_old, g = tangent(velocity, dx, x, angle, ~context, ramp)
        f = field(partial(self._velocity, model, actions), x, angle)
        weight = (~context) / angle.tan().clamp(min=0.05, max=20.0)
        consistency = ((f - f_old - g).square().mean((2, 3)) * weight).sum() / weight.sum()
        fake = predict_data(x, f, angle)
        fake = torch.where(context[..., None, None], data, fake)
        adversarial, judged = self.discriminator(fake, data, context, t, actions)
        total = consistency + ADVERSARIAL_WEIGHT * adversarial
        return Losses(total, {"consistency": consistency.detach(), "judge": judged})

    @staticmethod
    def _velocity(model: nn.Module, actions: Tensor, x: Tensor, t: Tensor) -> Tensor:
        return model.denoise(x, t, actions)


@torch.no_grad()
def teach(teacher: FrameDiT, batch: Window) -> Wanted:
    """Return noise and what the teacher makes of it in TEACHER_STEPS as last frame."""
    data, actions = (x.to(next(teacher.parameters()).device) for x in batch)
    noise = torch.randn(data[:, -1].shape, generator=torch.Generator().manual_seed(0))
    x, times = noise.to(data.device), torch.linspace(flow.NOISE, flow.CLEAN, TEACHER_STEPS + 1)
    for now, then in pairwise(times.tolist()):
        x = x + (then - now) * last_velocity(teacher, data, actions, x, now)
    return noise.to(x.device), x


@torch.no_grad()
def far_from(model: FrameDiT, batch: Window, wanted: Wanted) -> float:
    """Return the squared error of one step from the same noise against the teacher's frame."""
    noise, frame = wanted
    made = noise + last_velocity(model, *batch, noise, flow.NOISE)
    return (made - frame).square().mean().item()


def judge(model: FrameDiT, judged: tuple[list[Window], list[Wanted]]) -> dict[str, float]:
    """Return the figures of train.video, and as score how far one step is from the teacher's."""
    batches, wanted = judged
    errors = [far_from(model, *pair) for pair in zip(batches, wanted, strict=False)]
    return {**held_out(model, batches), "score": sum(errors) / len(errors)}


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
    out: Out = STUDENT,
    teacher: Annotated[Path, typer.Option(help="The transformer to distil.")] = TEACHER,
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
    device = pick_device()
    guide = checkpoint.load(teacher, FrameDiT, device=device)
    coder = checkpoint.load(teacher.parent / guide.cfg.tokenizer, FrameTokenizer, device=device)
    train, judged = TokenSet.splits(data, coder, cache)
    source = out if (out / "config.json").is_file() else teacher
    model = trainable(source, FrameDiT)
    model.cfg = model.cfg.model_copy(update={"steps": STUDENT_STEPS, "shift": STUDENT_SHIFT})
    length = model.cfg.max_frames
    stream = judged.windows(16, length, seed=1)
    fixed = [next(stream) for _ in range(4)]
    settings = LoopSettings(
        run, steps, minutes, precision, lr=lr, warmup=50, ema=0.995, eval_every=100
    )
    wanted = [teach(guide, batch) for batch in fixed[:2]]
    trainer = Trainer(model, settings, out, train.frames.about())
    windows = train.windows(batch, length, seed=seed, device=device)
    trainer.run(windows, Distiller(guide), judge, (fixed, wanted))


if __name__ == "__main__":
    typer.run(main)
