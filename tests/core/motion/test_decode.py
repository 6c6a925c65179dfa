"""Tremor goes, standing feet stay where they are, and chunks do not matter."""

from __future__ import annotations

import numpy as np

from core.body import features
from core.body.features import LAYOUT
from core.body.skeleton import FEET
from core.motion.decode import FootAnchor, Smoother
from tests.support.synthetic import walk


def sliding(poses: int = 60) -> np.ndarray:
    """A walk whose root goes too fast, so that planted feet slide; (1, T, 263)."""
    x = features.encode(walk(poses)[2], "steady")
    x[:, LAYOUT.velocity] += [0.0, 0.03]
    return x[None]


def slide(x: np.ndarray) -> float:
    """Mean step of feet that are told to stand, m a pose."""
    feet = features.decode(x[0])[:, FEET]
    steps = np.linalg.norm(np.diff(feet, axis=0)[..., [0, 2]], axis=-1)
    return float(steps[features.contacts(x[0])[:-1] & features.contacts(x[0])[1:]].mean())


def test_standing_feet_hold_the_body():
    x = sliding()
    assert slide(FootAnchor().push(x, last=True)) < 0.3 * slide(x)


def test_without_contact_nothing_changes():
    x = sliding()
    x[..., LAYOUT.contacts] = 0
    np.testing.assert_array_equal(FootAnchor().push(x, last=True), x)


def test_anchored_chunks_equal_the_whole_one_pose_later():
    x = sliding(40)
    anchor = FootAnchor()
    parts = [anchor.push(x[:, a:b]) for a, b in ((0, 1), (1, 8), (8, 20))]
    parts.append(anchor.push(x[:, 20:], last=True))
    assert [p.shape[1] for p in parts][:3] == [0, 7, 12]
    np.testing.assert_allclose(np.concatenate(parts, 1), FootAnchor().push(x, last=True), atol=1e-6)


def test_filtered_chunks_equal_the_whole_one_pose_later():
    x = np.random.default_rng(0).normal(size=(2, 23, 263)).astype(np.float32)
    whole = Smoother().push(x, last=True)
    smoother = Smoother()
    parts = [smoother.push(x[:, a:b]) for a, b in ((0, 1), (1, 8), (8, 16))]
    parts.append(smoother.push(x[:, 16:], last=True))
    assert [p.shape[1] for p in parts] == [0, 7, 8, 8]
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, atol=1e-6)
    assert whole.shape == x.shape


def test_a_filter_that_knows_the_place_in_a_latent():
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(2, 24, 263)).astype(np.float32), rng.random((4, 5))
    whole = Smoother(weights).push(x, last=True)
    smoother = Smoother(weights)
    parts = [smoother.push(x[:, a:b]) for a, b in ((0, 4), (4, 12), (12, 20))]
    parts.append(smoother.push(x[:, 20:], last=True))
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, atol=1e-6)
    for pose in (9, 14):  # the second and the third of their latents
        expected = np.einsum("k,bkc->bc", weights[pose % 4], x[:, pose - 3 : pose + 2])
        np.testing.assert_allclose(whole[:, pose, :67], expected[:, :67], atol=1e-5)


def test_a_line_stays_and_a_tremor_goes():
    time = np.arange(20, dtype=np.float32)
    x = np.zeros((1, 20, 263), np.float32)
    x[0, :, 3] = 0.1 * time
    x[0, :, LAYOUT.joints] = np.where(time % 2, 0.05, -0.05)[:, None]
    x[0, :, LAYOUT.contacts] = 1.0
    y = Smoother().push(x, last=True)
    np.testing.assert_allclose(y[0, 1:-1, 3], x[0, 1:-1, 3], atol=1e-6)
    assert np.abs(y[0, 1:-1, LAYOUT.joints]).max() < 1e-6
    assert (y[..., LAYOUT.contacts] == 1).all()
