"""What the tests of motion files share: how a refusal must read, and how far a motion is off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.capture_figures import align
from core.capture.follow import Capture, follow


def refusal(path: Path) -> str:
    """The one sentence in which a file is refused: it names the file, but not where it is."""
    with pytest.raises(ValueError, match=r".") as caught:
        follow(path)
    told = str(caught.value)
    assert path.name in told
    assert str(path.parent) not in told
    assert "\n" not in told
    return told


def error(found: Capture, joints: np.ndarray) -> float:
    """Mean distance (m) of joints, up to heading, place and height of the whole."""
    off = align(found.joints.astype(float), joints.astype(float)) - joints
    off[..., 1] -= off[..., 1].mean()
    return float(np.linalg.norm(off, axis=-1).mean())
