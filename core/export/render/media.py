"""Pictures and films: PNG, JPEG and H.264 that browsers play."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import numpy as np


class Mp4Writer:
    """Write frames (height, width, 3) uint8 one by one into an .mp4 file.

    H.264, yuv420p, index in front; the sides must be even. Use it as a context manager. Metadata
    are `key: value` pairs in a comment that players and ffprobe show.
    """

    def __init__(
        self, path: str | Path, *, width: int, height: int, fps: float,
        metadata: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        import imageio_ffmpeg

        if width % 2 or height % 2:
            raise ValueError(f"a film's sides must be even, got {width} x {height}")
        comment = "; ".join(f"{key}: {value}" for key, value in (metadata or {}).items())
        self._writer = imageio_ffmpeg.write_frames(
            str(path),
            (width, height),
            fps=fps,
            codec="libx264",
            pix_fmt_in="rgb24",
            pix_fmt_out="yuv420p",
            macro_block_size=2,
            output_params=[
                "-crf", "20", "-preset", "veryfast", "-movflags", "+faststart", "-metadata",
                f"comment={comment}",
            ],
        )  # fmt: skip
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
