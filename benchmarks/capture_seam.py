"""Does a take go on without a jump, and how near does a manner come? Rows of capture_motion.

`seam`: held-out real motion is cut somewhere and gone on with under other prompts; jerk over the
cut is held against jerk inside real motion (FlowMDM's area under jerk, see benchmarks.metrics).
`videos`: the same behind motions lifted from real videos. `manner`: how far the motion generated
for plain prompts is from that of the manner's motion, by weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import metrics
from benchmarks.motion_items import MotionItems
from benchmarks.reporting import Row
from core.body.features import LAYOUT
from core.body.skeleton import FPS

if TYPE_CHECKING:
    from core.body.take import Take
    from core.engine import Engine

WINDOW = 60
"""Poses of jerk around the cut, as for prompt switches in benchmarks.quality_rows."""
CUTS, QUICK_CUTS = 64, 16
BEFORE = 170
"""Poses before the cut at most: what a stream looks back on, and a little more."""
DRAWS = 20
"""So often as many windows of real motion are drawn."""
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
PROMPTS = (
    "a person walks forward",
    "a person jumps",
    "a person waves",
    "a person turns left",
    "a person dances",
    "a person stands still",
    "a person sits down",
    "a person runs",
)
MANNERS = (
    "a person walks like a zombie",
    "a person dances salsa",
    "a person runs forward",
    "a person sneaks forward",
    "a person does a ballet dance",
    "a person swings a sword",
)
_JOINTS = slice(LAYOUT.height.start, LAYOUT.joints.stop)


def go_on(engine: Engine, take: Take, poses: int, prompt: str, seed: int) -> np.ndarray:
    """Return joints (len(take) + poses, 22, 3) of a take and what comes after it."""
    made = [take.joints]
    for chunk in engine.motion(repeat(prompt), seed=seed, after=take):
        made.append(chunk.joints)
        if sum(map(len, made[1:])) >= poses:
            break
    return np.concatenate(made)[: len(take) + poses]


def cut_takes(clips: list[np.ndarray], count: int, seed: int) -> Iterator[Take]:
    """Yield real motion up to a random pose of each clip in turn."""
    from benchmarks.capture_films import make_take

    rng = np.random.default_rng(seed)
    for i in range(count):
        joints = clips[i % len(clips)]
        end = int(rng.integers(WINDOW, len(joints) - WINDOW // 2 - 4))
        start = max(end - BEFORE, 0)
        yield make_take(joints, start, end - start)


def real_curves(clips: list[np.ndarray], count: int, seed: int) -> np.ndarray:
    """Return jerk (count, WINDOW) at random places of real motion."""
    rng, found = np.random.default_rng(seed), []
    for i in rng.choice(len(clips), count):
        start = int(rng.integers(len(clips[i]) - WINDOW - 2))
        found.append(metrics.jerk(clips[i][start : start + WINDOW + 3]))
    return np.stack(found)


def around(joints: np.ndarray, cut: int) -> np.ndarray:
    """Return jerk (WINDOW,) with a cut before pose `cut` in its middle."""
    first = cut - 2 - WINDOW // 2  # jerk t spans poses t..t + 3
    return metrics.jerk(joints[first : first + WINDOW + 3])


def each(curves: np.ndarray, level: float) -> float:
    """Area under jerk of every window (N, WINDOW) by itself, mean: few windows bear it, too."""
    return float(np.abs(curves - level).sum(1).mean())


def at_cut(curves: np.ndarray) -> float:
    """Largest mean jerk of those that span the cut, or lie next to it."""
    return float(curves.mean(0)[WINDOW // 2 - 3 : WINDOW // 2 + 4].max())


def seam(engine: Engine, clips: list[np.ndarray], cuts: int, seed: int) -> Row:
    """Area under jerk over cuts, and as much of it inside real motion."""
    from tqdm import tqdm

    level = float(real_curves(clips, 1000, 99).mean())
    draws = [real_curves(clips, cuts, DRAWS * seed + n) for n in range(DRAWS)]
    inside = float(np.mean([metrics.area_under_jerk(c, level) for c in draws]))
    cut = cut_takes(clips, cuts, seed)
    takes = tqdm(cut, total=cuts, desc="seams", unit="cut", leave=False)
    curves = np.stack(
        [
            around(go_on(engine, t, WINDOW // 2 + 4, PROMPTS[i % len(PROMPTS)], i), len(t))
            for i, t in enumerate(takes, cuts * seed)
        ]
    )
    over = metrics.area_under_jerk(curves, level)
    return {
        "cuts": cuts,
        "auj_seam": over,
        "auj_inside": inside,
        "ratio": over / inside,
        "peak_jerk_seam": metrics.peak_jerk(curves),
        "jerk_at_cut": at_cut(curves),
        "peak_jerk_inside": float(np.mean([metrics.peak_jerk(c) for c in draws])),
        "each_ratio": each(curves, level) / each(np.concatenate(draws), level),
        "mean_jerk_real": level,
    }


def video_seams(
    engine: Engine, takes: dict[str, Take], level: float, repeats: int, seed: int
) -> Row:
    """The same behind motions out of videos, held against other windows of the same video."""
    found: Row = {}
    for name, take in takes.items():
        curves = np.stack(
            [
                around(go_on(engine, take, WINDOW // 2 + 4, prompt, number), len(take))
                for number, prompt in enumerate(PROMPTS[:repeats], repeats * seed)
            ]
        )
        own = metrics.jerk(take.joints)
        starts = range(0, max(len(own) - WINDOW, 0) + 1, 5)
        inside = np.stack([own[s : s + WINDOW] for s in starts])
        found[name] = {
            "each_ratio": each(curves, level) / each(inside, level),
            "jerk_at_cut": at_cut(curves),
            "peak_jerk_inside": metrics.peak_jerk(inside),
            "mean_jerk_inside": float(own.mean()),
        }
    return found


def manner_gap(made: np.ndarray, manner: np.ndarray) -> Row:
    """How far two motions' features (T, 263) are apart in mean pose, its spread, and pace."""
    poses = [x[:, _JOINTS] for x in (made, manner)]
    mean, spread = (
        float(np.abs(f(poses[0], axis=0) - f(poses[1], axis=0)).mean()) for f in (np.mean, np.std)
    )
    pace = [
        np.linalg.norm(x[:, LAYOUT.velocities][:, :3], axis=-1).mean() * FPS for x in (made, manner)
    ]
    return {"pose_cm": 100 * mean, "spread_cm": 100 * spread, "speed_m_s": abs(pace[0] - pace[1])}


