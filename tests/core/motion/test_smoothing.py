"""The filter over three poses: chunks do not matter, steady motion stays, tremor goes."""

from __future__ import annotations

import numpy as np

from core.body.features import LAYOUT
from core.motion.smoothing import Smoother


def test_chunks_equal_the_whole_one_pose_later():
    x = np.random.default_rng(0).normal(size=(2, 23, 263)).astype(np.float32)
    whole = Smoother().push(x, last=True)
    smoother = Smoother()
    parts = [smoother.push(x[:, a:b]) for a, b in ((0, 1), (1, 8), (8, 16))]
    parts.append(smoother.push(x[:, 16:], last=True))
    assert [p.shape[1] for p in parts] == [0, 7, 8, 8]
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, atol=1e-6)
    assert whole.shape == x.shape


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
