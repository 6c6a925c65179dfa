"""`python -m core import DOWNLOAD --stats HumanML3D`: CMDM's released weights, ready to be used.

They are checked as far as can be without their makers' code: by name and size of every layer, by
how well their VAE gives back motions of ours, and by the bones of a body that they move.
"""

from __future__ import annotations

from itertools import islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli import shared
from core.settings import CHECKPOINTS, MotionSettings

if TYPE_CHECKING:
    from core.motion.generate import MotionModel
    from core.motion.vae import MotionVAE

NAME = "motion-cmdm"
PROBES = ("a person walks forward", "a person sits down", "a person waves with the right hand")
"""What a model of ours is asked to do, for their VAE to give back."""
POSES, BLOCKS = 120, 8
"""How long each of these is, and of what their model samples."""
MOST_MISSED, MOST_OFF = 60.0, 0.15
"""Millimeters, and the share of a bone's length, beyond which something is wrong."""


@shared.sentences()
def import_released(
    download: Annotated[Path, typer.Argument(help="Folder of CMDM's download.")],
    stats: Annotated[Path, typer.Option(help="Folder of HumanML3D's Mean.npy and Std.npy.")],
    text: Annotated[
        Path | None,
        typer.Option(help="model.safetensors of distilbert-base-uncased, which reads prompts."),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store fp16: half the size.")] = False,
    checkpoints: shared.Checkpoints = CHECKPOINTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Import CMDM's released weights as the motion checkpoint `motion-cmdm`."""
    from core.motion.released import write_checkpoints

    write_checkpoints(download, stats, checkpoints / NAME, text=text, half=half)
    said = {"checkpoint": NAME, **examine(checkpoints)}
    shared.print_json(said) if as_json else shared.tell(in_words(said))


def examine(checkpoints: Path) -> dict[str, Any]:
    """Return what can be told of imported weights: a wrong map or wrong statistics show."""
    from core.engine import Engine
    from core.motion.released import load_vae

    engine, said = Engine(checkpoints, "cpu"), {}
    if engine.names[0] != NAME:
        said["missed_mm"] = round(missed(load_vae(checkpoints), engine.model()), 1)
    try:
        said["bones_off"] = round(bones_off(engine.model(NAME)), 3)
    except ValueError as error:
        said["cannot_move"] = str(error)
    return said


def missed(vae: MotionVAE, model: MotionModel) -> float:
    """Return by how much a VAE misses motions of ours: mean millimeters of joints (MPJPE)."""
    import numpy as np

    from core.body.features import LAYOUT, decode, encode_all

    segments = [[(prompt, POSES)] for prompt in PROBES]
    found = []
    for features in model.sample(segments, MotionSettings(seed=0)):
        real = encode_all(decode(features), vae.cfg.heading)
        made = reconstruct(vae, real)
        joints = (x[:, LAYOUT.joints].reshape(len(x), -1, 3) for x in (real[: len(made)], made))
        found.append(np.linalg.norm(np.subtract(*joints), axis=-1).mean())
    return float(1000 * np.mean(found))


def reconstruct(vae: MotionVAE, features: Any) -> Any:
    """Return features (T, 263) after encoding and decoding."""
    import torch

    x = torch.from_numpy(features)[None]
    with torch.inference_mode():
        return vae.denormalize(vae.decode(vae.encode(vae.normalize(x))))[0].numpy()


def bones_off(model: MotionModel) -> float:
    """Return by what share the worst bone of a body that a model moves is too long or short."""
    import numpy as np

    from core.body.skeleton import BONE_LENGTHS, PARENTS

    chunks = list(islice(model.stream(repeat(PROBES[0]), MotionSettings(seed=0)), BLOCKS))
    joints = np.concatenate([chunk.unsolved for chunk in chunks])
    bones = np.linalg.norm(joints[:, 1:] - joints[:, PARENTS[1:]], axis=-1)
    return float(np.abs(bones.mean(0) / BONE_LENGTHS[1:] - 1).max())


def in_words(said: dict[str, Any]) -> list[str]:
    """Say the checks in sentences."""
    lines = [f"imported as {NAME}: choose it on the page, or with --checkpoint {NAME}"]
    if "missed_mm" in said:
        fits = said["missed_mm"] <= MOST_MISSED
        lines.append(
            f"its VAE gives motions of ours back to {said['missed_mm']:g} mm: "
            + ("as it should" if fits else "the statistics are probably not those it was made with")
        )
    if "bones_off" in said:
        fits = said["bones_off"] <= MOST_OFF
        lines.append(
            f"bones of the body that it moves are off by {100 * said['bones_off']:.0f} % at most: "
            + ("as they should" if fits else "weights and statistics do not belong together")
        )
    if "cannot_move" in said:
        lines.append(f"it cannot be asked for anything yet: {said['cannot_move']}")
    return lines
