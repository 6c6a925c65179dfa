"""NPZ for readers of AMASS: SMPL's parameters as AMASS writes them, of SMPL-H or of SMPL-X.

Z is up, the floor at 0, and `trans` is SMPL's own: where the template's origin goes, which lies
above the pelvis. `poses` puts the hands after the body, with jaw and eyes between in SMPL-X. Shape
and hands are zero; the gender says whose template the numbers are for.

A user's own file is the template where the body was read from one. Else it is the neutral one,
whose joints of the legs are known to the millimeter: those of SMPL-H stand in several open projects
(body-models, for one), those of SMPL-X in mannequin-x (Apache 2.0).
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from core.body.mesh import Body
from core.body.rotations import quat_from_axis_angle, quat_multiply, quat_rotate, quat_to_axis_angle
from core.body.skeleton import ANKLES, HIPS, KNEES, REST_JOINTS, TOES
from core.body.take import Take
from core.export.metadata import describe
from core.settings import ExportSettings

_LEGS = [0, *HIPS, *KNEES, *ANKLES, *TOES]
_TEMPLATES = {
    "amass": (
        """
        -0.002 -0.223 0.028   0.068 -0.315 0.021  -0.069 -0.314 0.024
        0.102 -0.690 0.017  -0.108 -0.696 0.015   0.088 -1.088 -0.027  -0.092 -1.095 -0.027
        0.115 -1.144 0.093  -0.117 -1.143 0.096
        """,
        -1.162,
    ),
    "smplx": (
        """
        0.003 -0.351 0.012   0.061 -0.444 -0.014  -0.060 -0.455 -0.009
        0.116 -0.823 -0.023  -0.104 -0.818 -0.026   0.073 -1.226 -0.055  -0.089 -1.228 -0.046
        0.120 -1.284 0.063  -0.128 -1.287 0.073
        """,
        -1.302,
    ),
}
"""Joints of _LEGS in the neutral template, and the height of its sole (m)."""
_FACE = {"amass": 0, "smplx": 9}
"""Numbers of jaw and eyes in `poses`, between body and hands."""
_HANDS, _BETAS, _DMPLS = 90, 16, 8
_Z_UP = quat_from_axis_angle(np.array([np.pi / 2, 0, 0]))


def write_amass(take: Take, path: Path, *, body: Body, settings: ExportSettings) -> None:
    """Write the take for readers of AMASS; the convention is "amass" (SMPL-H) or "smplx"."""
    convention = settings.convention
    owned = body.origin is not None
    template = body if owned else neutral(convention)
    root, rotations = template.fit(take.root, take.rotations)
    rotations = rotations.astype(np.float64)
    rotations[:, 0] = quat_multiply(_Z_UP, rotations[:, 0])
    bent = quat_to_axis_angle(rotations).reshape(len(take), -1).astype(np.float32)
    trans = quat_rotate(_Z_UP, template.place(root).astype(np.float64)) - template.origin
    face, hands = (np.zeros((len(take), n), np.float32) for n in (_FACE[convention], _HANDS))
    jaw_and_eyes = {"pose_jaw": face[:, :3], "pose_eye": face[:, 3:]} if face.size else {}
    about = describe(take, body) | {"convention": convention, "up_axis": "Z"}
    with path.open("wb") as file:  # np.savez would add a suffix to names in capitals
        np.savez_compressed(
            file,
            poses=np.concatenate([bent, face, hands], axis=1),
            root_orient=bent[:, :3],
            pose_body=bent[:, 3:],
            pose_hand=hands,
            **jaw_and_eyes,
            trans=trans.astype(np.float32),
            betas=np.zeros(_BETAS, np.float32),
            num_betas=np.array(_BETAS),
            dmpls=np.zeros((len(take), _DMPLS), np.float32),
            mocap_framerate=np.float64(take.fps),
            mocap_frame_rate=np.float64(take.fps),
            mocap_time_length=np.float64(take.seconds),
            gender=np.array(_gender(body.name) if owned else "neutral"),
            surface_model_type=np.array("smplx" if convention == "smplx" else "smplh"),
            info=np.array(json.dumps(about)),
        )


@cache
def neutral(convention: str) -> Body:
    """Return the skeleton, without a mesh, of the neutral template that readers have."""
    told, sole = _TEMPLATES[convention]
    legs = np.array(told.split(), np.float32).reshape(-1, 3)
    joints = REST_JOINTS - REST_JOINTS[0] + legs[0]
    joints[_LEGS] = legs
    floor = np.array([0, sole, 0], np.float32)
    return replace(
        Body.load(),
        name="neutral",
        rest_joints=joints - floor,
        vertices=np.zeros((1, 3), np.float32),
        origin=legs[0],
    )


def _gender(name: str) -> str:
    """Return the gender that a file's name tells, as SMPLX_FEMALE.npz does."""
    return next((told for told in ("female", "male") if told in name.lower()), "neutral")
