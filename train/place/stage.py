"""What stages share: where they begin, which weights they keep, and when they stop a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from core import checkpoint
from core.video.place import PlaceConfig
from train.frames import FrameSet

M = TypeVar("M", bound=checkpoint.Model)


class Stage(NamedTuple):
    """Where and for how long something is trained."""

    out: Path
    """Checkpoint folder."""
    run: Path
    """Folder for state and curves."""
    minutes: float
    batch: int
    device: str
    precision: str = "auto"
    steps: int = 1_000_000

    @property
    def loop(self) -> tuple[Path, int, float, str]:
        """What LoopSettings take first."""
        return self.run, self.steps, self.minutes, self.precision


def place_of(frames: FrameSet, like: PlaceConfig | None = None) -> PlaceConfig:
    """Return the place that a set was recorded in, remembered as finely as another one.

    Raises ValueError where the set does not say how far it goes.
    """
    ground = frames.meta.get("ground")
    if ground is None:
        raise ValueError(f"{frames.folder} has no ground, no place to know; record it anew")
    values = (like or PlaceConfig()).model_dump() | {
        "low": ground["low"],
        "high": ground["high"],
        "texel": ground["texel"],
        "field_of_view": ground["fov"],
    }
    return PlaceConfig(**values)


def resume_from(model: Any, folder: Path) -> bool:
    """Give a model the weights of a checkpoint of its very config; False where there is none."""
    if not (folder / "config.json").is_file():
        return False
    if model.Config(**checkpoint.describe(folder)["config"]) != model.cfg:
        return False
    model.load_state_dict(checkpoint.weights(folder))
    return True


def begin_with(model: nn.Module, base: Path) -> None:
    """Give a model the weights of another world's as far as they fit; its map stays unknown."""
    own, known = model.state_dict(), checkpoint.weights(base)
    fit = {k: v for k, v in known.items() if k in own and v.shape == own[k].shape}
    fit.pop("place_map.map", None)
    model.load_state_dict(fit, strict=False)


def store_difference(folder: Path, base: Path, out: Path) -> None:
    """Write a checkpoint as what is not in the base beside `out`."""
    entry = {
        **checkpoint.describe(folder),
        "base": base.name,
        "base_weights": checkpoint.fingerprint(base),
    }
    before, now = checkpoint.weights(base), checkpoint.weights(folder)
    own: dict[str, Tensor] = {k: v for k, v in now.items() if not torch.equal(v, before[k])}
    checkpoint.write(out, entry, own)


def judge(
    folder: Path,
    kind: type[M],
    evaluate: Callable[[M, Any], dict[str, float]],
    held_out: Any,
    device: str,
) -> dict[str, float]:
    """Return held-out figures of what a stage has kept."""
    return evaluate(checkpoint.load(folder, kind, device=device), held_out)
