"""The one training loop: accelerate, EMA, held-out score, curves, resume; models bring a loss.

Progress shows as a bar, curves go to TensorBoard in the run folder, and the best EMA weights by
held-out score are written to `checkpoints/` whenever they improve. A run that is stopped goes on
from its state file; where that is gone it warm-starts from the checkpoint.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import PARAM_LIST, AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from core import checkpoint
from core.device import native_bf16, pick_device


@dataclass(frozen=True)
class Losses:
    """What a batch cost: the number to descend, and its parts for the curves."""

    total: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)


Loss = Callable[[Any, Any, int], Losses]
Evaluate = Callable[[Any, Any], dict[str, float]]


@dataclass(frozen=True)
class LoopSettings:
    run: Path
    """Folder for the state file and the curves; kept out of git."""
    steps: int
    """Length of the whole schedule."""
    minutes: float = math.inf
    """Stop after this much time; the learning rate then falls to zero by the clock."""
    precision: str = "auto"
    """no, bf16, or auto: bf16 where the machine computes it natively."""
    _: KW_ONLY
    lr: float = 2e-4
    lr_factors: Mapping[str, float] = field(default_factory=dict)
    """How many times as fast parameters of these names learn."""
    warmup: int = 200
    weight_decay: float = 0.0
    muon: bool = False
    """Move the hidden matrices of a transformer by Muon (arXiv 2502.16982): fewer steps."""
    clip: float = 1.0
    """Largest gradient norm."""
    ema: float = 0.999
    """Decay of the averaged weights; it starts faster and reaches this."""
    eval_every: int = 250


def native_precision(precision: str) -> str:
    """Resolve "auto": bf16 on a GPU or a CPU with bf16 instructions, else none."""
    if precision != "auto":
        return precision
    return "bf16" if native_bf16(pick_device()) else "no"


def hidden_matrices(model: nn.Module) -> list[nn.Parameter]:
    """Return the matrices of a transformer's blocks."""
    return [
        p
        for name, p in model.named_parameters()
        if p.dim() == 2 and ".blocks." in name and name.endswith("weight")
    ]


def make_optimizers(model: nn.Module, settings: LoopSettings) -> list[torch.optim.Optimizer]:
    """Return AdamW for everything, or Muon for the matrices of blocks and AdamW for the rest."""
    wanted = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    hidden = [p for p in hidden_matrices(model) if settings.muon and p.requires_grad]
    faster = {id(p): settings.lr_factors[name] for name, p in wanted if name in settings.lr_factors}
    taken = {id(p) for p in hidden} | faster.keys()
    rest = [p for _, p in wanted if id(p) not in taken]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in rest if p.dim() > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in rest if p.dim() <= 1], "weight_decay": 0.0},
    ]
    for _, p in wanted:
        if id(p) in faster:
            groups.append({"params": [p], "weight_decay": 0.0, "lr_factor": faster[id(p)]})
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(groups, lr=settings.lr, betas=(0.9, 0.99))
    ]
    if hidden:
        muon = torch.optim.Muon(
            hidden,
            lr=settings.lr,
            weight_decay=settings.weight_decay,
            adjust_lr_fn="match_rms_adamw",
        )
        optimizers.append(muon)
    return optimizers


