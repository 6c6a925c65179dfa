"""NPZ with all that we know of a take; `core.export.amass` writes what readers of AMASS look for.

`poses` (T, 66) are rotation vectors of the 22 SMPL joints, `trans` (T, 3) the pelvis in meters on
the source skeleton, Y up (AMASS itself is Z up). `joints` are where these put them, `unsolved` what
the network said before they were solved for; these, `features` and `info` are ours.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from core.body.features import NUM_FEATURES
from core.body.mesh import Body
from core.body.rotations import quat_from_axis_angle, quat_to_axis_angle
from core.body.skeleton import JOINTS
from core.body.take import PromptMark, Take
from core.export.metadata import describe
from core.settings import MOTION_RATES

_OF_FILES = ("generator", "prompts", "fps", "body", "body_credit", "root", "up_axis")
"""What an info says of a file, and not of its take."""


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


def read_npz(path: Path) -> Take | None:
    """Return a take that `write_npz` wrote, None for what somebody else did.

    Raises ValueError with a sentence where it is damaged.
    """
    joints = (len(JOINTS), 3)
    shapes = {"trans": (3,), "joints": joints, "unsolved": joints, "features": (NUM_FEATURES,)}
    if not zipfile.is_zipfile(path):  # else NumPy would speak of pickles
        raise ValueError(f"{path.name} is damaged, or no NPZ file at all")
    try:
        with np.load(path, allow_pickle=False) as file:
            if not {"poses", "info", *shapes} <= {*file.files}:
                return None
            arrays = {name: np.asarray(file[name], np.float32) for name in shapes}
            turns = np.asarray(file["poses"], np.float32).reshape(-1, *joints)
            marks = zip(file["prompt_starts"], file["prompts"], strict=True)
            prompts = tuple(PromptMark(start=int(start), text=str(text)) for start, text in marks)
            info, fps = dict(json.loads(str(file["info"]))), float(file["mocap_frame_rate"])
    except (KeyError, OSError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name} is damaged: its arrays cannot be read") from error
    whole = all(array.shape == (len(turns), *shapes[name]) for name, array in arrays.items())
    finite = all(np.isfinite(x).all() for x in (turns, *arrays.values()))
    if not (whole and len(turns) and finite and MOTION_RATES[0] <= fps <= MOTION_RATES[1]):
        raise ValueError(f"{path.name} is damaged: its arrays do not fit together")
    return Take(
        root=arrays.pop("trans"),
        rotations=quat_from_axis_angle(turns),
        **arrays,
        prompts=prompts,
        fps=fps,
        info={key: str(told) for key, told in info.items() if key not in _OF_FILES},
    )
