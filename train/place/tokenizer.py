"""The frame tokenizer of a world that is a place: train.tokenizer's, for four times the pixels."""

from __future__ import annotations

from core.video.tokenizer import FrameTokenizer, TokenizerConfig
from train.frames import FrameSet
from train.loop import LoopSettings, Trainer
from train.place.stage import Stage, judge, resume_from
from train.tokenizer import held_out, keep_tokens, loss_fn

JUDGED = 128
POOR = 24.0
"""Decibels at least, or a transformer would learn to draw blur."""


def config(height: int, width: int) -> TokenizerConfig:
    """Return the config of a new tokenizer of pictures."""
    return TokenizerConfig(
        height=height,
        width=width,
        encoder=(48, 64, 96, 128),
        decoder=(192, 128, 64, 32),
        blocks=(1, 2, 2, 1),
        channels=96,
    )


def train(
    frames: FrameSet, validation: FrameSet, stage: Stage, *, decoder_only: bool
) -> dict[str, float]:
    """Train a tokenizer; return its held-out figures. `decoder_only` leaves its tokens as they are.

    Raises ValueError for a poor one.
    """
    model = FrameTokenizer(config(*frames.frames.shape[1:3]))
    known = resume_from(model, stage.out)
    if decoder_only:
        keep_tokens(model)
    fixed = next(validation.pictures(JUDGED, seed=1)).to(stage.device)
    settings = LoopSettings(*stage.loop, lr=2e-3, warmup=100, ema=0.998, eval_every=500)
    trainer = Trainer(model, settings, stage.out, frames.about())
    if known:
        trainer.beat(held_out, fixed)
    trainer.run(frames.pictures(stage.batch, device=stage.device), loss_fn, held_out, fixed)
    figures = judge(stage.out, FrameTokenizer, held_out, fixed, stage.device)
    if figures["psnr"] < POOR:
        raise ValueError(
            f"the tokenizer is poor: {figures['psnr']:.1f} dB on held-out frames, and {POOR:.0f} is"
            " the least; give it more minutes or frames"
        )
    return figures
