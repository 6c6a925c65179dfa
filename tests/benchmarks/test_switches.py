"""Switches of the prompt: when something new is done, and what keeping history changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.switches import PATIENCE, ahead, kept_history, left_hand_up, seconds_until, still
from core.diffusion.sampler import StreamSampler
from core.motion.model import MotionConfig, MotionDiT, Prompt
from tests.support.moving import standing, walking, waving

SMALL = MotionConfig(width=16, depth=1, heads=2, hidden=16, text_dim=4, text_in_history=True)


def test_what_is_done_counts_from_when_it_lasts():
    doing = np.zeros(120, bool)
    assert seconds_until(doing) == PATIENCE
    doing[10:15] = doing[40:50] = True
    assert seconds_until(doing) == 2.0
    doing[:] = True
    assert seconds_until(doing) == 0.0
    assert seconds_until(np.arange(120) >= 110) == PATIENCE


def test_what_is_done_is_geometry():
    assert still(standing(4)).all()
    assert not still(walking()).any()
    assert ahead(walking(0, 0.6)) == pytest.approx(0.6, abs=0.01)
    assert ahead(walking(0, -0.6)) == pytest.approx(-0.6, abs=0.01)
    assert left_hand_up(waving(3, side=0))[60:80].all()
    assert not left_hand_up(waving(3, side=1)).any()


def streamed(prompts: list[Prompt], dit: MotionDiT) -> list[torch.Tensor]:
    sampler = StreamSampler(
        dit,
        (1, *dit.frame_shape),
        dit.new_cache(),
        steps=2,
        stagger=2,
        guidance=2.0,
        generator=torch.Generator().manual_seed(0),
        conditioned=dit.cfg.context,
    )
    return [sampled.x for sampled in sampler.stream(prompts)]


def test_kept_history_stays_as_it_was_committed():
    torch.manual_seed(0)
    dit = MotionDiT(SMALL).eval().requires_grad_(False)
    for weights in dit.parameters():
        weights.normal_(std=0.3)
    told = torch.ones(1, 3, dtype=torch.bool)
    first, second = (dit.prompt(torch.randn(1, 3, 4), told) for _ in range(2))
    asked = [first] * 3 + [second] * 2
    anew = streamed(asked, dit)
    with kept_history(True):
        kept, alone = streamed(asked, dit), streamed([first] * 5, dit)
    with kept_history(False):
        again = streamed(asked, dit)
    same = [torch.equal(a, b) for a, b in zip(anew, kept, strict=True)]
    assert same == [True, True, True, False, False]
    assert all(torch.equal(a, b) for a, b in zip(anew, again, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(alone, streamed([first] * 5, dit), strict=True))
