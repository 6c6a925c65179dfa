"""Recorded sets: the action stands beside the frame it made, and episodes keep to themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.support.toy_world import (
    CELLS,
    DIT,
    KEYS,
    SIZE,
    PixelTokenizer,
    pixels_of,
    places,
    write_set,
)
from train.frames import FrameSet, TokenSet, fingerprint
from train.worlds.recording import load, read_meta

LENGTH, FRAME = DIT.max_frames, (DIT.grid[0] * DIT.grid[1], DIT.channels)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"))


def token_set(folder, split: str = "train") -> TokenSet:
    return TokenSet(FrameSet(folder, split), PixelTokenizer(), folder / "cache")


def test_this_world_is_one_that_the_recorder_could_have_written(folder):
    meta, arrays = read_meta(folder), load(folder)
    assert meta.keys == KEYS
    assert len(arrays.frames) == len(arrays.actions) == sum(e.frames for e in meta.episodes)


@pytest.mark.parametrize("split", ["train", "val"])
def test_actions_explain_their_own_frames(folder, split):
    frames = FrameSet(folder, split)
    for episode in frames.episodes:
        start, count = episode.start, episode.frames
        there = places(frames.frames[start : start + count])
        moved, held = np.diff(there, axis=0) % CELLS, frames.actions[start : start + count]
        assert np.array_equal(moved, held[1:])
        assert not np.array_equal(moved[1:], held[1:-1])  # one too late would be told apart
        assert not np.array_equal(moved[:-1], held[2:])  # one too early too


@pytest.mark.parametrize("split", ["train", "val"])
def test_windows_keep_actions_beside_their_frames(folder, split):
    batch = next(token_set(folder, split).windows(64, LENGTH))
    assert batch.tokens.shape == (64, LENGTH, *FRAME)
    assert batch.actions.shape == (64, LENGTH, 2)
    assert (batch.actions[:, 0] == -1).all()  # what led to the pinned frame is not known
    assert ((batch.actions[:, 1:] == 0) | (batch.actions[:, 1:] == 1)).all()
    there = places(pixels_of(batch.tokens))
    moved = np.diff(there[:, 1:], axis=1) % CELLS  # the pinned frame may be from any time before
    assert np.array_equal(moved, batch.actions[:, 2:].numpy())


def test_windows_stay_in_their_episode_and_split(folder):
    rng, splits = np.random.default_rng(0), {}
    for split in ("train", "val"):
        tokens = token_set(folder, split)
        owner = {
            i: number
            for number, e in enumerate(tokens.frames.episodes)
            for i in range(e.start, e.start + e.frames)
        }
        seen, beside = set(), 0
        for _ in range(600):
            index, _ = tokens.window(rng, LENGTH)
            assert len({owner[int(i)] for i in index}) == 1
            assert np.array_equal(index[1:], np.arange(index[1], index[1] + LENGTH - 1))
            assert index[0] < index[1]
            seen |= set(index.tolist())
            beside += index[0] == index[1] - 1
        assert seen == set(owner)  # the first and the last frame of an episode as well
        assert 0.45 < beside / 600 < 0.65  # half, and those that fell beside by chance
        splits[split] = seen
    assert not splits["train"] & splits["val"]


def test_an_episode_may_be_as_short_as_a_window(tmp_path):
    tokens = token_set(write_set(tmp_path, (LENGTH, LENGTH)))
    for _ in range(20):
        index, _ = tokens.window(np.random.default_rng(0), LENGTH)
        assert index.tolist() == list(range(LENGTH))


def test_a_move_can_be_learnt_from_its_action_and_from_no_other(folder):
    """A linear model of how tokens move; it fails where actions are shifted by a frame."""
    tokens = token_set(folder)
    batch = next(tokens.windows(400, LENGTH))
    there = places(pixels_of(batch.tokens))
    moved = np.diff(there[:, 1:], axis=1) % CELLS

    def error(actions: np.ndarray) -> float:
        x = np.concatenate([actions.reshape(-1, 2), np.ones((actions[..., 0].size, 1))], axis=1)
        y = moved[:, 1:-1].reshape(-1, 2)
        weights, *_ = np.linalg.lstsq(x, y, rcond=None)
        return float(((x @ weights - y) ** 2).mean() / y.var())

    held = batch.actions.numpy()
    assert error(held[:, 3:-1]) < 1e-6
    assert error(held[:, 2:-2]) > 0.9
    assert error(held[:, 4:]) > 0.9


def test_same_seed_same_windows(folder):
    tokens = token_set(folder)
    one, two, other = (next(tokens.windows(4, LENGTH, seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(one.tokens, two.tokens)
    assert torch.equal(one.actions, two.actions)
    assert not torch.equal(one.tokens, other.tokens)


def test_tokens_are_encoded_once_for_all_splits(folder):
    token_set(folder)
    (path,) = (folder / "cache").glob("tokens-*.npy")
    written = path.stat().st_mtime_ns
    tokens = token_set(folder, "val")
    assert path.stat().st_mtime_ns == written
    assert len(tokens.tokens) == 155
    assert tokens.tokens.dtype == np.float16
    other = PixelTokenizer()
    with torch.no_grad():
        other.weight.add_(1)
    held = tokens.frames.actions
    assert fingerprint(other, held) != fingerprint(PixelTokenizer(), held)


def test_another_set_of_the_same_size_brings_its_own_tokens(tmp_path):
    sets = [write_set(tmp_path / str(seed), seed=seed) for seed in (0, 1)]
    one, two = (TokenSet(FrameSet(s, "train"), PixelTokenizer(), tmp_path / "c") for s in sets)
    assert not np.array_equal(one.tokens, two.tokens)


def test_pictures_are_of_one_split(folder):
    frames = FrameSet(folder, "val")
    batch = next(frames.pictures(50))
    assert batch.shape == (50, SIZE, SIZE, 3)
    assert batch.dtype == torch.uint8
    own = {frames.frames[i].tobytes() for i in range(40, 65)}
    assert frames.index.tolist() == list(range(40, 65))
    assert {picture.numpy().tobytes() for picture in batch} <= own


def test_a_set_tells_of_itself(folder):
    frames = FrameSet(folder, "train")
    assert frames.keys == KEYS
    assert frames.about() == {"licence": "CC0-1.0", "data": {"squares": {"frames": 130, "seed": 0}}}


def test_what_is_no_set_is_told_in_a_sentence(folder, tmp_path):
    with pytest.raises(ValueError, match="is not a recorded set; make one with"):
        FrameSet(tmp_path, "train")
    with pytest.raises(ValueError, match="holds no episode of the split 'test'"):
        FrameSet(folder, "test")


def test_episodes_too_short_for_a_window_are_left_out(tmp_path):
    tokens = token_set(write_set(tmp_path, (LENGTH - 1, 9, 20, 3)))
    for index, _ in (tokens.window(np.random.default_rng(i), LENGTH) for i in range(20)):
        assert index.min() >= LENGTH - 1 + 9
    with pytest.raises(ValueError, match="no episode is as long as a window"):
        tokens.window(np.random.default_rng(0), 21)
