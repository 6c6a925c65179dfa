"""FrameTokenizer: one picture to P tokens and back, frame by frame (NFD's image VAE).

No temporal compression, so that a key acts on the very next frame. Pictures are cut into patches
first and all convolutions run on few, wide positions: on a CPU that is several times faster than
the same work at full resolution. Latents leave the encoder with unit variance, and the decoder has
learned to bear noise on them (RAE, arXiv 2510.11690), which is what a dynamics model's errors are.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import Config


class TokenizerConfig(Config):
    """Size of the autoencoder."""

    height: int = 96
    width: int = 128
    patch: int = 4
    """Pixels a side of the patches that the first convolution sees."""
    encoder: tuple[int, ...] = (64, 96, 128)
    """Channels at each resolution, fine to coarse; each halves the one before."""
    decoder: tuple[int, ...] = (192, 128, 64)
    """Channels at each resolution, coarse to fine."""
    blocks: tuple[int, ...] = (1, 2, 2)
    """Residual blocks of the decoder at each resolution; the encoder has one everywhere."""
    channels: int = 48
    """Numbers a token."""

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tokens."""
        cell = self.patch * 2 ** (len(self.encoder) - 1)
        return self.height // cell, self.width // cell


class ResBlock(nn.Module):
    """Two 3x3 convolutions around a skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.conv_a = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_b = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv_b.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (B, C, H, W)."""
        return x + self.conv_b(F.silu(self.conv_a(F.silu(self.norm(x)))))


def _down(channels: int, out: int) -> nn.Module:
    return nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels, out, 1))


def _up(channels: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, 4 * out, 1), nn.PixelShuffle(2))


class FrameTokenizer(nn.Module):
    """Encode pictures (B, H, W, 3) uint8 to tokens (B, P, C) of unit variance, and decode them."""

    kind = "frame-tokenizer"
    Config = TokenizerConfig

    def __init__(self, cfg: TokenizerConfig) -> None:
        super().__init__()
        cell = cfg.patch * 2 ** (len(cfg.encoder) - 1)
        if cfg.height % cell or cfg.width % cell or len(cfg.encoder) != len(cfg.decoder):
            raise ValueError(f"{cfg.width}x{cfg.height} pictures do not divide by {cell}")
        self.cfg = cfg
        pixels = 3 * cfg.patch**2
        down: list[nn.Module] = [nn.PixelUnshuffle(cfg.patch)]
        down.append(nn.Conv2d(pixels, cfg.encoder[0], 3, padding=1))
        for i, channels in enumerate(cfg.encoder):
            down.append(ResBlock(channels))
            if i + 1 < len(cfg.encoder):
                down.append(_down(channels, cfg.encoder[i + 1]))
        down.append(nn.Conv2d(cfg.encoder[-1], cfg.channels, 1))
        self.encoder = nn.Sequential(*down)
        self.unit = nn.BatchNorm2d(cfg.channels, affine=False, momentum=0.01)
        up: list[nn.Module] = [nn.Conv2d(cfg.channels, cfg.decoder[0], 3, padding=1)]
        for i, channels in enumerate(cfg.decoder):
            up += [ResBlock(channels) for _ in range(cfg.blocks[i])]
            if i + 1 < len(cfg.decoder):
                up.append(_up(channels, cfg.decoder[i + 1]))
        up += [nn.Conv2d(cfg.decoder[-1], pixels, 3, padding=1), nn.PixelShuffle(cfg.patch)]
        self.decoder = nn.Sequential(*up).to(memory_format=torch.channels_last)

    def to_pixels(self, frames: Tensor) -> Tensor:
        """Return (B, 3, H, W) in [-1, 1] of frames (B, H, W, 3) uint8."""
        return frames.permute(0, 3, 1, 2).float() / 127.5 - 1

    def to_frames(self, pixels: Tensor) -> Tensor:
        """Undo `to_pixels`, rounding to whole levels."""
        levels = (pixels.float() * 127.5).add_(127.5).round_().clamp_(0, 255)
        return levels.to(torch.uint8).permute(0, 2, 3, 1)

    def encode(self, pixels: Tensor) -> Tensor:
        """Return tokens (B, P, C) of pixels (B, 3, H, W)."""
        z = self.unit(self.encoder(pixels.contiguous(memory_format=torch.channels_last)))
        return z.flatten(2).transpose(1, 2)

    def decode(self, tokens: Tensor) -> Tensor:
        """Return pixels (B, 3, H, W) of tokens (B, P, C)."""
        rows, columns = self.cfg.grid
        z = tokens.transpose(1, 2).unflatten(2, (rows, columns))
        return self.decoder(z.contiguous(memory_format=torch.channels_last))
