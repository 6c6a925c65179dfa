"""Figures of merit for generated frames, (..., H, W, 3) uint8; no pretrained network needed.

gFVD and action following are those of the tinywmcraft benchmark. Figures from other features,
sizes or sets cannot be compared with each other.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.metrics import fid

CLIP = 4
"""Frames that gFVD looks at together."""
SALIENT = 16
"""A pixel that differs by more levels of 255 from the frame before counts as changed."""
NEVER = 100.0
"""PSNR (dB) of equal frames."""


def psnr(made: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Return the peak signal-to-noise ratio (...) in dB of frames (..., H, W, 3)."""
    error = np.square(made.astype(np.float32) - real).mean((-3, -2, -1))
    return np.minimum(10 * np.log10(255**2 / np.maximum(error, 1e-9)), NEVER)


class RandomFeatures(nn.Module):
    """Features (N, 32) of clips (N, 4, H, W, 3) from convolutions whose weights never change."""

    def __init__(self, seed: int = 1234) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        channels, layers = 3 * CLIP, []
        for out in (32, 64, 128, 32):
            layer = nn.Conv2d(channels, out, 3, stride=2, padding=1)
            nn.init.kaiming_normal_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)
            layers += [layer, nn.ReLU()]
            channels = out
        self.layers = nn.Sequential(*layers).requires_grad_(False)

    def forward(self, clips: Tensor) -> Tensor:
        """Average the last layer over the picture."""
        x = clips.permute(0, 1, 4, 2, 3).flatten(1, 2).float() / 127.5 - 1
        return self.layers(x).mean((2, 3))


@torch.inference_mode()
def features(clips: np.ndarray, batch: int = 64) -> np.ndarray:
    """Return fixed random features (N, 32) of clips (N, 4, H, W, 3)."""
    network = RandomFeatures()
    parts = torch.from_numpy(np.ascontiguousarray(clips)).split(batch)
    return torch.cat([network(part) for part in parts]).double().numpy()


def gfvd(real: np.ndarray, made: np.ndarray) -> float:
    """Frechet distance of features (N, 32), in units of the real ones' whole variance."""
    return fid(real, made) / float(np.trace(np.cov(real, rowvar=False)))


def changed(last: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Return where a frame differs from the one before, (..., H, W)."""
    return (np.abs(now.astype(np.int16) - last) > SALIENT).any(-1)


def error_where(mask: np.ndarray, made: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Return the mean absolute error (...) of frames (..., H, W, 3) over a mask (..., H, W).

    Nothing where the mask is empty.
    """
    error = np.abs(made.astype(np.float32) - real).mean(-1) * mask
    return error.sum((-2, -1)) / np.maximum(mask.sum((-2, -1)), 1)


def sharpness(frames: np.ndarray) -> float:
    """Mean length of the brightness gradient, levels of 255 a pixel."""
    gray = frames.astype(np.float32).mean(-1)
    down, across = np.diff(gray, axis=-2)[..., :-1], np.diff(gray, axis=-1)[..., :-1, :]
    return float(np.hypot(down, across).mean())


def look(frames: np.ndarray) -> dict[str, float]:
    """Statistics that drift shows in: color, contrast (deviation of colors) and sharpness."""
    pixels = frames.reshape(-1, 3).astype(np.float32)
    red, green, blue = pixels.mean(0).tolist()
    contrast = float(pixels.std(0).mean())
    return {
        "red": red,
        "green": green,
        "blue": blue,
        "contrast": contrast,
        "sharpness": sharpness(frames),
    }


def drift(made: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """How the look of generated frames differs from that of real ones.

    `color` is the distance of the mean colors in levels of 255; the others are ratios, 1 = alike.
    """
    a, b = look(made), look(real)
    gap = [a[name] - b[name] for name in ("red", "green", "blue")]
    return {
        "color": float(np.linalg.norm(gap)),
        "contrast": a["contrast"] / b["contrast"],
        "sharpness": a["sharpness"] / b["sharpness"],
    }
