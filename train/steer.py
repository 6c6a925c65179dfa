"""Train a steering adapter beside a motion transformer: `python -m train.steer --data SET`.

The base stays as it is, wishes are those of `train.wishes`. Beside the flow's loss the path counts:
latents tell steps of the root nearly linearly, so a linear probe stands in for the decoder.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from torch import Tensor, nn

from core import checkpoint
from core.body.features import LAYOUT
from core.diffusion import flow
from core.motion.adapter import AdapterConfig, SteeringAdapter
from core.motion.model import MotionDiT
from core.motion.text import load_text_encoder
from core.motion.vae import STRIDE, MotionVAE
from train.dataset import read_sets
from train.loop import LoopSettings, Losses, Trainer
from train.motion import HISTORY_NOISE, PARAPHRASES
from train.setup import CHECKPOINTS, MotionData, Out, Run, warm_start
from train.wishes import SteerBatch, SteerSet

TEXT_DROP = 0.25
SURE = 0.4
"""Flow time from which a block's guess of its data is good enough to be judged."""
PATH_WEIGHT = 0.6
REACH = 0.05
"""Meters within which a miss counts by its square."""


class Probe(nn.Module):
    """Steps of the root, (B, L, STRIDE, 3) turn, x, z a pose, of normalized latents (B, L, D)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * dim, 3 * STRIDE)

    def forward(self, z: Tensor) -> Tensor:
        before = F.pad(z, (0, 0, 1, 0))[:, :-1]
        return self.linear(torch.cat([before, z], dim=-1)).unflatten(-1, (STRIDE, 3))

    def fit(self, z: Tensor, steps: Tensor) -> float:
        """Solve for the weights by ridge regression; return the share of variance explained."""
        x = torch.cat([F.pad(z, (0, 0, 1, 0))[:-1], z, torch.ones(len(z), 1)], dim=-1).double()
        y = steps.flatten(1).double()
        eye = torch.eye(x.shape[1], dtype=x.dtype)
        w = torch.linalg.solve(x.T @ x + 1e-3 * len(x) * eye * 1e-2, x.T @ y)
        with torch.no_grad():
            self.linear.weight.copy_(w[:-1].T)
            self.linear.bias.copy_(w[-1])
        return 1 - ((x @ w - y).square().sum() / (y - y.mean(0)).square().sum()).item()

    def path(self, z: Tensor, noisy: Tensor) -> Tensor:
        """Return x, z and yaw (B, L, 3) after each latent that is noisy (B, L), from 0 on."""
        steps = self(z) * noisy[..., None, None]
        turn, way = steps.flatten(1, 2)[..., 0], steps.flatten(1, 2)[..., 1:]
        yaw = -2 * turn.cumsum(1)
        x = way[..., 0] * yaw.cos() + way[..., 1] * yaw.sin()
        y = way[..., 1] * yaw.cos() - way[..., 0] * yaw.sin()
        ends = torch.stack([x.cumsum(1), y.cumsum(1), yaw], dim=-1)
        return ends[:, STRIDE - 1 :: STRIDE]


def steered(
    adapter: SteeringAdapter,
    base: MotionDiT,
    probe: Probe,
    batch: SteerBatch,
    t: Tensor,
    noise: Tensor,
    drop: Tensor,
    jitter: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return flow errors (B, T), which count, and path errors (B, L)."""
    told = batch.base
    x = base.to_blocks(told.latents)
    t = t.masked_fill(told.history, flow.CLEAN)
    mask = told.text_mask & ~told.untold[:, None]
    prompt = base.prompt(told.text, mask, traits=told.traits)
    drop = drop | (told.untold & told.traits.isnan().all(1))
    x_t = flow.add_noise(x, noise, t)
    if jitter is not None:
        x_t = x_t + jitter * told.history[..., None, None]
    guides = adapter.guides(batch.kinds, batch.times, batch.numbers, batch.mask)
    v = base(x_t, t, [prompt], drop=drop, steering=(adapter, guides))
    counts = ~told.history & told.valid
    errors = (v - flow.velocity(x, noise)).square().mean((2, 3))
    guess = flow.predict_data(x_t, v, t)
    guess = torch.where(told.history[..., None, None], x, guess).flatten(1, 2).float()
    ahead = counts.repeat_interleave(base.cfg.block, 1)
    path = probe.path(guess, ahead)
    sure = torch.where(counts, t, torch.ones_like(t)).cummin(1).values
    weight = (sure.square() * (sure > SURE)).repeat_interleave(base.cfg.block, 1) * ahead
    miss = (path - batch.paths)[..., :2].norm(dim=-1) / REACH
    turn = 1 - (path[..., 2] - batch.paths[..., 2]).cos()
    huber = torch.where(miss < 1, 0.5 * miss.square(), miss - 0.5) * REACH / 0.5 + turn
    return errors, counts, weight * huber * torch.where(batch.wanted, 1.0, 0.1)


