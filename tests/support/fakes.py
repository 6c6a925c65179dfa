"""A stand-in for the engine: a body that walks on sine waves. No weights, no torch."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice, repeat
from typing import Any

import numpy as np

from core.body.rotations import quat_from_axis_angle, quat_multiply
from core.body.skeleton import FPS, INDEX, JOINTS, forward
from core.body.take import PoseChunk, Take
from core.settings import MotionSettings
from core.steering.wishes import Steer, Wishes
from tests.support.fake_capture import FakeCaptures
from tests.support.fake_dream import FakeWorlds

CHUNK = 4
BLOCK = 8

HEIGHT = 0.96


def about(axis: str, angle: np.ndarray) -> np.ndarray:
    """Quaternions (T, 4) that turn by angles (T,) about an axis."""
    return quat_from_axis_angle(np.outer(angle, np.eye(3)["xyz".index(axis)]))


class FakeEngine(FakeWorlds, FakeCaptures):
    """As `core.engine.Engine`, with motion that is cheap and easy to recognize."""

    names = ("motion", "motion-styles")
    lanes = 1

    def __init__(self, *, milliseconds_per_pose: float = 1.0, milliseconds_per_frame: float = 2.0):
        super().__init__(milliseconds_per_frame=milliseconds_per_frame)
        FakeCaptures.__init__(self)
        self.cost = milliseconds_per_pose / 1000
        self.opened: list[dict[str, Any]] = []

    def card(self, name: str) -> dict[str, Any]:
        styles = name == "motion-styles"
        return {
            "licence": "CC BY-NC 4.0" if styles else "Apache-2.0",
            "non_commercial": styles,
            "data": "CMU and Bandai-Namco" if styles else "CMU, CC0 packs, DeepMimic",
            "steps": 10,
            "stagger": 5,
            "guidance": 2.5,
        }

    def check(self, name: str, settings: MotionSettings) -> None:
        if not 1 <= (settings.stagger or 5) <= 10:
            raise ValueError(f"stagger must be in 1..10, got {settings.stagger}")

    def motion(self, prompts: Iterable[str], **options: Any) -> Iterator[PoseChunk]:
        self.opened.append(options)
        return self._motion(iter(prompts), options.get("after"), options.get("steer"))

    def _motion(
        self, prompts: Iterator[str], after: Take | None, steer: Steer | None
    ) -> Iterator[PoseChunk]:
        first, place, prompt = 0, np.zeros(3), ""
        if after is not None:
            first, place = len(after), after.root[-1] * [1, 0, 1]
        begin = first
        while True:
            if (first - begin) % BLOCK == 0:
                prompt = next(prompts)
            if self.fail_at is not None and first >= self.fail_at:
                raise RuntimeError("the fake engine was told to fail")
            self.begin_computing()
            time.sleep(self.cost * CHUNK)
            chunk, place = walk(prompt, first, place, steer and steer.read())
            self.end_computing()
            yield chunk
            first += CHUNK

    def walked(self, prompt: str, poses: int) -> Take:
        stream = FakeEngine(milliseconds_per_pose=0).motion(repeat(prompt))
        return Take.from_chunks(list(islice(stream, -(-poses // CHUNK)))).slice(0, poses)


def wanted_way(wishes: Wishes, now: float, place: np.ndarray) -> np.ndarray | None:
    """The velocity that leads to the next way-point in time, or that is driven."""
    coming = [point for point in wishes.waypoints if point.at > now + CHUNK / FPS / 2]
    if coming:
        x, z = coming[0].place
        return (np.array([x, 0, z]) - place * [1, 0, 1]) / (coming[0].at - now)
    return np.insert(wishes.drive.velocity, 1, 0) if wishes.drive else None


def walk(
    prompt: str, first: int, place: np.ndarray, wishes: Wishes | None = None
) -> tuple[PoseChunk, np.ndarray]:
    """Poses first..first + CHUNK - 1 from `place` on; return them and the next place."""
    t = np.arange(first, first + CHUNK) / FPS
    swing = 0.25 + (zlib.crc32(prompt.encode()) % 100) / 200
    phase = 2 * np.pi * t
    speed = -0.6 if "back" in prompt else 1.2 * ("walk" in prompt) + 3.0 * ("run" in prompt)
    way = wanted_way(wishes or Wishes(), first / FPS, place)
    way = np.array([0, 0, speed]) if way is None else way
    root = place + np.outer(np.arange(CHUNK) / FPS, way)
    following = place + way * CHUNK / FPS
    root[:, 1] = HEIGHT - 0.05 * swing * (1 - np.cos(2 * phase))
    if "jump" in prompt:
        root[:, 1] += 0.4 * np.maximum(np.sin(phase), 0)
    rotations = np.zeros((CHUNK, len(JOINTS), 4), np.float32)
    rotations[..., 0] = 1
    for side, sign in (("left", 1), ("right", -1)):
        wave = sign * np.sin(phase)
        rotations[:, INDEX[f"{side}_hip"]] = about("x", -swing * wave)
        rotations[:, INDEX[f"{side}_knee"]] = about("x", swing * (1 - wave))
        rotations[:, INDEX[f"{side}_shoulder"]] = quat_multiply(
            about("x", swing * wave), about("z", np.full(CHUNK, -sign * 1.2))
        )
        if "wave" in prompt and side == "right":
            rotations[:, INDEX["right_shoulder"]] = about("z", -1.0 + 0.5 * np.sin(2 * phase))
    joints, _ = forward(root, rotations)
    return PoseChunk(
        first=first,
        root=root.astype(np.float32),
        rotations=rotations,
        joints=joints,
        features=np.zeros((CHUNK, 263), np.float32),
        prompt=prompt,
    ), following
