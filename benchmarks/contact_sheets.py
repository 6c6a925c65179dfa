"""Twenty-four sheets to be judged by eye: `python -m benchmarks.contact_sheets --out DIR`.

Eleven prompts, three switches from one prompt to another, and what steering makes of four paths,
three drives and three rows of key poses. Steered bodies are shown beside the floor seen from above;
keys are shown as they were wanted (first row), as the body then was, and what came in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from benchmarks.directions import heading
from benchmarks.floor_plan import floor_plan
from benchmarks.reporting import Checkpoints, WhichMotion
from benchmarks.solved_poses import PROMPTS
from benchmarks.steering_figures import key_misses
from benchmarks.steering_runs import GAITS, HANDS, WALK, Run, Script, drawn_path, key_pose, told
from core.body.rotations import quat_from_axis_angle, quat_multiply, quat_rotate
from core.body.skeleton import FPS
from core.body.take import Poses, Take
from core.export.render.media import glances, png, times_and_prompts
from core.settings import CHECKPOINTS
from core.steering.wishes import Drive, KeyPose, Waypoint, Wishes

SIZE = 256
"""Pixels of a body's picture; a sheet is six of them wide and three high."""
BLOCK = 8
"""Poses for which a prompt is asked."""
SWITCHES = (
    ("a person walks forward", "a person sits down"),
    ("a person runs forward", "a person waves with the right hand"),
    ("a person jumps up and down", "a person walks backwards"),
)
WALKS, RUNS = GAITS
DRIVES = {
    "square": ((0, 1), (1, 0), (0, -1), (-1, 0)),
    "there-and-back": ((0, 1), (0, -1), (0, 1), (0, -1)),
    "start-and-stop": ((0, 0), (0, 1), (0, 0), (0, 2)),
}
"""Velocities (x, z), in walks, that are wanted for two seconds each."""
KEYS = {
    "whole-bodies": ("a person walks forward", ("body",), 1.0),
    "hands": ("a person walks forward", HANDS, 1.0),
    "in-place": ("a person stands still", ("body",), 0.0),
}
"""Prompts, what keys hold, and how fast (m/s) they lead ahead."""
POSES = ("a person raises both arms", "a person kicks with the right leg", "a person sits down")
"""Whose pose after two seconds is a key."""


@dataclass(frozen=True, kw_only=True)
class Sheets:
    """Draws what one checkpoint makes."""

    engine: Any
    """A core.engine.Engine."""
    checkpoint: str
    seconds: float
    seed: int
    options: dict[str, Any]
    """More for the engine, such as guidance."""

    def all(self) -> dict[str, Callable[[], np.ndarray]]:
        """Return what draws each sheet, by the name of its file."""
        half = round(self.seconds * FPS / 2 / BLOCK)
        words = {f"prompt-{p.removeprefix('a person ')}": repeat(p) for p in PROMPTS} | {
            f"switch-{i}": chain(repeat(first, half), repeat(then))
            for i, (first, then) in enumerate(SWITCHES, start=1)
        }
        runs = {f"path-{i}": run for i, run in enumerate(paths(), start=1)} | {
            f"drive-{name}": drive(name) for name in DRIVES
        }
        return {
            **{name.replace(" ", "-"): partial(self.words, said) for name, said in words.items()},
            **{name: partial(self.steered, run) for name, run in runs.items()},
            **{f"keys-{name}": partial(self.keys, name) for name in KEYS},
        }

    def words(self, prompts: Iterable[str]) -> np.ndarray:
        """Draw what prompts alone make."""
        take = self._take(prompts, round(self.seconds * FPS))
        picks = spread(len(take), 18)
        return glances(take, picks, times_and_prompts(take, picks), 6, size=SIZE)

    def steered(self, run: Run) -> np.ndarray:
        """Draw the floor seen from above and the body beside it."""
        take, script = self._told(run)
        picks = spread(len(take), 9)
        body = glances(take, picks, times_and_prompts(take, picks), 3, size=SIZE)
        return np.hstack([floor_plan(take.joints, script, size=3 * SIZE), body])

    def keys(self, name: str) -> np.ndarray:
        """Draw key poses as they were wanted and as they were made."""
        prompt, parts, speed = KEYS[name]
        given = [self._take(repeat(pose), 2 * FPS + 1)[-1:] for pose in POSES]
        at = 2.0 * np.arange(1, len(given) + 1)
        wanted = [
            placed(pose, (0.0, speed * t)) for pose, t in zip(given, at.tolist(), strict=True)
        ]
        wishes = tuple(
            key_pose(pose.joints[0], round(t * FPS), parts)
            for pose, t in zip(wanted, at.tolist(), strict=True)
        )
        run = Run(
            prompt=prompt,
            script=((0, Wishes(keys=wishes)),),
            poses=round(at[-1] * FPS) + FPS,
            seed=self.seed,
        )
        take, script = self._told(run)
        times = (at * FPS).round().astype(int)
        # one by one: a camera that follows would look between poses of different places
        shown = [
            glances(Take(**vars(pose)), np.zeros(1, int), [words], 1, size=SIZE)
            for pose, words in zip(wanted, wished(wishes), strict=True)
        ]
        then = glances(take, times, missed(take, wishes), 3, size=SIZE)
        ahead = glances(take, times - FPS, times_and_prompts(take, times - FPS), 3, size=SIZE)
        pictures = np.vstack([np.hstack(shown), then, ahead])
        return np.hstack([floor_plan(take.joints, script, size=3 * SIZE), pictures])

    def _take(self, prompts: Iterable[str], poses: int) -> Take:
        chunks, made = [], 0
        for chunk in self.engine.motion(
            prompts, checkpoint=self.checkpoint, seed=self.seed, **self.options
        ):
            chunks.append(chunk)
            made += len(chunk)
            if made >= poses:
                break
        return Take.from_chunks(chunks).slice(0, poses)

    def _told(self, run: Run) -> tuple[Take, Script]:
        """A run's take, and its script with the poses at which it really was told."""
        run = replace(run, seed=self.seed)
        chunks, events, _ = told(self.engine, run, self.checkpoint, run.script, **self.options)
        script = tuple((e, wishes) for e, (_, wishes) in zip(events, run.script, strict=False))
        return Take.from_chunks(chunks), script


