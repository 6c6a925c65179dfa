"""Soles: the outline is that of the bundled bodies, and none of them sinks into the floor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.body.ik import solve
from core.body.mesh import BODIES, Body
from core.body.rotations import normalize, quat_from_axis_angle, quat_multiply
from core.body.skeleton import ANKLES, HIPS, KNEES, REST_JOINTS, TOES, forward, global_rotations
from core.body.soles import flat_heights, heights
from tests.support.synthetic import walk

SLOPES, ROLLS = np.meshgrid(np.radians([-50, -25, 0, 25]), np.radians([-20, 0, 20]))


def shoes(body: Body) -> list[Body]:
    """Both feet of a body, left first, as bodies of their own that stand like it."""
    first = body.skin_joints[:, 0]
    kept = [np.isin(first, side) for side in zip(ANKLES, TOES, strict=True)]
    parts = ("vertices", "skin_joints", "skin_weights")
    return [replace(body, **{name: getattr(body, name)[k] for name in parts}) for k in kept]


def lowest(body: Body, root: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Heights (T, 2) of the lowest vertex of each foot."""
    return np.stack([s.skin(root, rotations)[..., 1].min(axis=1) for s in shoes(body)], axis=1)


@pytest.mark.parametrize("name", BODIES)
def test_the_outline_is_that_of_every_body(name):
    body = Body.load(name)
    turns = np.zeros((SLOPES.size, 22, 3))
    turns[:, ANKLES, 0] = -SLOPES.reshape(-1, 1)
    rotations = quat_from_axis_angle(turns)
    roll = quat_from_axis_angle(ROLLS.reshape(-1, 1, 1) * [0.0, 0, 1])
    rotations[:, ANKLES] = quat_multiply(rotations[:, ANKLES], roll)
    root = np.tile(REST_JOINTS[:1], (len(turns), 1))
    found = lowest(body, root.astype(np.float32), rotations.astype(np.float32))
    joints, world = forward(root, rotations)
    told = heights(joints[:, ANKLES], world[:, ANKLES]) * body.scale
    assert (found - told).min() > -0.006
    assert (found - told).max() < 0.012  # of the others one has a shorter heel


def test_flat_feet_are_a_special_case():
    _, rotations, joints = walk()
    feet = normalize(joints[:, TOES] - joints[:, ANKLES])
    world = global_rotations(rotations)
    level = heights(joints[:, ANKLES], world[:, ANKLES])
    np.testing.assert_allclose(flat_heights(joints[:, ANKLES], feet), level, atol=5e-3)


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("contacts", [True, False])
def test_no_sole_sinks(name, contacts):
    """A walk that is pressed into the floor, rolls its feet and has its hips elsewhere."""
    _, _, joints = walk(80)
    rng = np.random.default_rng(3)
    wobble = np.cumsum(rng.normal(size=(80, 22, 3)), axis=0)
    wobble -= np.linspace(0, 1, 80)[:, None, None] * wobble[-1]
    joints = joints + 0.005 * wobble - np.array([0, 0.04, 0])
    joints[:, HIPS, 1] += 0.05
    joints[:, KNEES, 1] += 0.05
    solved = solve(joints, np.full((80, 4), contacts))
    body = Body.load(name)
    assert lowest(body, *body.fit(*solved)).min() > -0.01
