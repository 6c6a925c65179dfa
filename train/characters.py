"""Two characters to try with, made of nothing but numbers: `python -m train.characters`.

Bolt is a robot of rounded boxes in A-pose, with bones as Mixamo names them; Stilt is a lanky figure
in T-pose and a VRM 1.0. Both are ours and CC0. The files are the same every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from train.figures import Figure, Place, to_glb

FOLDER = Path(__file__).parents[1] / "assets" / "characters"
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"

MIXAMO = {
    "Chest": "Spine1",
    "UpperArm": "Arm",
    "LowerArm": "ForeArm",
    "UpperLeg": "UpLeg",
    "LowerLeg": "Leg",
    "Toes": "ToeBase",
}
"""Bones that are called otherwise there."""
BOLT: dict[str, Place] = {
    "Hips": (0, 0.86, 0),
    "Spine": (0, 0.97, 0),
    "Chest": (0, 1.12, 0),
    "Neck": (0, 1.36, 0),
    "Head": (0, 1.44, 0),
    "Shoulder": (0.07, 1.3, 0),
    "UpperArm": (0.25, 1.29, 0),
    "LowerArm": (0.42, 1.12, -0.01),
    "Hand": (0.58, 0.96, 0.01),
    "UpperLeg": (0.12, 0.8, 0),
    "LowerLeg": (0.13, 0.45, 0.01),
    "Foot": (0.13, 0.1, -0.02),
    "Toes": (0.13, 0.03, 0.12),
}
STILT: dict[str, Place] = {
    "Hips": (0, 1.18, 0),
    "Spine": (0, 1.27, 0),
    "Chest": (0, 1.4, 0),
    "Neck": (0, 1.58, 0),
    "Head": (0, 1.68, 0.01),
    "Shoulder": (0.03, 1.54, 0),
    "UpperArm": (0.14, 1.54, 0),
    "LowerArm": (0.46, 1.54, -0.01),
    "Hand": (0.76, 1.54, 0),
    "UpperLeg": (0.08, 1.12, 0),
    "LowerLeg": (0.085, 0.6, 0.015),
    "Foot": (0.085, 0.09, -0.02),
    "Toes": (0.09, 0.025, 0.13),
}


def at(x: float, y: float, z: float) -> np.ndarray:
    """Return a place, or a way."""
    return np.array([x, y, z])


def bolt() -> Figure:
    """A robot of rounded boxes, each on one bone."""
    f = Figure(BOLT)

    def box(color: str, bone: str, middle: Place, half: Place, square: float = 0.35) -> None:
        ends = at(*middle) - at(0, half[1], 0), at(*middle) + at(0, half[1], 0)
        f.add(color, [bone], ends, [(half[0], half[2])], square=square)

    box("orange", "Hips", (0, 0.84, 0), (0.16, 0.08, 0.11))
    box("steel", "Spine", (0, 0.99, 0), (0.09, 0.09, 0.08), 1)
    box("orange", "Chest", (0, 1.2, 0), (0.21, 0.15, 0.14))
    box("glow", "Chest", (0, 1.22, 0.135), (0.06, 0.06, 0.02), 1)
    box("steel", "Neck", (0, 1.39, 0), (0.05, 0.06, 0.05), 1)
    box("orange", "Head", (0, 1.55, 0.01), (0.14, 0.12, 0.13))
    box("steel", "Head", (0, 1.74, 0), (0.012, 0.09, 0.012), 1)
    box("glow", "Head", (0, 1.83, 0), (0.035, 0.035, 0.035), 1)
    for side, sign in (("Left", 1), ("Right", -1)):
        box("glow", "Head", (0.055 * sign, 1.57, 0.135), (0.03, 0.035, 0.015), 1)
        box("steel", f"{side}Shoulder", (0.21 * sign, 1.29, 0), (0.07, 0.05, 0.06), 1)
        for color, bone, end, size in (
            ("orange", "UpperArm", "LowerArm", (0.06, 0.06)),
            ("steel", "LowerArm", "Hand", (0.05, 0.05)),
            ("steel", "UpperLeg", "LowerLeg", (0.075, 0.08)),
            ("orange", "LowerLeg", "Foot", (0.08, 0.085)),
        ):
            ends = f.at(side + bone), f.at(side + end)
            f.add(color, [side + bone], ends, [size], square=0.5)
        hand = f.at(f"{side}Hand")
        out = (hand - f.at(f"{side}LowerArm")) * 0.55
        f.add(
            "orange", [f"{side}Hand"], (hand - 0.1 * out, hand + out), [(0.045, 0.06)], square=0.4
        )
        foot = f.at(f"{side}Foot")
        heel, tip = foot + at(0, -0.05, -0.09), foot + at(0, -0.05, 0.22)
        f.add(
            "steel",
            [f"{side}Foot", f"{side}Toes"],
            (heel, tip),
            [(0.075, 0.05)],
            square=0.35,
            floor=0,
        )
    return f


def stilt() -> Figure:
    """A lanky figure with a round head, whose skin bends at its joints."""
    f = Figure(STILT)
    up = np.array([0.0, 1, 0])
    f.add(
        "teal",
        ["Hips", "Spine", "Chest"],
        (f.at("Hips") - 0.1 * up, f.at("Neck") + 0.02 * up),
        [(0.13, 0.1), (0.1, 0.08), (0.12, 0.09), (0.12, 0.08)],
    )
    f.add("skin", ["Neck"], (f.at("Chest") + 0.14 * up, f.at("Head") + 0.03 * up), [(0.04, 0.04)])
    f.add("skin", ["Head"], (f.at("Head") - 0.03 * up, f.at("Head") + 0.25 * up), [(0.12, 0.13)])
    f.add(
        "plum",
        ["Head"],
        (f.at("Head") + 0.13 * up, f.at("Head") + 0.32 * up),
        [(0.13, 0.14), (0.05, 0.05)],
    )
    for side, sign in (("Left", 1), ("Right", -1)):
        eye = f.at("Head") + at(0.045 * sign, 0.12, 0.125)
        f.add("plum", ["Head"], (eye - 0.025 * up, eye + 0.025 * up), [(0.014, 0.012)])
        arm = [side + bone for bone in ("UpperArm", "LowerArm", "Hand")]
        reach = f.at(arm[2]) + at(0.02 * sign, 0, 0)
        f.add(
            "teal",
            arm[:2],
            (f.at(arm[0]) - at(0.05 * sign, 0, 0), reach),
            [(0.05, 0.05), (0.035, 0.035), (0.04, 0.04)],
        )
        f.add(
            "skin",
            arm[2:],
            (reach - at(0.03 * sign, 0, 0), reach + at(0.13 * sign, -0.005, 0)),
            [(0.03, 0.045)],
        )
        leg = [side + bone for bone in ("UpperLeg", "LowerLeg", "Foot", "Toes")]
        f.add(
            "plum",
            leg[:2],
            (f.at(leg[0]) + 0.07 * up, f.at(leg[2]) + 0.01 * up),
            [(0.075, 0.08), (0.05, 0.055), (0.04, 0.045)],
        )
        heel, tip = f.at(leg[2]) + at(0, -0.035, -0.07), f.at(leg[3]) + at(0, 0.03, 0.11)
        f.add("teal", leg[2:], (heel, tip), [(0.05, 0.055), (0.06, 0.06), (0.055, 0.05)], floor=0)
    return f


def _words(name: str, joints: Sequence[str]) -> dict[str, Any]:
    """What VRM 1.0 says of a character that everything is allowed with."""
    bones = {joint[0].lower() + joint[1:]: {"node": i} for i, joint in enumerate(joints)}
    return {
        "specVersion": "1.0",
        "meta": {
            "name": name,
            "version": "1",
            "authors": ["Livestep"],
            "licenseUrl": "https://vrm.dev/licenses/1.0/",
            "otherLicenseUrl": CC0,
            "avatarPermission": "everyone",
            "allowExcessivelyViolentUsage": True,
            "allowExcessivelySexualUsage": True,
            "commercialUsage": "corporation",
            "allowPoliticalOrReligiousUsage": True,
            "allowAntisocialOrHateUsage": True,
            "creditNotation": "unnecessary",
            "allowRedistribution": True,
            "modification": "allowModificationRedistribution",
        },
        "humanoid": {"humanBones": bones},
    }


def main(out: Annotated[Path, typer.Option(help="Folder to write to.")] = FOLDER) -> None:
    """Make both characters."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "bolt.glb").write_bytes(to_glb(bolt(), "Bolt", MIXAMO))
    figure = stilt()
    words = _words("Stilt", [*figure.joints])
    (out / "stilt.vrm").write_bytes(to_glb(figure, "Stilt", words=words))


if __name__ == "__main__":
    typer.run(main)
