"""A tiny index of made-up motions, beside tiny checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from core import checkpoint
from core.body.features import encode
from core.body.ik import solve
from core.body.skeleton import INDEX
from core.body.take import Take
from core.motion.align import Aligner, AlignerConfig
from core.motion.text import load_text_encoder
from core.retrieval.index import IndexConfig
from tests.support.synthetic import walk
from tests.support.tiny import tiny_vae, write_checkpoints
from train.data import Record, Segment
from train.index import Maker

ALIGNER = AlignerConfig(width=16, depth=1, heads=2, embed_dim=8, max_tokens=24)


def tiny_aligner() -> Aligner:
    torch.manual_seed(3)
    return Aligner(ALIGNER).eval().requires_grad_(False)


def turned(joints: np.ndarray, total: float) -> np.ndarray:
    """The same motion on a curve that turns by `total` radians, to the left where positive."""
    out, yaw = joints.astype(np.float64), np.linspace(0, total, len(joints))
    root = out[:, :1] * [1, 0, 1]
    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    local = out - root
    x, z = local[..., 0].copy(), local[..., 2].copy()
    local[..., 0], local[..., 2] = cos * x + sin * z, cos * z - sin * x
    steps = np.diff(root[:, 0], axis=0, prepend=root[:1, 0])
    way = np.stack([steps[:, 2] * sin[:, 0], 0 * steps[:, 2], steps[:, 2] * cos[:, 0]], axis=-1)
    return (local + np.cumsum(way, axis=0)[:, None]).astype(np.float32)


def motions() -> dict[str, tuple[str, np.ndarray]]:
    """Captions and joints of four clips."""
    straight = walk(90)[2]
    fast = walk(60, speed=3.0)[2]
    raised = walk(60, speed=0.0)[2].copy()
    raised[:, INDEX["left_wrist"], 1] += 0.7 + 0.2 * np.sin(np.arange(60) / 2)
    return {
        "straight": ("a person walks", straight),
        "curve": ("a person walks and turns left", turned(straight, 1.5)),
        "fast": ("a person runs", fast),
        "wave": ("a person waves with the left hand", raised),
    }


def record(name: str, caption: str, poses: int) -> Record:
    segment = Segment(start=0, end=poses, captions=(caption,), crop_ok=True)
    return Record(
        id=name,
        label=name,
        pack="made-up",
        licence="CC0 1.0",
        split="train",
        weight=1.0,
        poses=poses,
        segments=(segment,),
    )


def maker(names: tuple[str, ...] = ()) -> Maker:
    made = Maker(IndexConfig(), tiny_aligner(), tiny_vae(), load_text_encoder("minilm"))
    for name, (caption, joints) in motions().items():
        if not names or name in names:
            made.add(record(name, caption, len(joints)), joints)
    return made


def write_library(folder: Path, **licences: str) -> Path:
    """Write motion checkpoints with an aligner and an index beside them."""
    write_checkpoints(folder, **licences)
    checkpoint.save(tiny_aligner(), folder / "motion-aligner", about={})
    maker().index().save(folder / "motion-index")
    return folder


def to_take(joints: np.ndarray, **info: str) -> Take:
    """Joints (T + 1, 22, 3) as a take of T poses."""
    features = encode(joints, "steady")
    root, rotations = solve(joints[:-1])
    return Take(
        root=root,
        rotations=rotations,
        joints=joints[:-1],
        features=features,
        info={"checkpoint": "none", "licence": "CC0", **info},
    )
