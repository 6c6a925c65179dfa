"""NPZ for readers of AMASS: SMPL's parameters as AMASS writes them, of SMPL-H or of SMPL-X.

Z is up, the floor at 0, and `trans` is SMPL's own: where the template's origin goes, which lies
above the pelvis. `poses` puts the hands after the body, with jaw and eyes between in SMPL-X. Shape
and hands are zero; the gender says whose template the numbers are for.

A user's own file is the template where the body was read from one. Else it is the neutral one,
see `core.body.templates`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from core.body.mesh import Body
from core.body.rotations import quat_from_axis_angle, quat_multiply, quat_rotate, quat_to_axis_angle
from core.body.take import Take
from core.body.templates import neutral_rest
from core.export.metadata import describe
from core.settings import ExportSettings

_MODELS = {"amass": "smplh", "smplx": "smplx"}
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
            surface_model_type=np.array(_MODELS[convention]),
            info=np.array(json.dumps(about)),
        )


@cache
def neutral(convention: str) -> Body:
    """Return the skeleton, without a mesh, of the neutral template that readers have."""
    joints, sole = neutral_rest(_MODELS[convention])
    floor = np.array([0, sole, 0], np.float32)
    return replace(
        Body.load(),
        name="neutral",
        rest_joints=joints - floor,
        vertices=np.zeros((1, 3), np.float32),
        origin=joints[0],
    )


def _gender(name: str) -> str:
    """Return the gender that a file's name tells, as SMPLX_FEMALE.npz does."""
    return next((told for told in ("female", "male") if told in name.lower()), "neutral")