def manners(engine: Engine, prompts: tuple[str, ...], seed: int, poses: int = 80) -> Row:
    """Distance from each manner's motion, and jerk, by weight; weight 0 is the plain stream."""
    from tqdm import tqdm

    rows: dict[float, list[Row]] = {weight: [] for weight in WEIGHTS}
    for name in tqdm(MANNERS, desc="manners", unit="manner", leave=False):
        match = engine.similar(name, 1)[0]
        for weight in WEIGHTS:
            manner = engine.manner(match.take(), count=0, weight=weight)
            for number, prompt in enumerate(prompts, len(prompts) * seed):
                made = []
                for chunk in engine.motion(repeat(prompt), seed=number, manner=manner):
                    made.append(chunk)
                    if sum(map(len, made)) >= poses:
                        break
                x = np.concatenate([c.features for c in made])
                jerk = metrics.jerk(np.concatenate([c.joints for c in made])).mean()
                rows[weight].append(manner_gap(x, match.features) | {"mean_jerk": float(jerk)})
    return {
        f"{weight:g}": {key: float(np.mean([row[key] for row in of])) for key in of[0]}
        for weight, of in rows.items()
    }


def continuation(
    engine: Engine,
    data: Path,
    packs: tuple[str, ...],
    videos: dict[str, Take],
    *,
    seed: int,
    quick: bool,
) -> Row:
    """Return all rows."""
    clips = [j for _, j in MotionItems(data, only=packs).clips if len(j) >= 100]
    if not clips:
        raise ValueError(f"{data} has no held-out clip of 5 seconds to go on after")
    found: Row = {"seam": seam(engine, clips, QUICK_CUTS if quick else CUTS, seed)}
    if videos:
        level = found["seam"]["mean_jerk_real"]
        found["videos"] = video_seams(engine, videos, level, 4 if quick else 8, seed)
    found["manner"] = manners(engine, PROMPTS[:1] if quick else PROMPTS[:3], seed)
    return found
