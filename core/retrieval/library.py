"""The engine's real motions: `Engine.load().similar("a person waves")` finds who did."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core import checkpoint
from core.body.take import Take
from core.motion.vae import STRIDE
from core.retrieval.index import KIND
from core.retrieval.manner import Manner, check_weight
from core.retrieval.search import Finder, Match
from core.settings import check_prompt

if TYPE_CHECKING:
    from core.motion.generate import MotionModel

MOST = 50
"""Matches that may be asked for."""


class Library:
    """What can be looked up, behind plain Python and NumPy types; safe to share by threads."""

    names: tuple[str, ...]
    _folder: Path
    _device: str

    def __init__(self) -> None:
        self._finder: Finder | None = None
        self._finder_lock = threading.Lock()

    def model(self, name: str) -> MotionModel:
        """Return a motion checkpoint's model."""
        raise NotImplementedError

    @property
    def has_index(self) -> bool:
        """Whether there is an index of real motions."""
        return self._index_folder() is not None

    def similar(
        self, what: Take | str, count: int = 5, *, checkpoint: str | None = None
    ) -> list[Match]:
        """Return the real motions nearest to a take or to a prompt, the nearest first.

        `checkpoint` names a motion model that is to use them. Raises ValueError where there is no
        index that fits it.
        """
        if not 1 <= count <= MOST:
            raise ValueError(f"the number of similar motions must be in 1..{MOST}, got {count}")
        finder = self._finder_for(checkpoint)
        if isinstance(what, str):
            return finder.find(None, check_prompt(what), count)
        return finder.find(_usable(what), "", count)

    def manner(
        self,
        take: Take | None,
        prompt: str = "",
        *,
        weight: float = 0.5,
        count: int = 3,
        checkpoint: str | None = None,
    ) -> Manner:
        """Return a manner for `motion`: that of a take and of the real motions nearest to it.

        Nearest in motion to the take, in words to the prompt, or in both. With count 0 the take
        stands alone. Raises ValueError for a weight out of range, or where nothing is given.
        """
        check_weight(weight)
        if not 0 <= count <= MOST:
            raise ValueError(f"the number of similar motions must be in 0..{MOST}, got {count}")
        prompt = check_prompt(prompt) if prompt else ""
        if take is None and not (prompt and count):
            raise ValueError("a manner needs a take, or a prompt and at least one similar motion")
        model = self.model(checkpoint or self.names[0])
        matches: list[Match] = []
        if count:
            matches = self._finder_for(checkpoint).find(take and _usable(take), prompt, count)
        pieces = [_latents(model, m.features) if m.mirrored else m.latents for m in matches]
        if take is not None:
            pieces.insert(0, _latents(model, _usable(take).features))
        return Manner(
            weight=weight, matches=tuple(matches), pieces=tuple(pieces), vae=model.dit.cfg.vae
        )

    def _index_folder(self) -> Path | None:
        for path in sorted(self._folder.glob("*/config.json")):
            if checkpoint.describe(path.parent).get("kind") == KIND:
                return path.parent
        return None

    def _finder_for(self, name: str | None) -> Finder:
        with self._finder_lock:
            if self._finder is None:
                folder = self._index_folder()
                if folder is None:
                    raise ValueError(
                        "there is no index of real motions among the checkpoints; make one with"
                        " python -m train.index"
                    )
                self._finder = Finder.load(folder, self._device)
        finder, vae = self._finder, self.model(name or self.names[0]).dit.cfg.vae
        if finder.index.cfg.vae != vae:
            raise ValueError(
                f"the index of real motions holds latents of {finder.index.cfg.vae!r}, but the"
                f" checkpoint uses {vae!r}"
            )
        return finder


def _usable(take: Take) -> Take:
    if len(take) < STRIDE:
        raise ValueError(f"the take has {len(take)} poses; at least {STRIDE} are needed")
    return take


def _latents(model: MotionModel, features: np.ndarray) -> np.ndarray:
    return model.encode(features[: len(features) // STRIDE * STRIDE])[0].cpu().numpy()
