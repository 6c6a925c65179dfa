"""NPZ with all that we know of a take; `core.export.amass` writes what readers of AMASS look for.

`poses` (T, 66) are rotation vectors of the 22 SMPL joints, `trans` (T, 3) the pelvis in meters on
the source skeleton, Y up (AMASS itself is Z up). `joints` are where these put them, `unsolved` what
the network said before they were solved for; these, `features` and `info` are ours.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from core.body.mesh import Body
from core.body.rotations import quat_to_axis_angle
from core.body.take import Take
from core.export.metadata import describe


def write_npz(take: Take, path: Path, *, body: Body) -> None:
    """Write the take as arrays that np.load reads without pickles."""
    gender = body.name if body.name in ("male", "female") else "neutral"
    with path.open("wb") as file:  # np.savez would add a suffix to names in capitals
        np.savez_compressed(
            file,
            poses=quat_to_axis_angle(take.rotations).reshape(len(take), -1).astype(np.float32),
            trans=take.root.astype(np.float32),
            betas=np.zeros(10, np.float32),
            mocap_framerate=np.float64(take.fps),
            mocap_frame_rate=np.float64(take.fps),
            gender=np.array(gender),
            joints=take.joints,
            unsolved=take.unsolved,
            features=take.features,
            prompts=np.array([mark.text for mark in take.prompts], dtype=np.str_),
            prompt_starts=np.array([mark.start for mark in take.prompts], dtype=np.int64),
            info=np.array(json.dumps({**describe(take, body), "up_axis": "Y"})),
        )
