"""Train the frame transformer of a place, which lies in it as a map.

It says what a frame is, not where to go from here (`predicts="data"`): where the place is known, a
frame is nearly settled, and one step draws it. Late in the run it is given frames that it drew
itself (self-forcing's idea, arXiv 2506.08009, in its cheapest form): dreams stay sharp by it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from core import checkpoint
from core.diffusion import flow
from core.diffusion.attention import block_causal_mask
from core.video.model import FrameConfig, FrameDiT
from train.loop import LoopSettings, Losses, Trainer, hidden_matrices
from train.place.lesson import Lesson, lessons
from train.place.stage import Stage, begin_with, judge, place_of, resume_from, store_difference
from train.place.walks import Walk, Walks

OWN_FROM, OWN_SHARE = 0.55, 0.5
"""From this part of the run on, every other step gives this share of rows frames of their own."""
MAP_FACTOR = 5.0
"""The map learns so many times as fast as the rest: of its cells few are seen in a step."""
JUDGED = 64
POOR = 0.2
"""Token error of frames that are drawn from their place alone; drawn from nothing, it is .24."""


def fresh(walks: Walks, tokenizer: str, grid: tuple[int, int]) -> FrameConfig:
    """Return the config of a new world."""
    return FrameConfig(
        tokenizer=tokenizer,
        keys=walks.frames.keys,
        grid=grid,
        channels=walks.tokens.shape[2],
        width=320,
        heads=5,
        hidden=1280,
        prefix=0,
        context=6,
        max_frames=8,
        shift=4.0,
        fps=walks.frames.meta["fps"],
        place=place_of(walks.frames),
        predicts="data",
    )


def like(walks: Walks, base: Path) -> FrameConfig:
    """Return the config of a world that shares its base's tokenizer and transformer."""
    cfg = FrameConfig(**checkpoint.describe(base)["config"])
    if len(cfg.keys) != len(walks.frames.keys) or cfg.place is None:
        raise ValueError(f"{base} can be no base: it has other keys, or knows no place")
    place = place_of(walks.frames, cfg.place)
    return cfg.model_copy(
        update={"keys": walks.frames.keys, "fps": walks.frames.meta["fps"], "place": place}
    )


class PlaceLoss:
    """Squared error of what is drawn."""

    def __init__(self, progress: Callable[[], float]) -> None:
        self.progress = progress

    def __call__(self, model: FrameDiT, batch: Lesson, step: int) -> Losses:
        return self.error(model, batch, own=self.progress() > OWN_FROM and step % 2 == 0)

    def error(self, model: FrameDiT, batch: Lesson, *, own: bool) -> Losses:
        """Return the error of frames after a beginning that is real, or in part its own."""
        rows, frames, tokens = batch.data.shape[:3]
        mask = block_causal_mask(frames, tokens, 0, batch.data.device)
        assert mask is not None  # there are several frames
        mask = torch.where(batch.alone[..., None], mask & mask.T, mask)[:, None]

        def draw(x: Tensor, t: Tensor) -> Tensor:
            v = model.denoise(x, t, batch.actions, where=batch.where, mask=mask).float()
            return flow.predict_data(x, v, t)

        seen = batch.seen
        if own:
            with torch.no_grad():
                guess = draw(torch.randn_like(seen), torch.full_like(batch.t, flow.NOISE))
            swapped = batch.clean & (torch.rand(rows, 1, device=seen.device) < OWN_SHARE)
            seen = torch.where(swapped[..., None, None], guess, seen)
        x = flow.add_noise(seen, torch.randn_like(seen), batch.t)
        error = (draw(x, batch.t) - batch.data).square().mean((2, 3))
        drawn = ~batch.clean
        return Losses((error * drawn).sum() / drawn.sum().clamp(min=1))


@torch.no_grad()
def held_out(model: FrameDiT, walk: Walk) -> dict[str, float]:
    """Return the token error of last frames drawn in one step.

    From their place `alone`, with the `context` of clean frames, and with context from `nowhere`.
    """
    x, actions, where = walk
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).to(x.device)
    t = torch.full(x.shape[:2], 1 - model.cfg.context_noise, device=x.device)
    t[:, -1] = flow.NOISE
    seen = flow.add_noise(x, noise, t)
    figures = {}
    for name, first, told in (("alone", -1, where), ("context", 0, where), ("nowhere", 0, None)):
        place = None if told is None else told[:, first:]
        v = model.denoise(seen[:, first:], t[:, first:], actions[:, first:], where=place)
        drawn = noise[:, -1] + v[:, -1]
        figures[name] = (drawn - x[:, -1]).square().mean().item()
    return {"score": figures["alone"] + figures["context"], **figures}


def rehearse(trainer: Trainer, loss: PlaceLoss, batch: Lesson) -> None:
    """Let everything be compiled before the clock starts."""
    for own in (False, True):
        with trainer.accelerator.autocast():
            loss.error(trainer.model, batch, own=own).total.backward()
    trainer.model.zero_grad(set_to_none=True)


def train(
    walks: Walks,
    judged: Walks,
    cfg: FrameConfig,
    stage: Stage,
    *,
    base: Path | None = None,
    lr: float = 2e-3,
    compile: bool = False,
) -> dict[str, float]:
    """Train a transformer; return its held-out figures. Raises ValueError for a poor one.

    With a base, the matrices of its blocks stay, and what differs from it is stored.
    """
    model, length = FrameDiT(cfg), cfg.max_frames
    known = resume_from(model, stage.out)
    if base is not None:
        if not known:
            begin_with(model, base)
        for weight in hidden_matrices(model):
            weight.requires_grad_(False)
    if compile:
        model.transformer.compile()
    settings = LoopSettings(
        *stage.loop,
        lr=lr,
        lr_factors={"place_map.map": MAP_FACTOR},
        weight_decay=0.01,
        muon=True,
        eval_every=250 if stage.device == "cuda" else 100,
    )
    kept = stage.out if base is None else stage.run / "kept"
    fixed, walked = judged.fixed(JUDGED, length), lessons(walks.random(stage.batch, length))
    trainer = Trainer(model, settings, kept, walks.frames.about())
    loss = PlaceLoss(trainer.progress)
    if known:
        trainer.beat(held_out, fixed)
    if compile:
        rehearse(trainer, loss, next(walked))
    trainer.run(walked, loss, held_out, fixed)
    if base is not None and (kept / "config.json").is_file():
        store_difference(kept, base, stage.out)
    figures = judge(stage.out, FrameDiT, held_out, fixed, stage.device)
    if figures["alone"] > POOR:
        raise ValueError(
            f"the transformer is poor: frames that it draws from their place alone have a token"
            f" error of {figures['alone']:.2f}, and {POOR} is the most; give it more minutes"
        )
    return figures
