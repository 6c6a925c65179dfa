"""Skeletons of SMPL's neutral templates, as far as they are known here: their legs.

Those of SMPL-H stand in several open projects (body-models, for one), those of SMPL-X in
mannequin-x (Apache 2.0), to the millimeter.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from core.body.skeleton import ANKLES, HIPS, KNEES, REST_JOINTS, TOES

_LEGS = [0, *HIPS, *KNEES, *ANKLES, *TOES]
_TEMPLATES = {
    "smplh": (
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


@cache
def neutral_rest(model: str) -> tuple[np.ndarray, float]:
    """Joints at rest (22, 3) float32 from the template's origin, and the height of its sole (m).

    `model` is "smplh" or "smplx"; above the hips it is the source skeleton, moved.
    """
    told, sole = _TEMPLATES[model]
    legs = np.array(told.split(), np.float32).reshape(-1, 3)
    joints = REST_JOINTS - REST_JOINTS[0] + legs[0]
    joints[_LEGS] = legs
    return joints, sole