def spread(poses: int, count: int) -> np.ndarray:
    """Return so many poses, evenly spaced, the last included."""
    return np.linspace(0, poses - 1, count).round().astype(int)


def paths() -> list[Run]:
    """Two walks and a run past drawn way-points, and a walk in a circle."""
    rng = np.random.default_rng(1)
    drawn = [drawn_path(rng, prompt, 4, 0) for prompt in (WALKS, WALKS, RUNS)]
    around = np.radians(np.arange(45, 361, 45))
    circle = tuple(
        Waypoint(place=(1.5 - 1.5 * np.cos(a), 1.5 * np.sin(a)), at=1.2 * (i + 1))
        for i, a in enumerate(around.tolist())
    )
    script = ((0, Wishes(waypoints=circle)),)
    poses = round(circle[-1].at * FPS) + FPS // 2
    return [*drawn, Run(prompt=WALKS, script=script, poses=poses, seed=0)]


def drive(name: str) -> Run:
    """A drive that wants something else every two seconds."""
    script = tuple(
        (2 * FPS * i, Wishes(drive=Drive(velocity=(WALK * x, WALK * z))))
        for i, (x, z) in enumerate(DRIVES[name])
    )
    return Run(prompt="a person walks", script=script, poses=2 * FPS * len(script), seed=0)


def placed(pose: Poses, place: tuple[float, float]) -> Poses:
    """Return one pose moved to a place and turned to face Z."""
    yaw = -heading(pose.joints)[0]
    turn = quat_from_axis_angle(np.array([[0, yaw, 0]]))
    there = np.array([place[0], 0, place[1]])
    foot = pose.root[0] * [1, 0, 1]
    rotations = pose.rotations.copy()
    rotations[:, 0] = quat_multiply(turn, rotations[:, 0])
    return replace(
        pose,
        root=quat_rotate(turn, pose.root - foot) + there,
        rotations=rotations,
        joints=quat_rotate(turn[:, None].repeat(22, 1), pose.joints - foot) + there,
    )


def wished(keys: Iterable[KeyPose]) -> list[str]:
    """Say of each key when it is wanted and of what."""
    return [f"{key.at:.1f} s  wanted: {', '.join(key.parts)}" for key in keys]


def missed(take: Take, keys: Iterable[KeyPose]) -> list[str]:
    """Say of each key by how much it was missed."""
    return [f"{key.at:.1f} s  {100 * key_misses(take.joints, key)[0]:.0f} cm off" for key in keys]


def main(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")],
    checkpoint: WhichMotion = "motion",
    checkpoints: Checkpoints = CHECKPOINTS,
    seconds: Annotated[float, typer.Option(help="Of prompts and switches.")] = 6.0,
    seed: int = 1,
    guidance: Annotated[float | None, typer.Option(help="Default: the checkpoint's.")] = None,
    only: Annotated[str, typer.Option(help="Sheets whose names begin like this.")] = "",
) -> None:
    """Draw what a checkpoint makes of prompts, switches, paths, drives and key poses."""
    from core.engine import Engine

    out.mkdir(parents=True, exist_ok=True)
    sheets = Sheets(
        engine=Engine.load(checkpoints),
        checkpoint=checkpoint,
        seconds=seconds,
        seed=seed,
        options={"guidance": guidance},
    )
    chosen = {name: draw for name, draw in sheets.all().items() if name.startswith(only)}
    for name, draw in tqdm(chosen.items(), unit="sheet", disable=None):
        (out / f"{name}.png").write_bytes(png(draw()))


if __name__ == "__main__":
    typer.run(main)
