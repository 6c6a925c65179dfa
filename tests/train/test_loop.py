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


def trainer(run, steps: int) -> Trainer:
    torch.manual_seed(0)
    settings = LoopSettings(run=run, steps=steps, lr=0.1, warmup=1, ema=0.3, precision="no")
    return Trainer(Line(), settings, run / "line", {"licence": "none"})


def run_to_end(made: Trainer) -> list[torch.Tensor]:
    """Return the weights before each step."""
    seen = []

    def loss(model: nn.Module, x: torch.Tensor, step: int) -> Losses:
        seen.append(model.weight.detach().clone())
        model.calls += 1
        return Losses(model(x).square().mean())

    def judge(ema: nn.Module, _: None) -> dict[str, float]:
        return {"score": -ema.calls.item()}

    made.run(repeat(torch.ones(1, 2)), loss, judge, None)
    return seen


def test_the_average_starts_fast_and_slows_down_to_the_decay(tmp_path):
    made = trainer(tmp_path, 6)
    average, *moved = run_to_end(made)
    for step, weights in enumerate([*moved, made.model.weight.detach()]):
        average = average.lerp(weights, 1 - min(0.3, (1 + step) / (10 + step)))
    assert torch.equal(made.ema.weight, average)
    assert made.ema.calls == 6  # a buffer is copied, not averaged
    about = checkpoint.describe(tmp_path / "line")["about"]
    assert about["licence"] == "none"
    assert about["figures"] | {"minutes": 0} == {"score": -6, "step": 6, "minutes": 0}


def test_a_stopped_run_goes_on_with_its_average(tmp_path):
    run_to_end(trainer(tmp_path, 2))
    kept = torch.load(tmp_path / "state.pt", weights_only=True)["ema"]
    assert list(kept) == ["weight", "bias", "calls"]
    made = trainer(tmp_path, 3)
    assert made.step == 2
    assert all(torch.equal(value, kept[name]) for name, value in made.ema.state_dict().items())
    run_to_end(made)
    wanted = kept["weight"].lerp(made.model.weight.detach(), 1 - 3 / 12)
    assert torch.equal(made.ema.weight, wanted)
