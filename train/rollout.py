"""Anti-drift stage: `python -m train.rollout --data SET`.

A student plays on from real frames under the recorded keys, just as it will be played: few steps a
frame, its own frames as history. On that history it learns the recorded frame by flow matching
(self-forcing in the sense of arXiv 2506.08009, with the gradient kept to a few frames), so that it
meets its own errors and learns to undo them. The times that it is played at are learnt most. Only
what the last step makes is shown to the adversary: it must be sharp, whereas the first step has to
stay undecided where much can come next. Dreams grow longer during the stage; a row that lost its
way teaches no more, since what it should show then is not the recorded frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
import typer
from torch import Tensor

from core import checkpoint
from core.device import pick_device
from core.diffusion import flow, schedule
from core.diffusion.attention import KVCache
from core.video.model import Action, FrameDiT
from core.video.tokenizer import FrameTokenizer
from train.discriminator import Discriminator
from train.frames import TokenSet, Window
from train.loop import LoopSettings, Losses, Trainer
from train.setup import STUDENT, TEACHER, Muon, Out, PlayData, Run, Tokens, fresh_seed, trainable
from train.video import CONTEXT_NOISE, held_out

CHUNK = 4
"""Frames that are dreamt between two steps of the optimizer; gradients reach no further back."""
SHORTEST, LONGEST = 4, 32
"""Frames of a dream, at the beginning and from GROWN of the stage on."""
GROWN = 0.4
LOST = 0.9
"""Squared error of a frame (of variance 1) from which on a row has lost its way."""
FROM_NOISE, ON_THE_WAY = 0.5, 0.3
"""Shares of frames that are learnt from noise, and at the other times that play has; the rest
starts anywhere between noise and data."""
BEFORE = 3
"""Frames, besides the pinned one, that the adversary sees before those it judges."""
ADVERSARIAL_WEIGHT = 0.05
DREAMT = 8
"""Frames that are dreamt before the one that a checkpoint is judged by."""
FAR, LATE = 96, 32
"""Frames of the dreams that a checkpoint is judged by, where episodes are as long, and how many
last ones' looks count."""


class Passage(NamedTuple):
    """A few frames in the middle of a dream."""

    window: Window
    """The whole recording, from its pinned frame on."""
    start: int
    """Number of the first frame to be made."""
    first: bool
    """Whether the dream begins here."""


def passages(windows: Iterator[Window], history: int, steps: int) -> Iterator[Passage]:
    """Cut recordings into passages: real history of `history` frames, then CHUNK by CHUNK.

    Dreams reach their full length after GROWN of `steps`.
    """
    step = 0
    while True:
        grown = min(step / max(GROWN * steps, 1), 1.0)
        longest = SHORTEST + grown * (LONGEST - SHORTEST)
        chunks = int(torch.randint(1, round(longest / CHUNK) + 1, ()))
        window = next(windows)
        for i in range(chunks):
            yield Passage(window, history + i * CHUNK, i == 0)
            step += 1


def play_times(model: FrameDiT) -> list[float]:
    """Return the flow times of a model's sampling steps, the clean end included."""
    return schedule.times(model.cfg.steps, model.cfg.shift).tolist()


def draw_times(model: FrameDiT, rows: int) -> Tensor:
    """Return flow times (rows, 1): noise, another time of the model's steps, or any."""
    later = torch.tensor(play_times(model)[1:-1] or [flow.NOISE])
    kind, anywhere = torch.rand(rows, 1), torch.rand(rows, 1) * (1 - CONTEXT_NOISE)
    on_the_way = later[torch.randint(len(later), (rows, 1))]
    t = torch.where(kind < FROM_NOISE + ON_THE_WAY, on_the_way, anywhere)
    return torch.where(kind < FROM_NOISE, flow.NOISE, t)


