"""CUDA graphs on a CPU: recorded functions run again on the same inputs, into the same outputs."""

from __future__ import annotations

import pytest
from torch.utils._python_dispatch import TorchDispatchMode

from core.diffusion.graphs import Graphs


def record_on_cpu(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make every `Graphs` to come record and replay; return a list with one item a replay."""
    replays: list[int] = []
    plain = Graphs.__init__

    def begin(self: Graphs, device: object) -> None:
        plain(self, "cpu")
        self.record = True

    def record(self: Graphs, function, inputs):
        outputs = []

        def replay() -> None:
            replays.append(1)
            made = function(*inputs)  # of the call that was recorded, whoever asks now
            if outputs:
                for there, here in zip(outputs, made, strict=True):
                    there.copy_(here)
            outputs[:] = outputs or made

        return replay, outputs

    monkeypatch.setattr(Graphs, "__init__", begin)
    monkeypatch.setattr(Graphs, "_record", record)
    return replays


class Alone(TorchDispatchMode):
    """Numbers neither go to the host nor come from there: a graph could not do that again."""

    asks = "_local_scalar_dense", "item", "is_nonzero", "nonzero", "equal", "lift_fresh"

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func.overloadpacket.__name__ not in self.asks, f"{func} is no work for a GPU alone"
        return func(*args, **(kwargs or {}))


def watch_for_the_host(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have whatever could be a graph fail where it needs the host; return one item a run."""
    ran: list[int] = []
    plain = Graphs.__call__

    def watched(self: Graphs, key, function, inputs):
        def alone(*tensors):
            ran.append(1)
            with Alone():
                return function(*tensors)

        return plain(self, key, alone, inputs)

    monkeypatch.setattr(Graphs, "__call__", watched)
    return ran
