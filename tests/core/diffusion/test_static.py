"""Streams compute what plain modules do at fixed addresses, called and replayed, and prepared."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass, replace
from itertools import chain, repeat
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from core.diffusion import kernels
from core.diffusion.graphs import WARM, Graphs
from core.diffusion.speculation import SLACK, Speculator
from core.motion.generate import MotionModel
from core.motion.model import UNASKED, MotionDiT
from core.settings import MotionSettings
from core.video.model import Action, FrameDiT
from tests.support.fake_graphs import record_on_cpu
from tests.support.tiny import DIT, KEYS, PLACE_WORLD, WORLD, tiny_vae

CLOSE = 1e-5
"""Relative error in fp32."""
WORLDS = {
    "pinned": WORLD,
    "layer": WORLD.model_copy(update={"adaln": "layer", "prefix": 0, "context": 5}),
    "place": PLACE_WORLD,
}
MOTIONS = {
    "told": {"told_guidance": True, "traits": 7},
    "doubled": {},
    "published": {"adaln": "layer", "refiner_depth": 0, "multistep": False, "block": 3}
    | {"steps": 10, "stagger": 3, "whole_norm": True, "final_norm": False, "text_in_history": True},
}


def alive(model):
    """A model in which nothing is zero, as much is at birth."""
    for weights in model.parameters():
        if not weights.any():
            torch.nn.init.normal_(weights, std=0.3)
    return model.eval().requires_grad_(False)


def error(found, expected) -> float:
    return float((found - expected).norm() / expected.norm())


@dataclass
class Way:
    """How a model is to compute from now on."""

    name: str
    replays: list | None

    def take(self, dit) -> None:
        if self.name == "prepared":
            dit.prepare("fp32")
        else:
            dit.run_static(torch.float32)

    @property
    def taken(self) -> bool:
        """Whether what should have been replayed was."""
        return self.replays is None or len(self.replays) > 10


@pytest.fixture(params=["called", "replayed", "prepared"])
def way(request, monkeypatch):
    replayed = request.param == "replayed"
    return Way(request.param, record_on_cpu(monkeypatch) if replayed else None)


def actions(rows: int) -> list[Action]:
    bits = torch.eye(len(KEYS))[:3, None].expand(-1, rows, -1)
    return [Action(keys, 1 << i, np.full((1, 3), 9.0 + i)) for i, keys in enumerate(bits)]


def play(model: FrameDiT, steps: int, rows: int, seed: int = 3) -> torch.Tensor:
    """Frames of a stream in which groups are drafted, dropped and shown, that is copied midway."""
    sampler, held = model.new_sampler(rows, seed, steps=steps, slack=4), actions(rows)
    start = torch.randn(rows, 5, *model.frame_shape, generator=torch.Generator().manual_seed(1))
    sampler.commit(start, held[:1] * 5)
    shown = []
    for i in range(16):
        if i % 4 == 3:
            before = sampler.snapshot()
            sampler.sample(held[1:2] * min(2, model.cfg.most_together))
            sampler.sample(held[2:])
            sampler.restore(before)
        if i == 7:
            sampler.cache = sampler.cache.copy(still=True).copy()
        shown.append(sampler.sample([held[i % 3]])[0].x)
    return torch.stack(shown)


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("world", WORLDS)
def test_worlds(world, rows, way):
    torch.manual_seed(0)
    model = alive(FrameDiT(WORLDS[world]))
    expected = [play(model, steps, rows) for steps in (1, 3)]
    way.take(model)
    found = [play(model, steps, rows) for steps in (1, 3)]
    assert all(error(f, e) < CLOSE for f, e in zip(found, expected, strict=True))
    assert way.taken


def test_a_world_in_float64_is_exact():
    torch.manual_seed(0)
    model = alive(FrameDiT(WORLD).double())
    start = torch.randn(1, 9, *model.frame_shape, dtype=torch.float64)
    held = actions(1)[:1] * 9

    def committed() -> torch.Tensor:
        cache, t = model.new_cache(), torch.full((1, 9), 0.5, dtype=torch.float64)
        kept = [replace(a, keys=a.keys.double(), course=None) for a in held]
        model(start, t, kept, cache, 9)
        return model(start[:, :2], t[:, :2], kept[:2], cache, 1)

    expected = committed()
    model.prepare("fp32")
    assert error(committed(), expected) < 1e-9


def test_what_is_seen_from_a_place_is_computed_once(monkeypatch):
    model, held = alive(FrameDiT(PLACE_WORLD)), actions(1)
    model.prepare("fp32")
    looked = Mock(wraps=model.place_map.look)
    monkeypatch.setattr(model.place_map, "look", looked)
    sampler = model.new_sampler(1, 0, steps=2)
    for i in (0, 1, 2, 2, 1):  # each is met in every step, and when it is committed
        sampler.sample(held[i : i + 1])
    assert looked.call_count == 3


def test_a_rollback_goes_no_further_than_the_slack(way):
    model = alive(FrameDiT(WORLD))
    way.take(model)
    with pytest.raises(ValueError, match="can roll back 4 frames"):
        model.new_cache(4).rollback(5)


def test_streams_take_turns(way):
    torch.manual_seed(0)
    model, held = alive(FrameDiT(WORLD)), actions(1)

    def streams(turns: list[int]) -> list[torch.Tensor]:
        samplers = [model.new_sampler(1, seed, slack=2) for seed in range(3)]
        made: list[list[torch.Tensor]] = [[], [], []]
        for turn in turns:
            made[turn].append(samplers[turn].sample([held[turn]])[0].x)
        return [torch.stack(frames) for frames in made]

    expected = streams(sorted(list(range(3)) * 8))
    way.take(model)
    found = streams([0, 1, 2] * 6 + [2, 2, 1, 1, 0, 0])
    assert all(error(f, e) < CLOSE for f, e in zip(found, expected, strict=True))


def test_drafts_are_the_frames_that_would_have_come(way):
    torch.manual_seed(0)
    model, held = alive(FrameDiT(WORLD)), actions(1)
    way.take(model)

    def shown(ahead: int) -> list[torch.Tensor]:
        drafting = Speculator(model.new_sampler(1, 5, slack=SLACK), ahead=ahead)
        frames = []
        for i in range(12):
            frames.append(drafting.next(held[i // 5])[0].x)
            while drafting.draft():
                pass
        return frames

    assert all(error(a, b) < CLOSE for a, b in zip(shown(0), shown(4), strict=True))


class States:
    """Token states of nothing in particular."""

    width = DIT.text_dim

    def __call__(self, prompts):
        noise = torch.Generator().manual_seed(len(prompts[0]))
        shape = len(prompts), 9
        return torch.randn(*shape, self.width, generator=noise), torch.ones(*shape).bool()


@pytest.mark.parametrize("kind", MOTIONS)
def test_motion(kind, way):
    torch.manual_seed(0)
    model = MotionModel(
        alive(MotionDiT(DIT.model_copy(update=MOTIONS[kind]))), tiny_vae(), States(), "cpu"
    )

    def blocks(rows: int) -> torch.Tensor:
        sampler = model._new_sampler(rows, MotionSettings(seed=1))
        start = torch.randn(rows, 3, *model.dit.frame_shape)
        sampler.commit(torch.ones_like(start), [UNASKED])
        prompts = chain(*(repeat(model.prompts([text] * rows), 7) for text in ("walk", "wait")))
        return torch.stack([sampled.x for sampled in sampler.stream(prompts)])

    def poses() -> torch.Tensor:
        prompts = ["walk"] * 8 + ["wait"] * 8
        chunks = list(model.stream(prompts, MotionSettings(seed=2)))
        return torch.from_numpy(np.concatenate([chunk.features for chunk in chunks]))

    expected = blocks(1), blocks(2), poses()
    model._prompts.clear()
    way.take(model.dit)
    found = blocks(1), blocks(2), poses()
    assert all(error(f, e) < CLOSE for f, e in zip(found, expected, strict=True))
    assert way.taken


def test_pinned_blocks_weigh_the_same_when_prepared():
    torch.manual_seed(0)
    model = MotionModel(alive(MotionDiT(DIT)), tiny_vae(), States(), "cpu")

    def blocks() -> torch.Tensor:
        sampler = model._new_sampler(1, MotionSettings(seed=1), prefix=3, emphasis=9.0)
        past = torch.randn(1, 9, *model.dit.frame_shape, generator=torch.Generator().manual_seed(1))
        sampler.commit(past, [UNASKED])
        made = sampler.stream(repeat(model.prompts(["walk"]), 12))
        return torch.stack([sampled.x for sampled in made])

    expected = blocks()
    model._prompts.clear()
    model.prepare()
    assert error(blocks(), expected) < CLOSE


def test_a_window_is_gone_with_who_holds_it():
    model = alive(FrameDiT(WORLD))
    model.prepare("fp32")
    cache = model.new_cache(4)
    model(torch.randn(1, 2, *model.frame_shape), torch.ones(1, 2), actions(1)[:2], cache, 2)
    still = cache.copy(1, still=True)
    assert still.committed == 1
    assert still.keys.numel() < cache.keys.numel() / 2
    gone = weakref.ref(cache)
    gc.disable()
    del cache
    gc.enable()
    assert gone() is None


def test_graphs_call_what_is_new_and_replay_what_is_not(monkeypatch):
    replays, calls = record_on_cpu(monkeypatch), []
    graphs = Graphs("cpu")

    def double(x):
        calls.append(1)
        return (2 * x,)

    results = [graphs("double", double, [torch.tensor(float(i))])[0] for i in range(6)]
    assert results == [0, 2, 4, 6, 8, 10]  # none was overwritten by a later one
    assert len(replays) == 6 - WARM
    assert graphs.recorded == 1


@pytest.mark.parametrize("pieces", [2, 3])
def test_attention_to_pieces_of_the_keys_is_attention(pieces):
    q, k, v = (torch.randn(1, 2, n, 8) for n in (5, 12, 12))

    def kernel(q, k, v):
        scores = q @ k.transpose(-1, -2) / 8**0.5
        return scores.softmax(-1) @ v, scores.logsumexp(-1)

    found = kernels._in_pieces(kernel, kernels.merge, q, k, v, pieces)
    assert error(found, kernel(q, k, v)[0]) < CLOSE


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_bf16_is_near_and_fp32_is_the_same():
    from benchmarks.gpu_parity import parity

    assert parity("cuda")["within"]
