"""Where models compute."""

from __future__ import annotations

import torch


def pick_device(wanted: str | None = None) -> str:
    """Return a PyTorch device: the wanted one, or else a GPU where there is one.

    Raises ValueError for a GPU that PyTorch does not see.
    """
    device = wanted or ("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError("device 'cuda' was asked for, but PyTorch sees no GPU; use 'cpu'")
    return device
