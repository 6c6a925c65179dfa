"""Devices that are asked for and not there are named."""

import pytest
import torch

from core.device import pick_device


def test_a_gpu_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [pick_device(name) for name in (None, "cuda", "cuda:1")] == ["cuda", "cuda", "cuda:1"]
    assert pick_device("cpu") == "cpu"
    said = "device 'cuda:2' was asked for, but PyTorch sees 2, from 0 on"
    with pytest.raises(ValueError, match=said):
        pick_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="PyTorch sees no GPU"):
        pick_device("cuda")
