"""Several processes that train one model: the same weights, data of their own, one gradient."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn


def alone() -> bool:
    """Whether there is one process only."""
    return not distributed.is_initialized()


def begin_alike(*models: nn.Module) -> None:
    """Give models the weights of the first process, and each process noise of its own."""
    for model in models:
        for value in model.state_dict().values():
            distributed.broadcast(value, 0)
    torch.manual_seed(torch.initial_seed() + distributed.get_rank())


def average_gradients(model: nn.Module) -> None:
    """Give all processes the mean of their gradients; one that is missing counts as zero."""
    grads: list[Tensor] = []
    for weight in model.parameters():
        if weight.requires_grad:
            weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
            grads.append(weight.grad)
    mean = torch.cat([grad.flatten() for grad in grads]) / distributed.get_world_size()
    distributed.all_reduce(mean)
    for grad, part in zip(grads, mean.split([grad.numel() for grad in grads]), strict=True):
        grad.copy_(part.view_as(grad))


def first_clock(seconds: float, device: torch.device) -> float:
    """Return the first process's seconds: all must stop at the same step."""
    clock = torch.tensor([seconds], dtype=torch.float64, device=device)
    distributed.broadcast(clock, 0)
    return clock.item()
