"""Files that animators, engines and players read: FBX, BVH, GLB, VRMA, NPZ, MP4 and WebP."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.body.mesh import Body
from core.body.rotations import quat_slerp
from core.body.skeleton import forward
from core.body.take import Take
from core.export.part import part
from core.export.root import in_place
from core.settings import AMASS_RATE, EXPORT_RATES, EXPORT_SUFFIXES, ExportSettings


def check(path: str | Path, *, fps: float | None = None) -> None:
    """Raise ValueError for a file that `write` could not make, before anything is computed."""
    path = Path(path)
    if path.suffix.lower() not in EXPORT_SUFFIXES:
        raise ValueError(f"files end in {', '.join(EXPORT_SUFFIXES)}; {path.name!r} does not")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent}")
    if fps is not None and fps not in EXPORT_RATES:
        raise ValueError(f"fps must be one of {', '.join(map(str, EXPORT_RATES))}, got {fps:g}")


def write(
    take: Take,
    path: str | Path,
    *,
    body: str | Body = "neutral",
    fps: float | None = None,
    settings: ExportSettings | None = None,
    **options: Any,
) -> Take:
    """Write a take as the kind of file that the suffix of `path` names; return what is in it.

    `body` is a Body or the name of a bundled one; `fps` is one of EXPORT_RATES (None: as the take,
    but AMASS_RATE for readers of AMASS); `options` go to the writer (width, height, renderer,
    progress for FILMS). Raises ValueError for another suffix, fps or body, for a part or a loop
    that is not there and for a folder that does not exist.
    """
    path, settings = Path(path), settings or ExportSettings()
    check(path, fps=fps)
    if not len(take):
        raise ValueError("the take is empty; generate some motion first")
    take = part(take, settings)
    if settings.root == "in-place":
        take = in_place(take)
    body = Body.load(body) if isinstance(body, str) else body
    match path.suffix.lower():
        case ".fbx":
            from core.export.fbx import write_fbx

            writer = partial(write_fbx, settings=settings)
        case ".bvh":
            from core.export.bvh import write_bvh

            writer = partial(write_bvh, settings=settings)
        case ".glb":
            from core.export.glb import write_glb

            writer = partial(write_glb, settings=settings)
        case ".vrma":
            from core.export.vrma import write_vrma as writer
        case ".npz" if settings.convention == "livestep":
            from core.export.npz import write_npz as writer
        case ".npz":
            from core.export.amass import write_amass

            writer, fps = partial(write_amass, settings=settings), fps or AMASS_RATE
        case ".mp4" | ".webp":
            from core.export.films import film_take as writer
        case suffix:
            raise AssertionError(f"EXPORT_SUFFIXES names {suffix}, which nobody writes")
    if fps is not None and fps != take.fps:
        take = resample(take, fps)
    writer(take, path, body=body, **options)
    return take


def resample(take: Take, fps: float) -> Take:
    """The same take at `fps` poses a second, first pose in place; ValueError for other rates.

    Rotations go along great arcs, everything else along straight lines. Features stay those of
    20 poses a second: their velocities are per 1/20 s at any rate. A loop is stretched or shortened
    by half a pose at most, so that it ends as it begins at any rate.
    """
    if fps not in EXPORT_RATES:
        raise ValueError(f"fps must be one of {', '.join(map(str, EXPORT_RATES))}, got {fps:g}")
    if fps == take.fps:
        return take
    last = len(take) - 1
    if "loop" in take.info:
        count = round(last * fps / take.fps) + 1
        at = np.linspace(0, last, count)
    else:
        count = int(np.floor(last * fps / take.fps + 1e-6)) + 1
        at = np.minimum(np.arange(count) * take.fps / fps, last)
    before = np.minimum(at.astype(int), max(last - 1, 0))
    after = np.minimum(before + 1, last)
    share = (at - before).astype(np.float32)

    def line(values: np.ndarray) -> np.ndarray:
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        return values[before] * (1 - weight) + values[after] * weight

    root = line(take.root)
    rotations = quat_slerp(take.rotations[before], take.rotations[after], share[:, None])
    return replace(
        take,
        root=root,
        rotations=rotations,
        joints=forward(root, rotations)[0],
        features=line(take.features),
        unsolved=line(take.unsolved),
        prompts=tuple(
            replace(m, start=min(round(m.start * fps / take.fps), count - 1)) for m in take.prompts
        ),
        fps=fps,
    )
