"""An inverse dynamics model: which keys were held between two frames (as MineWorld measures it).

Learned from real frames only. Keys that it reads back from generated frames tell whether these show
what was asked for; what it reads from real ones is the most that can be expected. It is trained
when it is needed and kept in runs/; `python -m benchmarks.idm SET --out SAMPLE` writes one for a
sample.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from torch import Tensor, nn
from tqdm import tqdm

from train.frames import FrameSet

SIZE = (48, 64)
EPISODES = 80
STEPS = 1500
BATCH = 64
LR = 2e-3
CACHE = Path("runs/idm")
FILE = "idm.safetensors"
"""Weights that come with a sample."""


def shrink(frames: np.ndarray) -> Tensor:
    """Return (N, 3, 48, 64) uint8 of frames (N, H, W, 3)."""
    pixels = torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2)
    parts = [F.adaptive_avg_pool2d(part.float(), SIZE) for part in pixels.split(256)]
    return torch.cat(parts).round().to(torch.uint8)


class InverseDynamics(nn.Module):
    """Logits (N, K) of keys from two frames (N, 3, 48, 64)."""

    def __init__(self, keys: int) -> None:
        super().__init__()
        rows, columns = SIZE[0] // 8, SIZE[1] // 8
        self.layers = nn.Sequential(
            nn.Conv2d(6, 48, 4, stride=4),
            nn.ReLU(),
            nn.Conv2d(48, 48, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(48, 48, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(48, 96, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(96, 32, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * rows * columns, 128),
            nn.ReLU(),
            nn.Linear(128, keys),
        )

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """Look at the later frame and at how it differs."""
        a, b = (x.float() / 127.5 - 1 for x in (before, after))
        return self.layers(torch.cat([b, b - a], dim=1))


def learn(frames: FrameSet, *, steps: int, seed: int = 0) -> InverseDynamics:
    """Train on pairs of neighboring frames."""
    torch.manual_seed(seed)
    rng, count = np.random.default_rng(seed), min(EPISODES, len(frames.episodes))
    chosen = [frames.episodes[i] for i in rng.choice(len(frames.episodes), count, replace=False)]
    pictures = [shrink(frames.frames[e.start : e.start + e.frames]) for e in chosen]
    before = torch.cat([x[:-1] for x in pictures])
    after = torch.cat([x[1:] for x in pictures])
    held = np.concatenate([frames.actions[e.start + 1 : e.start + e.frames] for e in chosen])
    labels = torch.from_numpy(held.astype(np.float32))
    model = InverseDynamics(labels.shape[1]).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=steps, pct_start=0.05)
    for _ in tqdm(range(steps), desc="inverse dynamics", leave=False, disable=None):
        i = torch.from_numpy(rng.integers(len(labels), size=BATCH))
        loss = F.binary_cross_entropy_with_logits(model(before[i], after[i]), labels[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval().requires_grad_(False)


def obtain(folder: Path, keys: int, cache: Path = CACHE) -> InverseDynamics | None:
    """Return the model for a set: beside it, from the cache, or trained; None without a way to."""
    from safetensors.torch import load_file

    digest = hashlib.sha256((folder / "meta.json").read_bytes()).hexdigest()[:12]
    places = folder / FILE, cache / f"{digest}-{STEPS}.safetensors"
    model = InverseDynamics(keys).eval().requires_grad_(False)
    for place in places:
        if place.is_file():
            model.load_state_dict({k: v.float() for k, v in load_file(str(place)).items()})
            return model
    if not (folder / "frames.npy").is_file():
        return None
    return write(learn(FrameSet(folder, "train"), steps=STEPS), places[1])


def write(model: InverseDynamics, path: Path) -> InverseDynamics:
    """Keep the weights as fp16; return the model."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({k: v.half() for k, v in model.state_dict().items()}, str(path))
    return model


@torch.inference_mode()
def read_keys(model: InverseDynamics, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return which keys were held (N, K) bool between frames (N, H, W, 3)."""
    pairs = zip(shrink(before).split(256), shrink(after).split(256), strict=True)
    return torch.cat([model(a, b) > 0 for a, b in pairs]).numpy()


def macro_f1(found: np.ndarray, held: np.ndarray) -> float:
    """Mean over keys of the F1 of reading them (N, K) bool; keys never held do not count."""
    hits = (found & held).sum(0)
    either = found.sum(0) + held.sum(0)
    known = held.any(0)
    return float((2 * hits[known] / either[known]).mean())


def main(
    data: Annotated[Path, typer.Argument(help="A recorded set with a training split.")],
    out: Annotated[Path, typer.Option(help="Folder of a sample, beside whose frames it goes.")],
    steps: int = 2 * STEPS,
) -> None:
    """Train the model that reads keys from frames, for a sample that cannot train its own."""
    write(learn(FrameSet(data, "train"), steps=steps), out / FILE)


if __name__ == "__main__":
    typer.run(main)
