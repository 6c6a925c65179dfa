"""Where models compute, and in what precision."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn


def pick_device(wanted: str | None = None) -> str:
    """Return a PyTorch device: the wanted one, or else a GPU where there is one.

    Raises ValueError for a GPU that PyTorch does not see.
    """
    device = wanted or ("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError("device 'cuda' was asked for, but PyTorch sees no GPU; use 'cpu'")
    number = device.partition("cuda:")[2]
    if number and int(number) >= (count := torch.cuda.device_count()):
        raise ValueError(f"device {device!r} was asked for, but PyTorch sees {count}, from 0 on")
    return device


def native_bf16(device: str) -> bool:
    """Whether a device multiplies bf16 numbers by itself; a CPU that emulates is slower so."""
    if torch.device(device).type == "cpu":
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def fast_precision(device: str) -> torch.autocast:
    """Return a context in which products are computed in bf16 where that is native."""
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=native_bf16(device))


def settle(module: nn.Module, device: str) -> None:
    """Store the weights of products as `fast_precision` would convert them at every call.

    The numbers stay the same, and a third of the time of small models is saved; from then on the
    module computes inside `fast_precision` only.
    """
    if native_bf16(device):
        for part in module.modules():
            if isinstance(part, nn.Linear | nn.Conv2d):
                part.to(torch.bfloat16)


def round_products(device: str) -> None:
    """Have a GPU round fp32 numbers to TF32, ten bits after the point, before it multiplies them.

    For the whole process; sums stay fp32. Joints move by less than a millimeter against the root,
    1.2 at worst.
    """
    if torch.device(device).type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True


class Arriving:
    """Numbers on their way from a GPU, which meanwhile goes on computing."""

    def __init__(self, x: Tensor) -> None:
        self._x, self._event = x, None
        if x.is_cuda:
            self._x = torch.empty(x.shape, dtype=x.dtype, pin_memory=True)
            self._x.copy_(x, non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record()

    def get(self) -> np.ndarray:
        """Wait until they are here."""
        if self._event is not None:
            self._event.synchronize()
        return self._x.numpy()
