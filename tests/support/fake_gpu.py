"""A GPU that only pretends: tensors have shapes and a device, and mixing devices is an error.

Nothing is computed (torch's FakeTensorMode; the GPU is its "meta" device), so it runs anywhere. A
tensor that is left behind on the CPU, which would stop a script on a real GPU, stops it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch._functorch.config
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_map_only

GPU = "meta"


@contextmanager
def fake_gpu() -> Iterator[None]:
    """Have every tensor that is made be a fake one; asked for a number, it says 1."""
    with (
        patch.object(torch._functorch.config, "fake_tensor_allow_meta", True),
        patch.object(torch, "autocast", lambda *_, **__: nullcontext()),  # knows no such device
        patch.object(nn.Module, "to", _module_to),
        patch.object(Tensor, "item", lambda x: 1.0),
        patch.object(Tensor, "__int__", lambda x: 1),
        patch.object(Tensor, "__float__", lambda x: 1.0),
        patch.object(Tensor, "tolist", lambda x: np.ones(x.shape).tolist()),
        patch.object(Tensor, "__bool__", lambda x: True),
        patch.object(Tensor, "numpy", lambda x: np.ones(x.shape)),
        FakeTensorMode(allow_non_fake_inputs=True),
    ):
        yield


def _module_to(module: nn.Module, *args: Any, **kwargs: Any) -> nn.Module:
    device = torch._C._nn._parse_to(*args, **kwargs)[0]
    return module if device is None else on_gpu(module)


def on_gpu(x: Any) -> Any:
    """Return a module or tensors, however nested, on the fake GPU."""
    if not isinstance(x, nn.Module):
        return tree_map_only(Tensor, lambda t: t.to(GPU), x)
    for module in x.modules():
        for name, p in module._parameters.items():
            if p is not None:
                module._parameters[name] = nn.Parameter(p.detach().to(GPU), p.requires_grad)
        for name, b in module._buffers.items():
            if b is not None:
                module._buffers[name] = b.to(GPU)
    return x
