"""onnxruntime reports nothing of what it runs here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = """
from core.capture.detector import session
from core.capture.track import NETWORKS
from core.motion.text import MiniLM
MiniLM()(["a person walks"])
session(NETWORKS / "detector.onnx.gz", 1)
"""


def test_no_id_and_no_events_are_left_on_the_disk(tmp_path):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "CI"))}
    env |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    told = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert not list(tmp_path.iterdir())
