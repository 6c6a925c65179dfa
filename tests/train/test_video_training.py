"""Training of worlds: losses count what they should, keys are learnt, the adversary is alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from core.diffusion.sampler import StreamSampler
from core.video.model import Action, FrameDiT
from tests.support.tiny import WORLD, tiny_world, window
from tests.support.toy_world import DIT, PixelTokenizer, pixels_of, places, write_set
from train import video
from train.discriminator import LEVELS, Discriminator
from train.distill import Distiller
from train.frames import FrameSet, TokenSet, Window
from train.loop import LoopSettings, make_optimizers

# torch's own forward-mode derivatives still use it
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")


def test_times_of_a_batch():
    rows, frames = 4000, 12
    t = video.draw_times(rows, frames, torch.Generator().manual_seed(0))
    edge = 1 - video.CONTEXT_NOISE
    context, noisy = t >= edge, t < edge
    assert t.shape == (rows, frames)
    assert t.min() == 0
    assert t.max() <= 1
    assert t[noisy].max() <= edge - 1e-3 + 1e-6  # no frame is in doubt
    assert (t[noisy] == 0).float().mean().item() == pytest.approx(video.FROM_NOISE, abs=0.01)
    usual = t[noisy & (t > 0)].logit()
    assert usual.median().item() == pytest.approx(video.TIME_MEAN, abs=0.05)
    # all context of a row is equally noisy, and every level of noise comes up
    level = torch.where(context, t, -1.0).max(1).values
    assert torch.equal(torch.where(context, t, 0.0), torch.where(context, level[:, None], 0.0))
    assert torch.histc(level[level > 0], 3, edge, 1).min() > 0.3 * (level > 0).sum()
    # two thirds of the rows begin with clean frames, 1..11 of them, every length as often
    length = context.sum(1)
    prefix = (torch.arange(frames) < length[:, None]) == context
    begins = (prefix.all(1) & (length > 1)).float().mean().item()
    assert begins == pytest.approx(0.67 * 10 / 11, abs=0.04)
    assert noisy.any(1).float().mean() > 0.99
    counts = torch.bincount(length[prefix.all(1) & (length > 2)], minlength=frames)[3:12]
    assert counts.min() > 0.6 * counts.max()


class AllZero(nn.Module):
    """The exact velocity where all data is zero; garbage for context, which must not count."""

    def __init__(self) -> None:
        super().__init__()
        self.cfg, self.calls = WORLD, []

    def denoise(self, x: Tensor, t: Tensor, actions: Tensor) -> Tensor:
        self.calls.append((x, t, actions))
        exact = -x / (1 - t).clamp(min=1e-3)[..., None, None]
        return torch.where((t < 1 - video.CONTEXT_NOISE)[..., None, None], exact, 1e3)


def test_only_noisy_frames_count():
    tokens, actions = window(rows=8)
    batch = Window(torch.zeros_like(tokens), actions)
    assert video.loss_fn(AllZero(), batch, 0).total < 1e-8
    assert video.loss_fn(AllZero(), Window(tokens, actions), 0).total > 0.5


def test_what_is_held_out_is_judged_after_clean_context():
    tokens, actions = window(rows=4)
    model = AllZero()
    figures = video.held_out(model, [Window(torch.zeros_like(tokens), actions)])
    assert list(figures) == ["score", "t0", "t3", "t7", "wrong"]
    assert (figures["t0"], figures["wrong"]) == (pytest.approx(0, abs=1e-8),) * 2
    for (x, t, held), last in zip(model.calls, (0.0, 0.3, 0.7, 0.0), strict=True):
        assert (t[:, :-1] == 1 - WORLD.context_noise).all()
        assert torch.equal(t[:, -1], torch.full((4,), last))
        assert x[:, :-1].std().item() == pytest.approx(WORLD.context_noise, rel=0.1)
        assert torch.equal(held[:, :-1], actions[:, :-1])
    lasts = [held[:, -1] for _, _, held in model.calls]
    assert all(torch.equal(last, actions[:, -1]) for last in lasts[:3])
    assert torch.equal(lasts[3], actions.roll(1, 0)[:, -1])


def test_keys_are_learnt_and_obeyed_by_their_own_frames(tmp_path):
    """A square that stands where the keys say: the wrong ones must cost; late or early ones do not.

    The keys of the frame before show in its picture already, those of the next say nothing. In play
    the square stands where the keys of that very frame say, not those of the one before or after.
    """
    torch.manual_seed(0)
    frames = FrameSet(write_set(tmp_path, moves=False), "train")
    tokens = TokenSet(frames, PixelTokenizer(), tmp_path)
    model, batches = FrameDiT(DIT), tokens.windows(16, 4)
    optimizers = make_optimizers(model, LoopSettings(run=tmp_path, steps=250, lr=0.02, muon=True))
    judged = [next(tokens.windows(64, 4, seed=1))]
    first = video.held_out(model, judged)
    for step in range(250):
        video.loss_fn(model, next(batches), step).total.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    last = video.held_out(model, judged)
    assert last["score"] < 0.3 * first["score"]
    assert last["wrong"] > 5 * last["t0"]  # the same where actions are shifted by a frame

    held = torch.randint(0, 2, (40, 2), generator=torch.Generator().manual_seed(0)).float()
    sampler = StreamSampler(
        model,
        (1, *model.frame_shape),
        model.new_cache(),
        steps=4,
        stagger=4,
        generator=torch.Generator().manual_seed(0),
        context_noise=DIT.context_noise,
    )
    sampler.commit(judged[0].tokens[:1, :1], [Action(torch.full((1, 2), -1.0))])
    played = torch.cat([sampler.sample([Action(keys[None])])[0].x for keys in held])
    stood, said = places(pixels_of(played)), held.numpy()
    assert (stood == said).all(-1).mean() > 0.95
    assert (stood[1:] == said[:-1]).all(-1).mean() < 0.5  # a quarter by chance
    assert (stood[:-1] == said[1:]).all(-1).mean() < 0.5


def test_muon_moves_the_matrices_of_blocks_and_nothing_else():
    model = tiny_world().dit.requires_grad_(True)
    settings = LoopSettings(run=Path(), steps=1, muon=True)
    adam, muon = make_optimizers(model, settings)
    names = {id(p): name for name, p in model.named_parameters()}
    taken = [[names[id(p)] for g in o.param_groups for p in g["params"]] for o in (adam, muon)]
    assert sorted(taken[0] + taken[1]) == sorted(names.values())
    assert len(taken[1]) == 4 * WORLD.depth  # qkv and out, in and out of the feed-forward
    assert all(".blocks." in name for name in taken[1])
    (alone,) = make_optimizers(model, LoopSettings(run=Path(), steps=1))
    assert sum(len(g["params"]) for g in alone.param_groups) == len(names)


def copy_of(module: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in module.parameters()]


def test_a_step_trains_student_and_heads_and_leaves_the_teacher_alone(pair):
    teacher, student = pair
    loss_fn = Distiller(teacher)
    heads, before = copy_of(loss_fn.discriminator.heads), copy_of(teacher)
    losses = loss_fn(student, window(), step=150)
    losses.total.backward()
    assert all(torch.isfinite(v) for v in (losses.total, *losses.parts.values()))
    gradients = {name: p.grad for name, p in student.named_parameters()}
    assert all(g is not None and torch.isfinite(g).all() for g in gradients.values())
    assert all(g.abs().max() > 0 for g in gradients.values())
    assert all(map(torch.equal, before, copy_of(teacher)))
    assert all(p.grad is None for p in teacher.parameters())
    now = copy_of(loss_fn.discriminator.heads)
    assert not any(map(torch.equal, heads, now))
    assert all(p.requires_grad for p in loss_fn.discriminator.heads.parameters())


def test_the_adversary_tells_and_is_told_nothing_of_context(pair):
    """Heads that meet fakes of another scale learn to tell; context that differs is not judged."""
    teacher, _ = pair
    judge, (data, actions) = Discriminator(teacher), window(rows=4)
    context = torch.zeros(4, 8, dtype=torch.bool)
    context[:, :3] = True
    t = torch.full((4, 8), 0.9)
    seen = []
    network = teacher.denoise
    teacher.denoise = lambda x, t, a: (seen.append(t), network(x, t, a))[1]
    fake = torch.where(context[..., None, None], data, 0.1 * data)
    fooled = [judge(fake, data, context, t, actions) for _ in range(40)]
    assert fooled[-1][1] < fooled[0][1]
    assert fooled[-1][0] > fooled[0][0]
    for times in seen:
        assert (times[:, :3] == 0.9).all()
        assert LEVELS[0] <= times[:, 3:].min() <= times[:, 3:].max() <= LEVELS[1]
    same, _ = judge(data, data, torch.ones_like(context), t, actions)
    assert same == 0  # nothing to judge, nothing divided by zero
