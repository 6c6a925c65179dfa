"""The sampler: streaming equals recomputation, schedules keep promises, seeds fix everything."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice, repeat

import pytest
import torch

from benchmarks.recompute import Recompute
from core.diffusion import flow, schedule
from core.diffusion.attention import KVCache
from core.diffusion.sampler import StreamSampler, guided
from core.motion.model import UNASKED, MotionDiT, Prompt


def make_prompt(model: MotionDiT, seed: int = 0, rows: int = 1) -> Prompt:
    states = torch.randn(rows, 5, model.cfg.text_dim, generator=torch.Generator().manual_seed(seed))
    return model.prompt(states, torch.ones(rows, 5, dtype=torch.bool))


def make_sampler(model: MotionDiT, cache: KVCache | None, **options) -> StreamSampler[Prompt]:
    defaults = {"steps": 4, "stagger": 2, "guidance": 2.0}
    return StreamSampler(
        model,
        (1, *model.frame_shape),
        cache,
        generator=torch.Generator().manual_seed(1),
        **{**defaults, **options},
    )


@pytest.mark.parametrize("stagger", [1, 2, 3, 4])
@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_stream_with_cache_equals_recomputation(tiny_dit, stagger, guidance):
    prompt = make_prompt(tiny_dit)
    results = []
    for denoiser, cache in ((tiny_dit, tiny_dit.new_cache()), (Recompute(tiny_dit), None)):
        sampler = make_sampler(tiny_dit, cache, stagger=stagger, guidance=guidance)
        sampler.denoiser = denoiser
        results.append(torch.cat([s.x for s in sampler.stream([prompt] * 8)]))
    assert torch.allclose(*results, atol=1e-4)


def test_prompt_change_equals_recomputation_and_is_felt_in_the_next_frame(tiny_dit):
    one, two = make_prompt(tiny_dit, 1), make_prompt(tiny_dit, 2)
    plan = [one] * 4 + [two] * 4
    results = []
    for denoiser, cache in ((tiny_dit, tiny_dit.new_cache()), (Recompute(tiny_dit), None)):
        sampler = make_sampler(tiny_dit, cache)
        sampler.denoiser = denoiser
        results.append(list(sampler.stream(plan)))
    cached, recomputed = (torch.cat([s.x for s in r]) for r in results)
    assert torch.allclose(cached, recomputed, atol=1e-4)
    assert len(results[0]) == len(plan)
    # four frames were asked for with the first prompt; those unfinished at the change follow suit
    assert sum(s.condition is one for s in results[0]) < 4


def test_transformer_is_block_causal(tiny_dit):
    x, t = torch.randn(1, 6, *tiny_dit.frame_shape), torch.rand(1, 6)
    prompt = make_prompt(tiny_dit)
    base = tiny_dit(x, t, [prompt])
    x[:, 3] += 1.0
    changed = tiny_dit(x, t, [prompt])
    assert torch.equal(base[:, :3], changed[:, :3])
    assert not torch.allclose(base[:, 3:], changed[:, 3:])


def test_same_seed_same_bytes_and_conditions_are_pulled_late(tiny_dit):
    prompt = make_prompt(tiny_dit)
    runs = [
        list(make_sampler(tiny_dit, tiny_dit.new_cache()).stream([prompt] * 4)) for _ in range(2)
    ]
    assert all(torch.equal(a.x, b.x) for a, b in zip(*runs, strict=True))
    pulled = []

    def conditions():
        for i in range(100):
            pulled.append(i)
            yield prompt

    stream = make_sampler(tiny_dit, tiny_dit.new_cache(), stagger=4).stream(conditions())
    next(stream)
    assert len(pulled) == 1  # one frame in the window: the second is not asked for before it is due


def test_memory_stays_flat_and_positions_stay_in_range(tiny_dit):
    cache = tiny_dit.new_cache()
    sampler = make_sampler(tiny_dit, cache)
    stream = sampler.stream(repeat(make_prompt(tiny_dit)))
    for frame in islice(stream, 60):
        assert torch.isfinite(frame.x).all()
    assert cache.length == tiny_dit.cfg.context * tiny_dit.cfg.block


def test_rollback_restores_the_cache_exactly(tiny_dit):
    prompt = make_prompt(tiny_dit)
    cache = KVCache(2, 2, context=5, prefix=2, slack=3)
    frames = torch.randn(1, 12, *tiny_dit.frame_shape)
    sampler = make_sampler(tiny_dit, cache)
    for i in range(9):
        sampler.commit(frames[:, i : i + 1], [prompt])
    before = [tuple(v.clone() for v in layer.view) for layer in cache.layers]
    for i in range(9, 12):
        sampler.commit(frames[:, i : i + 1], [prompt])
    cache.rollback(3)
    for layer, (keys, values) in zip(cache.layers, before, strict=True):
        assert torch.equal(layer.view[0], keys)
        assert torch.equal(layer.view[1], values)
    with pytest.raises(ValueError, match="can roll back 3"):
        cache.rollback(4)


@pytest.mark.parametrize(
    ("frames", "steps", "stagger"), [(1, 1, 1), (5, 4, 1), (7, 10, 3), (4, 6, 6)]
)
def test_schedule_invariants(frames, steps, stagger):
    levels = schedule.level_matrix(frames, steps, stagger)
    assert (levels[0] == 0).all()
    assert (levels[-1] == steps).all()
    rise = levels.diff(dim=0)
    entered = (levels[1:] > 0) & (levels[:-1] < steps)
    assert (rise[entered] == 1).all()
    assert (levels.diff(dim=1) <= 0).all()  # no later frame is ever cleaner


@pytest.mark.parametrize("steps", [1, 2, 3, 6, 10])
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_the_sampler_walks_the_staircase(frames, steps):
    for stagger in range(1, steps + 1):
        walked = []

        def denoiser(x, t, conditions, cache=None, commit=0, walked=walked):
            walked.append((commit, t[0, commit:].tolist()))
            return x

        sampler = StreamSampler(
            denoiser, (1, 1, 2), None, steps=steps, stagger=stagger, generator=torch.Generator()
        )
        assert len(list(sampler.stream([Prompt(None)] * frames))) == frames
        levels, times = schedule.level_matrix(frames, steps, stagger), schedule.times(steps)
        assert len(walked) == len(levels) - 1
        for tick, (commit, seen) in enumerate(walked):
            here, before = levels[tick], levels[max(tick - 1, 0)]
            entered = torch.arange(frames) * stagger <= tick
            assert seen == times[here[entered & (here < steps)]].tolist()
            assert commit == ((here == steps) & (before < steps)).sum()  # finished a tick ago


def test_others_may_compute_between_the_steps_of_a_frame(tiny_dit):
    pauses = []
    sampler = make_sampler(tiny_dit, tiny_dit.new_cache(), stagger=4)
    sampler.pause = lambda: pauses.append(sampler.tick)
    sampler.sample([make_prompt(tiny_dit)])
    assert pauses == [0, 1, 2, 3]


def test_frames_that_wait_for_their_commit_come_before_what_is_committed(tiny_dit):
    prompt = make_prompt(tiny_dit)
    given = torch.randn(1, 2, *tiny_dit.frame_shape)
    sampler = make_sampler(tiny_dit, tiny_dit.new_cache(), guidance=1.0)
    made = torch.stack([s.x for s in sampler.stream([prompt] * 3)], dim=1)
    assert sampler.finished
    sampler.commit(given, [prompt])
    assert not sampler.finished
    assert sampler.committed == 5
    fresh = make_sampler(tiny_dit, tiny_dit.new_cache())
    fresh.commit(torch.cat([made, given], dim=1), [prompt])
    for here, there in zip(sampler.cache.layers, fresh.cache.layers, strict=True):
        assert torch.allclose(here.view[0], there.view[0], atol=1e-5)


@pytest.mark.parametrize(("steps", "stagger"), [(0, 1), (4, 0), (4, 5)])
def test_impossible_schedules_are_refused(steps, stagger):
    with pytest.raises(ValueError, match="must be"):
        schedule.check(steps, stagger)


def test_a_shift_moves_levels_towards_noise():
    even, shifted = schedule.times(4), schedule.times(4, shift=4.0)
    assert torch.allclose(even, torch.arange(5) / 4)
    assert (shifted[0], shifted[-1]) == (flow.NOISE, flow.CLEAN)
    assert (shifted.diff() > 0).all()
    # signal over noise is a quarter of what it is without
    assert torch.allclose(shifted[1:-1] / (1 - shifted[1:-1]), even[1:-1] / (1 - even[1:-1]) / 4)
    seen = []

    def denoiser(x, t, conditions, cache=None, commit=0):
        seen.append(t[0, -1].item())
        return x

    sampler = StreamSampler(
        denoiser, (1, 1, 2), None, steps=2, stagger=2, generator=torch.Generator(), shift=4.0
    )
    sampler.sample([Prompt(None)])
    sampler.retime(4, 0.1)
    sampler.sample([Prompt(None)])
    assert seen == pytest.approx([0, 0.2, *shifted[:-1].tolist()])


def test_guidance_of_one_makes_one_pass():
    rows = []

    def denoiser(x, t, conditions, cache=None, commit=0):
        rows.append(len(x))
        return x

    x, t = torch.zeros(1, 1, 1, 2), torch.zeros(1, 1)
    guided(denoiser, x, t, [Prompt(None)], None, 0, 1.0)
    guided(denoiser, x, t, [Prompt(None)], None, 0, 3.0)
    assert rows == [1, 2]


@dataclass(frozen=True)
class Label:
    """A condition for fakes."""

    name: str

    def with_null(self) -> Label:
        return self


def test_exact_velocity_of_a_gaussian_gives_its_mean_and_covariance():
    mean, std = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 1.5])

    def denoiser(x, t, conditions, cache=None, commit=0):
        t = t[..., None, None]
        variance = (1 - t) ** 2 + (t * std) ** 2
        data = mean + t * std**2 / variance * (x - t * mean)
        noise = (1 - t) / variance * (x - t * mean)
        return data - noise

    sampler = StreamSampler(
        denoiser,
        (4000, 1, 2),
        None,
        steps=64,
        stagger=64,
        generator=torch.Generator().manual_seed(0),
    )
    (sample,) = sampler.stream([Label("gaussian")])
    assert torch.allclose(sample.x.mean((0, 1)), mean, atol=0.1)
    assert torch.allclose(sample.x.std((0, 1)), std, atol=0.1)


def test_flow_verbs_agree():
    data, noise, t = torch.randn(2, 3, 4), torch.randn(2, 3, 4), torch.rand(2, 3)
    x, v = flow.add_noise(data, noise, t), flow.velocity(data, noise)
    assert torch.allclose(flow.predict_data(x, v, t), data, atol=1e-6)
    assert torch.allclose(flow.step(x, v, t, torch.ones_like(t)), data, atol=1e-6)


def test_a_stream_changes_its_pace_and_owes_nothing(tiny_dit):
    sampler = make_sampler(tiny_dit, tiny_dit.new_cache())
    prompt, windows = make_prompt(tiny_dit), []
    usual = sampler.steps, sampler.stagger

    def conditions():
        for number in range(12):
            sampler.pace(*((3, 3) if 4 <= number < 8 else usual))
            yield prompt

    for _ in sampler.stream(conditions()):
        windows.append(len(sampler.window))
    assert len(windows) == 12
    assert max(windows[:3]) > 0
    assert 0 in windows[2:]
    with pytest.raises(ValueError, match="stagger"):
        sampler.pace(sampler.steps, sampler.steps + 1)


def test_two_steps_are_better_than_one():
    def decay(x, t, conditions, cache=None, commit=0):
        return -x  # x(1) = x(0) / e

    def missed(steps: int, multistep: bool) -> float:
        generator = torch.Generator().manual_seed(0)
        start = torch.randn((1, 2, 3), generator=torch.Generator().manual_seed(0))
        sampler = StreamSampler(
            decay, (1, 2, 3), None, steps=steps, stagger=2, multistep=multistep, generator=generator
        )
        (frame,) = sampler.stream([UNASKED])
        return float((frame.x - start / math.e).abs().max())

    assert missed(8, True) < missed(16, False) / 4
    assert missed(16, True) < missed(8, True) / 3  # of second order
