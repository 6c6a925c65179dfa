"""FrameDiT: nothing looks ahead, the cache equals recomputation, the past is noisy and bounded."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from benchmarks.recompute import RecomputeWindow
from core.diffusion.attention import attend, block_causal_mask
from core.diffusion.sampler import StreamSampler, guided
from core.video.model import PRESETS, Action, FrameConfig, FrameDiT, published
from tests.support.tiny import KEYS, WORLD, tiny_world

LONG = WORLD.model_copy(update={"context": 14, "max_frames": 20})
"""A context that no test here outgrows."""


def tiny(cfg: FrameConfig = WORLD) -> FrameDiT:
    return tiny_world(cfg).dit


def action(mask: int, rows: int = 1) -> Action:
    return Action(torch.tensor([[mask >> i & 1 for i in range(len(KEYS))]] * rows).float(), mask)


PLAN = [action(mask) for mask in (0, 1, 1, 9, 9, 16, 0, 32, 1, 1)]


def make_sampler(dit, cache=None, cfg: FrameConfig = WORLD, **options) -> StreamSampler[Action]:
    steps = options.pop("steps", 2)
    return StreamSampler(
        dit,
        (1, cfg.grid[0] * cfg.grid[1], cfg.channels),
        cache,
        steps=steps,
        stagger=steps,
        generator=torch.Generator().manual_seed(3),
        **options,
    )


def frames_of(model: FrameDiT, count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, count, *model.frame_shape, generator=generator)


@pytest.mark.parametrize("adaln", ["shared", "layer"])
@pytest.mark.parametrize("what", ["tokens", "time", "action"])
def test_nothing_looks_ahead(what, adaln):
    model = tiny(WORLD.model_copy(update={"adaln": adaln}))
    x, t, i = frames_of(model, 7), torch.rand(1, 7), 4
    actions = torch.stack([a.keys for a in PLAN[:7]], dim=1)
    x2, t2, actions2 = x.clone(), t.clone(), actions.clone()
    match what:
        case "tokens":
            x2[:, i] += 1.0
        case "time":
            t2[:, i] = 1 - t2[:, i]
        case "action":
            actions2[:, i] = 1 - actions2[:, i]
    base, changed = model.denoise(x, t, actions), model.denoise(x2, t2, actions2)
    assert torch.equal(base[:, :i], changed[:, :i])
    for later in range(i, 7):
        assert not torch.allclose(base[:, later], changed[:, later])


def test_a_frame_sees_all_of_itself():
    model = tiny()
    x, t = frames_of(model, 2), torch.rand(1, 2)
    x2 = x.clone()
    x2[:, 1, -1] += 1.0  # the last token
    base, changed = model(x, t, PLAN[:2]), model(x2, t, PLAN[:2])
    assert (base[:, 1] != changed[:, 1]).any(-1).all()


@pytest.mark.parametrize("past", [0, 5])
def test_attention_written_out_is_the_fused_one(past):
    mask = block_causal_mask(3, 4, past, torch.device("cpu"))
    assert mask.shape == (12, past + 12)
    q = torch.randn(2, 2, 12, 8)
    k, v = torch.randn(2, 2, 2, past + 12, 8)
    fused = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    assert torch.allclose(attend(q, k, v, mask), fused, atol=1e-6)


def test_no_known_action_is_another_thing_than_no_key():
    model = tiny()
    x, t = frames_of(model, 1), torch.rand(1, 1)
    unknown = Action(torch.full((1, len(KEYS)), -1.0))
    assert not torch.allclose(model(x, t, [action(0)]), model(x, t, [unknown]))
    assert torch.equal(model.condition(t, unknown.keys[None]), model.time(t) + model.unknown)


def test_guidance_leads_away_from_the_unknown_action():
    model = tiny()
    x, t = frames_of(model, 1), torch.rand(1, 1)
    unknown = Action(torch.full((1, len(KEYS)), -1.0))
    known, null = model(x, t, [action(9)]), model(x, t, [unknown])
    v = guided(model, x, t, [action(9)], None, 0, 3.0)
    assert torch.allclose(v, null + 3.0 * (known - null), atol=1e-5)


def run(denoiser, cache, plan: Sequence[Action], first: torch.Tensor, **options) -> torch.Tensor:
    """Play a plan after some committed frames and return its frames (T, P, C)."""
    sampler = make_sampler(denoiser, cache, **options)
    sampler.commit(first, [PLAN[0]] * first.shape[1])
    return torch.cat([sampler.sample([c])[0].x for c in plan])


@pytest.mark.parametrize("prefix", [0, 1, 2])
@pytest.mark.parametrize(("steps", "noise"), [(1, 0.1), (3, 0.0), (3, 0.2)])
def test_cached_sampling_equals_recomputation(prefix, steps, noise):
    model = tiny(LONG.model_copy(update={"prefix": prefix}))
    first, options = frames_of(model, 3), {"steps": steps, "context_noise": noise}
    cached = run(model, model.new_cache(), PLAN, first, **options)
    again = run(RecomputeWindow(model), None, PLAN, first, **options)
    assert torch.allclose(cached, again, atol=1e-5)
    assert cached.std() > 0.1


@pytest.mark.parametrize("prefix", [0, 1, 2])
@pytest.mark.parametrize("context", [1, 3])
def test_a_full_window_equals_recomputation_of_what_is_in_view(prefix, context):
    """One block deep, keys and values know nothing of frames that have left the view since."""
    cfg = WORLD.model_copy(update={"depth": 1, "prefix": prefix, "context": context})
    model = tiny(cfg)
    first, options = frames_of(model, 2), {"steps": 2, "context_noise": 0.1}
    cached = run(model, model.new_cache(), PLAN, first, **options)
    again = run(RecomputeWindow(model), None, PLAN, first, **options)
    assert torch.allclose(cached, again, atol=1e-5)


def test_pinned_frames_stay_in_view_and_old_ones_leave_it():
    model = tiny(WORLD.model_copy(update={"depth": 1}))
    plan = [action(0)] * 9

    def after(changed: int | None) -> torch.Tensor:
        sampler, frames = make_sampler(model, model.new_cache()), frames_of(model, 9)
        if changed is not None:
            frames[:, changed] += 1.0
        for i in range(9):
            sampler.commit(frames[:, i : i + 1], plan[:1])
        return sampler.sample(plan[:1])[0].x

    base = after(None)
    assert [torch.equal(after(i), base) for i in range(9)] == [False, *[True] * 5, *[False] * 3]


def test_memory_and_positions_stay_bounded():
    model, slack = tiny(), 4
    cache, tokens = model.new_cache(slack), model.frame_shape[0]
    sampler = make_sampler(model, cache, context_noise=0.1)
    sampler.commit(frames_of(model, 1), PLAN[:1])
    pinned = cache.layers[1].view[0][:, :, :tokens].clone()
    for i in range(50):  # positions beyond the table would raise
        (frame,) = sampler.sample([PLAN[i % len(PLAN)]])
        assert torch.isfinite(frame.x).all()
    assert cache.length == (WORLD.prefix + WORLD.context) * tokens
    for layer in cache.layers:
        assert layer.length == (WORLD.prefix + WORLD.context + slack) * tokens
    assert torch.equal(cache.layers[1].view[0][:, :, :tokens], pinned)


def test_more_frames_than_positions_are_told_in_a_sentence():
    model = tiny()
    with pytest.raises(ValueError, match="88 tokens exceed the 80 positions of this model"):
        model(frames_of(model, 11), torch.rand(1, 11), [PLAN[0]] * 11)


def test_attention_sees_how_far_frames_are_apart_and_nothing_else():
    model = tiny()
    rotary, tokens = model.transformer.rotary, model.frame_shape[0]
    q, k = torch.randn(2, tokens, WORLD.width // WORLD.heads)

    def scores(at: int, other: int) -> torch.Tensor:
        return rotary(q, at * tokens) @ rotary(k, other * tokens).T

    assert torch.allclose(scores(5, 3), scores(9, 7), atol=1e-4)
    assert not torch.allclose(scores(5, 3), scores(5, 4), atol=1e-2)


def test_published_sizes():
    with torch.device("meta"):
        models = {name: FrameDiT(published(*size)) for name, size in PRESETS.items()}
    millions = [sum(p.numel() for p in model.parameters()) / 1e6 for model in models.values()]
    assert millions == pytest.approx([130, 310], rel=0.02)
