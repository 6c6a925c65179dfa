"""Every stage of training a world, one after the other, on a toy: what comes out can be played."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core import checkpoint
from core.engine import Engine
from tests.support.toy_world import KEYS, write_set
from train import distill, rollout, seeds, tokenizer, video

pytestmark = [
    pytest.mark.slow,
    # torch's own forward-mode derivatives still use it
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Checkpoints of all stages, of a step or two each."""
    root = tmp_path_factory.mktemp("stages")
    data = write_set(root / "set", (50, 50, 50), cell=8)
    out, runs = root / "checkpoints", root / "runs"
    coder, teacher, student = (out / name for name in ("video-tokenizer", "video-teacher", "video"))
    quick = {"steps": 2, "batch": 2, "precision": "no"}
    tokenizer.main(data, coder, runs / "tokenizer", **quick)
    seeds.main(data, coder, count=3)
    video.main(
        data,
        teacher,
        coder,
        runs / "video",
        width=32,
        depth=6,
        heads=2,
        muon=True,
        compile=False,
        **quick,
    )
    distill.main(data, student, teacher, runs / "distill", runs / "video", **quick)
    rollout.main(data, student, teacher, runs / "rollout", runs / "video", **quick)
    return out


def test_what_was_trained_can_be_played(folder):
    worlds = Engine(folder, "cpu")
    assert worlds.worlds == ("video", "video-teacher")
    cards = [worlds.world_card(name) for name in worlds.worlds]
    for card in cards:
        assert (card["width"], card["height"], card["keys"]) == (16, 16, KEYS)
        assert (card["licence"], card["data"]) == ("CC0-1.0", "squares")
        assert card["seeds"] == ["Start 1", "Start 2", "Start 3"]
    assert [card["steps"] for card in cards] == [2, 4]
    for name in worlds.worlds:
        frames = [made.frame for made in worlds.video([1, 1, 3, 0], checkpoint=name)]
        assert np.stack(frames).shape == (4, 16, 16, 3)


def test_a_checkpoint_tells_how_good_it_is(folder):
    for name, figure in (("video-tokenizer", "psnr"), ("video-teacher", "wrong"), ("video", "at8")):
        about = checkpoint.describe(folder / name)["about"]
        assert np.isfinite(about["figures"][figure])
        assert about["data"] == {"squares": {"frames": 100, "seed": 0}}


def test_seeds_are_rows_of_held_out_frames(folder):
    world = Engine(folder, "cpu").world()
    val = np.load(folder.parent / "set" / "frames.npy")[50:100]
    for seed in world.seeds:
        assert seed.frames.shape == (seeds.FRAMES, 16, 16, 3)
        rows = np.lib.stride_tricks.sliding_window_view(val, seeds.FRAMES, axis=0)
        assert (rows == np.moveaxis(seed.frames, 0, -1)).all((1, 2, 3, 4)).any()
