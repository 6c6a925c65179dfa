"""MP4: the body on a checker floor with a soft shadow, filmed by a camera that follows."""

from __future__ import annotations

from pathlib import Path

from core.body.mesh import Body
from core.body.take import Take
from core.export.metadata import describe
from core.export.render.choose import make_renderer
from core.export.render.media import Mp4Writer, caption
from core.export.render.scene import Camera, follow
from core.export.render.sheet import prompt_at

_BATCH = 16
"""Poses skinned at once; more would only take more memory."""


def write_mp4(
    take: Take, path: Path, *, body: Body, width: int = 512, height: int = 512,
    renderer: str = "auto", captions: bool = True, camera: Camera | None = None,
) -> None:  # fmt: skip
    """Film the take; `renderer` is "auto", "gl" or "software" (see core.export.render.choose)."""
    targets = follow(body.place(take.root), take.fps)
    rotations = body.fit(take.root, take.rotations)
    metadata = describe(take, body)
    painter = make_renderer(body, kind=renderer, width=width, height=height, camera=camera)
    try:
        with Mp4Writer(path, width=width, height=height, fps=take.fps, metadata=metadata) as film:
            for start in range(0, len(take), _BATCH):
                batch = slice(start, start + _BATCH)
                meshes = body.skin(take.root[batch], rotations[batch])
                for pose, vertices in enumerate(meshes, start):
                    frame = painter.draw(vertices, targets[pose])
                    film.add(caption(frame, prompt_at(take, pose) if captions else ""))
    finally:
        painter.close()
