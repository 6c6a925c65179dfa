"""What the VAE's training sees of a motion is what a stream shows of it."""

from __future__ import annotations

import numpy as np
import torch

from core.motion.decode import Smoother
from core.motion.vae import MotionVAE
from tests.support.tiny import VAE
from train.vae import decoder_loss, held_out, smoothed


def tiny(lookback: int) -> MotionVAE:
    torch.manual_seed(0)
    vae = MotionVAE(VAE.model_copy(update={"lookback": lookback}))
    if lookback:
        vae.filter.data += 0.1 * torch.randn_like(vae.filter)
    return vae


def test_training_filters_as_streams_do():
    y = torch.randn(2, 24, 263)
    for lookback in (0, 3):
        vae = tiny(lookback)
        shown = smoothed(vae, y).detach().numpy()
        streamed = Smoother(vae.filter_weights().detach().numpy()).push(y.numpy(), last=True)
        np.testing.assert_allclose(shown, streamed[:, -shown.shape[1] - 1 : -1], atol=1e-5)


def test_the_filter_learns_with_the_decoder():
    vae = tiny(3)
    decoder_loss(vae, torch.randn(2, 24, 263), 0).total.backward()
    assert vae.filter.grad is not None
    assert vae.filter.grad.abs().max() > 0
    assert all(np.isfinite(v) for v in held_out(vae, [torch.randn(2, 24, 263)]).values())
