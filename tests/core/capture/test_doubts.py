"""What no body does for a whole clip is told; what bodies do is not."""

from __future__ import annotations

import numpy as np
import pytest

from core.body.features import mirror
from core.body.skeleton import MIRROR
from core.capture.doubts import doubts
from tests.support.synthetic import walk


def test_a_walk_leaves_no_doubt():
    joints = walk(40)[2].astype(float)
    assert not [*doubts(joints), *doubts(mirror(joints).astype(float))]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda j: j * [1, -1, -1] + [0, 1.8, 0], "upside down"),
        (lambda j: j + np.array([0, 1, 0]), "high above the floor"),
        (lambda j: j * [1, 1, -1], "knees bent backwards"),
        (lambda j: swapped(j, (4, 5, 7, 8, 10, 11)), "legs crossed"),
    ],
)
def test_what_no_body_does_is_told(change, told):
    joints = walk(40)[2]
    (note,) = doubts(change(joints.astype(float)))
    assert told in note


def swapped(joints: np.ndarray, some: tuple[int, ...]) -> np.ndarray:
    """Exchange left and right of some joints."""
    out = joints.copy()
    out[:, some] = joints[:, [MIRROR[i] for i in some]]
    return out
