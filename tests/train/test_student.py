"""The student's row of training is what its stream sees."""

from __future__ import annotations

import torch

from core.diffusion.sampler import StreamSampler
from core.motion.model import UNASKED, MotionConfig, MotionDiT
from train import student
from train.student import Recorder, Rollout, roll_out, velocities


def model(**more) -> MotionDiT:
    torch.manual_seed(0)
    cfg = MotionConfig(width=32, depth=2, heads=2, hidden=48, text_dim=8, latent_dim=4, **more)
    net = MotionDiT(cfg).eval()
    for p in net.parameters():  # adaLN starts as the identity, which would hide everything
        p.data += 0.2 * torch.randn_like(p)
    return net


def told(net: MotionDiT, history: int) -> Rollout:
    blocks = torch.randn(2, history, *net.frame_shape)
    none = blocks[:, :0]
    mask = torch.ones(2, 3, dtype=torch.bool)
    scale = torch.full((2, 1), 2.0)
    return Rollout(blocks, none, none, none, torch.randn(2, 3, 8), mask, torch.zeros(2, 0), scale)


def test_a_teacher_is_recorded_at_both_levels():
    net = model()
    roll = roll_out(net, told(net, 3), 4, seed=0)
    assert roll.noise.shape == roll.half.shape == roll.clean.shape == (2, 4, *net.frame_shape)
    assert abs(float(roll.noise.std()) - 1) < 0.3
    assert not torch.allclose(roll.half, roll.clean)


def test_training_sees_what_a_stream_sees():
    net = model(told_guidance=True)
    task = told(net, 3)

    class Seen(Recorder):
        def __call__(self, x, t, conditions, cache=None, commit=0):
            v = self.model(x, t, conditions, cache, commit)
            for i in range(commit, x.shape[1]):
                kept = self.noise if float(t[0, i]) == 0 else self.half
                kept.append((x[:, i], v[:, i]))
            return v

    seen = Seen(net, 2)
    sampler = StreamSampler(
        seen,
        (2, *net.frame_shape),
        net.new_cache(),
        steps=2,
        stagger=1,
        generator=torch.Generator().manual_seed(0),
    )
    sampler.commit(task.history, [UNASKED])
    seen.noise, seen.half = [], []
    prompt = task.prompt(net)
    clean = torch.stack([s.x for s in sampler.stream(prompt for _ in range(5))], 1)
    noise, early = (torch.stack(x, 1) for x in zip(*seen.noise, strict=True))
    half, late = (torch.stack(x, 1) for x in zip(*seen.half, strict=True))
    assert abs(student.EDGE - 0.5) < 1e-6
    v, _ = velocities(net, task._replace(noise=noise, half=half, clean=clean), alone=False)
    assert torch.allclose(v, torch.cat([late, early], 1), atol=1e-4)
