"""Pictures from poses: pyrender where GL exists, a NumPy rasterizer otherwise.

Broken GL drivers do not raise, they end the process; so a child process draws one picture first.
GL that is drawn by the CPU (Mesa's llvmpipe) works but takes several times as long as our own
rasterizer, so it is used only when asked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from core.body.mesh import Body
from core.export.render.scene import Camera

KINDS = ("auto", "gl", "software")
VARIABLE = "LIVESTEP_RENDERER"
"""Environment variable that forces one of KINDS where the caller leaves the choice open."""
_PLATFORMS = ("egl", "osmesa")
_PROBE = """
import numpy as np
from core.body.mesh import Body
from core.export.render.gl import GlRenderer
body = Body.load()
picture = GlRenderer(body, width=64, height=64).draw(body.vertices, np.array([0.0, 0.9, 0.0]))
assert picture.std() > 5, "blank picture"
from OpenGL.GL import GL_RENDERER, glGetString
print(glGetString(GL_RENDERER).decode())
"""
_BY_CPU = ("llvmpipe", "softpipe", "swrast", "swiftshader")


class Renderer(Protocol):
    """What both renderers can do."""

    def draw(self, vertices: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Picture (height, width, 3) uint8 of vertices (V, 3), seen towards `target` (3,)."""
        ...

    def close(self) -> None:
        """Free what the renderer holds."""
        ...


@dataclass(frozen=True)
class Gl:
    """A way to GL that was seen to draw."""

    platform: str
    """Value for PYOPENGL_PLATFORM: "egl" or "osmesa"."""
    device: str
    """What the driver calls itself."""

    @property
    def by_cpu(self) -> bool:
        """Whether the CPU does the drawing."""
        return any(name in self.device.lower() for name in _BY_CPU)


@cache
def find_gl(seconds: float = 20.0) -> Gl | None:
    """Find a GL that draws here, None where there is none.

    A platform that takes longer than `seconds` for one picture counts as broken.
    """
    asked = os.environ.get("PYOPENGL_PLATFORM")
    for platform in (asked,) if asked else _PLATFORMS:
        try:
            probe = subprocess.run(
                [sys.executable, "-c", _PROBE],
                cwd=Path(__file__).parents[3],
                env={**os.environ, "PYOPENGL_PLATFORM": platform},
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            continue
        if probe.returncode == 0:
            return Gl(platform, probe.stdout.strip())
    return None


def _may_have_gpu() -> bool:
    """Spare Linux machines without any graphics device the seconds of a probe."""
    devices = ("/dev/dri", "/dev/nvidiactl", "/dev/dxg")
    return not sys.platform.startswith("linux") or any(Path(d).exists() for d in devices)


def make_renderer(
    body: Body,
    *,
    kind: str = "auto",
    width: int = 512,
    height: int = 512,
    camera: Camera | None = None,
) -> Renderer:
    """Make a renderer of `kind`, one of KINDS.

    "auto" follows the environment variable LIVESTEP_RENDERER, else takes GL where a GPU draws and
    our software renderer elsewhere. Raises ValueError for another kind, or when GL is asked for
    and does not work.
    """
    if kind == "auto":
        kind = os.environ.get(VARIABLE, "auto")
    if kind not in KINDS:
        raise ValueError(f"the renderer must be one of {', '.join(KINDS)}, got {kind!r}")
    gl = find_gl() if kind == "gl" or (kind == "auto" and _may_have_gpu()) else None
    if kind == "gl" and gl is None:
        raise ValueError("GL does not work on this machine; use the software renderer")
    if gl is None or (kind == "auto" and gl.by_cpu):
        from core.export.render.software import SoftwareRenderer

        return SoftwareRenderer(body, width=width, height=height, camera=camera)
    from core.export.render.gl import GlRenderer

    os.environ["PYOPENGL_PLATFORM"] = gl.platform
    return GlRenderer(body, width=width, height=height, camera=camera)
