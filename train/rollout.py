"""Anti-drift stage: `python -m train.rollout --data SET`.

A student plays on from real frames under the recorded keys, and then learns the real next frames
from the history that it dreamt itself: it meets its own errors and learns to undo them (as DIAMOND
and Resampling Forcing do). The adversary keeps what is uncertain sharp.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from core import checkpoint, flow
from core.sampler import StreamSampler
from core.video.model import Action, FrameDiT
from train.frames import FrameSet
from train.judge import Judge
from train.loop import LoopSettings, Losses, Trainer
from train.tokens import TokenSet, Window
from train.video import CONTEXT_NOISE, held_out

REAL = 4
"""Real frames that a dream begins with, the pinned one included."""
LONGEST = 40
"""Frames of the longest dream."""
SUPERVISED = 4
"""Newest frames of a window that are learnt, at most; before them stands the dream."""
ADVERSARIAL_WEIGHT = 0.05


def play_on(model: FrameDiT, x: Tensor, actions: Tensor, frames: int) -> Tensor:
    """Return (B, frames, P, C): the first REAL of x, then what the model makes of the actions."""
    rows = [Action(a) for a in actions[:, :frames].unbind(1)]
    generator = torch.Generator().manual_seed(int(torch.randint(2**31, ())))
    sampler = StreamSampler(
        model, (len(x), *model.frame_shape), model.new_cache(), steps=1, stagger=1,
        generator=generator, context_noise=model.cfg.context_noise, device=x.device,
    )  # fmt: skip
    sampler.commit(x[:, :REAL], rows[:REAL])
    made = [sampler.sample([row])[0].x for row in rows[REAL:]]
    return torch.cat([x[:, :REAL], *(frame[:, None] for frame in made)], dim=1).clone()


def window_of(dream: Tensor, batch: Window, supervised: int, length: int) -> tuple[Tensor, Window]:
    """Return history (B, T, P, C) and the real window it belongs to, both pinned frame first."""
    end = dream.shape[1] + supervised
    index = [0, *range(max(end - length + 1, 1), end)]
    real = Window(batch.tokens[:, index], batch.actions[:, index])
    history = torch.cat([dream, batch.tokens[:, dream.shape[1] : end]], dim=1)[:, index]
    return history, real


class RolloutLoss:
    """Velocity error and adversarial loss on histories that the model dreamt."""

    def __init__(self, teacher: FrameDiT) -> None:
        self.judge = Judge(teacher)

    def __call__(self, model: nn.Module, batch: Window, step: int) -> Losses:
        """Dream a random number of frames, then learn the real frames that follow."""
        longest = min(LONGEST, batch.tokens.shape[1] - SUPERVISED)
        frames = int(torch.randint(REAL, longest + 1, ()))
        supervised = int(torch.randint(1, SUPERVISED + 1, ()))
        dream = play_on(model, batch.tokens, batch.actions, frames)
        history, (data, actions) = window_of(dream, batch, supervised, model.cfg.max_frames)
        rows, length = data.shape[:2]
        context = torch.arange(length).expand(rows, -1) < length - supervised
        context = context.to(data.device)
        t = torch.rand(rows, length, device=data.device) ** 2
        t = torch.where(torch.rand_like(t) < 0.6, flow.NOISE, t).clamp(max=1 - CONTEXT_NOISE)
        level = 1 - CONTEXT_NOISE * torch.rand(rows, 1, device=data.device)
        t, noise = torch.where(context, level, t), torch.randn_like(data)
        x = flow.add_noise(torch.where(context[..., None, None], history, data), noise, t)
        v = model.denoise(x, t, actions).float()
        error = (v - flow.velocity(data, noise)).square().mean((2, 3))
        error = (error * ~context).sum() / (~context).sum()
        fake = torch.where(context[..., None, None], data, flow.predict_data(x, v, t))
        adversarial, judged = self.judge(fake, data, context, level.expand_as(t), actions)
        total = error + ADVERSARIAL_WEIGHT * adversarial
        return Losses(total, {"error": error.detach(), "judge": judged})


@torch.no_grad()
def drift(model: FrameDiT, batch: Window) -> dict[str, float]:
    """Return the squared error of dreams 8 and 32 frames on, and their deviation against real."""
    frames = REAL + 32
    torch.manual_seed(0)
    dream = play_on(model, batch.tokens, batch.actions, frames)
    error = (dream - batch.tokens[:, :frames]).square().mean((0, 2, 3))
    late = dream[:, -8:].std() / batch.tokens[:, frames - 8 : frames].std()
    return {"at8": error[REAL + 7].item(), "at32": error[REAL + 31].item(), "spread": late.item()}


def main(
    data: Annotated[Path, typer.Option(help="A recorded set made by train.worlds.")],
    out: Annotated[Path, typer.Option(help="Checkpoint folder.")] = Path("checkpoints/video"),
    teacher: Annotated[Path, typer.Option(help="Its features judge.")] = Path(
        "checkpoints/video-teacher"
    ),
    run: Annotated[Path, typer.Option(help="Folder for state and curves.")] = Path("runs/rollout"),
    cache: Annotated[Path, typer.Option(help="Where train.video keeps tokens.")] = Path(
        "runs/video"
    ),
    steps: int = 2000,
    minutes: float = math.inf,
    batch: int = 8,
    lr: float = 1e-4,
    precision: str = "auto",
) -> None:
    """Make a student bear its own dreams."""
    torch.manual_seed(0)
    model = checkpoint.load(out, kind="frame-dit").requires_grad_(True).train()
    coder = checkpoint.load(out.parent / model.cfg.tokenizer, kind="frame-tokenizer")
    frames = FrameSet(data, "train")
    train = TokenSet(frames, coder, cache)
    judged = TokenSet(FrameSet(data, "val"), coder, cache)
    length = LONGEST + SUPERVISED
    fixed = [next(judged.windows(16, model.cfg.max_frames, seed=1))]
    long = next(judged.windows(32, length, seed=2))
    settings = LoopSettings(
        run=run, steps=steps, minutes=minutes, lr=lr, warmup=50, ema=0.995, eval_every=100,
        precision=precision,
    )  # fmt: skip

    def judge(ema: nn.Module) -> dict[str, float]:
        figures, far = held_out(ema, fixed), drift(ema, long)
        return {**figures, **far, "score": figures["t0"] + far["at8"] + far["at32"]}

    Trainer(
        model,
        settings,
        batches=train.windows(batch, length),
        loss_fn=RolloutLoss(checkpoint.load(teacher, kind="frame-dit")),
        evaluate=judge,
        save=lambda ema, figures: checkpoint.save(
            ema, out, kind="frame-dit", about={**frames.about(), "figures": figures}
        ),
    ).run()


if __name__ == "__main__":
    typer.run(main)
