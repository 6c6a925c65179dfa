"""Two processes that train together do what one does with twice the batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from torch import nn

from core import checkpoint
from core.config import Config
from train.loop import LoopSettings, Losses, Trainer

ROOT = Path(__file__).parents[2]
STEPS, ROWS = 6, 4


class Net(nn.Module):
    """Two layers, one of which some rows leave out."""

    kind, cfg = "net", Config()
    calls: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.extra = nn.Linear(3, 5), nn.Linear(5, 1)
        self.register_buffer("calls", torch.zeros(()))

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        h, full = self.layer(x).tanh(), x[:, 0] > 0
        return torch.where(full, self.extra(h)[:, 0], h.sum(-1)) if full.any() else h.sum(-1)


def loss(model: Net, batch: torch.Tensor, step: int) -> Losses:
    """A mean over rows."""
    model.calls += 1
    x, y = batch[:, :3], batch[:, 3]
    return Losses((model.predict(x) - y).square().mean())


def judge(ema: Net, held_out: torch.Tensor) -> dict[str, float]:
    return {"score": loss(ema, held_out, 1).total.item()}


def train(folder: Path, share: slice) -> tuple[Trainer, dict[str, float]]:
    """Train on a share of the rows of each batch."""
    draw = torch.Generator().manual_seed(0)
    batches = [torch.randn(2 * ROWS, 4, generator=draw) for _ in range(STEPS)]
    batches[1][:ROWS, 0], batches[1][ROWS:, 0] = -1.0, 1.0  # the first has no use for a layer
    held_out = torch.randn(16, 4, generator=draw)
    torch.manual_seed(3 if share.start in (None, 0) else 5)  # others may begin otherwise
    settings = LoopSettings(folder, STEPS, lr=0.1, warmup=1, precision="no", eval_every=3)
    made = Trainer(Net(), settings, folder / "net", {"licence": "none"})
    return made, made.run((b[share] for b in batches), loss, judge, held_out)


def share(folder: Path, rank: int) -> None:
    """Be one of the processes."""
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank))
    made, figures = train(folder, slice(rank * ROWS, (rank + 1) * ROWS))
    assert bool(figures) == (rank == 0)
    noise = torch.rand(())
    torch.save({**made.model.state_dict(), "noise": noise}, folder / f"weights-{rank}.pt")


def main(folder: Path) -> None:
    """Be both of the processes, which import everything once; tests' own is no place to fork."""
    both = [get_context("fork").Process(target=share, args=(folder, rank)) for rank in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(100)
        assert process.exitcode == 0


@pytest.mark.slow
def test_two_processes_learn_what_one_does_from_twice_the_batch(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    both = subprocess.Popen(
        [sys.executable, "-m", "tests.train.test_together", str(tmp_path / "two")],
        cwd=ROOT,
        env={**os.environ, **told},
        stderr=subprocess.PIPE,
        text=True,
    )
    made, _ = train(tmp_path / "one", slice(None))
    said = both.communicate(timeout=120)[1]
    assert both.returncode == 0, said
    weights = [torch.load(tmp_path / f"two/weights-{i}.pt", weights_only=True) for i in range(2)]
    assert weights[0]["noise"] != weights[1]["noise"]  # of their own
    for name, value in made.model.state_dict().items():
        for found in weights:
            torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-6)
    kept = checkpoint.describe(tmp_path / "two/net")["about"]["figures"]
    assert kept["score"] == pytest.approx(made.best, rel=1e-5)
    one, two = ((tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("one", "two"))
    assert len(one) == len(two) == 3  # only the first process tells


if __name__ == "__main__":
    main(Path(sys.argv[1]))
