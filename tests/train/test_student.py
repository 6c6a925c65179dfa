"""A student: its row of training is what its stream sees; it is taught, and played."""

from __future__ import annotations

import shutil

import pytest
import torch
import typer

from core.diffusion.flow import CLEAN, NOISE
from core.diffusion.sampler import StreamSampler
from core.engine import Engine
from core.motion.model import UNASKED, MotionConfig, MotionDiT
from tests.golden.doors import FIXTURES as FILES
from tests.golden.training import clips
from train import data as train_data
from train import student
from train.setup import warm_start
from train.student import Recorder, Rollout, roll_out, velocities

FIXTURES = FILES / "checkpoints"


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
            v = self.model(x, t, conditions, cache, commit, guidance=task.guidance)
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


def test_guidance_is_felt_by_what_is_noisy_only():
    net = model(told_guidance=True)
    x, t = torch.randn(1, 3, *net.frame_shape), torch.tensor([[CLEAN, 0.5, NOISE]])
    mild, strong = (net(x, t, [UNASKED], guidance=scale) for scale in (1.5, 3.0))
    assert torch.equal(mild[:, 0], strong[:, 0])
    assert (mild[:, 1:] - strong[:, 1:]).abs().max() > 0.01


def test_a_student_is_taught_and_played(tmp_path):
    data, out = tmp_path / "bodies", tmp_path / "checkpoints"
    train_data.build(clips(), data)
    shutil.copytree(FIXTURES / "motion-vae", out / "motion-vae")
    shutil.copytree(FIXTURES / "motion", out / "motion-teacher")
    quick = {"steps": 2, "batch": 2, "precision": "no"}
    student.main(data, out / "motion-teacher", out / "motion", tmp_path / "run", **quick)
    engine = Engine(out, "cpu")
    walk = ["a person walks"] * 5
    assert sum(len(chunk) for chunk in engine.motion(walk, guidance=3.0)) == 40
    with pytest.raises(ValueError, match="taught to take 2 steps, got 10"):
        next(engine.motion(walk, steps=10))
    teacher = MotionDiT(engine.model("motion-teacher").dit.cfg)
    with pytest.raises(typer.BadParameter, match="is another kind of model than is trained here"):
        warm_start(teacher, out / "motion")
