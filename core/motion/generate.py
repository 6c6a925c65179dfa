"""A motion checkpoint ready to run: prompts in, poses or features out.

Every stage is an iterator pulled by the next: prompts -> sampler -> VAE decoder -> features ->
joints -> poses. Nothing is computed before somebody asks, so streaming, stopping and back-pressure
need no machinery. A stream may go on after a take: it looks back on that take's last seconds.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import repeat
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from core import checkpoint
from core.body.features import LAYOUT, encode_all
from core.body.skeleton import FPS
from core.body.take import PoseChunk, Poses, Take
from core.device import Arriving, round_products
from core.diffusion.calibration import best_precision
from core.diffusion.graphs import Graphs
from core.diffusion.sampler import StreamSampler
from core.motion import streaming
from core.motion.decode import DELAY, FeatureFilter, PoseDecoder, shown
from core.motion.heading import HeadingHold
from core.motion.model import UNASKED, MotionConfig, MotionDiT, Prompt
from core.motion.text import TextEncoder, load_text_encoder
from core.motion.traits import straight, told
from core.motion.vae import STRIDE, MotionVAE, StreamState
from core.settings import MotionSettings, Precision, check_prompt
from core.steering.guide import Guide
from core.steering.wishes import Steer

KEPT_PROMPTS = 256
"""Prompts whose token states are kept, so that going back to one costs nothing."""
FILTER_EDGE = 3
"""Poses at the end of a filmed take that its filter could not see past."""
WARM = 160
"""Poses ahead of the history that the encoder may see; it is causal, and new to nothing then."""

Segments = Sequence[tuple[str, int]]
"""Prompts with the number of poses each is for."""
T = TypeVar("T")


def one_late(items: Iterable[T]) -> Iterator[T]:
    """Yield each item when the next one is there."""
    waiting: list[T] = []
    for item in items:
        yield from waiting
        waiting = [item]
    yield from waiting


def motion_precision(cfg: MotionConfig, asked: Precision | None) -> Precision:
    """Return in what a CPU computes a checkpoint: what it is fastest in, where nothing is asked.

    What others published is computed in fp32, so that it is what theirs is.
    """
    return asked or ("fp32" if cfg.text_in_history else best_precision("motion"))


class MotionModel:
    """Weights and text encoder of one checkpoint; nothing in it belongs to a single stream."""

    def __init__(self, dit: MotionDiT, vae: MotionVAE, encoder: TextEncoder, device: str) -> None:
        self.dit, self.vae, self.encoder, self.device = dit, vae, encoder, device
        self.filter_weights = vae.filter_weights().detach().cpu().numpy()
        self._prompts: OrderedDict[tuple[object, ...], Prompt] = OrderedDict()
        self._lock, self._graphs = threading.Lock(), Graphs(device)
        self._tokens = lru_cache(KEPT_PROMPTS)(lambda text: encoder([text]))

    @classmethod
    def load(cls, folder: Path, device: str, *, precision: Precision | None = None) -> MotionModel:
        """Load a checkpoint and, from beside it, the VAE that its config names.

        `precision` is that of a CPU's products; see `motion_precision` for None.
        """
        model = cls.read(folder, device)
        if torch.device(device).type == "cuda":
            model.dit.run_static(torch.float32)
            round_products(device)
            model.vae.settle()
        else:
            model.prepare(motion_precision(model.dit.cfg, precision))
        return model

    @classmethod
    def read(cls, folder: Path, device: str) -> MotionModel:
        """Load the same, which computes as it was trained."""
        dit = checkpoint.load(folder, MotionDiT, device=device)
        vae = checkpoint.load(folder.parent / dit.cfg.vae, MotionVAE, device=device)
        return cls(dit, vae, load_text_encoder(dit.cfg.text_encoder, folder), device)

    def prepare(self, precision: Precision = "fp32") -> None:
        """Compute as a CPU does fastest from now on, the transformer and the VAE's decoder."""
        self.dit.prepare(precision)
        streaming.prepare(self.vae, precision)

    def stream(
        self,
        prompts: Iterable[str],
        settings: MotionSettings,
        *,
        after: Take | None = None,
        earlier: int = 0,
        pinned: Tensor | None = None,
        emphasis: float = 1.0,
        steer: Steer | None = None,
    ) -> Iterator[PoseChunk]:
        """Stream poses for as long as `prompts` lasts; it is pulled once a block of motion.

        `after` is a take to go on from, which `earlier` poses came before. `pinned` are blocks
        (1, T, P, D) that stay in view for ever and count `emphasis` times. `steer` says where to
        go, at any time. Raises ValueError at once for what cannot be sampled.
        """
        prefix = 0 if pinned is None else pinned.shape[1]
        sampler = self._new_sampler(1, settings, prefix, emphasis)
        history = None if after is None else remember(self, after, self.dit.cfg.context - prefix)
        past = [pinned, None if history is None else history.blocks]
        guide = None if steer is None else Guide(steer, self.dit.cfg.block * STRIDE)
        decoder = PoseDecoder(self, settings.foot_contacts, history, guide, steer, earlier=earlier)
        known = [x for x in past if x is not None]
        conditions = self._conditions(prompts, sampler, guide)
        # a GPU makes a block while poses of the one before are made, where no prompt waits for them
        late = self._graphs.record and isinstance(prompts, Sequence) and steer is None
        return self._poses(sampler, conditions, known, decoder, late)

    def _conditions(
        self, prompts: Iterable[str], sampler: StreamSampler[Prompt], guide: Guide | None
    ) -> Iterator[Prompt]:
        """Yield what each block is made for: a prompt, in words that make legs go as is wanted."""
        usual, alone = (
            (sampler.steps, sampler.stagger),
            min(sampler.steps, self.dit.cfg.steered_steps),
        )
        for asked in prompts:
            # who asks may know words that do better: `core.words.telling.Told`
            text, words = check_prompt(asked), getattr(asked, "words", "")
            if guide is None:
                yield self.prompt(text, words)
                continue
            words = guide.words(words or text)
            # what is wanted right now is felt only by blocks that nobody has begun
            sampler.pace(*((alone, alone) if guide.steers else usual))
            yield self.prompt(text, words, guide.traits)

    def _poses(
        self,
        sampler: StreamSampler[Prompt],
        conditions: Iterator[Prompt],
        past: Sequence[Tensor],
        decoder: PoseDecoder,
        late: bool,
    ) -> Iterator[PoseChunk]:
        for blocks in past:
            sampler.commit(blocks, [UNASKED])
        prompt, made = "", sampler.stream(conditions)
        begun = ((decoder.begin(sampled.x), sampled.condition.text) for sampled in made)
        for block, prompt in one_late(begun) if late else begun:
            chunk = decoder.push(block, prompt, sampler.preview)
            if len(chunk):
                yield chunk
        if prompt:
            yield decoder.end(prompt)

    def sample(self, rows: Sequence[Segments], settings: MotionSettings) -> list[np.ndarray]:
        """Return features (T, 263) of many motions at once, each a row of segments.

        Rows must change prompts at the same poses; raises ValueError where they do not.
        """
        lengths = [n for _, n in rows[0]] if rows else []
        if not rows or any([n for _, n in row] != lengths for row in rows) or min(lengths) < 1:
            raise ValueError("every item needs the same number of segments of the same lengths")
        sampler = self._new_sampler(len(rows), settings)
        ends = np.ceil(np.cumsum(lengths) / (self.dit.cfg.block * STRIDE)).astype(int)
        conditions = [
            self.prompts([check_prompt(row[k][0]) for row in rows]) for k in range(len(lengths))
        ]
        counts = np.diff([0, *ends])
        plan = (c for c, count in zip(conditions, counts, strict=True) for _ in range(count))
        blocks = torch.stack([sampled.x for sampled in sampler.stream(plan)], dim=1)
        on = np.array([[straight(text) for text, _ in row] for row in rows])
        on = on.repeat(counts * self.dit.cfg.block * STRIDE, axis=1)
        features = HeadingHold().push(self.decode(blocks, {}), on)
        smooth = FeatureFilter(settings.foot_contacts, self.filter_weights)
        return list(smooth.push(features, last=True)[:, : sum(lengths)])

    def middles(
        self,
        after: Take | None,
        prompt: str,
        poses: int,
        settings: MotionSettings,
        *,
        count: int = 1,
    ) -> list[Poses]:
        """Return `count` motions of so many poses, made at once, each going on after a take."""
        sampler = self._new_sampler(count, settings)
        history = None if after is None else remember(self, after, self.dit.cfg.context)
        decoder = PoseDecoder(self, settings.foot_contacts, history)
        if history is not None:
            sampler.commit(history.blocks.expand(count, -1, -1, -1), [UNASKED])
        blocks = math.ceil((poses + DELAY + FILTER_EDGE) / (self.dit.cfg.block * STRIDE))
        prompts = self.prompts([check_prompt(prompt)] * count)
        decoders = [decoder.fork() for _ in range(count)]
        made: list[list[Poses]] = [[] for _ in decoders]
        for sampled in sampler.stream(repeat(prompts, blocks)):
            for row, decoder in enumerate(decoders):
                block = decoder.begin(sampled.x[row : row + 1])
                made[row].append(decoder.push(block, prompt))
        return [Poses.concatenate(row)[:poses] for row in made]

    def _new_sampler(
        self, rows: int, settings: MotionSettings, prefix: int = 0, emphasis: float = 1.0
    ) -> StreamSampler[Prompt]:
        """Return a sampler; what the settings leave open is the checkpoint's to say."""
        cfg = self.dit.cfg
        steps, stagger = cfg.pace(settings)
        guidance = cfg.guidance if settings.guidance is None else settings.guidance
        told = cfg.told_guidance  # else guidance is the sampler's, which doubles the batch
        return StreamSampler(
            partial(self.dit, guidance=guidance) if told else self.dit,
            (rows, *self.dit.frame_shape),
            self.dit.new_cache(prefix, emphasis, rows=rows * (1 if told or guidance == 1 else 2)),
            steps=steps,
            stagger=stagger,
            guidance=1.0 if told else guidance,
            generator=torch.Generator().manual_seed(settings.seed),
            multistep=cfg.multistep,
            conditioned=cfg.context - prefix if cfg.text_in_history else 0,
            device=self.device,
        )

    @torch.inference_mode()
    def prompts(self, texts: Sequence[str], values: Mapping[str, float] | None = None) -> Prompt:
        """Return the condition of a batch with one prompt a row.

        `values` are traits that are known better than from words, see `core.motion.traits`.
        """
        told_alone = len(texts) == 1  # steered, with other traits from block to block
        tokens = self._tokens(texts[0]) if told_alone else self.encoder(texts)
        states, mask = (x.to(self.device) for x in tokens)
        traits = np.stack([told(text, values or {}) for text in texts])
        return self.dit.prompt(
            states, mask, " | ".join(texts), traits=torch.from_numpy(traits).to(self.device)
        )

    def prompt(
        self, text: str, words: str = "", values: Mapping[str, float] | None = None
    ) -> Prompt:
        """Return the condition of one prompt: the same object for the same text.

        The network may be told other `words` than were asked for, and traits as `prompts`.
        """
        # where none are told, steering makes no other condition: history that carries text would
        # be committed anew at every block
        values = values if values and self.dit.cfg.traits else {}
        key = text, words or text, *sorted(values.items())
        with self._lock:
            if key not in self._prompts:
                self._prompts[key] = replace(self.prompts([words or text], values), text=text)
                if len(self._prompts) > KEPT_PROMPTS:
                    self._prompts.popitem(last=False)
            self._prompts.move_to_end(key)
            return self._prompts[key]

    def decode(self, blocks: Tensor, state: StreamState) -> np.ndarray:
        """Return features (B, T * P * 4, 263) of the next blocks (B, T, P, 64) of a stream."""
        return self.decoding(blocks, state).get()

    @torch.inference_mode()
    def decoding(self, blocks: Tensor, state: StreamState) -> Arriving:
        """Begin to do what `decode` does, and do not wait."""
        if state and self._graphs.record:
            names, past = list(state), list(state.values())

            def decode(blocks: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
                known = dict(zip(names, past, strict=True))
                return self._decode(blocks, known), *known.values()

            key = blocks.shape, *(x.shape for x in past)
            features, *past = self._graphs(key, decode, [blocks, *past])
            state.update(zip(names, past, strict=True))
        else:
            features = self._decode(blocks, state)
        return Arriving(features)

    def _decode(self, blocks: Tensor, state: StreamState) -> Tensor:
        latents = self.dit.to_latents(blocks)
        return self.vae.denormalize(self.vae.decode(latents, state)).float()

    @torch.inference_mode()
    def encode(self, features: np.ndarray) -> Tensor:
        """Return latents (1, T / 4, 64) of features (T, 263), T cut to a multiple of 4."""
        whole = len(features) // STRIDE * STRIDE
        x = torch.from_numpy(np.asarray(features[:whole], np.float32)).to(self.device)[None]
        return self.vae.encode(self.vae.normalize(x))

    @torch.inference_mode()
    def reconstruct(self, features: np.ndarray) -> np.ndarray:
        """Return features (T, 263) after encoding and decoding; T is cut to a multiple of 4."""
        y = self.vae.denormalize(self.vae.decode(self.encode(features)))
        return shown(y[0].cpu().numpy(), self.filter_weights)


@dataclass(frozen=True, kw_only=True)
class History:
    """A take and its last seconds in latents: what a stream after it looks back on."""

    take: Take
    blocks: Tensor
    """(1, T, P, D), what is to be committed; ends `edge` poses before the take."""
    edge: int
    """Poses at the take's end that are shown but not looked back on."""


def filmed(take: Take) -> bool:
    """Whether a take ends with poses out of a video."""
    return "pose_network" in take.info and not any(mark.text for mark in take.prompts)


def remember(model: MotionModel, take: Take, context: int, edge: int | None = None) -> History:
    """Encode the last seconds of a take, `context` blocks at most.

    Raises ValueError for a take that nothing can go on after.
    """
    if take.fps != FPS:
        raise ValueError(f"a take to go on after needs {FPS} poses a second, got {take.fps:g}")
    if len(take) < 2 or take.features.shape != (len(take), LAYOUT.contacts.stop):
        raise ValueError("a take to go on after needs at least two poses with their features")
    edge = (FILTER_EDGE if filmed(take) else 0) if edge is None else edge
    features = take.features
    if model.vae.cfg.heading != "steady":
        features = encode_all(take.unsolved, model.vae.cfg.heading)
    x = features[: max(len(take) - edge, 1)]
    edge = len(take) - len(x)
    per_block = model.dit.cfg.block * STRIDE
    blocks = min(max(len(x) // per_block, 1), context)
    if len(x) < per_block:  # too short: somebody who stood still before
        still = x[:1].copy()
        still[:, LAYOUT.turn] = still[:, LAYOUT.velocity] = still[:, LAYOUT.velocities] = 0
        x = np.concatenate([still.repeat(per_block - len(x), axis=0), x])
    length = min(blocks * per_block + WARM, len(x) // STRIDE * STRIDE)
    latents = model.encode(x[len(x) - length :])[:, -blocks * model.dit.cfg.block :]
    return History(take=take, blocks=model.dit.to_blocks(latents), edge=edge)
