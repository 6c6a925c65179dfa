"""Frame-wise sampling schedule (CMDM): frame i starts `stagger` ticks after frame i - 1.

A tick is one network call; at every tick each frame that has entered climbs one level. Level 0 is
noise, level `steps` is clean, and a negative level says how many ticks a frame still waits. The
streaming sampler asks `level` for every frame in its window; `level_matrix` is the paper's picture
of the same staircase.
`stagger == steps` is plain autoregression (one frame in the window, least lag); a smaller stagger
keeps ceil(steps / stagger) frames in the window and costs `stagger` calls a frame.
"""

from __future__ import annotations

import torch
from torch import Tensor


def check(steps: int, stagger: int) -> None:
    """Raise ValueError unless 1 <= stagger <= steps."""
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    if not 1 <= stagger <= steps:
        raise ValueError(f"stagger must be in 1..{steps} (the number of steps), got {stagger}")


def times(steps: int, shift: float = 1.0) -> Tensor:
    """Return the flow time of each level, shape (steps + 1,), from 0 (noise) to 1 (clean).

    A shift above 1 moves the levels between towards noise (arXiv 2403.03206, section 5.3.2): where
    much can come next, a long first step would settle for what is likeliest.
    """
    even = torch.linspace(0.0, 1.0, steps + 1)
    return even / (shift - (shift - 1) * even)


def level(tick: int, start: int, steps: int) -> int:
    """Return the level at a tick of the frame that enters at tick `start`; negative before."""
    return min(tick - start, steps)


def level_matrix(frames: int, steps: int, stagger: int) -> Tensor:
    """Return the whole staircase, (ticks + 1, frames): row m holds the levels at tick m."""
    check(steps, stagger)
    ticks = range(steps + stagger * (frames - 1) + 1)
    return torch.tensor(
        [[max(level(m, stagger * i, steps), 0) for i in range(frames)] for m in ticks]
    )
