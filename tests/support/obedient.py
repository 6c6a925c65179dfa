"""A stand-in for an engine that does what is wished, to the millimeter, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from benchmarks.steering_runs import key_joints
from core.body.features import NUM_FEATURES
from core.body.rotations import quat_rotate
from core.body.skeleton import FPS
from core.body.take import PoseChunk, Take
from core.steering.wishes import Steer, Wishes
from tests.support.moving import standing

BLOCK = 8


class ObedientEngine:
    """Stands where nothing is wanted; else is at way-points and in key poses when it should be."""

    def motion(
        self,
        prompts: Iterable[str],
        *,
        checkpoint: str,
        seed: int,
        steer: Steer | None = None,
        after: Take | None = None,
        **_: Any,
    ) -> Iterator[PoseChunk]:
        first = 0 if after is None else len(after)
        place = np.zeros(2) if after is None else after.joints[-1, 0, [0, 2]].astype(float)
        origin = np.array([0.0, *place])
        for prompt in prompts:
            wishes = Wishes() if steer is None else steer.wishes
            joints = np.empty((BLOCK, 22, 3))
            for k in range(BLOCK):
                place, facing = at_pose(wishes, (first + k) / FPS, place, origin)
                joints[k] = posed(place, facing)
                for key in wishes.keys:
                    if round(key.at * FPS) == first + k:
                        joints[k] = key_joints(key)
            yield PoseChunk(
                first=first,
                root=joints[:, 0].astype(np.float32),
                rotations=np.tile(np.array([1, 0, 0, 0], np.float32), (BLOCK, 22, 1)),
                joints=joints.astype(np.float32),
                features=np.zeros((BLOCK, NUM_FEATURES), np.float32),
                prompt=prompt,
            )
            first += BLOCK


def at_pose(
    wishes: Wishes, now: float, place: np.ndarray, origin: np.ndarray
) -> tuple[np.ndarray, float]:
    """Place (2,) and facing (degrees) at a time; `origin` is when and where all began."""
    if wishes.drive is not None:
        return place + np.array(wishes.drive.velocity) / FPS, wishes.drive.facing or 0.0
    if not wishes.waypoints:
        return place, 0.0
    times = [origin[0], *(p.at for p in wishes.waypoints)]
    places = np.array([origin[1:], *(p.place for p in wishes.waypoints)])
    place = np.array([np.interp(now, times, places[:, axis]) for axis in (0, 1)])
    nearest = min(wishes.waypoints, key=lambda p: abs(p.at - now))
    return place, nearest.facing or 0.0


def posed(place: np.ndarray, facing: float) -> np.ndarray:
    """Joints (22, 3) of somebody who stands somewhere."""
    half = np.radians(facing) / 2
    joints = quat_rotate(np.array([[np.cos(half), 0, np.sin(half), 0]]), standing(0.05)[0])
    return joints + np.array([place[0], 0, place[1]]) - joints[0] * [1, 0, 1]
