"""One thread a process: two test processes with two threads each would fight over two cores."""

import pytest
import torch

from core.motion.model import MotionConfig, MotionDiT

torch.set_num_threads(1)


@pytest.fixture
def tiny_dit() -> MotionDiT:
    """A motion transformer with random numbers in every matrix: nothing is zero by chance."""
    torch.manual_seed(0)
    cfg = MotionConfig(
        width=32, depth=2, heads=2, hidden=48, text_dim=12, latent_dim=6, block=2,
        context=12, max_blocks=24, steps=4, stagger=2,
    )  # fmt: skip
    model = MotionDiT(cfg).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.2)
    return model
