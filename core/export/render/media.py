"""Pictures and films: PNG, JPEG, H.264 and looping WebP that browsers play, and contact sheets of a
take."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from core.body.mesh import Body
from core.body.take import Take
from core.export.render.scene import Camera, follow
from core.export.render.software import SoftwareRenderer


class Mp4Writer:
    """Write frames (height, width, 3) uint8 one by one into an .mp4 file.

    H.264, yuv420p, index in front; the sides must be even. Use it as a context manager. Metadata
    are `key: value` pairs in a comment that players and ffprobe show.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        width: int,
        height: int,
        fps: float,
        metadata: dict[str, str] | None = None,
    ) -> None:
        import imageio_ffmpeg

        if width % 2 or height % 2:
            raise ValueError(f"a film's sides must be even, got {width} x {height}")
        self._writer = imageio_ffmpeg.write_frames(
            str(path),
            (width, height),
            fps=fps,
            codec="libx264",
            pix_fmt_in="rgb24",
            pix_fmt_out="yuv420p",
            macro_block_size=2,
            output_params=[
                "-crf",
                "20",
                "-preset",
                "veryfast",
                "-movflags",
                "+faststart",
                "-metadata",
                f"comment={_comment(metadata)}",
            ],
        )
        self._writer.send(None)

    def __enter__(self) -> Mp4Writer:
        """Return the open writer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the file."""
        self._writer.close()

    def add(self, frame: np.ndarray) -> None:
        """Append a frame (height, width, 3) uint8."""
        self._writer.send(np.ascontiguousarray(frame))


MOST_WEBP = 60_000_000
"""Pixels of all frames of a WebP, which are held in memory until it is written."""


def check_webp(count: int, *, width: int, height: int, fps: float) -> None:
    """Raise ValueError, with a sentence, for a looping picture of too many frames."""
    most = MOST_WEBP // (width * height)
    if count > most:
        raise ValueError(
            f"a looping WebP of {width} x {height} can be {most / fps:.1f} s long at most; make it"
            " shorter or smaller, or an MP4"
        )


class WebpWriter:
    """Collect frames (height, width, 3) uint8 for a .webp file, which plays for ever.

    Same sides, use and metadata as an `Mp4Writer`; metadata are the description in its EXIF. The
    file is there once it is whole; `encoded` is told the share of it then.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        width: int,
        height: int,
        fps: float,
        metadata: dict[str, str] | None = None,
        encoded: Callable[[float], None] | None = None,
        quality: int = 60,
    ) -> None:
        self._path, self._how = Path(path), {"width": width, "height": height, "fps": fps}
        self._metadata, self._encoded, self._quality = metadata, encoded, quality
        self._frames: list[np.ndarray] = []

    def __enter__(self) -> WebpWriter:
        """Return the open writer."""
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Write the file, if nothing went wrong."""
        if kind is not None or not self._frames:
            return
        from PIL import ExifTags, Image

        exif = Image.Exif()
        exif[ExifTags.Base.ImageDescription] = _comment(self._metadata)
        ends = np.arange(len(self._frames) + 1) * 1000 / self._how["fps"]
        first, *rest = map(Image.fromarray, self._frames)
        if tell := self._encoded:
            for i, picture in enumerate(rest, start=1):  # Pillow seeks in each before it encodes it
                picture.seek = partial(_tell_of, tell, i / len(self._frames))
        first.save(
            self._path,
            save_all=True,
            append_images=rest,
            duration=np.diff(ends.round()).astype(int).tolist(),  # ms; errors do not add up
            loop=0,
            quality=self._quality,
            method=3,
            exif=exif,
        )

    def add(self, frame: np.ndarray) -> None:
        """Append a frame (height, width, 3) uint8; raise ValueError for one too many."""
        check_webp(len(self._frames) + 1, **self._how)
        self._frames.append(np.ascontiguousarray(frame))


def _tell_of(tell: Callable[[float], None], share: float, frame: int) -> None:
    tell(share)


def _comment(metadata: dict[str, str] | None) -> str:
    return "; ".join(f"{key}: {value}" for key, value in (metadata or {}).items())


def png(picture: np.ndarray) -> bytes:
    """PNG of a picture (height, width, 3) uint8."""
    return _encode(picture, "PNG")


def jpeg(picture: np.ndarray, quality: int = 88) -> bytes:
    """JPEG of a picture (height, width, 3) uint8."""
    return _encode(picture, "JPEG", quality=quality)


def _encode(picture: np.ndarray, kind: str, **options: int) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return buffer.getvalue()


def caption(picture: np.ndarray, text: str, size: int = 0) -> np.ndarray:
    """Write `text` small along the lower edge of a picture; cut off what does not fit."""
    if not text:
        return picture
    height, width = picture.shape[:2]
    top, ink, cover = _lettering(text, size or max(12, height // 32), height, width)
    written = picture.copy()
    strip = written[top:]
    strip[:] = strip * (1 - cover) + ink * cover + 0.5
    return written


@lru_cache(maxsize=8)
def _lettering(text: str, size: int, height: int, width: int) -> tuple[int, np.ndarray, np.ndarray]:
    """First row of the caption's strip, its colors (rows, width, 3) and cover (rows, width, 1)."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size)
    rows = min(2 * size, height)
    image = Image.new("RGBA", (width, rows), (236, 240, 245, 0))
    draw = ImageDraw.Draw(image)
    room = width - 2 * size
    if draw.textlength(text, font) > room:
        while text and draw.textlength(text + "...", font) > room:
            text = text[:-1]
        text = text.rstrip() + "..."
    draw.text((size, 1), text, (46, 52, 64), font, stroke_width=2, stroke_fill=(236, 240, 245))
    pixels = np.asarray(image).astype(np.float32)
    return height - rows, pixels[..., :3], pixels[..., 3:] / 255


def prompt_at(take: Take, pose: int) -> str:
    """The prompt that holds at a pose, empty before the first."""
    return next((m.text for m in reversed(take.prompts) if m.start <= pose), "")


def times_and_prompts(take: Take, picks: np.ndarray) -> list[str]:
    """Say for some poses of a take when they are, and where a prompt is first seen, which."""
    prompts = ["", *(prompt_at(take, pose) for pose in picks)]
    return [
        f"{pose / take.fps:.1f} s" + (f"  {prompt}" if prompt != before else "")
        for pose, before, prompt in zip(picks, prompts[:-1], prompts[1:], strict=True)
    ]


def glances(
    take: Take,
    picks: np.ndarray,
    words: Sequence[str],
    columns: int,
    *,
    size: int = 256,
    body: Body | None = None,
    camera: Camera | None = None,
) -> np.ndarray:
    """Draw the poses `picks` of a take with words below each, in rows of so many."""
    body = body or Body.load()
    root, rotations = body.fit(take.root, take.rotations)
    targets = follow(body.place(root), take.fps)[picks]
    vertices = body.skin(root[picks], rotations[picks])
    renderer = SoftwareRenderer(body, width=size, height=size, camera=camera)
    sheet = np.full((-(-len(picks) // columns) * size, columns * size, 3), 255, np.uint8)
    for i, text in enumerate(words):
        row, column = divmod(i, columns)
        cell = caption(renderer.draw(vertices[i], targets[i]), text)
        sheet[row * size : (row + 1) * size, column * size : (column + 1) * size] = cell
    return sheet
