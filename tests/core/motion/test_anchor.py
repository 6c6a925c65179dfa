"""Standing feet stay where they are, flying ones go as they like, chunks do not matter."""

from __future__ import annotations

import numpy as np

from core.body import features
from core.body.features import FEET, LAYOUT
from core.motion.anchor import FootAnchor
from tests.support.synthetic import walk


def sliding(poses: int = 60) -> np.ndarray:
    """A walk whose root goes too fast, so that planted feet slide; (1, T, 263)."""
    x = features.encode(walk(poses)[2], "steady")
    x[:, LAYOUT.velocity] += [0.0, 0.03]
    return x[None]


def slide(x: np.ndarray) -> float:
    """Mean step of feet that are told to stand, m a pose."""
    feet = features.decode(x[0])[:, list(FEET)]
    steps = np.linalg.norm(np.diff(feet, axis=0)[..., [0, 2]], axis=-1)
    return float(steps[features.contacts(x[0])[:-1] & features.contacts(x[0])[1:]].mean())


def test_standing_feet_hold_the_body():
    x = sliding()
    assert slide(FootAnchor().push(x, last=True)) < 0.3 * slide(x)


def test_without_contact_nothing_changes():
    x = sliding()
    x[..., LAYOUT.contacts] = 0
    np.testing.assert_array_equal(FootAnchor().push(x, last=True), x)


def test_chunks_equal_the_whole_one_pose_later():
    x = sliding(40)
    anchor = FootAnchor()
    parts = [anchor.push(x[:, a:b]) for a, b in ((0, 1), (1, 8), (8, 20))]
    parts.append(anchor.push(x[:, 20:], last=True))
    assert [p.shape[1] for p in parts][:3] == [0, 7, 12]
    np.testing.assert_allclose(np.concatenate(parts, 1), FootAnchor().push(x, last=True), atol=1e-6)
