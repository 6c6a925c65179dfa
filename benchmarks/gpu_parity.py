"""Whether a GPU computes the same: small worlds and motion against plain modules on a CPU."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from core.device import native_bf16
from core.motion.generate import MotionModel
from core.motion.model import UNASKED, MotionConfig, MotionDiT
from core.motion.vae import MotionVAE, VAEConfig
from core.settings import MotionSettings
from core.video.model import Action, FrameConfig, FrameDiT
from core.video.place import PlaceConfig
from train.worlds.world import BLOCKS_KEYS

M = TypeVar("M", bound=nn.Module)
TOLERANCE = {"fp32": 1e-4, "tf32": 1e-2, "bf16": 3e-2}
"""Relative error of tokens after eight frames, against the plain modules in fp32 on a CPU."""


def parity(device: str) -> dict[str, Any]:
    """Return relative errors, at fixed addresses, against plain modules on a CPU."""

    small = {"width": 64, "depth": 3, "heads": 2, "hidden": 128}
    frames = FrameConfig(keys=BLOCKS_KEYS, grid=(3, 4), channels=8, steps=2, context=4, **small)
    place = PlaceConfig(high=(64.0, 64.0), texel=16.0, channels=3, rays=1, samples=4, far=64.0)
    motion = MotionConfig(block=3, steps=10, stagger=5, context=6, max_blocks=24, **small)
    row: dict[str, Any] = {"tolerance": TOLERANCE}
    torch.backends.cuda.matmul.allow_tf32 = False
    kinds = {"fp32": torch.float32} | ({"bf16": torch.bfloat16} if native_bf16(device) else {})
    for name, kind in kinds.items():
        worlds = {
            "prefix": frames,
            "layer": frames.model_copy(update={"adaln": "layer", "prefix": 0}),
            "place": frames.model_copy(update={"place": place, "predicts": "data", "prefix": 0}),
        }
        for world, cfg in worlds.items():
            row[f"{world} {name}"] = error(world_tokens(cfg), world_tokens(cfg, kind, device))
    for told in (True, False):
        cfg = motion.model_copy(update={"told_guidance": told})
        expected = motion_tokens(cfg)
        for name in ("fp32", "tf32"):
            torch.backends.cuda.matmul.allow_tf32 = name == "tf32"
            found = error(expected, motion_tokens(cfg, device))
            row[f"motion, guidance {'told' if told else 'by two'} {name}"] = found
    row["decoder tf32"] = error(decoded("cpu"), decoded(device))
    row["within"] = all(
        value < TOLERANCE[key[-4:]] for key, value in row.items() if isinstance(value, float)
    )
    return row


def error(expected: Tensor, found: Tensor) -> float:
    return float((found.cpu() - expected).norm() / expected.norm())


def alive(model: M) -> M:
    """Return a model in which nothing is zero, as much is at birth."""

    for weights in model.parameters():
        if not weights.any():
            nn.init.normal_(weights, std=0.2)
    return model.eval().requires_grad_(False)


def world_tokens(cfg: FrameConfig, kind: torch.dtype | None = None, device: str = "cpu") -> Tensor:
    """Return eight frames' tokens under changing keys; plain where no kind is given."""

    torch.manual_seed(0)
    model = alive(FrameDiT(cfg)).to(device)
    if kind is not None:
        model.run_static(kind)
    sampler = model.new_sampler(1, 1, slack=4)
    actions = [
        Action(torch.eye(6)[i : i + 1].to(device), 1 << i, np.full((1, 3), 9.0 + 8 * i))
        for i in range(3)
    ]
    start = torch.randn(1, 3, *model.frame_shape, generator=torch.Generator().manual_seed(2))
    sampler.commit(start.to(device), actions)
    frames = []
    for i in range(8):
        before = sampler.snapshot()
        sampler.sample([actions[0]])
        sampler.restore(before)  # a draft that is dropped
        frames.append(sampler.sample([actions[i % 3]])[0].x)
    return torch.stack(frames).float().cpu()


def motion_tokens(cfg: MotionConfig, device: str = "") -> Tensor:
    """Return blocks of a stream whose prompt changes; plain, on a CPU, where no device is given."""

    torch.manual_seed(0)
    model = alive(MotionDiT(cfg)).to(device or "cpu")
    if device:
        model.run_static(torch.float32)
    vae = MotionVAE(VAEConfig(width=16, dilations=(3, 1))).eval().requires_grad_(False)
    motion = motion_model(model, vae, device or "cpu")
    sampler = motion._new_sampler(1, MotionSettings(seed=1))
    start = torch.randn(1, 4, *model.frame_shape, generator=torch.Generator().manual_seed(2))
    sampler.commit(start.to(motion.device), [UNASKED])
    prompts = [motion.prompt("walk")] * 6 + [motion.prompt("run")] * 6
    return torch.stack([found.x for found in sampler.stream(prompts)]).cpu()


def decoded(device: str) -> Tensor:
    """Return features of some latents, with weights that lie as a GPU likes them."""
    torch.manual_seed(0)
    vae = MotionVAE(VAEConfig(width=32, shortcut=False, plain=True)).eval().requires_grad_(False)
    vae.settle()
    latents = torch.randn(1, 6, 64)
    return vae.to(device).decode(latents.to(device)).cpu()


def motion_model(dit: MotionDiT, vae: MotionVAE, device: str) -> MotionModel:
    """Return a motion model whose text encoder says the same whenever the same is asked."""

    class States:
        width = dit.cfg.text_dim

        def __call__(self, prompts: Any) -> tuple[Tensor, Tensor]:
            noise = torch.Generator().manual_seed(len(prompts[0]))
            shape = len(prompts), 8
            states = torch.randn(*shape, self.width, generator=noise)
            return states, torch.ones(*shape, dtype=torch.bool)

    return MotionModel(dit.to(device), vae.to(device), States(), device)
