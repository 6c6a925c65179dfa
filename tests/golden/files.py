"""Rows of files: exports, bodies, and what the command line writes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.golden import doors
from tests.golden.record import MOTION, SEEN, Numbers, row
from tests.golden.rows import JUMP, WALK, Parts

BVH_DIGITS = 1e-2
"""Centimeters and degrees."""


def numbers_of_bvh(data: bytes) -> Numbers:
    numbers = data.decode().split("Frame Time:")[1].split()[1:]
    return Numbers(np.array(numbers, np.float64), BVH_DIGITS, data)


def numbers_of_glb(data: bytes) -> Numbers:
    """Return the floats of all accessors, in order."""
    size = int.from_bytes(data[12:16], "little")
    gltf, blob = json.loads(data[20 : 20 + size]), data[28 + size :]
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
    found = []
    for accessor in gltf["accessors"]:
        if accessor["componentType"] == 5126:
            start = gltf["bufferViews"][accessor["bufferView"]].get("byteOffset", 0)
            count = accessor["count"] * width[accessor["type"]]
            found.append(np.frombuffer(blob, np.float32, count, start))
    return Numbers(np.concatenate(found), MOTION, data)


def numbers_of_npz(path: Path, atol: float = MOTION) -> Parts:
    """Yield arrays one by one: how they are packed is zlib's affair."""
    with np.load(path) as data:
        yield "names", sorted(data.files)
        for name in sorted(data.files):
            if data[name].dtype.kind == "f":
                yield name, Numbers(data[name], atol)
            elif name == "info":
                yield name, doors.untimed(json.loads(str(data[name])))
            else:
                yield name, data[name].tolist()


def in_folder(make: Callable[[Path], Parts]) -> Callable[[], Parts]:
    """Give a row a folder of its own."""

    def with_folder() -> Parts:
        with tempfile.TemporaryDirectory() as folder:
            yield from make(Path(folder))

    return with_folder


@row("export/bvh")
@in_folder
def _(folder: Path) -> Parts:
    for body, fps in (("neutral", None), ("female", 60)):
        path = folder / f"{body}.bvh"
        yield body, numbers_of_bvh(doors.export(path, body=body, fps=fps))
        yield f"{body}: json", (folder / f"{body}.bvh.json").read_bytes()


@row("export/glb")
@in_folder
def _(folder: Path) -> Parts:
    yield "neutral", numbers_of_glb(doors.export(folder / "a.glb"))
    yield "male", numbers_of_glb(doors.export(folder / "b.glb", body="male", fps=30))


@row("export/npz")
@in_folder
def _(folder: Path) -> Parts:
    data = doors.export(folder / "a.npz", body="female", fps=30)
    yield from numbers_of_npz(folder / "a.npz")
    yield "file", Numbers(np.zeros(1), 0, data)


@row("export/mp4")
@in_folder
def _(folder: Path) -> Parts:
    doors.export(folder / "a.mp4", width=160, height=128, renderer="software")
    yield "frames", doors.film(folder / "a.mp4")


for name in ("neutral", "male", "female"):

    @row(f"body/{name}")
    def _(name: str = name) -> Parts:
        yield "glb", numbers_of_glb(doors.body_bytes(name))


@row("command/motion")
@in_folder
def _(folder: Path) -> Parts:
    out = folder / "a.npz"
    yield (
        "json",
        doors.run_json(
            "motion",
            WALK,
            "--seconds",
            2.2,
            "--then",
            JUMP,
            "--seconds",
            1,
            "--seed",
            11,
            "--stagger",
            2,
            "--guidance",
            3,
            "--fps",
            30,
            "--body",
            "male",
            "--no-foot-contacts",
            "--out",
            out,
        ),
    )
    yield from numbers_of_npz(out)


@row("command/video")
@in_folder
def _(folder: Path) -> Parts:
    film, log = folder / "a.mp4", folder / "a.json"
    yield (
        "json",
        doors.run_json(
            "video",
            "--keys",
            "W:6,WD:4,-:2",
            "--checkpoint",
            "video",
            "--seed",
            12,
            "--start",
            2,
            "--together",
            2,
            "--steps",
            3,
            "--context-noise",
            0.1,
            "--scale",
            2,
            "--out",
            film,
            "--out",
            log,
        ),
    )
    yield "frames", doors.film(film)
    yield "log", log.read_bytes()


@row("command/follow")
@in_folder
def _(folder: Path) -> Parts:
    doors.export(folder / "walk.bvh")
    figures = doors.run_json(
        "follow",
        folder / "walk.bvh",
        "--then",
        WALK,
        "--seconds",
        1,
        "--manner",
        0.5,
        "--similar",
        2,
        "--seed",
        13,
        "--threads",
        1,
        "--out",
        folder / "a.npz",
    )
    matches = figures["similar"] + figures["continued"]["manner_matches"]
    yield "scores", np.array([match.pop("score") for match in matches])
    yield "json", figures
    yield from numbers_of_npz(folder / "a.npz", SEEN)


@row("command/list")
def _() -> Parts:
    yield "text", doors.run("list")
    yield "json", doors.run_json("list")
