"""Whole frames: one graph each that asks the host for nothing, and what the plain path makes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from core.diffusion import whole
from core.diffusion.graphs import WARM
from core.video.model import FrameDiT
from tests.core.diffusion.test_static import CLOSE, WORLDS, actions, alive, error
from tests.support.fake_gpu import GPU, fake_gpu, on_gpu
from tests.support.fake_graphs import record_on_cpu, watch_for_the_host
from tests.support.tiny import WORLD


def start(model: FrameDiT, frames: int) -> torch.Tensor:
    noise = torch.Generator().manual_seed(1)
    return torch.randn(1, frames, *model.frame_shape, generator=noise)


def replayed(model: FrameDiT, replays: list[int], steps: int, together: int) -> list[int]:
    """How many replays each frame of a stream takes, from a picture to a full context and on."""
    sampler, held = model.new_sampler(1, 0, steps=steps), actions(1)
    sampler.commit(start(model, 1), held[:1])
    taken = []
    for i in range(8):
        before = len(replays)
        sampler.sample([held[i % 3]] * together)
        taken.append(len(replays) - before)
    return taken


@pytest.mark.parametrize("together", [1, 3])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_frame_is_one_replay(steps, together, monkeypatch):
    replays, model = record_on_cpu(monkeypatch), alive(FrameDiT(WORLD))
    model.run_static(torch.float32)
    for _ in range(WARM):
        assert max(replayed(model, replays, steps, together)) == 1
    assert replayed(model, replays, steps, together) == [1] * 8  # the first one commits nothing


def test_many_steps_are_one_replay_each(monkeypatch):
    replays, model = record_on_cpu(monkeypatch), alive(FrameDiT(WORLD))
    model.run_static(torch.float32)
    steps = whole.MOST_STEPS + 1
    for _ in range(WARM):
        replayed(model, replays, steps, 1)
    assert replayed(model, replays, steps, 1) == [steps] * 8


def test_noise_on_the_past_asks_for_no_graph_of_its_own(monkeypatch):
    replays, model = record_on_cpu(monkeypatch), alive(FrameDiT(WORLD))
    model.run_static(torch.float32)
    sampler = model.new_sampler(1, 0, steps=2)
    sampler.commit(start(model, 5), actions(1)[:1] * 5)
    for i in range(20):
        sampler.retime(2, 0.01 * (i + 1))
        sampler.sample(actions(1)[:1])
    assert len(replays) == 20 - WARM - 1  # the first frame commits nothing
    assert sampler.cache.stage.graphs.recorded == 1


def adventure(model: FrameDiT) -> torch.Tensor:
    """Frames of two streams that take turns, go back, branch, are retimed, and draft jointly."""
    held = actions(1)
    one = model.new_sampler(1, 3, steps=2, slack=6)
    two = model.new_sampler(1, 4, steps=1, context_noise=0.0, slack=6)
    one.commit(start(model, 1), held[:1])
    two.commit(start(model, 5), held[:1] * 5)
    shown = []
    for i in range(24):
        shown += [sampler.sample([held[i % 3]])[0].x for sampler in (one, two)]
        if i % 6 == 2:
            before = one.snapshot()
            one.sample(held[1:2] * min(2, model.cfg.most_together))
            one.sample(held[2:])
            one.restore(before)
        elif i == 9:
            branch = model.new_sampler(1, 0, steps=2, slack=6)
            branch.cache = one.cache.copy(still=True).copy()
            branch.restore(one.snapshot())
            shown += [branch.sample([held[k]])[0].x for k in (2, 1, 0)]
        elif i == 11:
            one.retime(4, 0.3)
            two.retime(3, 0.2)
        elif i == 17:
            one.retime(2, 0.0)
            together = min(3, model.cfg.most_together)
            for _ in range(4):
                shown += [sampled.x for sampled in two.sample(held[:together])]
            two.retime(whole.MOST_STEPS + 2, 0.2)
    return torch.stack(shown)


@pytest.mark.parametrize("record", [False, True], ids=["called", "replayed"])
@pytest.mark.parametrize("world", WORLDS)
def test_frames_are_those_of_the_plain_path(world, record, monkeypatch):
    replays = record_on_cpu(monkeypatch) if record else []
    torch.manual_seed(0)
    model = alive(FrameDiT(WORLDS[world]))
    expected = adventure(model)
    model.run_static(torch.float32)
    assert error(adventure(model), expected) < CLOSE
    assert len(replays) > 30 or not record


def test_calls_of_one_graph_see_what_was_committed_in_it():
    model, held = alive(FrameDiT(WORLD)), actions(1)
    x, t, told = start(model, 6), torch.full((1, 1), 0.9), model.told(held[:1])

    def kept(call, *frames):
        return tuple(call(model.at, [x, t, *told], commit) for commit in (1, 0) for x in frames)

    def calls(cache):
        return lambda network, inputs, commit: network(*inputs, cache=cache, commit=commit)

    expected = kept(calls(model.new_cache()), *x.split(1, dim=1))
    model.run_static(torch.float32)
    found = model.new_cache().run("six frames", kept, x.split(1, dim=1), 6)
    pairs = zip(found[6:], expected[6:], strict=True)  # of what is committed none is told
    assert all(error(a, b) < CLOSE for a, b in pairs)


def test_others_may_compute_ahead_of_a_frame():
    model, pauses = alive(FrameDiT(WORLD)), []
    model.run_static(torch.float32)
    sampler = model.new_sampler(1, 0, steps=3)
    sampler.pause = lambda: pauses.append(sampler.tick)
    for _ in range(2):
        sampler.sample(actions(1)[:1])
    assert pauses == [0, 3]


@pytest.mark.parametrize("world", WORLDS)
def test_a_frame_asks_the_host_for_nothing(world, monkeypatch):
    ran, model, held = watch_for_the_host(monkeypatch), alive(FrameDiT(WORLDS[world])), actions(1)
    model.run_static(torch.float32)
    sampler = model.new_sampler(1, 0, steps=2)
    for i in range(8):
        sampler.sample(held[i % 3 :][: model.cfg.most_together])
    assert len(ran) == 8


def test_nothing_of_a_frame_is_left_on_the_host():
    with fake_gpu():
        model = on_gpu(FrameDiT(WORLD))
        model.run_static(torch.float32)
        sampler = model.new_sampler(1, 0, steps=2)
        for i in range(3):
            (sampled,) = sampler.sample([on_gpu(actions(1)[i])])
    assert sampled.x.device.type == GPU


def single_calls_and_whole_frames(device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames of three streams each way, on a device."""
    torch.manual_seed(0)
    model = alive(FrameDiT(WORLD)).to(device)
    model.run_static(torch.float32)
    held = [replace(action, keys=action.keys.to(device)) for action in actions(1)]

    def made(by_call: bool) -> torch.Tensor:
        frames = []
        for seed in range(WARM + 1):
            sampler = model.new_sampler(1, seed, steps=3)
            if by_call:
                sampler.denoiser = partial(sampler.denoiser)  # which says not what it is told
            frames += [sampler.sample([held[i % 3]])[0].x for i in range(10)]
        return torch.stack(frames)

    return made(True), made(False)


def test_single_calls_make_the_same_frames():
    assert torch.equal(*single_calls_and_whole_frames("cpu"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_single_calls_make_the_same_frames():
    assert error(*single_calls_and_whole_frames("cuda")) < CLOSE
