"""The causal VAE: nothing looks ahead, streams equal batches, sizes are the published ones."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.body.features import NUM_FEATURES
from core.motion import model, streaming, vae
from core.motion.model import MotionDiT
from core.motion.vae import STRIDE, MotionVAE, VAEConfig
from tests.support.tiny import tiny_vae

VAE = tiny_vae(VAEConfig(width=16))
LATENTS = 12
cuts = st.lists(st.integers(1, LATENTS - 1), max_size=5, unique=True).map(sorted)


def poses(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, LATENTS * STRIDE, NUM_FEATURES, generator=generator)


def pieces(x: torch.Tensor, at: list[int], scale: int) -> list[torch.Tensor]:
    edges = [0, *at, LATENTS]
    return [x[:, a * scale : b * scale] for a, b in pairwise(edges)]


def test_shapes():
    latents = VAE.encode(poses())
    assert latents.shape == (2, LATENTS, VAE.cfg.latent_dim)
    assert VAE.decode(latents).shape == (2, LATENTS * STRIDE, NUM_FEATURES)
    with pytest.raises(ValueError, match="multiple of 4"):
        VAE.encode(poses()[:, :-1])


def test_neither_direction_looks_ahead():
    x, changed = poses(), poses()
    changed[:, 5 * STRIDE :] += 1
    a, b = VAE.encode(x), VAE.encode(changed)
    assert torch.equal(a[:, :5], b[:, :5])
    assert not torch.allclose(a[:, 5], b[:, 5])
    other = a.clone()
    other[:, 7:] += 1
    one, two = VAE.decode(a), VAE.decode(other)
    assert torch.equal(one[:, : 7 * STRIDE], two[:, : 7 * STRIDE])
    assert not torch.allclose(one[:, 7 * STRIDE], two[:, 7 * STRIDE])


@settings(max_examples=25, deadline=None)
@given(at=cuts)
def test_streams_equal_batches(at):
    x = poses()
    latents, state = VAE.encode(x), {}
    streamed = torch.cat([VAE.encode(part, state) for part in pieces(x, at, STRIDE)], dim=1)
    assert torch.allclose(streamed, latents, atol=1e-5)
    whole, state = VAE.decode(latents), {}
    streamed = torch.cat([VAE.decode(part, state) for part in pieces(latents, at, 1)], dim=1)
    assert torch.allclose(streamed, whole, atol=1e-5)


@pytest.mark.parametrize(
    ("cfg", "wide"),
    [(VAEConfig(width=16), 256), (vae.PUBLISHED.model_copy(update={"width": 24}), 24)],
)
@pytest.mark.parametrize(("kind", "most"), [(torch.float32, 1e-5), (torch.float64, 1e-9)])
def test_prepared_for_a_cpu_it_decodes_the_same(cfg, wide, kind, most, monkeypatch):
    monkeypatch.setattr(streaming, "WIDE", wide)
    plain = tiny_vae(cfg).to(kind)
    for weight in plain.parameters():
        weight.add_(0.1 * torch.randn_like(weight))  # some are zero at birth
    prepared = copy.deepcopy(plain)
    streaming.prepare(prepared)
    z = torch.randn(2, LATENTS, cfg.latent_dim, dtype=kind)
    whole, state = plain.decode(z), {}
    streamed = torch.cat([prepared.decode(part, state) for part in pieces(z, [1, 3, 9], 1)], dim=1)
    for y in (prepared.decode(z), streamed):
        assert (y - whole).norm() < most * whole.norm()


def test_a_fork_of_a_prepared_stream_leaves_it_as_it_was():
    prepared = tiny_vae(VAEConfig(width=16))
    streaming.prepare(prepared)
    z, state = torch.randn(1, LATENTS, 64), {}
    prepared.decode(z[:, :2], state)
    fork = dict(state)
    prepared.decode(torch.randn(1, 5, 64), fork)
    assert torch.allclose(prepared.decode(z[:, 2:], state), prepared.decode(z)[:, 8:], atol=1e-5)


def test_normalize_and_denormalize_are_inverse():
    x = poses() * VAE.std + VAE.mean
    assert torch.allclose(VAE.denormalize(VAE.normalize(x)), x, atol=1e-5)


def test_published_sizes():
    with torch.device("meta"):
        networks = MotionVAE(vae.PUBLISHED), MotionDiT(model.PUBLISHED)
    millions = [sum(p.numel() for p in network.parameters()) / 1e6 for network in networks]
    assert millions == pytest.approx([76.3, 38.7], rel=0.005)
    assert sum(millions) == pytest.approx(115, rel=0.005)
