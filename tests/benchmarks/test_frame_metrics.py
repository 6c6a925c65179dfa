"""Figures of merit for frames, on hand-made cases whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import frame_metrics, idm
from tests.support.recorded import write_set
from train.frames import FrameSet


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 16, 32, 3), np.uint8)


def test_psnr_of_known_errors():
    real = np.full((2, 3, 16, 32, 3), 100, np.uint8)
    made = real.copy()
    made[0] += 1
    made[1, 0] += 10
    found = frame_metrics.psnr(made, real)
    assert found.shape == (2, 3)
    assert found[0] == pytest.approx(48.13, abs=0.01)
    assert found[1].tolist() == pytest.approx(
        [28.13, frame_metrics.NEVER, frame_metrics.NEVER], abs=0.01
    )


def test_features_are_always_the_same_and_see_movement():
    clip = noise(2, 4)
    first, again = frame_metrics.features(clip), frame_metrics.features(clip)
    assert first.shape == (2, 32)
    assert np.array_equal(first, again)
    assert not np.allclose(
        frame_metrics.features(clip[:, ::-1]), first
    )  # the same frames, backwards


def test_gfvd_is_nothing_for_the_same_and_grows_with_blur():
    real = frame_metrics.features(noise(200, 4))
    assert frame_metrics.gfvd(real, real) == pytest.approx(0, abs=1e-9)
    other = frame_metrics.features(noise(200, 4, seed=1))
    gray = frame_metrics.features(np.full((200, 4, 16, 32, 3), 127, np.uint8))
    assert frame_metrics.gfvd(real, other) < 0.5 < frame_metrics.gfvd(real, gray)


def test_errors_count_where_the_picture_changes():
    last, now = np.zeros((1, 16, 32, 3), np.uint8), np.zeros((1, 16, 32, 3), np.uint8)
    now[0, :4, :4, 1] = 200
    now[0, 9, 9] = frame_metrics.SALIENT  # too little
    mask = frame_metrics.changed(last, now)
    assert mask.sum() == 16
    assert frame_metrics.error_where(mask, now, now) == 0
    assert frame_metrics.error_where(mask, last, now) == pytest.approx(200 / 3)
    elsewhere = now.copy()
    elsewhere[0, 12:] = 255
    assert frame_metrics.error_where(mask, elsewhere, now) == 0


def test_sharpness_of_a_ramp_and_of_nothing():
    ramp = np.broadcast_to(np.arange(32, dtype=np.uint8)[None, :, None] * 4, (2, 16, 32, 3))
    assert frame_metrics.sharpness(ramp) == pytest.approx(4)
    assert frame_metrics.sharpness(np.full((2, 16, 32, 3), 9, np.uint8)) == 0


def test_drift_compares_color_contrast_and_sharpness():
    real = noise(4)
    assert frame_metrics.drift(real, real) == {"color": 0, "contrast": 1, "sharpness": 1}
    dull = (real // 2).astype(np.uint8)
    found = frame_metrics.drift(dull, real)
    assert found["contrast"] == pytest.approx(0.5, abs=0.01)
    assert found["sharpness"] == pytest.approx(0.5, abs=0.01)
    assert found["color"] == pytest.approx(64 * 3**0.5, rel=0.02)


def test_macro_f1_counts_keys_that_are_held():
    held = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]], bool)
    assert idm.macro_f1(held, held) == 1
    # first key always found, second never, third is nowhere held
    found = np.array([[1, 0, 1], [1, 0, 0], [0, 0, 0]], bool)
    assert idm.macro_f1(found, held) == pytest.approx(0.5)


@pytest.mark.slow
def test_keys_are_read_back_from_frames_in_which_they_show(tmp_path, monkeypatch):
    folder = write_set(tmp_path / "set")
    monkeypatch.setattr(idm, "BATCH", 16)
    model = idm.learn(FrameSet(folder, "train"), steps=500)
    real = FrameSet(folder, "val")
    first = np.concatenate([np.arange(e.start, e.start + e.frames - 1) for e in real.episodes])
    held = real.actions[first + 1] > 0
    found = idm.read_keys(model, real.frames[first], real.frames[first + 1])
    assert idm.macro_f1(found, held) > 0.7
    backwards = idm.read_keys(model, real.frames[first + 1], real.frames[first])
    assert idm.macro_f1(backwards, held) < 0.3


def test_a_reader_of_keys_is_kept(tmp_path, monkeypatch):
    folder, cache = write_set(tmp_path / "set"), tmp_path / "cache"
    monkeypatch.setattr(idm, "STEPS", 3)
    first = idm.obtain(folder, 6, cache)
    monkeypatch.delattr(idm, "learn")
    again = idm.obtain(folder, 6, cache)
    frames = noise(5)
    assert np.array_equal(
        idm.read_keys(first, frames, frames), idm.read_keys(again, frames, frames)
    )
    (folder / "frames.npy").unlink()
    assert idm.obtain(folder, 6, tmp_path) is None
    next(cache.iterdir()).rename(folder / idm.FILE)
    assert idm.obtain(folder, 6, tmp_path) is not None
