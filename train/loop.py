"""The one training loop: accelerate, EMA, held-out score, curves, resume; models bring a loss.

Progress shows as a bar, curves go to TensorBoard and `log.jsonl` in the run folder, and the best
EMA weights by held-out score are written to `checkpoints/` whenever they improve. A run that is
stopped goes on from its state file; where that is gone it warm-starts from the checkpoint.

Under `accelerate launch` every process learns from batches of its own and all share one gradient,
their mean; the first process alone judges and writes. A loss calls whatever it likes of its model,
which therefore is wrapped in nothing: gradients are averaged here.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from core import checkpoint
from core.device import native_bf16, pick_device
from train import together


@dataclass(frozen=True)
class Losses:
    """What a batch cost: the number to descend, and its parts for the curves."""

    total: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)


TOLD = 20
"""Steps between two looks at the loss: a GPU has to be waited for."""
UNCLOCKED = 10
"""First steps on a GPU that no clock counts: kernels are chosen and compiled in them."""

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
        torch.optim.AdamW(
            groups, lr=settings.lr, betas=(0.9, 0.99), fused=wanted[0][1].is_cuda or None
        )
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
        self.first, self.alone = self.accelerator.is_main_process, together.alone()
        self.ema = deepcopy(model).to(self.accelerator.device).eval().requires_grad_(False)
        """The model with averaged weights, for evaluation."""
        self.model = self.accelerator.prepare_model(model, evaluation_mode=True)  # no wrapper
        self.optimizers = [
            self.accelerator.prepare(o) for o in make_optimizers(self.model, settings)
        ]
        self.step, self.best, self.seconds = 0, math.inf, 0.0
        self.losses: Losses | None = None
        settings.run.mkdir(parents=True, exist_ok=True)
        self.state_file = settings.run / "state.pt"
        self._resume()
        if not self.alone:
            together.begin_alike(self.model, self.ema)
        self.curves = SummaryWriter(str(settings.run), purge_step=self.step) if self.first else None

    def _resume(self) -> None:
        if not self.state_file.is_file():
            return
        state = torch.load(self.state_file, map_location="cpu", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.ema.load_state_dict(state["ema"])
        for optimizer, values in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(values)
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]

    def _write_state(self) -> None:
        state = {
            "model": self.model.state_dict(),
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
        if not self.alone:
            together.average_gradients(self.model)
        self.accelerator.clip_grad_norm_(self.model.parameters(), self.cfg.clip)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self._average_weights()
        return losses

    @torch.no_grad()
    def _average_weights(self) -> None:
        """Move averages towards the weights: fast at first, then by the decay of the settings."""
        decay = min(self.cfg.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.ema.parameters()), list(self.model.parameters()), 1 - decay)
        for average, value in zip(self.ema.buffers(), self.model.buffers(), strict=True):
            average.copy_(value)

    def _look(self) -> float:
        """Return the last loss; raise ValueError where it is no number."""
        if self.losses is None:
            return math.nan
        loss = self.losses.total.item()
        if not math.isfinite(loss):
            raise ValueError(f"the loss became {loss} at step {self.step - 1} or shortly before")
        return loss

    def _tell(self) -> float:
        """Put the parts of the last loss into the curves; return the whole."""
        loss = self._look()
        if self.curves and self.losses:
            for name, value in {"total": self.losses.total, **self.losses.parts}.items():
                self.curves.add_scalar(f"train/{name}", value.item(), self.step)
        return loss

    def _judge(self, evaluate: Evaluate, held_out: Any) -> dict[str, float]:
        loss = self._look()
        if not self.curves:
            return {}
        figures = evaluate(self.ema, held_out)
        for name, value in figures.items():
            self.curves.add_scalar(f"held-out/{name}", value, self.step)
        line = {"step": self.step, "seconds": self.seconds, "loss": loss, **figures}
        with (self.cfg.run / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
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
            total=self.cfg.steps,
            initial=self.step,
            unit="step",
            mininterval=5.0,
            disable=None if self.first else True,
        )
        unclocked = self.step + (UNCLOCKED if self.accelerator.device.type == "cuda" else 0)
        seconds = self.seconds
        while self.progress() < 1.0:
            start = time.monotonic()
            self.losses = self._train_step(next(batches), loss_fn)
            self.step += 1
            told = self.step % TOLD == 0
            if told:
                bar.set_postfix({"loss": f"{self._tell():.4f}", **_short(figures)})
            if self.step == unclocked:
                self._look()  # waits for what is under way
            elif self.step > unclocked:
                seconds += time.monotonic() - start
            if self.alone:
                self.seconds = seconds
            elif told:
                self.seconds = together.first_clock(seconds, self.accelerator.device)
            bar.update()
            if self.step % self.cfg.eval_every == 0:
                figures = self._judge(evaluate, held_out)
                tqdm.write(f"step {self.step} ({self.seconds / 60:.1f} min): {_short(figures)}")
        figures = self._judge(evaluate, held_out)
        self.accelerator.wait_for_everyone()
        bar.close()
        if self.curves:
            self.curves.close()
        return figures


def _short(figures: dict[str, float]) -> dict[str, str]:
    return {name: f"{value:.4g}" for name, value in figures.items()}
