"""The rows of the world's quality table: real frames, copies of the last one, tokenizer, models.

All rows stand on the same moments of held-out play in which somebody moves. `copy_last` shows the
last true frame for ever, `tokenizer` the true frames encoded and decoded: the most that a model on
its tokens can reach. Worlds of another size than the set are given frames of their own size, and
what they make is compared at the set's. `real` is the real frames themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import frame_metrics, idm
from benchmarks.dreams import Dreams, at_size, before_frames
from benchmarks.frame_items import HeldOut, Play
from benchmarks.reporting import Row
from core.video.world import Seed, VideoModel

HORIZONS = (1, 8, 32, 64, 128, 200)
EVERY = 12
"""Frames from one clip that is looked at to the next."""
LATE = 600
"""Frame at which drift is measured."""
LATE_ROWS = 8
LATE_FRAMES = range(LATE - 40, LATE, 4)
STEPS_FOLLOWED = 192
BATCH = 48
CHANGED = 0.01
"""Steps where a smaller share of the picture changes say nothing about keys."""


def encode(model: VideoModel, frames: np.ndarray) -> Tensor:
    """Return tokens (B, T, P, C) of frames (B, T, H, W, 3)."""
    parts = [model.encode(part) for part in frames]  # row by row: memory stays small
    return torch.stack(parts)


def begin(model: VideoModel, play: Play, *, seed: int, told: bool) -> Dreams:
    """Return dreams that have seen the true frames, with the shipped settings.

    A world that has a place finds it in them, unless it is `told` the true one.
    """
    path = play.path if told and play.path is not None else np.empty((len(play.before), 0, 3))
    rows = zip(play.before, play.led, path, strict=True)
    starts = [Seed("", frames, led, np.empty(0), where) for frames, led, where in rows]
    return Dreams(model, starts, seed=seed)


def roll_out(
    model: VideoModel, play: Play, wanted: np.ndarray, *, seed: int, name: str, told: bool = False
) -> np.ndarray:
    """Return generated frames (B, len(wanted), H, W, 3) under the keys held in `play`.

    `wanted` are numbers of frames, 0 for the first one, in rising order. `told`: the true place of
    every frame is known, where the set says it.
    """
    dreams, places = begin(model, play, seed=seed, told=told), play.places if told else None
    made = dreams.play(play.held, wanted.tolist(), name=name, places=places)
    return at_size(made, play.before.shape[2:4])


def explain(model: VideoModel, play: Play, others: np.ndarray, *, seed: int) -> list[np.ndarray]:
    """Return the next frame (B, H, W, 3) under the true keys, and under others (B, K) instead.

    Both come from the same noise, and from the true place where the set says it.
    """
    dreams = begin(model, play, seed=seed, told=True)
    now, places, frames = dreams.sampler.snapshot(), dreams.places, []
    for keys in (play.held[:, 0], others):
        frames.append(at_size(model.decode(dreams.step(keys)), play.before.shape[2:4]))
        dreams.sampler.restore(now)
        dreams.places = places
    return frames


def reconstruct(model: VideoModel, frames: np.ndarray) -> np.ndarray:
    """Return frames (B, T, H, W, 3) after a way through the tokenizer."""
    made = [model.decode(tokens) for tokens in encode(model, at_size(frames, model.size))]
    return at_size(np.stack(made), frames.shape[2:4])


class Places:
    """Numbers of the generated frames that are looked at, 0 for the first one."""

    def __init__(self, length: int) -> None:
        self.horizons = [h for h in HORIZONS if h <= length]
        starts = np.arange(0, length - frame_metrics.CLIP + 1, EVERY)
        self.clips = starts[:, None] + np.arange(frame_metrics.CLIP)
        self.all = np.unique(np.concatenate([self.clips.ravel(), np.array(self.horizons) - 1]))

    def at(self, numbers: np.ndarray) -> np.ndarray:
        """Return where frames stand among all."""
        return np.searchsorted(self.all, numbers)


class VideoQuality:
    """Everything that is measured of worlds on one set."""

    def __init__(
        self, data: HeldOut, models: Sequence[VideoModel], *, starts: int, length: int, seed: int
    ) -> None:
        """Draw the moments; the models are those to come, the first one's tokenizer has a row."""
        self.data, self.tokenizer, self.seed = data, models[0], seed
        self.before, self.places = max(map(before_frames, models)), Places(length)
        rng = np.random.default_rng(seed)
        moments = data.moments(rng, starts, before=self.before, after=length, moving=True)
        self.play = data.play(moments, before=self.before, after=length, wanted=self.places.all)
        self.real = self.play.after
        self.late = self._late_play(moments[:LATE_ROWS])
        self.steps = data.moments(rng, STEPS_FOLLOWED, before=self.before, after=1, moving=False)

    def _late_play(self, moments: list[int]) -> Play:
        play = self.data.play(moments, before=self.before, after=1)
        return play._replace(held=np.stack([self.data.keys_from(m, LATE) for m in moments]))

    @cached_property
    def reader(self) -> idm.InverseDynamics | None:
        return idm.obtain(self.data.folder, len(self.data.keys))

    def clips(self, frames: np.ndarray) -> np.ndarray:
        """Return clips (N, 4, H, W, 3) of the frames that are looked at."""
        found = frames[:, self.places.at(self.places.clips)]
        return found.reshape(-1, *found.shape[2:])

    @cached_property
    def real_features(self) -> np.ndarray:
        return frame_metrics.features(self.clips(self.real))

    def judged(self, made: np.ndarray) -> Row:
        """Return what any row of frames has: PSNR by horizon, gFVD, keys read back."""
        at = self.places.at(np.array(self.places.horizons) - 1)
        psnr = frame_metrics.psnr(made[:, at], self.real[:, at])
        figures = {
            "psnr": psnr.mean(0),
            "psnr_median": np.median(psnr, axis=0),
            "psnr_worst_tenth": np.quantile(psnr, 0.1, axis=0),
        }
        row: Row = {
            **{
                name: {str(h): float(v) for h, v in zip(self.places.horizons, values, strict=True)}
                for name, values in figures.items()
            },
            "gfvd": frame_metrics.gfvd(
                self.real_features, frame_metrics.features(self.clips(made))
            ),
        }
        return row | self.keys_read(made)

    def keys_read(self, frames: np.ndarray) -> Row:
        """Return the F1 of the keys that led from each frame of a clip to the next."""
        if self.reader is None:
            return {}
        clips = self.clips(frames)
        shape = (-1, *clips.shape[2:])
        before, after = clips[:, :-1].reshape(shape), clips[:, 1:].reshape(shape)
        held = self.play.held[:, self.places.clips[:, 1:]].reshape(len(after), -1) > 0
        return {"idm_f1": idm.macro_f1(idm.read_keys(self.reader, before, after), held)}

    def real_row(self) -> Row:
        """Return what real frames have; their gFVD is between the one half and the other."""
        half = len(self.real_features) // 2
        floor = frame_metrics.gfvd(self.real_features[:half], self.real_features[half:])
        return {"gfvd": floor, **self.keys_read(self.real), "look": frame_metrics.look(self.real)}

    def copy_row(self) -> Row:
        copied = np.repeat(self.play.before[:, -1:], self.real.shape[1], axis=1)
        return self.judged(copied)

    def tokenizer_row(self) -> Row:
        made = reconstruct(self.tokenizer, self.real)
        return {**self.judged(made), "drift": frame_metrics.drift(made, self.real)}

    def model_row(self, model: VideoModel, name: str) -> Row:
        """Generate from a model, and judge what it made."""
        made = roll_out(model, self.play, self.places.all, seed=self.seed, name=name)
        late = roll_out(
            model, self.late, np.array(LATE_FRAMES), seed=self.seed, name=f"{name}, far"
        )
        return {
            **self.judged(made),
            "action_following": self.following(model),
            "drift": {"frame": LATE, **frame_metrics.drift(late, self.real)},
            "steps": model.dit.cfg.steps,
            "context_noise": model.dit.cfg.context_noise,
        }

    def told_row(self, model: VideoModel, name: str) -> Row:
        """Generate from a model that is told the true place of every frame."""
        made = roll_out(model, self.play, self.places.all, seed=self.seed, name=name, told=True)
        return self.judged(made)

    def following(self, model: VideoModel) -> float:
        """Return the share of steps that the true keys explain better than random other ones.

        A step counts where the picture truly changes, and only by the pixels that do.
        """
        rng, won = np.random.default_rng(self.seed), []
        for start in range(0, len(self.steps), BATCH):
            play = self.data.play(self.steps[start : start + BATCH], before=self.before, after=1)
            others = other_keys(rng, play.held[:, 0], self.data.actions)
            real = play.after[:, 0]
            mask = frame_metrics.changed(play.before[:, -1], real)
            true, other = (
                frame_metrics.error_where(mask, made, real)
                for made in explain(model, play, others, seed=self.seed + start)
            )
            counts = mask.mean((1, 2)) > CHANGED
            won.append((true < other)[counts])
        return float(np.concatenate(won).mean())

    def about(self) -> dict[str, Any]:
        """Say what was measured on what."""
        return {
            "data": self.data.meta["env"],
            "starts": len(self.play.before),
            "clips": len(self.real_features),
            "steps_followed": len(self.steps),
            "late_rows": len(self.late.before),
            "true_frames_before": self.before,
            "idm": "none: it needs a training split, or weights beside the sample"
            if self.reader is None
            else "trained on real frames",
            "seed": self.seed,
        }


def other_keys(rng: np.random.Generator, held: np.ndarray, recorded: np.ndarray) -> np.ndarray:
    """Return for each row of keys (B, K) another one that was held somewhere."""
    known = np.unique(recorded, axis=0).astype(np.float32)
    found = known[rng.integers(len(known), size=len(held))]
    while (same := (found == held).all(1)).any():
        found[same] = known[rng.integers(len(known), size=same.sum())]
    return found
