"""Whole frames: all network calls that new frames take, as one function of tensors, for one graph.

It computes what `StreamSampler.sample` does step by step. Noise, conditions and the noise level of
the past come in from outside; flow times are numbers, so there is a graph for each count of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from core.diffusion import flow
from core.diffusion.attention import Cache
from core.diffusion.static import Call

MOST_STEPS = 8
"""Steps that are worth one graph: it is longer by a call for each, and every count has its own."""


@runtime_checkable
class Network(Protocol):
    """A denoiser whose calls depend on tensors alone, such as FrameDiT."""

    def told(self, conditions: Sequence[Any]) -> list[Tensor]:
        """Return what conditions, one a frame, say, as tensors (B, T, ...)."""
        ...

    def at(self, x: Tensor, t: Tensor, *told: Tensor, cache: Cache, commit: int) -> Tensor:
        """Return the velocity of x (B, T, P, D) at t (B, T), as a `Denoiser` does."""
        ...


def frames(
    call: Call,
    network: Network,
    past: Sequence[Tensor],
    noise: Tensor,
    settled: Tensor,
    told: Sequence[Tensor],
    times: Sequence[float],
) -> Tensor:
    """Return new frames (B, T, P, D), sampled jointly from noise (B, T + N or T, P, D).

    The N finished frames `past` (B, P, D) are committed in the first call, at the time `settled`
    (1, 1), with the noise behind that of the new ones, if there is any, in them. `told` (B, N + T,
    ...) is about both; flow goes through `times`.
    """
    ride, rows = len(past), len(noise)
    new = told[0].shape[1] - ride
    x, mixed = noise[:, :new], noise[:, new:]
    for now, then in pairwise(times):
        t, t_next = (x.new_full((rows, new), at) for at in (now, then))
        if ride:
            seen = torch.stack(list(past), dim=1)
            if mixed.shape[1]:
                seen = mixed.lerp(seen, settled[..., None, None])
            both, t_both = torch.cat([seen, x], 1), torch.cat([settled.expand(rows, ride), t], 1)
            v = call(network.at, [both, t_both, *told], ride)[:, ride:]
            told, ride = [part[:, ride:] for part in told], 0
        else:
            v = call(network.at, [x, t, *told], 0)
        x = flow.step(x, v, t, t_next)
    return x
