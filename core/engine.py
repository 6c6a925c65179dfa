"""The front door: load checkpoints, pull poses. `Engine.load().motion(["a person walks"] * 8)`.

Every stage is an iterator pulled by the next: prompts -> sampler -> VAE decoder -> features ->
joints -> poses. Nothing is computed before somebody asks, so streaming, stopping and back-pressure
need no machinery.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from core import checkpoint
from core.body.take import PoseChunk, Take
from core.device import pick_device
from core.diffusion.sampler import StreamSampler
from core.motion.decode import PoseDecoder
from core.motion.generate import MotionModel
from core.motion.history import remember
from core.motion.model import UNASKED
from core.motion.smoothing import FeatureFilter
from core.motion.vae import STRIDE
from core.retrieval.library import Library
from core.retrieval.manner import Manner, pinned
from core.settings import CHECKPOINTS, GUIDANCE, MOST_STEPS, check_prompt
from core.video.worlds import Worlds

if TYPE_CHECKING:
    from core.capture.follow import Capture

Segments = Sequence[tuple[str, int]]
"""Prompts with the number of poses each is for."""


class Engine(Worlds, Library):
    """Everything that generates, behind plain Python and NumPy types; safe to share by threads."""

    def __init__(self, checkpoints: Path, device: str) -> None:
        Worlds.__init__(self, checkpoints, device)
        Library.__init__(self)
        self._models: dict[str, MotionModel] = {}
        self._lock = threading.Lock()
        self.names = tuple(
            path.parent.name
            for path in sorted(checkpoints.glob("*/config.json"))
            if checkpoint.describe(path.parent).get("kind") == "motion-dit"
        )

    @classmethod
    def load(cls, checkpoints: Path = CHECKPOINTS, *, device: str | None = None) -> Engine:
        """Open a folder of checkpoints on a device (default: a GPU where there is one).

        Raises ValueError where no motion checkpoint is found or the device does not exist.
        """
        engine = cls(Path(checkpoints), pick_device(device))
        if not engine.names:
            raise ValueError(
                f"no motion checkpoint in {checkpoints}; expected <name>/config.json and"
                " <name>/model.safetensors there, as in the repository"
            )
        engine.model(engine.names[0])
        return engine

    def model(self, name: str) -> MotionModel:
        """Return a checkpoint's model, loaded at first use; raise ValueError for unknown names."""
        if name not in self.names:
            raise ValueError(f"checkpoint must be one of {', '.join(self.names)}, got {name!r}")
        with self._lock:
            if name not in self._models:
                self._models[name] = MotionModel.load(self._folder / name, self._device)
            return self._models[name]

    def card(self, name: str) -> dict[str, Any]:
        """Return a checkpoint's licence, data and default settings, for page and exports."""
        if name not in self.names:
            raise ValueError(f"checkpoint must be one of {', '.join(self.names)}, got {name!r}")
        entry = checkpoint.describe(self._folder / name)
        about, config = entry["about"], entry["config"]
        return {
            **{setting: config[setting] for setting in ("steps", "stagger", "guidance")},
            "licence": about.get("licence", "unknown"),
            "non_commercial": bool(about.get("non_commercial", False)),
            "data": ", ".join(about.get("data", {})),
        }

    def follow(self, path: str | Path, **options: Any) -> Capture:
        """Return the motion of a video, or of a motion file; see core.capture.follow."""
        from core.capture.follow import follow  # loads onnxruntime and cv2 only when asked for

        return follow(path, **options)

    def _sampler(
        self,
        model: MotionModel,
        rows: int,
        seed: int,
        steps: int | None,
        stagger: int | None,
        guidance: float | None,
        prefix: int = 0,
        weight: float = 1.0,
    ) -> StreamSampler[Any]:
        cfg = model.dit.cfg
        steps = cfg.steps if steps is None else steps
        stagger = min(cfg.stagger, steps) if stagger is None else stagger
        guidance = cfg.guidance if guidance is None else guidance
        if not 1 <= steps <= MOST_STEPS:
            raise ValueError(f"steps must be in 1..{MOST_STEPS}, got {steps}")
        if not GUIDANCE[0] <= guidance <= GUIDANCE[1]:
            raise ValueError(f"guidance must be in {GUIDANCE[0]}..{GUIDANCE[1]}, got {guidance}")
        if not 0 <= seed < 2**63:
            raise ValueError(f"seed must be a whole number from 0 to 2^63 - 1, got {seed}")
        room = cfg.max_blocks - cfg.context - 1
        if math.ceil(steps / max(stagger, 1)) > room:
            raise ValueError(
                f"{steps} steps with stagger {stagger} keep more than {room} blocks in the window;"
                " raise the stagger or lower the steps"
            )
        return StreamSampler(
            model.dit, (rows, *model.dit.frame_shape), model.dit.new_cache(prefix, weight),
            steps=steps, stagger=stagger, guidance=guidance,
            generator=torch.Generator().manual_seed(seed), device=self._device,
        )  # fmt: skip

    def motion(
        self,
        prompts: Iterable[str],
        *,
        checkpoint: str | None = None,
        seed: int = 0,
        steps: int | None = None,
        stagger: int | None = None,
        guidance: float | None = None,
        foot_contacts: bool = True,
        after: Take | None = None,
        manner: Manner | None = None,
    ) -> Iterator[PoseChunk]:
        """Stream poses for as long as `prompts` lasts; it is pulled once a block of motion.

        Another prompt than before changes what the body does from the next block on. Settings left
        out are the checkpoint's own. `after` is a take to go on from: the first chunk begins with
        pose len(after). `manner` is what to move like. Raises ValueError for settings or prompts
        out of range.
        """
        model = self.model(checkpoint or self.names[0])
        past, emphasis = [], 1.0
        if manner is not None and manner.weight > 0:
            past, emphasis = [pinned(manner, model)], manner.emphasis
        prefix = sum(blocks.shape[1] for blocks in past)
        sampler = self._sampler(model, 1, seed, steps, stagger, guidance, prefix, emphasis)
        history = None if after is None else remember(model, after, model.dit.cfg.context - prefix)
        if history is not None:
            past.append(history.blocks)
        return self._stream(
            model, sampler, prompts, past, PoseDecoder(model, foot_contacts, history)
        )

    def _stream(
        self,
        model: MotionModel,
        sampler: StreamSampler[Any],
        prompts: Iterable[str],
        past: Sequence[torch.Tensor],
        performer: PoseDecoder,
    ) -> Iterator[PoseChunk]:
        for blocks in past:
            sampler.commit(blocks, [UNASKED])
        prompt, conditions = "", (model.prompt(check_prompt(text)) for text in prompts)
        for sampled in sampler.stream(conditions):
            prompt = sampled.condition.text
            chunk = performer.push(sampled.x, prompt)
            if len(chunk):
                yield chunk
        if prompt:
            yield performer.end(prompt)

    def sample(
        self,
        items: Sequence[str] | Sequence[Segments],
        poses: int | None = None,
        *,
        checkpoint: str | None = None,
        seed: int = 0,
        steps: int | None = None,
        stagger: int | None = None,
        guidance: float | None = None,
        foot_contacts: bool = True,
    ) -> list[np.ndarray]:
        """Return features (T, 263) of many motions at once, each a prompt or a row of segments.

        `poses` is the length of items that are plain prompts. Rows of segments must change prompts
        at the same poses. Raises ValueError where they do not.
        """
        rows = [[(i, poses or 0)] if isinstance(i, str) else list(i) for i in items]
        lengths = [n for _, n in rows[0]] if rows else []
        if not rows or any([n for _, n in row] != lengths for row in rows) or min(lengths) < 1:
            raise ValueError("every item needs the same number of segments of the same lengths")
        model = self.model(checkpoint or self.names[0])
        sampler = self._sampler(model, len(rows), seed, steps, stagger, guidance)
        per_block = model.dit.cfg.block * STRIDE
        ends = np.ceil(np.cumsum(lengths) / per_block).astype(int)
        conditions = [
            model.prompts([check_prompt(row[k][0]) for row in rows]) for k in range(len(lengths))
        ]
        counts = np.diff([0, *ends])
        plan = (c for c, count in zip(conditions, counts, strict=True) for _ in range(count))
        blocks = torch.stack([sampled.x for sampled in sampler.stream(plan)], dim=1)
        features = FeatureFilter(foot_contacts).push(model.decode(blocks, {}), last=True)
        return list(features[:, : sum(lengths)])

    def reconstruct(self, features: np.ndarray, *, checkpoint: str | None = None) -> np.ndarray:
        """Return features (T, 263) after a way through the VAE; T is cut to a multiple of 4."""
        return self.model(checkpoint or self.names[0]).reconstruct(features)
