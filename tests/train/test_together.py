"""Two processes that train together do what one does with twice the batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
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


def main(folder: Path) -> None:
    """One of the processes, to which its environment says which."""
    rank = int(os.environ["RANK"])
    made, figures = train(folder, slice(rank * ROWS, (rank + 1) * ROWS))
    assert bool(figures) == (rank == 0)
    torch.save(made.model.state_dict(), folder / f"weights-{rank}.pt")
    print(torch.rand(()).item())


@pytest.mark.slow
def test_two_processes_learn_what_one_does_from_twice_the_batch(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    command = [sys.executable, "-m", "tests.train.test_together", str(tmp_path / "two")]
    running = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **told, "RANK": str(i), "LOCAL_RANK": str(i)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(2)
    ]
    made, _ = train(tmp_path / "one", slice(None))
    said = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert said[0][0] != said[1][0]  # noise of their own
    for rank in range(2):
        weights = torch.load(tmp_path / f"two/weights-{rank}.pt", weights_only=True)
        for name, value in made.model.state_dict().items():
            torch.testing.assert_close(weights[name], value, rtol=1e-5, atol=1e-6)
    kept = checkpoint.describe(tmp_path / "two/net")["about"]["figures"]
    assert kept["score"] == pytest.approx(made.best, rel=1e-5)
    one, two = ((tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("one", "two"))
    assert len(one) == len(two) == 3  # only the first process tells


if __name__ == "__main__":
    main(Path(sys.argv[1]))