class Trainer:
    """What a run holds and resumes: the model, its average, the optimizers and how far it is.

    The best average by held-out score goes to the checkpoint `out`, with what is said `about` it.
    """

    def __init__(
        self, model: nn.Module, settings: LoopSettings, out: Path, about: dict[str, Any]
    ) -> None:
        from accelerate import Accelerator
        from torch.utils.tensorboard import SummaryWriter

        self.cfg, self.out, self.about = settings, out, about
        self.accelerator = Accelerator(
            mixed_precision=native_precision(settings.precision), cpu=not torch.cuda.is_available()
        )
        self.average = AveragedModel(model, self.accelerator.device, multi_avg_fn=self._move)
        self.average.eval().requires_grad_(False)
        self.model, *self.optimizers = self.accelerator.prepare(
            model, *make_optimizers(model, settings)
        )
        self.step, self.best, self.seconds = 0, math.inf, 0.0
        settings.run.mkdir(parents=True, exist_ok=True)
        self.state_file = settings.run / "state.pt"
        self._resume()
        # PyTorch's first update takes the weights as they are; ours averages from the start
        self.average.n_averaged.fill_(self.step + 1)
        self.curves = SummaryWriter(str(settings.run), purge_step=self.step)

    def _resume(self) -> None:
        if not self.state_file.is_file():
            return
        state = torch.load(self.state_file, map_location="cpu", weights_only=True)
        self.accelerator.unwrap_model(self.model).load_state_dict(state["model"])
        self.ema.load_state_dict(state["ema"])
        for optimizer, values in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(values)
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]

    def _write_state(self) -> None:
        state = {
            "model": self.accelerator.unwrap_model(self.model).state_dict(),
            "ema": self.ema.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "best": self.best,
            "seconds": self.seconds,
        }
        partial = self.state_file.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(self.state_file)

    def progress(self) -> float:
        """Return how much of the run is done, 0 to 1, by steps or by the clock."""
        return min(max(self.step / self.cfg.steps, self.seconds / 60 / self.cfg.minutes), 1.0)

    def _lr(self) -> float:
        warm = min((self.step + 1) / self.cfg.warmup, 1.0)
        return self.cfg.lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * self.progress())))

    def _send(self, batch: Any) -> Any:
        """Move all tensors of a batch to where the model is."""
        from accelerate.utils import send_to_device

        return send_to_device(batch, self.accelerator.device)

    def _train_step(self, batch: Any, loss_fn: Loss) -> Losses:
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._lr() * group.get("lr_factor", 1.0)
        batch = self._send(batch)
        with self.accelerator.autocast():
            losses = loss_fn(self.model, batch, self.step)
        self.accelerator.backward(losses.total)
        self.accelerator.clip_grad_norm_(self.model.parameters(), self.cfg.clip)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.average.update_parameters(self.accelerator.unwrap_model(self.model))
        return losses

    @property
    def ema(self) -> Any:
        """The model with averaged weights, for evaluation."""
        return self.average.module

    def _move(self, averages: PARAM_LIST, weights: PARAM_LIST, updates: Tensor | int) -> None:
        """Move averages towards the weights: fast at first, then by the decay of the settings."""
        decay = min(self.cfg.ema, (1 + self.step) / (10 + self.step))
        get_ema_multi_avg_fn(decay)(averages, weights, updates)

    def _judge(self, evaluate: Evaluate, held_out: Any) -> dict[str, float]:
        figures = evaluate(self.ema, held_out)
        for name, value in figures.items():
            self.curves.add_scalar(f"held-out/{name}", value, self.step)
        if figures["score"] < self.best:
            self.best = figures["score"]
            kept = {**figures, "step": self.step, "minutes": self.seconds / 60}
            checkpoint.save(self.ema, self.out, about={**self.about, "figures": kept})
        self._write_state()
        return figures

    def beat(self, evaluate: Evaluate, held_out: Any) -> None:
        """Keep weights only where they are better than those that the run begins with."""
        if self.step == 0:
            self.best = evaluate(self.ema, self._send(held_out))["score"]

    def run(
        self, batches: Iterator[Any], loss_fn: Loss, evaluate: Evaluate, held_out: Any
    ) -> dict[str, float]:
        """Train to the end of the schedule or of the time; return the last held-out figures.

        `loss_fn` gets model, batch and step; `evaluate` gets the averaged model and `held_out`, and
        returns figures with a `score`, lower is better.
        """
        figures: dict[str, float] = {}
        held_out = self._send(held_out)
        bar = tqdm(
            total=self.cfg.steps, initial=self.step, unit="step", mininterval=5.0, disable=None
        )
        while self.progress() < 1.0:
            start = time.monotonic()
            losses = self._train_step(next(batches), loss_fn)
            if not torch.isfinite(losses.total):
                raise ValueError(f"the loss became {losses.total.item()} at step {self.step}")
            self.step += 1
            if self.step % 20 == 0:
                for name, value in {"total": losses.total, **losses.parts}.items():
                    self.curves.add_scalar(f"train/{name}", value.item(), self.step)
                bar.set_postfix({"loss": f"{losses.total.item():.4f}", **_short(figures)})
            self.seconds += time.monotonic() - start
            bar.update()
            if self.step % self.cfg.eval_every == 0:
                figures = self._judge(evaluate, held_out)
                tqdm.write(f"step {self.step} ({self.seconds / 60:.1f} min): {_short(figures)}")
        figures = self._judge(evaluate, held_out)
        bar.close()
        self.curves.close()
        return figures


def _short(figures: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:.4g}" for name, value in figures.items()}
