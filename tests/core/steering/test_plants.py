"""Feet that stand where they stood, whatever the body over them is bent to."""

from __future__ import annotations

import numpy as np

from core.body.features import LAYOUT, FeatureDecoder, encode
from core.body.skeleton import ANKLES, TOES
from core.steering.plants import Plants
from tests.support.synthetic import walk


def bend(features: np.ndarray, turn: float, step: complex) -> tuple[np.ndarray, Plants]:
    """Features (T, 263) and what bent them: `turn` (rad) and `step` (m) are added to every pose."""
    plants, out = Plants(), features.copy()
    own = bent = 0.0, 0j
    for pose in out:
        plants.push(pose, own, bent)
        x, z = pose[LAYOUT.velocity]
        own = -2 * float(pose[0]), complex(z, x)
        bent = own[0] + turn, own[1] + step
        pose[0], pose[LAYOUT.velocity] = -bent[0] / 2, (bent[1].imag, bent[1].real)
    return out, plants


def standing(poses: int) -> np.ndarray:
    still = encode(walk(2)[2])[:1].repeat(poses, axis=0)
    still[:, LAYOUT.turn] = still[:, LAYOUT.velocity] = still[:, LAYOUT.velocities] = 0
    return still


def test_a_standing_foot_stays_under_a_body_that_turns_and_goes():
    features, plants = bend(standing(10), 0.05, 0.01 + 0.005j)
    feet = FeatureDecoder().push(features)[:, [*ANKLES, *TOES]]
    assert np.abs(feet - feet[0]).max() < 1e-5
    assert plants.lean > 0.05
    assert not plants.still


def test_a_foot_in_the_air_goes_along_again():
    features = encode(walk(120)[2])
    _, plants = bend(features, 0.0, 0.01)
    assert plants.lean < 0.08
    own = bent = 0.0, 0.06 + 0j
    for pose in features:
        plants.push(pose, own, bent)
    assert plants.still


def test_without_bending_nothing_moves():
    features = encode(walk(60)[2])
    bent, plants = bend(features, 0.0, 0j)
    np.testing.assert_allclose(bent, features, atol=1e-6)
    assert plants.still


def test_legs_do_not_stretch_without_end():
    features, _ = bend(standing(200), 0.0, 0.01)
    joints = FeatureDecoder().push(features)
    assert np.abs(joints[:, ANKLES] - joints[:, :1])[..., [0, 2]].max() < 0.7