def loss_fn(
    model: SteeringAdapter, batch: SteerBatch, step: int, *, base: MotionDiT, probe: Probe
) -> Losses:
    shape, device = batch.base.history.shape, batch.paths.device
    noise = torch.randn(*shape, *base.frame_shape, device=device)
    t = torch.rand(shape, device=device)
    # half of the rows share one time in all blocks up to a small ramp, as sampling windows do
    ramp = torch.linspace(0, 0.5, shape[1], device=device)
    ramp = (1.3 * torch.rand(len(t), 1, device=device) - ramp).clamp(0, 1)
    t = torch.where(torch.rand(len(t), 1, device=device) < 0.5, ramp, t).clamp(max=0.999)
    drop = torch.rand(len(t), device=device) < TEXT_DROP
    jitter = HISTORY_NOISE * torch.rand(len(t), 1, 1, 1, device=device) * torch.randn_like(noise)
    errors, counts, misses = steered(model, base, probe, batch, t, noise, drop, jitter)
    flow_loss = (errors * counts).sum() / counts.sum()
    path_loss = misses.sum() / counts.sum()
    parts = {"flow": flow_loss.detach(), "path": path_loss.detach()}
    return Losses(flow_loss + PATH_WEIGHT * path_loss, parts)


@torch.no_grad()
def held_out(
    model: SteeringAdapter, batches: list[SteerBatch], *, base: MotionDiT, probe: Probe
) -> dict[str, float]:
    """Return losses on fixed noise and times, and the flow's with the wishes of other rows."""
    totals = {"flow": 0.0, "path": 0.0, "shuffled": 0.0}
    generator = torch.Generator().manual_seed(0)
    for batch in batches:
        shape = batch.base.history.shape
        noise = torch.randn(*shape, *base.frame_shape, generator=generator).to(batch.paths.device)
        t = 0.95 * torch.rand(shape[0], 1, generator=generator).to(noise.device).expand(shape)
        told = torch.zeros(len(t), dtype=torch.bool, device=noise.device)
        names = ("kinds", "times", "numbers", "mask")
        others = {name: getattr(batch, name).roll(1, 0) for name in names}
        for name, rows in (("flow", batch), ("shuffled", batch._replace(**others))):
            errors, counts, misses = steered(model, base, probe, rows, t, noise, told)
            totals[name] += ((errors * counts).sum() / counts.sum()).item() / len(batches)
            if name == "flow":
                totals["path"] += (misses.sum() / counts.sum()).item() / len(batches)
    return {"score": totals["flow"] + PATH_WEIGHT * totals["path"], **totals}


def fitted_probe(base: MotionDiT, motions: SteerSet) -> Probe:
    """Return the probe of a base's normalized latents."""
    z = [(s.latents - base.latent_mean) / base.latent_std for s in motions.sequences]
    steps = [
        torch.from_numpy(s.features[: STRIDE * len(s.latents), : LAYOUT.velocity.stop])
        .float()
        .unflatten(0, (-1, STRIDE))
        for s in motions.sequences
    ]
    probe = Probe(base.cfg.latent_dim)
    print(f"probe of root steps: R2 {probe.fit(torch.cat(z), torch.cat(steps)):.4f}")
    return probe.requires_grad_(False)


def main(
    data: MotionData,
    out: Out = CHECKPOINTS / "motion-steering",
    base: Annotated[Path, typer.Option(help="Checkpoint to steer.")] = CHECKPOINTS / "motion",
    run: Run = Path("runs/steering"),
    steps: int = 10000,
    minutes: float = 1e9,
    batch: int = 32,
    lr: float = 5e-4,
    precision: str = "auto",
) -> None:
    """Train a steering adapter; the base stays as it is."""
    torch.manual_seed(0)
    dit = checkpoint.load(base, MotionDiT)
    encoder = load_text_encoder(dit.cfg.text_encoder)
    coder = checkpoint.load(base.parent / dit.cfg.vae, MotionVAE)
    motions, validation, bank = read_sets(data, encoder, mirrored=False, more=PARAPHRASES)
    train = SteerSet(motions, coder, bank, dit.cfg.block, transitions=400)
    judged = SteerSet(validation, coder, bank, dit.cfg.block, transitions=0, seed=1).batches(32)
    fixed = [next(judged) for _ in range(6)]
    model = SteeringAdapter(AdapterConfig(base=base.name, width=dit.cfg.width, depth=dit.cfg.depth))
    warm_start(model, out)
    probe = fitted_probe(dit, train)
    settings = LoopSettings(run, steps, minutes, precision, lr=lr, weight_decay=0.01)
    trainer = Trainer(model, settings, out, motions.about())
    device = trainer.accelerator.device
    looks = {"base": dit.to(device), "probe": probe.to(device)}
    trainer.run(train.batches(batch), partial(loss_fn, **looks), partial(held_out, **looks), fixed)


if __name__ == "__main__":
    typer.run(main)
