"""The shape of the code: imports point one way, files stay short, importing does nothing."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("core", "app", "train", "benchmarks")
FILES = sorted(
    path.relative_to(ROOT)
    for package in (*PACKAGES, "tests")
    for path in (ROOT / package).rglob("*.py")
    if "node_modules" not in path.parts
)
MODULES = [f.with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__") for f in FILES]
MOST_LINES = 250

ALLOWED = {
    "core.motion": {"core.config", "core.layers", "core.attention", "core.transformer", "core.flow",
                    "core.checkpoint", "core.motion"},
    "core.video": {"core.config", "core.layers", "core.attention", "core.transformer", "core.flow",
                   "core.checkpoint", "core.device", "core.sampler", "core.speculation",
                   "core.video"},
    "core.render": {"core.motion.body", "core.motion.skeleton", "core.motion.take", "core.render"},
    "core.export": {"core.motion", "core.render", "core.export"},
    "core.reference": {"core.config", "core.motion", "core.export", "core.reference"},
    "core": {"core"},
    "app": {"app", "core.engine", "core.export", "core.motion.body", "core.motion.skeleton",
            "core.motion.take", "core.reference.follow",
            "core.reference.joint_maps", "core.prompts", "core.video.actions", "core.video.log",
            "core.video.truth"},
    "train": {"train", "core"},
    "benchmarks": {"benchmarks", "core", "train"},
}  # fmt: skip
"""Package -> what it may import of ours; the longest matching name decides."""


def within(module: str, packages) -> bool:
    return any(module == p or module.startswith(p + ".") for p in packages)


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


@pytest.mark.parametrize("path", [f for f in FILES if f.parts[0] != "tests"], ids=str)
def test_imports_point_one_way(path):
    module = path.with_suffix("").as_posix().replace("/", ".")
    owner = max((p for p in ALLOWED if within(module, [p])), key=len)
    wrong = {name for name in imported(path) if not within(name, ALLOWED[owner])}
    assert not wrong, f"{owner} must not import {wrong}"


def test_shared_core_files_know_no_world():
    shared = ("config", "layers", "attention", "transformer", "flow", "schedule", "sampler",
              "speculation")  # fmt: skip
    for name in shared:
        found = imported(Path(f"core/{name}.py"))
        wrong = {m for m in found if m.count(".") > 1 or m == "core.engine"}
        assert not wrong, f"core.{name} imports {wrong}"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_are_short(path):
    lines = (ROOT / path).read_text().count("\n")
    assert lines <= MOST_LINES, f"{lines} lines"


def test_importing_prints_and_creates_nothing(tmp_path):
    modules = [m for m in MODULES if not m.startswith("tests") and not m.endswith("__main__")]
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
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
           "OMP_NUM_THREADS": "1"}  # fmt: skip
    result = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:core", "-c", code],
        cwd=tmp_path, env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout + result.stderr == ""
    assert list(tmp_path.iterdir()) == []
