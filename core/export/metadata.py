"""What every exported file says about itself, and the bone names that other tools know."""

from __future__ import annotations

from core.body.mesh import Body
from core.body.skeleton import JOINTS
from core.body.take import Take

BONES = (
    "Hips", "LeftUpLeg", "RightUpLeg", "Spine", "LeftLeg", "RightLeg", "Spine1",
    "LeftFoot", "RightFoot", "Spine2", "LeftToeBase", "RightToeBase", "Neck", "LeftShoulder",
    "RightShoulder", "Head", "LeftArm", "RightArm", "LeftForeArm", "RightForeArm",
    "LeftHand", "RightHand",
)  # fmt: skip
"""Names of JOINTS as Mixamo and most retargeting tools call them."""
assert len(BONES) == len(JOINTS)


def describe(take: Take, body: Body) -> dict[str, str]:
    """Provenance of a take on a body: where it comes from, what was asked for, how it is made."""
    prompts = "; ".join(f"{mark.start / take.fps:g} s: {mark.text}" for mark in take.prompts)
    return {
        **{key: str(value) for key, value in take.info.items()},
        "generator": "Livestep",
        "prompts": prompts,
        "fps": f"{take.fps:g}",
        "body": body.name,
        "body_credit": body.credit,
    }
