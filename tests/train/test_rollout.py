"""Rollouts: dreams go on by the keys, the lost teach no more, only last steps are judged."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
import torch

from tests.support.tiny import window
from train.rollout import (
    CHUNK,
    LONGEST,
    Passage,
    RolloutLoss,
    draw_times,
    passages,
    play_on,
    play_times,
    strange,
)

# torch's own forward-mode derivatives still use it
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")


def test_dreams_begin_with_real_frames_and_go_on_by_the_keys(pair):
    _, student = pair
    batch = window(rows=3, frames=12)
    dream = play_on(student, batch.tokens, batch.actions, 4, 6)
    assert dream.shape == (3, 10, *student.frame_shape)
    assert torch.equal(dream[:, :4], batch.tokens[:, :4])
    actions = batch.actions.clone()
    actions[:, 7] = 1 - actions[:, 7]
    other = play_on(student, batch.tokens, actions, 4, 6)
    assert torch.equal(dream[:, :7], other[:, :7])
    assert not torch.allclose(dream[:, 7], other[:, 7])


def test_dreams_grow_and_their_passages_follow_each_other():
    torch.manual_seed(0)
    cut = list(islice(passages(iter(lambda: window(), None), 4, steps=400), 600))
    assert cut[0].first
    assert all(p.start == 4 for p in cut if p.first)
    for before, now in pairwise(cut):
        assert now.first or (now.window is before.window and now.start == before.start + CHUNK)
    assert max(p.start for p in cut[:20]) < max(p.start for p in cut) == 4 + LONGEST - CHUNK


def test_a_dream_goes_on_from_what_was_made(pair):
    teacher, student = pair
    loss_fn, batch = RolloutLoss(teacher), window(frames=12)
    losses = loss_fn(student, Passage(batch, 4, first=True), step=0)
    losses.total.backward()
    still = {name for name, p in student.named_parameters() if not p.grad.abs().max() > 0}
    assert still == {"unknown"}, "a dream's own frames all have known keys"
    made = loss_fn.newest
    assert not torch.equal(made, batch.tokens[:, 7])
    loss_fn.lost[:] = False
    later = loss_fn(student, Passage(batch, 8, first=False), step=1)
    later.total.backward()  # nothing of the passage before is needed, or touched again
    assert not torch.equal(loss_fn.newest, made)


def test_a_rollout_learns_the_times_that_it_is_played_at(pair):
    _, student = pair
    student.cfg = student.cfg.model_copy(update={"steps": 2, "shift": 4.0})
    assert play_times(student) == pytest.approx([0, 0.2, 1])
    t = draw_times(student, 4000)
    assert (t == 0).float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert (t == play_times(student)[1]).float().mean().item() == pytest.approx(0.3, abs=0.03)
    student.cfg = student.cfg.model_copy(update={"steps": 1})
    assert (draw_times(student, 4000) == 0).float().mean().item() == pytest.approx(0.8, abs=0.03)


def test_only_what_the_last_step_makes_is_judged(pair):
    teacher, student = pair
    student.cfg = student.cfg.model_copy(update={"steps": 2})
    loss_fn, batch, seen = RolloutLoss(teacher), window(rows=4, frames=12), []
    loss_fn.discriminator = lambda fake, data, context, t, actions: (
        seen.append((fake, data, context)) or (fake.sum(), torch.zeros(()))
    )
    loss_fn(student, Passage(batch, 4, first=True), step=0)
    loss_fn(student, Passage(batch, 8, first=False), step=1)
    (first, real, context), (later, _, _) = seen
    assert first.shape == (2, 4 + CHUNK, *student.frame_shape), "half of the rows"
    assert torch.equal(first[:, :4], real[:, :4])
    assert context[0].tolist() == [True] * 4 + [False] * CHUNK
    assert first.requires_grad
    assert torch.equal(later[:, 1:4], first[:, -3:]), "what was made leads to what is made"


def test_looks_alike_and_strange():
    real = torch.randn(8, 4, 12, 6, generator=torch.Generator().manual_seed(0))
    other = torch.randn(8, 4, 12, 6, generator=torch.Generator().manual_seed(1))
    assert strange(real, real) == 0
    assert strange(other, real) < 0.1
    assert strange(0.5 * other, real) > 1
    assert strange(other + 0.5, real) > 1


def test_the_lost_teach_no_more(pair):
    teacher, student = pair
    loss_fn, batch = RolloutLoss(teacher), window(frames=12)
    begun = loss_fn(student, Passage(batch, 4, first=True), step=0)
    assert loss_fn.lost.all(), "a network that knows nothing is lost at once"
    later = loss_fn(student, Passage(batch, 8, first=False), step=1)
    assert begun.total > 0
    assert later.parts["error"] == 0
