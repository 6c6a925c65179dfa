"""What no body does for a whole clip, and joints that are taken for others make it do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.body.rotations import cross
from core.body.skeleton import ANKLES, HIPS, INDEX, KNEES, REST_JOINTS

MOSTLY = 0.7
"""Share of poses from which on something holds for a clip."""
HIGH = 1.3 * float(REST_JOINTS[0, 1])
"""A pelvis this high (m) hangs in the air."""
BACKWARDS = 0.06
"""Knees this far (m) behind the line from hip to ankle are bent the wrong way."""


def doubts(joints: np.ndarray) -> Iterator[str]:
    """Yield a note on joints (T, 22, 3) where they look as if some were mistaken."""
    seen = [what for what, poses in _odd(joints) if poses.mean() > MOSTLY]
    if seen:
        yield (
            f"The body comes out {' and '.join(seen)}, so joints may have been taken for others:"
            " look at its skeleton."
        )


def _odd(joints: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    hips, knees, ankles = joints[:, HIPS], joints[:, KNEES], joints[:, ANKLES]
    yield "upside down", joints[:, INDEX["head"], 1] < joints[:, 0, 1] - 0.2
    yield "high above the floor", joints[:, 0, 1] > HIGH
    left = hips[:, 0] - hips[:, 1]
    apart = ((ankles[:, 0] - ankles[:, 1]) * left).sum(-1) / np.linalg.norm(left, axis=-1)
    yield "with its legs crossed", apart < -0.05
    line = ankles - hips
    off = knees - hips
    off = off - (off * line).sum(-1, keepdims=True) / (line**2).sum(-1, keepdims=True) * line
    ahead = cross(left, joints[:, INDEX["spine1"]] - joints[:, 0])
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
    yield "with its knees bent backwards", ((off * ahead[:, None]).sum(-1) < -BACKWARDS).any(1)
