"""Speed of a motion checkpoint: `python -m benchmarks.motion_speed --json`.

`default` is everything behind the page: text encoder, transformer, VAE decoder, features, inverse
kinematics. `published` is CMDM's size with random weights and token states. Each is measured in a
process of its own, so that memory is its own. JSON goes to stdout, progress to stderr.
`--against COMMIT` or a folder compares poses a second with another state of things, in turns.
"""

from __future__ import annotations

import statistics
import time
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmarks import against, app_start, reporting
from benchmarks.reporting import (
    Step,
    by_size,
    emit,
    late_over_early,
    machine,
    peak_rss_mb,
    rounded,
    speed_table,
    told_errors,
)
from core.settings import CHECKPOINTS, MotionSettings

if TYPE_CHECKING:
    from core.motion.generate import MotionModel

SIZES = ("default", "published")
MINUTE = 1200
"""Poses."""
FULL = {"default": 10 * MINUTE, "published": 3 * MINUTE}
QUICK = {"default": 2 * MINUTE, "published": MINUTE // 2}
"""Poses to stream; fewer if time runs out."""
SECONDS = {"full": 600.0, "quick": 4.0}
"""Longest that one size may stream, after its first pose."""
PROMPTS = (
    "a person walks forward",
    "a person jumps",
    "someone waves",
    "a person sits down",
    "a person runs in a circle",
    "a person dances",
)


def untrained() -> MotionModel:
    """The published size, weights drawn at random, bodies that stand upright more or less."""
    import torch

    from core.body.features import encode
    from core.body.skeleton import REST_JOINTS
    from core.motion.generate import MotionModel
    from core.motion.model import PUBLISHED, MotionDiT
    from core.motion.vae import PUBLISHED as PUBLISHED_VAE
    from core.motion.vae import MotionVAE

    class RandomStates:
        """Token states as DistilBERT would give them, without DistilBERT."""

        width = PUBLISHED.text_dim

        def __call__(self, prompts: Any) -> tuple[torch.Tensor, torch.Tensor]:
            shape = len(prompts), 8
            return torch.randn(*shape, self.width), torch.ones(*shape, dtype=torch.bool)

    torch.manual_seed(0)
    dit = MotionDiT(PUBLISHED).eval().requires_grad_(False)
    torch.nn.init.normal_(dit.project.weight, std=0.02)  # zero at birth
    vae = MotionVAE(PUBLISHED_VAE).eval().requires_grad_(False)
    vae.mean.copy_(torch.from_numpy(encode(REST_JOINTS[None].repeat(2, 0))[0]))
    vae.std.fill_(0.01)
    return MotionModel(dit, vae, RandomStates(), "cpu")


def open_model(size: str, checkpoints: Path, checkpoint: str) -> MotionModel:
    """Return the model to measure."""
    from core.engine import Engine

    if size == "default":
        return Engine(checkpoints, "cpu").model(checkpoint)
    model = untrained()
    model.prepare()
    return model


def first_pose_ms(model: MotionModel, spent: float, seconds: float) -> list[float]:
    """Milliseconds from a prompt to its first poses, for new prompts while there is time."""
    found: list[float] = []
    for seed, prompt in enumerate(PROMPTS[1:]):
        if spent + sum(found) / 1000 > seconds:
            break
        start = time.perf_counter()
        next(model.stream(repeat(prompt), MotionSettings(seed=seed)))
        found.append(1000 * (time.perf_counter() - start))
    return found


def stream(model: MotionModel, size: str, poses: int, seconds: float) -> list[Step]:
    """Stream until there are enough poses or the time is up."""
    from tqdm import tqdm

    found: list[Step] = []
    start = wall = time.perf_counter()
    cpu, made = time.process_time(), 0
    with tqdm(total=poses, desc=size, unit="pose", leave=False, disable=None) as bar:
        for chunk in model.stream(repeat(PROMPTS[0]), MotionSettings(seed=1)):
            now, busy = time.perf_counter(), time.process_time()
            found.append(Step(len(chunk), now - wall, busy - cpu))
            wall, cpu, made = now, busy, made + len(chunk)
            bar.update(len(chunk))
            if len(found) == 1:
                start = now
            elif made >= poses or now - start > seconds:
                return found
    raise AssertionError("an endless stream ended")


def calls_a_block(model: MotionModel, blocks: int = 8) -> float:
    """Count how often the transformer is asked for each block, once its window is full."""
    calls = [0]

    def count(*_: Any) -> None:
        calls[0] += 1

    stream = model.stream(repeat(PROMPTS[0]), MotionSettings(seed=1))
    next(stream)
    hook = model.dit.register_forward_hook(count)
    try:
        for _ in range(blocks):
            next(stream)
    finally:
        hook.remove()
    return calls[0] / blocks


def measure(size: str, checkpoints: Path, checkpoint: str, quick: bool) -> dict[str, Any]:
    """Return the figures of one size, measured in this process."""
    import torch

    from benchmarks.recompute import cache_speedup
    from core.diffusion.packed import count

    start = time.perf_counter()
    model = open_model(size, checkpoints, checkpoint)
    load = time.perf_counter() - start
    mode = "quick" if quick else "full"
    poses = stream(model, size, (QUICK if quick else FULL)[size], SECONDS[mode])
    cold = poses[0].wall
    first = first_pose_ms(model, cold, 2.0 if quick else 30.0)
    rss = peak_rss_mb()
    cfg = model.dit.cfg
    weights = count(model.dit) + count(model.vae)
    return {
        "first_pose_ms": statistics.median(first or [1000 * cold]),
        "first_pose_cold_ms": 1000 * cold,
        # the first chunk waits for a whole window of blocks: first_pose_ms tells of that
        "poses_per_s": sum(s.made for s in poses[1:]) / sum(s.wall for s in poses[1:]),
        **late_over_early(poses, context=4 * cfg.block * cfg.context, minute=MINUTE),
        "peak_rss_mb": rss,
        **cache_speedup(
            model,
            model.prompt(PROMPTS[0]),
            history=10 if quick else 20,
            seconds=0.6 if quick else 2.4,
        ),
        "calls_a_block": calls_a_block(model),
        "load_s": load,
        "million_weights": weights / 1e6,
        "steps": cfg.steps,
        "stagger": cfg.stagger,
        "guidance": cfg.guidance,
        "threads": torch.get_num_threads(),
    }


def main(
    as_json: reporting.AsJson = False,
    quick: reporting.Quick = False,
    checkpoint: reporting.WhichMotion = "motion",
    checkpoints: reporting.TheirFolder = CHECKPOINTS,
    threads: Annotated[int | None, typer.Option(help="Threads of PyTorch; its own choice.")] = None,
    only: reporting.OneSize = "",
    than: Annotated[
        str, typer.Option("--against", help="Only a ratio: to a commit, a checkout or checkpoints.")
    ] = "",
    out: reporting.Out = None,
) -> None:
    """Measure the speed and memory of motion streaming."""
    with told_errors():
        if than:
            found = against.ratio(than, checkpoints, checkpoint, quick=quick, threads=threads)
            result = {"here": rounded(found), "machine": machine()}
            emit(result, partial(speed_table, rate="poses_per_s"), as_json=as_json, out=out)
            return
        result = by_size(
            "benchmarks.motion_speed", SIZES, measure, only, quick, checkpoint, checkpoints, threads
        )
        if not only:
            result["app"] = rounded(app_start.measure(checkpoints))
            result["machine"] = machine()
    emit(result, partial(speed_table, rate="poses_per_s"), as_json=as_json or bool(only), out=out)


if __name__ == "__main__":
    typer.run(main)
