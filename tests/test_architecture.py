"""The shape of the house: imports point one way, every room has a test's room, importing does
nothing."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("core", "app", "train", "benchmarks")
FILES = [
    Path("app.py"),
    *sorted(
        path.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "node_modules" not in path.parts
    ),
]
MODULES = {f.with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__") for f in FILES}

ALLOWED = {
    "core.diffusion": "core.config core.settings core.device core.processor core.diffusion",
    "core.body": "core.body",
    "core.motion": (
        "core.config core.checkpoint core.settings core.device core.onnx core.diffusion core.body"
        " core.steering core.motion"
    ),
    "core.steering": "core.settings core.body core.steering",
    "core.video": "core.config core.checkpoint core.settings core.device core.diffusion core.video",
    "core.retrieval": "core.config core.checkpoint core.body core.motion core.retrieval",
    "core.words": "core.settings core.body core.motion core.words",
    "core.capture": "core.faults core.settings core.onnx core.body core.capture",
    "core.export": "core.settings core.body core.retrieval.manner core.steering core.export",
    "core.character": "core.settings core.body core.capture core.export core.character",
    "core.settings": "",
    "core.config": "",
    "core.checkpoint": "",
    "core.device": "",
    "core.processor": "",
    "core.faults": "",
    "core.onnx": "",
    "core.shelf": "core.checkpoint",
    "core.engine": (
        "core.shelf core.settings core.device core.body core.motion core.video core.retrieval"
        " core.capture core.character core.steering"
    ),
    "core.cli": (
        "core.engine core.settings core.body core.motion core.video core.retrieval core.capture"
        " core.character core.export core.steering core.words core.cli"
    ),
    "core": "core.cli",
    "app": (
        "app core.engine core.faults core.settings core.body core.capture.joint_maps"
        " core.capture.kinds core.capture.source"
        " core.character core.export core.steering core.words core.video.actions core.video.log"
    ),
    "app.cluster": (
        "app core.engine core.faults core.settings core.body core.steering core.video.actions"
    ),
    "app.py": "app core.device core.engine core.settings train.worlds.doom",
    "train": "train core",
    "benchmarks": "benchmarks core train app.protocol app.live",
    "benchmarks.cluster": "benchmarks core app.cluster",
}
"""Room -> what it may import of ours; the longest matching name decides."""


def within(module: str, rooms) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def imported(path: Path) -> set[str]:
    """Our own modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports by a relative name"
            names = {f"{node.module}.{name.name}" for name in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return {name for name in found if within(name, PACKAGES)}


def test_imports_point_one_way():
    wrong = []
    for path in FILES:
        module = path.with_suffix("").as_posix().replace("/", ".")
        room = max((r for r in ALLOWED if within(module, [r]) or r == str(path)), key=len)
        allowed = ALLOWED[room].split()
        wrong += [f"{path}: {name}" for name in imported(path) if not within(name, allowed)]
    assert not wrong, "\n".join(wrong)


def test_tests_live_where_the_code_does():
    rooms = {path.parent for path in FILES} | {Path("tests")}
    homes = {path.parent.relative_to(ROOT / "tests") for path in ROOT.glob("tests/*/**/test_*.py")}
    assert homes <= rooms, homes - rooms


def test_importing_prints_and_creates_nothing(tmp_path):
    modules = sorted(m for m in MODULES if m != "app.py" and not m.endswith("__main__"))
    heavy = ("pyrender", "smplx", "onnxruntime", "pygltflib", "matplotlib", "imageio", "cv2")
    code = f"""
import importlib, sys
light = [m for m in {modules} if m.split(".")[0] in ("core", "train")]
for module in light:
    importlib.import_module(module)
found = [m for m in {heavy} if m in sys.modules]
assert not found, f"imported without need: {{found}}"
for module in {modules}:
    importlib.import_module(module)
"""
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    result = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:core", "-c", code],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout + result.stderr == ""
    assert list(tmp_path.iterdir()) == []
