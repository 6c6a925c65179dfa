"""VideoModel: pictures of any size, tokens and back, seeds on disk."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.device import fast_precision
from core.video.world import Seed, read_seeds, write_seeds
from tests.support.tiny import KEYS, tiny_world

MODEL = tiny_world()


@pytest.mark.parametrize(
    "size", [(16, 32), (200, 100), (100, 400), (1, 1), (1, 50), (50, 1), (3, 1), (1080, 1920)]
)
def test_pictures_of_any_size_fit(size):
    picture = np.full((*size, 3), 50, np.uint8)
    picture[..., 0] = 200
    frame = MODEL.fit(picture)
    assert frame.shape == (16, 32, 3)
    assert np.array_equal(frame, np.broadcast_to(picture[0, 0], frame.shape))


def test_a_fitting_picture_stays_as_it_is_and_others_lose_their_edges():
    frame = MODEL.seeds[0].frames[0]
    assert np.array_equal(MODEL.fit(frame), frame)
    tall = np.zeros((96, 32, 3), np.uint8)
    tall[40:56] = frame
    assert np.array_equal(MODEL.fit(tall), frame)
    wide = np.zeros((32, 128, 3), np.uint8)
    wide[:, 32:96] = frame.repeat(2, 0).repeat(2, 1)
    assert np.array_equal(MODEL.fit(wide), frame)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((16, 32), np.uint8),
        np.zeros((16, 32, 4), np.uint8),
        np.zeros((16, 32, 3), np.float32),
        np.zeros((0, 32, 3), np.uint8),
    ],
    ids=["gray", "alpha", "float", "empty"],
)
def test_what_is_no_picture_is_told(picture):
    with pytest.raises(ValueError, match="a start picture must be"):
        MODEL.fit(picture)


def test_seeds_survive_their_file(tmp_path):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (2, 16, 32, 3), np.uint8) for _ in range(3)]
    unknown = np.full((2, len(KEYS)), -1, np.float32)
    seeds = [Seed(f"no. {i}", frames[i], unknown, np.arange(4.0) + i) for i in range(3)]
    write_seeds(tmp_path / "seeds.npz", seeds)
    again = read_seeds(tmp_path / "seeds.npz")
    assert [s.title for s in again] == ["no. 0", "no. 1", "no. 2"]
    for one, other in zip(seeds, again, strict=True):
        assert all(map(np.array_equal, one[1:], other[1:]))
        assert other.frames.dtype == np.uint8
    assert read_seeds(tmp_path / "none.npz") == []


def test_decoding_is_what_the_tokenizer_says():
    tokens = MODEL.encode(MODEL.seeds[0].frames)
    assert tokens.shape == (1, *MODEL.dit.frame_shape)
    with fast_precision("cpu"):
        pixels = MODEL.tokenizer.decode(tokens)
    assert np.array_equal(MODEL.decode(tokens), MODEL.tokenizer.to_frames(pixels).numpy())
    assert torch.equal(MODEL.encode(np.ascontiguousarray(MODEL.seeds[0].frames)), tokens)
