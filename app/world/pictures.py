"""Pictures in and out: frames as JPEG and PNG, and what a visitor uploads, read with care."""

from __future__ import annotations

import io
import threading

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
MOST_BYTES = 8 * 2**20
MOST_PIXELS = 40_000_000
LEAST_SIDE, MOST_SIDE = 16, 768
"""Pictures smaller than this say nothing; larger ones are shrunk, a frame is smaller still."""
MOST_SLIMNESS = 8
MOST_SCANS = 100
"""Of a JPEG: cameras write one, progressive ones have about ten; each costs a whole picture."""

_one_at_a_time = threading.Lock()  # a large picture takes 160 MB while it is read


def jpeg(frame: np.ndarray, quality: int, *, crisp: bool = False) -> bytes:
    """JPEG of a frame (H, W, 3) uint8; `crisp` keeps colors at full resolution."""
    return _encode(frame, "JPEG", quality=quality, subsampling=0 if crisp else 2)


def png(frame: np.ndarray) -> bytes:
    """PNG of a frame (H, W, 3) uint8."""
    return _encode(frame, "PNG")


def strip(frames: np.ndarray, quality: int = 80) -> bytes:
    """JPEG of frames (n, H, W, 3) uint8 side by side."""
    return jpeg(np.concatenate(list(frames), axis=1), quality)


def _encode(frame: np.ndarray, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(frame)).save(buffer, kind, **options)
    return buffer.getvalue()


def decode(data: bytes) -> np.ndarray:
    """Undo `jpeg` and `png`: the frame (H, W, 3) uint8 in an encoding of our own."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def read_upload(data: bytes) -> np.ndarray:
    """Return the picture (h, w, 3) uint8 in a stranger's file, upright and of moderate size.

    Raises ValueError with a sentence for what is no picture, too large, too small or too slim. The
    size is looked up in the file's head, before anything is unpacked.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = image.size
    except Image.DecompressionBombError as error:
        raise ValueError(_too_large()) from error
    except Exception as error:  # decoders of hostile files raise whatever they run into
        raise ValueError(_no_picture()) from error
    if width * height > MOST_PIXELS:
        raise ValueError(_too_large())
    if image.format == "JPEG" and data.count(b"\xff\xda") > MOST_SCANS:
        raise ValueError(f"This picture comes in more than {MOST_SCANS} passes; store it anew.")
    if min(width, height) < LEAST_SIDE:
        raise ValueError(f"This picture is too small; {LEAST_SIDE} pixels a side are the least.")
    if max(width, height) > MOST_SLIMNESS * min(width, height):
        raise ValueError("This picture is too long and narrow to begin a world from.")
    with _one_at_a_time:
        try:
            image.draft("RGB", (MOST_SIDE, MOST_SIDE))  # a JPEG is read at a fraction of its size
            image.thumbnail((MOST_SIDE, MOST_SIDE))
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        except Exception as error:
            raise ValueError(_no_picture()) from error


def _no_picture() -> str:
    return "This is not a picture the server can read; JPEG, PNG, WebP, BMP and GIF are."


def _too_large() -> str:
    return f"This picture has more than {MOST_PIXELS // 1_000_000} megapixels; use a smaller one."
