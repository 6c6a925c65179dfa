"""Contact sheets: a take at a glance, as one picture of evenly spaced poses."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.body.mesh import Body
from core.body.take import Take
from core.export.render.media import caption, png
from core.export.render.scene import Camera, follow
from core.export.render.software import SoftwareRenderer


def prompt_at(take: Take, pose: int) -> str:
    """The prompt that holds at a pose, empty before the first."""
    return next((m.text for m in reversed(take.prompts) if m.start <= pose), "")


def contact_sheet(
    take: Take, path: str | Path, columns: int = 8, *, rows: int = 1, size: int = 256,
    body: Body | None = None, camera: Camera | None = None,
) -> None:  # fmt: skip
    """Write a PNG with columns * rows evenly spaced poses, first and last included.

    Each is captioned with its time; the first of each prompt names the prompt.
    """
    body = body or Body.load()
    picks = np.linspace(0, len(take) - 1, columns * rows).round().astype(int)
    targets = follow(body.place(take.root), take.fps)[picks]
    root, rotations = take.root[picks], take.rotations[picks]
    vertices = body.skin(root, body.fit(root, rotations))
    renderer = SoftwareRenderer(body, width=size, height=size, camera=camera)
    sheet = np.empty((rows * size, columns * size, 3), np.uint8)
    shown = None
    for i, pose in enumerate(picks):
        prompt = prompt_at(take, pose)
        words = f"{pose / take.fps:.1f} s" + (f"  {prompt}" if prompt != shown else "")
        shown = prompt
        cell = caption(renderer.draw(vertices[i], targets[i]), words)
        row, column = divmod(i, columns)
        sheet[row * size : (row + 1) * size, column * size : (column + 1) * size] = cell
    Path(path).write_bytes(png(sheet))
