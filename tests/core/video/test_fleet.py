"""Streams side by side: each makes what it would make alone, whoever comes, waits and goes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.diffusion.graphs import WARM
from core.diffusion.sampler import StreamSampler
from core.video.fleet import Fleet
from tests.support.fake_graphs import record_on_cpu, watch_for_the_host
from tests.support.tiny import PLACE_WORLD, WORLD, tiny_world

PLAYS = {
    0: (0, [1, 1, 4, 4, None, 4, 1, 2, None, None, 16, 16, 1, 1, 0]),
    1: (0, [None, None, None, 8, 8, 8, 0, 1, 1, 2, 2, 2, 1, None, 1]),
    2: (4, [None, None, None, None, 1, 1, 2, 2, 4, 8, 16, 1, None, 0, 0]),
}
"""Seed's frame at which each joins, and its keys, or that it waits."""


@pytest.mark.parametrize("places", [3, 4], ids=["full", "one to spare"])
@pytest.mark.parametrize("record", [False, True], ids=["called", "replayed"])
@pytest.mark.parametrize("cfg", [WORLD, PLACE_WORLD], ids=["pinned", "place"])
def test_a_fleet_makes_what_its_streams_make_alone(cfg, record, places, monkeypatch):
    monkeypatch.setattr(Fleet, "_noise", lambda self, *n: torch.zeros(*n, 8, 4))
    monkeypatch.setattr(StreamSampler, "_noise", lambda self: torch.zeros(self.shape))
    model = tiny_world(cfg)
    expected = {number: alone(model, number, keys) for number, (_, keys) in PLAYS.items()}
    if record:
        record_on_cpu(monkeypatch)
    model.dit.run_static(torch.float32)
    fleet, rows = Fleet(model, places, torch.Generator()), dict[int, int]()
    found = {number: [] for number in PLAYS}
    fleet.leave(fleet.join(model.seeds[0]))
    for frame in range(15):
        for number, (joins, _) in PLAYS.items():
            if joins == frame:
                rows[number] = fleet.join(model.seeds[number])
        masks = {rows[n]: keys[frame] for n, (_, keys) in PLAYS.items() if n in rows}
        pictures = fleet.step({row: mask for row, mask in masks.items() if mask is not None}).get()
        for number, row in rows.items():
            if row in pictures:
                found[number].append(pictures[row])
    for number, frames in expected.items():
        assert np.abs(np.stack(found[number]).astype(int) - frames).max() <= 1


def alone(model, number, keys):
    """The plain sampler's frames."""
    sampler, seed = model.dit.new_sampler(1, 0), model.seeds[number]
    tokens = model.encode(seed.frames)
    conditions, _ = model.begin(seed, tokens)
    sampler.commit(tokens[None], conditions)
    frames, condition = [], conditions[-1]
    for mask in keys:
        if mask is not None:
            condition = model.carry(model.action(mask), condition)
            frames.append(model.decode(sampler.sample([condition])[0].x)[0])
    return np.stack(frames)


def test_a_full_fleet_takes_nobody_until_somebody_leaves():
    model = tiny_world()
    model.dit.run_static(torch.float32)
    fleet = Fleet(model, 1, torch.Generator().manual_seed(0))
    row = fleet.join(model.seeds[0])
    with pytest.raises(ValueError, match="all 1 places"):
        fleet.join(model.seeds[1])
    fleet.leave(row)
    assert fleet.join(model.seeds[1]) == row


def test_a_frame_of_all_rows_is_one_replay(monkeypatch):
    replays, model = record_on_cpu(monkeypatch), tiny_world(PLACE_WORLD)
    model.dit.run_static(torch.float32)
    fleet, taken = Fleet(model, 2, torch.Generator().manual_seed(0)), []
    rows = [fleet.join(seed) for seed in model.seeds[:2]]
    for i in range(10):
        before = len(replays)
        fleet.step(dict.fromkeys(rows[: 1 + i % 2], 1))
        taken.append(len(replays) - before)
    full = 2 * PLACE_WORLD.context  # one of them waits every other time
    young = [0] * WARM + [1] * (full - WARM)
    assert taken == young + [0] * WARM + [1] * (10 - full - WARM)


def test_a_frame_of_all_rows_asks_the_host_for_nothing(monkeypatch):
    ran, model = watch_for_the_host(monkeypatch), tiny_world(PLACE_WORLD)
    model.dit.run_static(torch.float32)
    fleet = Fleet(model, 2, torch.Generator().manual_seed(0))
    row = fleet.join(model.seeds[0])
    for _ in range(2):
        fleet.step({row: 1}).get()
    assert len(ran) == 2