class RolloutLoss:
    """Velocity error and adversarial loss of frames whose history the model dreamt."""

    def __init__(self, teacher: FrameDiT) -> None:
        self.discriminator = Discriminator(teacher)
        self.cache: KVCache | None = None
        self.newest = torch.zeros(0)  # (B, P, C), not yet committed
        self.past = torch.zeros(0)  # (B, BEFORE, P, C), what was made last
        self.level, self.lost = 0.0, torch.zeros(0, dtype=torch.bool)

    def _begin(self, model: FrameDiT, batch: Window, start: int) -> None:
        """Commit the real history, but for its last frame, which rides along with the next."""
        noise = CONTEXT_NOISE * torch.rand(()).item()
        self.level = 1 - (noise if torch.rand(()) < 0.5 else model.cfg.context_noise)
        self.cache = model.new_cache()
        past = batch.tokens[:, : start - 1]
        t = torch.full(past.shape[:2], self.level, device=past.device)
        x = flow.add_noise(past, torch.randn_like(past), t)
        with torch.no_grad():
            model.denoise(x, t, batch.actions[:, : start - 1], self.cache, start - 1)
        self.newest, self.past = batch.tokens[:, start - 1], batch.tokens[:, start - BEFORE : start]
        self.lost = torch.zeros(len(past), dtype=torch.bool, device=past.device)

    def _learn(self, model: FrameDiT, batch: Window, i: int) -> Tensor:
        """Commit the newest frame; return the error (B,) of the velocity towards real frame i."""
        data = batch.tokens[:, i]
        noise = torch.randn_like(data)
        t = draw_times(model, len(data)).to(data.device)
        x = flow.add_noise(data[:, None], noise[:, None], t)
        settled = torch.full_like(t, self.level)
        past = flow.add_noise(self.newest[:, None], torch.randn_like(noise)[:, None], settled)
        both, times = torch.cat([past, x], dim=1), torch.cat([settled, t], dim=1)
        actions = batch.actions[:, i - 1 : i + 1]
        v = model.denoise(both, times, actions, self.cache, 1)[:, 1:].float()
        return (v[:, 0] - flow.velocity(data, noise)).square().mean((1, 2))

    def _dream(self, model: FrameDiT, batch: Window, i: int) -> Tensor:
        """Make frame i (B, P, C) as it is made in play; the last step carries a gradient."""
        x = torch.randn_like(batch.tokens[:, i : i + 1])
        for now, then in pairwise(play_times(model)):
            t = torch.full(x.shape[:2], now, device=x.device)
            with torch.set_grad_enabled(then == flow.CLEAN):
                v = model.denoise(x, t, batch.actions[:, i : i + 1], self.cache).float()
            x = x + (then - now) * v
        self.newest = x[:, 0].detach()
        self.lost |= (self.newest - batch.tokens[:, i]).square().mean((1, 2)) > LOST
        return x[:, 0]

    def __call__(self, model: FrameDiT, passage: Passage, step: int) -> Losses:
        """Dream CHUNK frames on, and learn each of them before."""
        batch, start = passage.window, passage.start
        if passage.first:
            self._begin(model, batch, start)
        assert self.cache is not None
        self.cache.detach()
        errors, made = [], []
        for i in range(start, start + CHUNK):
            known = ~self.lost
            errors.append((self._learn(model, batch, i) * known).mean())
            made.append(self._dream(model, batch, i))
        error = torch.stack(errors).mean()
        adversarial, judged = self._judge(batch, start, torch.stack(made, dim=1))
        parts = {"error": error.detach(), "judge": judged, "lost": self.lost.float().mean()}
        return Losses(error + ADVERSARIAL_WEIGHT * adversarial, parts)

    def _judge(self, batch: Window, start: int, made: Tensor) -> tuple[Tensor, Tensor]:
        """Let half of the rows be judged after the frames that led to them, lost or not."""
        rows = max(len(made) // 2, 1)
        index = [0, *range(start - BEFORE, start + CHUNK)]
        data, actions = batch.tokens[:rows, index], batch.actions[:rows, index]
        fake = torch.cat([data[:, :1], self.past[:rows], made[:rows]], dim=1)
        self.past = torch.cat([self.past, made.detach()], dim=1)[:, -BEFORE:]
        t = torch.full(data.shape[:2], self.level, device=data.device)
        context = (torch.arange(len(index)) < len(index) - CHUNK).expand(rows, -1).to(data.device)
        return self.discriminator(fake, data, context, t, actions)


def play_on(model: FrameDiT, x: Tensor, actions: Tensor, history: int, frames: int) -> Tensor:
    """Return (B, history + frames, P, C): the first of x, then what the model makes of actions."""
    rows = [Action(a) for a in actions[:, : history + frames].unbind(1)]
    sampler = model.new_sampler(len(x), seed=0)
    sampler.commit(x[:, :history], rows[:history])
    made = [sampler.sample([row])[0].x for row in rows[history:]]
    return torch.cat([x[:, :history], *(frame[:, None] for frame in made)], dim=1).clone()


@torch.no_grad()
def drift(model: FrameDiT, batch: Window) -> dict[str, float]:
    """Return figures of dreams from real histories, as long as the recording.

    at8, at32: squared error so many frames on. after: velocity error of the real frame that
    follows a dream of DREAMT frames. spread, strange: of the LATE last frames, deviation against
    real ones and how far their looks are from real ones'.
    """
    history = model.cfg.prefix + model.cfg.context
    real = batch.tokens
    dream = play_on(model, real, batch.actions, history, real.shape[1] - history)
    error = (dream - real).square().mean((0, 2, 3))
    spread = dream[:, -LATE:].std() / real[:, -LATE:].std()
    end = history + DREAMT
    index = [0, *range(end - model.cfg.context, end + 1)]
    tokens = torch.cat([dream[:, :end], real[:, end : end + 1]], dim=1)[:, index]
    after = held_out(model, [Window(tokens, batch.actions[:, index])])["score"]
    return {
        "at8": error[history + 7].item(),
        "at32": error[history + 31].item(),
        "after": after,
        "spread": spread.item(),
        "strange": strange(dream[:, -LATE:], real[:, -LATE:]),
    }


def strange(made: Tensor, real: Tensor) -> float:
    """Frechet distance (of independent normals) of what frames (B, T, P, C) look like.

    A look is mean and deviation of every channel; 1 = as far as real looks vary.
    """
    ours, theirs = (
        torch.cat([x.mean(2), x.std(2, correction=0)], dim=-1).flatten(0, 1) for x in (made, real)
    )
    apart = (ours.mean(0) - theirs.mean(0)).square() + (ours.std(0) - theirs.std(0)).square()
    return (apart.sum() / theirs.var(0).sum()).item()


def judge(model: FrameDiT, judged: tuple[list[Window], Window]) -> dict[str, float]:
    """Return the figures of train.video and those of long dreams, which make the score."""
    windows, long = judged
    figures, far = held_out(model, windows), drift(model, long)
    return {**figures, **far, "score": far["after"] + far["strange"]}


def main(
    data: PlayData,
    out: Out = STUDENT,
    teacher: Annotated[Path, typer.Option(help="Its features judge.")] = TEACHER,
    run: Run = Path("runs/rollout"),
    cache: Tokens = Path("runs/video"),
    steps: int = 4000,
    minutes: float = math.inf,
    batch: int = 16,
    lr: float = 3e-4,
    precision: str = "auto",
    muon: Muon = True,
) -> None:
    """Make a student bear its own dreams."""
    seed = fresh_seed(run)
    model = trainable(out, FrameDiT)
    device = pick_device()
    guide = checkpoint.load(teacher, FrameDiT, device=device)
    coder = checkpoint.load(out.parent / model.cfg.tokenizer, FrameTokenizer, device=device)
    train, judged = TokenSet.splits(data, coder, cache)
    history = model.cfg.prefix + model.cfg.context
    fixed = [next(judged.windows(16, model.cfg.max_frames, seed=1))]
    longest = max(episode.frames for episode in judged.frames.episodes)
    long = next(judged.windows(32, min(history + FAR, longest), seed=2))
    settings = LoopSettings(
        run, steps, minutes, precision, lr=lr, warmup=50, ema=0.998, eval_every=100, muon=muon
    )
    batches = passages(train.windows(batch, history + LONGEST, seed=seed), history, steps)
    trainer = Trainer(model, settings, out, train.frames.about())
    trainer.run(batches, RolloutLoss(guide), judge, (fixed, long))


if __name__ == "__main__":
    typer.run(main)
