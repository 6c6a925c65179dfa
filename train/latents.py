"""Latent sequences for diffusion training: cut, captioned, with history, joined over prompts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from core.body.features import LAYOUT
from core.motion import traits
from core.motion.vae import STRIDE, MotionVAE
from train.dataset import Captioned, Motion, MotionSet, TextBank, captioned

BLOCKS = 20
"""Blocks of a training window; clean history included."""
SORTED = 4
"""Batches that are drawn together and sorted by length."""
TRAIT_NOISE = 0.1
"""Deviation of what is told from what was measured, in `traits.SCALES`."""
BLEND = 10
"""Poses over which two motions are joined."""
SCALE = np.ones(LAYOUT.velocities.stop, np.float32)
SCALE[LAYOUT.velocities] = 5.0
SCALE[LAYOUT.rotations] = 0.0
SCALE[LAYOUT.turn] = 0.0


class LatentBatch(NamedTuple):
    """A batch of latent windows; all but the latents per block, (B, T)."""

    latents: Tensor
    """(B, T * P, 64), as the VAE gives them."""
    history: Tensor
    """True on clean leading blocks."""
    valid: Tensor
    """False on padding."""
    text: Tensor
    text_mask: Tensor
    untold: Tensor
    """(B,) true where the caption does not hold for the crop."""
    traits: Tensor
    """(B, N) what is told of the noisy part, measured; NaN where nothing is."""


class Sequence(NamedTuple):
    """Latents in time with the stretch that a caption speaks of."""

    latents: Tensor
    start: int
    end: int
    captions: list[str]
    crop_ok: bool
    weight: float
    features: np.ndarray
    """(STRIDE * T or more, 263), of its poses."""
    joined: bool = False


class Window(NamedTuple):
    """What one training row sees of a sequence."""

    latents: Tensor
    """(<= BLOCKS * P, 64)."""
    history: int
    """Leading blocks that are clean."""
    caption: str
    """Empty where none holds for this part."""
    features: np.ndarray
    """(T, 263) of the noisy poses."""


def join(
    first: np.ndarray, second: np.ndarray, rng: np.random.Generator, tries: int = 40
) -> tuple[np.ndarray, int]:
    """Go over from one motion to another where their poses are most alike (a motion graph's edge).

    Returns the joined features and the pose at which the second begins. Crossfading features is
    crossfading poses, because every pose is told relative to its own heading.
    """
    cuts = rng.integers(min(40, len(first) - BLEND), len(first) - BLEND + 1, tries)
    entries = rng.integers(0, max(len(second) // 2, 1), tries)
    a, b = (x[:, : len(SCALE)] * SCALE for x in (first, second))
    best = int(np.abs(a[cuts] - b[entries]).mean(1).argmin())
    cut, entry = int(cuts[best]), int(entries[best])
    blend = min(BLEND, len(second) - entry - 1)
    weight = np.linspace(0, 1, blend + 2, dtype=np.float32)[1:-1, None]
    seam = (1 - weight) * first[cut : cut + blend] + weight * second[entry : entry + blend]
    return np.concatenate([first[:cut], seam, second[entry + blend :]]), cut + blend // 2


class LatentSet:
    """All latents of a motion set in memory, sampled in windows."""

    def __init__(
        self,
        motions: MotionSet,
        vae: MotionVAE,
        bank: TextBank,
        block: int,
        *,
        transitions: int,
        seed: int = 0,
    ) -> None:
        self.block, self.bank = block, bank
        self.rng = np.random.default_rng(seed)
        items = captioned(motions)
        told: dict[int, list[Captioned]] = defaultdict(list)
        for item in items:
            told[id(item.motion)].append(item)
        self.sequences = [
            sequence
            for motion in tqdm(motions.motions, desc="encoding", unit="clip", disable=None)
            for offset in (0, STRIDE // 2)
            for sequence in self._cut(motion, told[id(motion)], vae, offset)
        ]
        self.sequences += self._transitions(items, vae, transitions)

    def _encode(self, vae: MotionVAE, features: np.ndarray) -> Tensor:
        whole = len(features) // STRIDE * STRIDE
        with torch.no_grad():
            x = vae.normalize(torch.from_numpy(features[:whole])[None])
            return vae.encode(x)[0]

    def _cut(
        self, motion: Motion, items: list[Captioned], vae: MotionVAE, offset: int
    ) -> list[Sequence]:
        if len(motion.features) < offset + 3 * STRIDE:
            return []
        latents = self._encode(vae, motion.features[offset:])
        found = []
        for item in items:
            segment = item.segment
            start = max(round((segment.start - offset) / STRIDE), 0)
            end = min((segment.end - offset) // STRIDE, len(latents))
            if end - start >= 2:
                found.append(
                    Sequence(
                        latents,
                        start,
                        end,
                        motion.captions(segment),
                        segment.crop_ok,
                        item.weight,
                        motion.features[offset:],
                    )
                )
        if not found:  # never captioned: still good to learn how people move
            weight = motion.record.weight
            found.append(
                Sequence(latents, 0, len(latents), [], True, weight, motion.features[offset:])
            )
        return found

    def _transitions(self, items: list[Captioned], vae: MotionVAE, number: int) -> list[Sequence]:
        """Join random pairs of motions, so that a prompt may follow any other."""
        found: list[Sequence] = []
        weights = np.array([item.weight for item in items])
        pairs = self.rng.choice(len(items), (number, 2), p=weights / weights.sum())
        for i, j in tqdm(pairs, desc="joining", unit="pair", disable=None):
            first, second = (
                items[k].motion.features[items[k].segment.start : items[k].segment.end]
                for k in (i, j)
            )
            if len(first) < 48 or len(second) < 24:
                continue
            features, start = join(first[-160:], second[:160], self.rng)
            latents = self._encode(vae, features)
            captions = items[j].motion.captions(items[j].segment)
            found.append(
                Sequence(
                    latents,
                    start // STRIDE,
                    len(latents),
                    captions,
                    items[j].segment.crop_ok,
                    items[j].weight,
                    features,
                    joined=True,
                )
            )
        return found

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Return mean and deviation (64,) of the latents."""
        x = torch.cat([s.latents for s in self.sequences])
        return x.mean(0), x.std(0)

    def _window(self, sequence: Sequence) -> Window:
        longest = BLOCKS * self.block
        start, told = sequence.start, bool(sequence.captions)
        room = sequence.end - start
        if not sequence.joined and sequence.crop_ok and room > 6:
            start += int(self.rng.integers(0, room - 5))
        elif room > longest and not sequence.crop_ok:
            # a long tale: its beginning may be told by its caption, the rest goes without text
            skip = int(self.rng.integers(0, room - longest + 1)) if self.rng.random() < 0.5 else 0
            start, told = start + skip, told and skip == 0
        history = 0
        if start >= self.block and (sequence.joined or self.rng.random() < 0.7):
            most = min(start // self.block, BLOCKS - 3)
            history = int(self.rng.integers(1, most + 1))
        first = start - history * self.block
        end = min(first + longest, sequence.end)
        caption = str(self.rng.choice(sequence.captions)) if told else ""
        noisy = sequence.features[STRIDE * (first + history * self.block) : STRIDE * end]
        return Window(sequence.latents[first:end], history, caption, noisy)

    def _traits(self, window: Window) -> np.ndarray:
        """Return what is told of a part: what its caption insists on, anything, or nothing."""
        values = traits.average(traits.measure(window.features))
        values += self.rng.normal(0, TRAIT_NOISE, len(values)).astype(np.float32)
        kind = self.rng.random()
        insisted = ~np.isnan(traits.asked(window.caption))
        any_of = self.rng.random(len(values)) < 0.4
        told = insisted if kind < 0.45 else any_of if kind < 0.75 else np.zeros(len(values), bool)
        return np.where(told, values, np.float32(np.nan))

    def batches(self, batch: int, joined_share: float = 0.25) -> Iterator[LatentBatch]:
        """Yield random batches for ever; rows of a batch are of similar length, to pad little."""
        groups = [[s for s in self.sequences if s.joined is flag] for flag in (False, True)]
        chances = [np.array([s.weight for s in group]) for group in groups]
        drawn = SORTED * batch
        joined = round(drawn * joined_share) if groups[1] else 0
        while True:
            picked: list[Sequence] = []
            for group, chance, number in zip(
                groups, chances, (drawn - joined, joined), strict=True
            ):
                if number:
                    rows = self.rng.choice(len(group), number, p=chance / chance.sum())
                    picked += [group[k] for k in rows]
            windows = sorted((self._window(s) for s in picked), key=lambda w: len(w.latents))
            for k in self.rng.permutation(SORTED):
                yield self._collate(windows[k * batch : (k + 1) * batch])

    def _collate(self, windows: list[Window]) -> LatentBatch:
        blocks = max(len(w.latents) for w in windows) // self.block
        latents = torch.zeros(len(windows), blocks * self.block, windows[0].latents.shape[1])
        valid = torch.zeros(len(windows), blocks, dtype=torch.bool)
        history = torch.zeros_like(valid)
        for row, window in enumerate(windows):
            whole = len(window.latents) // self.block * self.block
            latents[row, :whole] = window.latents[:whole]
            valid[row, : whole // self.block] = True
            history[row, : window.history] = True
        unused = next(iter(self.bank.index))
        texts = [w.caption or unused for w in windows]
        text, text_mask = self.bank(texts)
        untold = torch.tensor([not w.caption for w in windows])
        told = torch.from_numpy(np.stack([self._traits(w) for w in windows])).float()
        return LatentBatch(latents, history, valid, text, text_mask, untold, told)
