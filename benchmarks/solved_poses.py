"""How true solved poses are: no joint turns further than its bone does, soles stand on the floor.

Measured on the page's example prompts, as bodies are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from benchmarks.metrics import rotation_steps
from benchmarks.quality_rows import Sampler
from benchmarks.reporting import Row
from core.body.mesh import Body
from core.body.skeleton import FEET, FPS
from core.body.take import Take
from core.motion.decode import perform

PROMPTS = (
    "a person walks forward",
    "a person runs forward",
    "a person jumps up and down",
    "a person kicks with the right leg",
    "a person waves with the right hand",
    "a person sits down",
    "a person dances",
    "a person turns left",
    "a person walks backwards",
    "a person punches with both fists",
    "a person balances on one leg",
)
"""Of the page."""
SECONDS = 6
MOST = 60.0
"""Degrees that a joint may turn from pose to pose beyond its bone."""
STANDS = 0.2
"""A foot slower than this (m/s) stands."""


def solved_row(engine: Sampler, checkpoint: str, seeds: int) -> Row:
    """Figures over all prompts, each with so many seeds."""
    takes = performed(engine, PROMPTS, checkpoint, seeds)
    steps = np.concatenate([rotation_steps(take.rotations) for take in takes])
    low, still = (np.concatenate(parts) for parts in zip(*map(soles, takes), strict=True))
    return {
        "rotation_steps": {"over_60": int((steps > MOST).sum()), "largest": float(steps.max())},
        "soles_mm": {
            "deepest": -1000 * float(low.min()),
            "deep_99": -1000 * float(np.percentile(low, 1)),
            "standing_off_95": 1000 * float(np.percentile(np.abs(low[still]), 95)),
        },
        "solved_poses": len(low),
    }


def performed(
    engine: Sampler, prompts: Sequence[str], checkpoint: str | None, seeds: int
) -> list[Take]:
    """Takes of SECONDS of every prompt, with so many seeds each."""
    return [
        perform(features, (), {})
        for seed in tqdm(range(seeds), desc="takes", unit="seed", leave=False)
        for features in engine.sample(prompts, SECONDS * FPS, checkpoint=checkpoint, seed=seed)
    ]


def soles(take: Take) -> tuple[np.ndarray, np.ndarray]:
    """Heights (T,) of the lower sole of the shown body (m), and where its foot stands."""
    body = Body.load()
    placed = body.fit(take.root, take.rotations)
    feet = []
    for side in (FEET[:2], FEET[2:]):
        kept = np.isin(body.skin_joints[np.arange(len(body.vertices)), 0], side)
        foot = replace(
            body,
            vertices=body.vertices[kept],
            skin_joints=body.skin_joints[kept],
            skin_weights=body.skin_weights[kept],
        )
        feet.append(foot.skin(*placed)[..., 1].min(axis=1))
    heights = np.stack(feet, axis=1)  # (T, 2)
    ankles = take.joints[:, [FEET[0], FEET[2]]]
    speeds = np.linalg.norm(np.diff(ankles, axis=0, append=ankles[-1:]), axis=-1) * FPS
    lower = heights.argmin(axis=1)[:, None]
    still = np.take_along_axis(speeds, lower, axis=1)[:, 0] < STANDS
    return np.take_along_axis(heights, lower, axis=1)[:, 0], still
