"""The rows of the quality table: real motion, its reconstruction, samples, shuffled captions.

Samples answer the captions of the real motions at their lengths; `shuffled` are the same samples
held against each other's captions; `probes` are what geometry finds. R-Precision, FID, MM-Dist,
Diversity and MModality come from our own evaluator, on unit vectors, and cannot be compared with
published tables (see published_quality for those).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks import metrics
from benchmarks.directions import PROBES, accuracy
from benchmarks.motion_items import LONGEST, Item
from benchmarks.probes import Probes, Streams
from benchmarks.reporting import Row
from core.body.features import decode
from core.motion.text import TextEncoder

WINDOW = 60
"""Poses of jerk around a switch of prompts (FlowMDM's figure for HumanML3D)."""
BEFORE, AFTER = 96, 64
"""Poses of the first prompt, in whole blocks of 2 and of 3 latents, and of the second."""
BATCH = 32


class Sampler(Streams, Protocol):
    """The part of core.engine.Engine that is measured here."""

    def sample(
        self, items: Sequence, poses: Any = ..., *, checkpoint: str | None, seed: int
    ) -> list: ...

    def reconstruct(self, features: np.ndarray, *, checkpoint: str) -> np.ndarray: ...


class Judge(Protocol):
    """An evaluator, which embeds motions and texts into one space."""

    def normalize(self, x: Tensor, /) -> Tensor: ...

    def embed_motion(self, x: Tensor, mask: Tensor, /) -> Tensor: ...

    def embed_text(self, states: Tensor, mask: Tensor, /) -> Tensor: ...


class Items(Protocol):
    """Captioned real motions, drawn as MotionItems does."""

    @property
    def split(self) -> str: ...

    @property
    def clips(self) -> Sequence: ...

    def draw(self, rng: np.random.Generator, limit: int) -> list[Item]: ...


class Quality:
    """Everything that is measured on one set with one checkpoint."""

    whose = "ours"
    """Whose evaluator it is."""
    texts, repeats = 12, 10
    """Of MModality."""

    def __init__(
        self,
        engine: Sampler,
        evaluator: Judge,
        encoder: TextEncoder,
        items: Items,
        *,
        checkpoint: str = "motion",
        seed: int = 0,
        quick: bool = False,
        early: int = 0,
    ) -> None:
        """A change of prompts is felt `early` poses before it is asked for."""
        self.engine, self.evaluator, self.encoder = engine, evaluator, encoder
        self.early = early
        self.checkpoint, self.seed, self.quick = checkpoint, seed, quick
        self.source = items
        self.real = items.draw(self._rng(), self.motions() // (3 if quick else 1))
        if len(self.real) < 4:
            raise ValueError(f"only {len(self.real)} captioned motions are long enough to measure")
        self.captions = [item.caption for item in self.real]
        self.joints = [self.placed(item.joints) for item in self.real]
        self.lasting = [item for item in self.real if len(item.features) >= WINDOW + 3]
        if not self.lasting:
            raise ValueError(f"no motion has {WINDOW + 3} poses, which jerk over switches needs")
        self.embedded = self.embed([item.features for item in self.real])
        self.text = self.embed_text(self.captions)

    def motions(self) -> int:
        """How many are drawn."""
        return 192

    def poses(self, caption: str) -> int:
        """How long samples are whose variety is measured."""
        return 80

    def placed(self, joints: np.ndarray) -> np.ndarray:
        """Return a motion as it lies when reconstruction and truth are compared."""
        return joints

    def _rng(self) -> np.random.Generator:
        """Every figure starts from the same draws, so rows differ by their motions only."""
        return np.random.default_rng(self.seed)

    @torch.no_grad()
    def embed(self, motions: list[np.ndarray]) -> np.ndarray:
        """Return evaluator embeddings (N, D) of features (T, 263)."""
        found = []
        for x in motions:  # one by one: quick enough, and no padding to reason about
            x = self.evaluator.normalize(torch.from_numpy(np.array(x[:LONGEST], np.float32)))
            mask = torch.ones(1, len(x), dtype=torch.bool)
            found.append(self.evaluator.embed_motion(x[None], mask)[0].numpy())
        return np.stack(found)

    @torch.no_grad()
    def embed_text(self, captions: list[str]) -> np.ndarray:
        return np.concatenate(
            [self.evaluator.embed_text(*self.encoder([c])).numpy() for c in captions]
        )

    def sample(self, prompts: list, frames: list[int], label: str) -> list[np.ndarray]:
        """Return features of every prompt, sampled in batches of similar length."""
        made: list[Any] = [None] * len(prompts)
        order = np.argsort(frames, kind="stable")
        with tqdm(total=len(prompts), desc=label, unit="motion", leave=False) as bar:
            for number, start in enumerate(range(0, len(order), BATCH)):
                chosen = order[start : start + BATCH]
                batch = [prompts[i] for i in chosen]
                # a switching prompt is [(text, frames), ...] and brings its own length
                longest = frames[chosen[-1]] if isinstance(batch[0], str) else None
                found = self.engine.sample(
                    batch, longest, checkpoint=self.checkpoint, seed=self.seed + 1000 * number
                )
                for i, x in zip(chosen, found, strict=True):
                    made[i] = np.asarray(x)[: frames[i]]  # nothing in it knew how long it gets
                bar.update(len(chosen))
        return made

    def matching(self, embedded: np.ndarray, text: np.ndarray) -> Row:
        """R-Precision and MM-Dist of motions to texts."""
        return {
            "r_precision": metrics.r_precision(embedded, text, self._rng()),
            "mm_dist": metrics.mm_dist(embedded, text),
        }

    def embed_made(self, motions: list[np.ndarray]) -> np.ndarray:
        """Return evaluator embeddings (N, D) of features that the checkpoint made."""
        return self.embed(motions)

    def judged(self, embedded: np.ndarray, joints: list[np.ndarray]) -> Row:
        """Figures that any set of motions for our captions has."""
        return {
            **self.matching(embedded, self.text),
            "fid": metrics.fid(self.embedded, embedded),
            "diversity": metrics.diversity(embedded, self._rng()),
            "foot_skate": metrics.foot_skate(joints),
            "mean_jerk": float(np.concatenate([metrics.jerk(j) for j in joints]).mean()),
        }

    def real_row(self) -> Row:
        """Real motion; FID is between two draws of crops, AUJ between continuous windows."""
        again = self.source.draw(np.random.default_rng(self.seed + 1), len(self.real))
        row = self.judged(self.embedded, self.joints)
        row["fid"] = metrics.fid(self.embedded, self.embed([item.features for item in again]))
        draws = [self._real_jerk(np.random.default_rng(i), self.switches) for i in range(20)]
        row["peak_jerk"] = float(np.mean([metrics.peak_jerk(c) for c in draws]))
        row["auj"] = float(np.mean([metrics.area_under_jerk(c, self.jerk_level) for c in draws]))
        return row

    def _real_jerk(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Jerk curves (count, WINDOW) at random places of random real motions."""
        curves = []
        for i in rng.choice(len(self.lasting), count):
            joints = self.lasting[i].joints
            start = int(rng.integers(len(joints) - WINDOW - 2))
            curves.append(metrics.jerk(joints[start : start + WINDOW + 3]))
        return np.stack(curves)

    @property
    def switches(self) -> int:
        return 24 if self.quick else 64

    @cached_property
    def jerk_level(self) -> float:
        """Mean jerk of continuous real motion: FlowMDM's j_GT, of this very set."""
        return float(self._real_jerk(np.random.default_rng(99), 1000).mean())

    def reconstruct(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(self.engine.reconstruct(features, checkpoint=self.checkpoint))

    def reconstruction_row(self) -> Row:
        motions = [
            self.reconstruct(item.features)
            for item in tqdm(self.real, desc="reconstruction", unit="motion", leave=False)
        ]
        joints = [self.placed(decode(x)) for x in motions]
        row = self.judged(self.embed_made(motions), joints)
        row["mpjpe_mm"] = metrics.mpjpe_mm(self.joints, joints)
        return row

    def sample_rows(self) -> tuple[Row, Row]:
        """Rows `samples` and `shuffled`; the latter pairs each sample with another's caption."""
        made = self.sample(self.captions, [len(item.features) for item in self.real], "samples")
        embedded = self.embed_made(made)
        row = self.judged(embedded, [decode(x) for x in made])
        row["multimodality"] = self.multimodality()
        row |= self.switching()
        row |= self.directions()
        order = np.argsort(self.captions, kind="stable")
        other = np.empty(len(order), int)
        # half a turn through the sorted captions: no sample keeps its own unless half are the same
        other[order] = np.roll(order, len(order) // 2)
        return row, self.matching(embedded, self.text[other])

    def multimodality(self) -> float:
        few = self.texts // (3 if self.quick else 1)
        texts = list(dict.fromkeys(self.captions))[:few]
        repeats = min(6, self.repeats) if self.quick else self.repeats
        prompts = [t for t in texts for _ in range(repeats)]
        frames = [self.poses(t) for t in prompts]
        made = self.embed_made(self.sample(prompts, frames, "multimodality"))
        return metrics.multimodality(made.reshape(len(texts), repeats, -1), self._rng())

    def switching(self) -> Row:
        """Peak jerk and AUJ over switches between two captions of the set."""
        made = self.switched(self.pairs(self.switches), AFTER)
        return self.jerk_of([decode(x) for x in made])

    def pairs(self, count: int) -> list[tuple[str, str]]:
        """Draw captions to switch between."""
        # drawn like the real windows, so that both hold the same kinds of motion
        rng, known = self._rng(), [item.caption for item in self.lasting]
        return [(known[a], known[b]) for a, b in rng.choice(len(known), (count, 2))]

    def switched(self, pairs: Sequence[tuple[str, str]], after: int) -> list[np.ndarray]:
        """Return features of BEFORE poses of each pair's first prompt, `after` of its second."""
        first, second = BEFORE + self.early, max(after - self.early, 1)
        asked = [[(a, first), (b, second)] for a, b in pairs]
        return self.sample(asked, [BEFORE + after] * len(asked), "switches")

    def jerk_of(self, switched: Sequence[np.ndarray]) -> Row:
        """Return peak jerk and AUJ of joints that switch after BEFORE poses."""
        first = BEFORE - 2 - WINDOW // 2  # jerk t spans poses t..t + 3; the switch is at its middle
        curves = np.stack([metrics.jerk(x[first : first + WINDOW + 3]) for x in switched])
        return {
            "peak_jerk": metrics.peak_jerk(curves),
            "auj": metrics.area_under_jerk(curves, self.jerk_level),
        }

    def directions(self) -> Row:
        """Accuracy of left/right, forward/back and fast/slow."""
        repeats = 2 if self.quick else 6
        prompts = [
            p for probe in PROBES for p in [probe.first] * repeats + [probe.second] * repeats
        ]
        made = [decode(x) for x in self.sample(prompts, [80] * len(prompts), "directions")]
        groups = [made[i : i + repeats] for i in range(0, len(made), repeats)]
        return accuracy(PROBES, groups[::2], groups[1::2])

    def probes(self) -> Row:
        """Does it do what the words say? See `benchmarks.probes`."""
        return Probes(
            self.engine,
            self.sample,
            checkpoint=self.checkpoint,
            seed=self.seed,
            repeats=1 if self.quick else 3,
            quick=self.quick,
        ).rows()

    def rows(self) -> dict[str, Row]:
        found: dict[str, Row] = {}
        stages: list[tuple[str, Callable[[], Any]]] = [
            ("real", self.real_row),
            ("reconstruction", self.reconstruction_row),
            ("samples", self.sample_rows),
            ("probes", self.probes),
        ]
        with tqdm(stages, desc="rows", unit="row", leave=False) as bar:
            for name, stage in bar:
                bar.set_postfix_str(name)
                result = stage()
                if name == "samples":
                    found["samples"], found["shuffled"] = result
                else:
                    found[name] = result
        for row in (found["reconstruction"], found["samples"]):
            row["of_real"] = of_real(row, found["real"])
        return found


def of_real(row: Row, real: Row) -> Row:
    """Return figures as shares of real motion's: sliding, and R-Precision among three."""
    found = {
        "foot_skate": row["foot_skate"] / max(real["foot_skate"], 1e-9),
        "r_precision_3": row["r_precision"][2] / max(real["r_precision"][2], 1e-9),
    }
    return found | ({"auj": row["auj"] / max(real["auj"], 1e-9)} if "auj" in row else {})
