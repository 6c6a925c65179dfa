"""Every training script run for a step or two on made-up data: checkpoints small enough to keep.

`tests/fixtures/checkpoints` came about by `write` once and must stay as it is: later code has to
load what earlier code wrote.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from unittest.mock import patch

from core.motion.align import AlignerConfig
from core.motion.model import MotionConfig
from core.motion.vae import VAEConfig
from core.video.tokenizer import TokenizerConfig
from tests.support.tiny_index import motions
from tests.support.toy_world import write_set
from train import (
    aligner,
    distill,
    evaluator,
    index,
    motion,
    rollout,
    seeds,
    shrink,
    tokenizer,
    video,
)
from train import data as train_data
from train import vae as train_vae
from train.evaluator import EvaluatorConfig
from train.sources import Clip, Text

STEPS = {"steps": 2, "batch": 4, "precision": "no"}
SIZES = {
    (aligner, "AlignerConfig"): partial(AlignerConfig, width=8, depth=1, heads=2, embed_dim=8),
    (evaluator, "EvaluatorConfig"): partial(EvaluatorConfig, width=8, hidden=8, embed_dim=8),
    (train_vae, "PRESETS"): {
        "default": VAEConfig(width=8, latent_dim=4, dilations=(1,), align_dim=8)
    },
    (motion, "PRESETS"): {
        "default": MotionConfig(
            latent_dim=4, width=16, depth=1, heads=2, hidden=24, context=6, max_blocks=34, steps=4
        )
    },
    (tokenizer, "TokenizerConfig"): partial(
        TokenizerConfig, encoder=(8, 8), decoder=(8, 8), blocks=(1, 1), channels=4
    ),
}


def clips():
    """Yield the made-up motions as a source of training data."""
    for number, (name, (caption, joints)) in enumerate(sorted(motions().items())):
        text = Text(start=0.0, end=len(joints) / 20, captions=(caption,))
        yield Clip(
            id=name,
            label=name,
            pack="made-up",
            licence="CC0 1.0",
            quality="A",
            split="val" if number % 2 else "train",
            joints=joints,
            texts=(text,),
        )


def write(root: Path) -> Path:
    """Train everything; return the folder of checkpoints."""
    out, runs, bodies, squares = (root / n for n in ("checkpoints", "runs", "bodies", "squares"))
    train_data.build(clips(), bodies)
    write_set(squares, (50, 50, 50), cell=8)
    with ExitStack() as patches:
        for (module, name), value in SIZES.items():
            patches.enter_context(patch.object(module, name, value))
        aligner.main(bodies, out / "motion-aligner", runs / "aligner", **STEPS)
        evaluator.main(bodies, out / "motion-evaluator", runs / "evaluator", **STEPS)
        train_vae.main(bodies, out / "motion-vae", out / "motion-aligner", runs / "vae", **STEPS)
        train_vae.main(
            bodies,
            out / "motion-vae",
            out / "motion-aligner",
            runs / "decoder",
            decoder_only=True,
            **STEPS,
        )
        motion.main(bodies, out / "motion", out / "motion-vae", runs / "motion", **STEPS)
        motion.main(
            bodies,
            out / "motion-styles",
            out / "motion-vae",
            runs / "styles",
            out / "motion",
            lr=0.05,
            **STEPS,
        )
        tokenizer.main(squares, out / "video-tokenizer", runs / "tokenizer", **STEPS)
        index.main(bodies, out / "motion-index", split="all")
    shrink.main(out / "motion-styles", out / "motion", rank=2)
    coder, teacher, student = (out / f"video{end}" for end in ("-tokenizer", "-teacher", ""))
    seeds.main(squares, coder, count=2)
    video.main(
        squares, teacher, coder, runs / "video", width=8, depth=6, heads=1, compile=False, **STEPS
    )
    distill.main(squares, student, teacher, runs / "distill", runs / "video", **STEPS)
    rollout.main(squares, student, teacher, runs / "rollout", runs / "video", **STEPS)
    return out
