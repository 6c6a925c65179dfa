"""The adversary of few-step students: hinge heads on the frozen teacher's features (NFD, LADD)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.diffusion import flow
from core.video.model import FrameDiT

HEAD_LR = 1e-3
LEVELS = 0.5, 0.97
"""Flow times between which frames are judged: noise hides what need not be alike, but at 0.2 it
also hides blur."""


class DiscriminatorHeads(nn.Module):
    """Judge frames by the features that a frozen transformer has of them."""

    def __init__(self, teacher: FrameDiT, taps: tuple[int, ...] = (1, 3, 5)) -> None:
        super().__init__()
        width = teacher.cfg.width
        self.heads = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 128), nn.SiLU(), nn.Linear(128, 1))
            for _ in taps
        )
        self._features: list[Tensor] = []
        # what a block reads is what the block before it wrote
        for tap in taps:
            teacher.transformer.blocks[tap].norm_a.register_forward_pre_hook(
                lambda _, inputs: self._features.append(inputs[0])
            )
        self.teacher = [teacher]  # in a list: not a part of this module

    def features(self, x: Tensor, t: Tensor, actions: Tensor) -> list[Tensor]:
        """Return the teacher's features (B, T, P, D) of noisy frames."""
        self._features.clear()
        self.teacher[0].denoise(x, t, actions)
        found = list(self._features)
        self._features.clear()
        return found

    def forward(self, features: list[Tensor]) -> Tensor:
        """Return one number per frame and head, (heads, B, T); above 0 means real."""
        scores = [head(f).mean((2, 3)) for head, f in zip(self.heads, features, strict=True)]
        return torch.stack(scores)


class Discriminator:
    """Train the heads, and say how far they take a student's frames for real."""

    def __init__(self, teacher: FrameDiT) -> None:
        self.heads = DiscriminatorHeads(teacher).to(next(teacher.parameters()).device)
        self.optimizer = torch.optim.AdamW(self.heads.parameters(), lr=HEAD_LR, betas=(0.5, 0.99))

    def __call__(
        self, fake: Tensor, data: Tensor, context: Tensor, t: Tensor, actions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the student's loss and the heads' own, after improving the heads by a step.

        `fake` and `data` (B, T, P, C) are clean, `context` (B, T) marks frames that both share;
        those stand at times `t`.
        """
        low, high = LEVELS
        level = torch.where(context, t, low + (high - low) * torch.rand_like(t))
        noise, counts = torch.randn_like(data), ~context
        features = self.heads.features(flow.add_noise(fake, noise, level), level, actions)
        with torch.no_grad():
            real = self.heads.features(flow.add_noise(data, noise, level), level, actions)
        on_real, on_fake = self.heads(real), self.heads([f.detach() for f in features])
        hinge = F.relu(1 - on_real) + F.relu(1 + on_fake)
        own = (hinge * counts).sum() / counts.sum().clamp(min=1) / len(hinge)
        self.optimizer.zero_grad(set_to_none=True)
        own.backward()
        self.optimizer.step()
        self.heads.requires_grad_(False)
        loss = -(self.heads(features) * counts).sum() / counts.sum().clamp(min=1) / len(hinge)
        self.heads.requires_grad_(True)
        return loss, own.detach()
