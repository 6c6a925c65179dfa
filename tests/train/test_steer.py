"""What a steering adapter is trained with: paths told by latents, wishes that windows fulfil."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.body.features import LAYOUT, encode_all
from core.motion import conditions
from core.motion.vae import STRIDE
from tests.support.synthetic import walk
from train.latents import Window
from train.steer import Probe
from train.wishes import MIXTURE, SteerSet


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    """(80, 263), a walk that turns as it goes."""
    features = encode_all(walk(80)[2])
    features[:, LAYOUT.turn] += 0.01
    return features


def test_a_probe_tells_the_path(features):
    steps = torch.from_numpy(features[:, : LAYOUT.velocity.stop]).unflatten(0, (-1, STRIDE))
    latents = steps.flatten(1)
    probe = Probe(latents.shape[1])
    noise = 0.1 * torch.randn(400, latents.shape[1], generator=torch.Generator().manual_seed(0))
    told = torch.cat([latents, noise])
    assert probe.fit(told, told.unflatten(1, (STRIDE, 3))) > 0.999
    ahead = torch.ones(1, len(latents), dtype=torch.bool)
    ends = torch.from_numpy(conditions.path(features)[STRIDE::STRIDE]).float()
    path = probe.path(latents[None], ahead)[0, : len(ends)].detach()
    torch.testing.assert_close(path, ends, atol=0.03, rtol=0)


def test_wishes_are_those_that_a_window_fulfils(features, monkeypatch):
    monkeypatch.setattr("train.wishes.PLACE_NOISE", 0.0)
    windows = SteerSet.__new__(SteerSet)  # without recordings to encode
    windows.block, windows.rng = 2, np.random.default_rng(0)
    window = Window(torch.zeros(20, 4), 0, "", features)
    seen = set[int]()
    for _ in range(60):
        told, at = windows._wishes(window)
        assert len(told)
        assert all(0 <= latent <= len(features) // STRIDE for latent in at)
        assert (told.times >= 0).all()
        assert told.times.max() <= (len(features) + 2) / STRIDE  # counted in latents
        assert np.isfinite(told.numbers).all()
        seen |= {*told.kinds.tolist()}
    assert len(seen) == len({"drive", "point", "key"}) <= len(MIXTURE)
