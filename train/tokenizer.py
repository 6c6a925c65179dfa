"""Train the frame tokenizer: `python -m train.tokenizer --data SET`.

Absolute, squared and gradient errors; latents get noise on their way to the decoder, as the frames
that a dynamics model dreams will have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from torch import Tensor, nn

from core.device import pick_device
from core.video.tokenizer import FrameTokenizer, TokenizerConfig
from train.frames import FrameSet
from train.loop import LoopSettings, Losses, Trainer
from train.setup import TOKENIZER, Out, PlayData, Run, fresh_seed, warm_start

LATENT_NOISE = 0.2
"""Largest deviation of the noise on latents, which have deviation 1."""
SQUARE_WEIGHT = 6.0
GRADIENT_WEIGHT = 0.5


def gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the differences of neighboring pixels of x (B, 3, H, W), across and down."""
    return x.diff(dim=-1), x.diff(dim=-2)


def reconstruction(y: Tensor, x: Tensor) -> Tensor:
    """Return the loss of pixels y against x: absolute, squared, and of gradients."""
    edges = sum(F.l1_loss(a, b) for a, b in zip(gradients(y), gradients(x), strict=True))
    return F.l1_loss(y, x) + SQUARE_WEIGHT * F.mse_loss(y, x) + GRADIENT_WEIGHT * edges


def loss_fn(model: nn.Module, frames: Tensor, step: int) -> Losses:
    x = model.to_pixels(frames)
    tokens = model.encode(x)
    deviation = LATENT_NOISE * torch.rand(len(tokens), 1, 1, device=tokens.device)
    y = model.decode(tokens + deviation * torch.randn_like(tokens)).float()
    loss = reconstruction(y, x)
    return Losses(loss, {"mse": F.mse_loss(y, x).detach()})


def psnr(y: Tensor, x: Tensor) -> Tensor:
    """Return the peak signal-to-noise ratio (B,) in dB of frames y and x (B, H, W, 3) uint8."""
    error = (y.float() - x.float()).square().flatten(1).mean(1).clamp(min=1e-3)
    return 10 * torch.log10(255**2 / error)


def keep_tokens(model: FrameTokenizer) -> None:
    """Have only the decoder learn: whoever learnt the tokens would have to learn anew."""
    model.encoder.requires_grad_(False)
    model.unit.eval()  # or every batch would scale its tokens by itself


@torch.no_grad()
def held_out(model: FrameTokenizer, frames: Tensor) -> dict[str, float]:
    """Return the PSNR of frames (B, H, W, 3) and of the same under latent noise."""
    generator = torch.Generator().manual_seed(0)
    plain, noisy = [], []
    for part in frames.split(32):
        tokens = model.encode(model.to_pixels(part))
        noise = 0.1 * torch.randn(tokens.shape, generator=generator).to(tokens.device)
        plain.append(psnr(model.to_frames(model.decode(tokens)), part))
        noisy.append(psnr(model.to_frames(model.decode(tokens + noise)), part))
    value = torch.cat(plain).mean().item()
    return {"score": -value, "psnr": value, "psnr_noisy": torch.cat(noisy).mean().item()}


def main(
    data: PlayData,
    out: Out = TOKENIZER,
    run: Run = Path("runs/tokenizer"),
    steps: int = 20000,
    minutes: float = 1e9,
    batch: int = 12,
    lr: float = 2e-3,
    decoder_only: Annotated[
        bool, typer.Option(help="Second stage: the tokens stay, the decoder learns on.")
    ] = False,
    precision: str = "auto",
) -> None:
    """Train the frame tokenizer."""
    seed = fresh_seed(run)
    frames, validation = FrameSet(data, "train"), FrameSet(data, "val")
    height, width = frames.frames.shape[1:3]
    model = FrameTokenizer(TokenizerConfig(height=height, width=width))
    warm_start(model, out)
    if decoder_only:
        keep_tokens(model)
    settings = LoopSettings(
        run, steps, minutes, precision, lr=lr, warmup=100, ema=0.998, eval_every=500
    )
    trainer = Trainer(model, settings, out, frames.about())
    pictures = frames.pictures(batch, seed=seed, device=pick_device())
    trainer.run(pictures, loss_fn, held_out, next(validation.pictures(128, seed=1)))


if __name__ == "__main__":
    typer.run(main)
