"""The averaged weights that a run is judged by, and a run that is stopped and goes on."""

from __future__ import annotations

from itertools import repeat

import torch
from torch import nn

from core import checkpoint
from core.config import Config
from train.loop import LoopSettings, Losses, Trainer


class Line(nn.Linear):
    """A layer with a buffer, which counts how often it was called."""

    kind, cfg = "line", Config()

    def __init__(self) -> None:
        super().__init__(2, 1)
        self.register_buffer("calls", torch.zeros(()))


def trainer(run, steps: int, seen: list[torch.Tensor]) -> Trainer:
    torch.manual_seed(0)

    def loss(model: nn.Module, x: torch.Tensor, step: int) -> Losses:
        seen.append(model.weight.detach().clone())
        model.calls += 1
        return Losses(model(x).square().mean())

    settings = LoopSettings(run=run, steps=steps, lr=0.1, warmup=1, ema=0.3, precision="no")
    return Trainer(
        Line(),
        settings,
        out=run / "line",
        about={"licence": "none"},
        batches=repeat(torch.ones(1, 2)),
        loss_fn=loss,
        evaluate=lambda ema: {"score": -ema.calls.item()},
    )


def test_the_average_starts_fast_and_slows_down_to_the_decay(tmp_path):
    seen: list[torch.Tensor] = []
    made = trainer(tmp_path, 6, seen)
    made.run()
    seen.append(made.model.weight.detach())
    average = seen[0]
    for step, weights in enumerate(seen[1:]):
        average = average.lerp(weights, 1 - min(0.3, (1 + step) / (10 + step)))
    assert torch.equal(made.ema.weight, average)
    assert made.ema.calls == 6  # a buffer is copied, not averaged
    about = checkpoint.describe(tmp_path / "line")["about"]
    assert about["licence"] == "none"
    assert about["figures"] | {"minutes": 0} == {"score": -6, "step": 6, "minutes": 0}


def test_a_stopped_run_goes_on_with_its_average(tmp_path):
    trainer(tmp_path, 2, []).run()
    kept = torch.load(tmp_path / "state.pt", weights_only=True)["ema"]
    assert list(kept) == ["weight", "bias", "calls"]
    made = trainer(tmp_path, 3, [])
    assert made.step == 2
    assert all(torch.equal(value, kept[name]) for name, value in made.ema.state_dict().items())
    made.run()
    wanted = kept["weight"].lerp(made.model.weight.detach(), 1 - 3 / 12)
    assert torch.equal(made.ema.weight, wanted)
