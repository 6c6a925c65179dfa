"""Pictures from strangers: read when they are pictures, refused in sentences when not."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from app.world.pictures import MOST_SIDE, decode, jpeg, png, read_upload, strip


def encode(picture: np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return buffer.getvalue()


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def huge_png(width: int, height: int) -> bytes:
    """A small file that says it is a large picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_pictures_are_read(kind):
    picture = read_upload(encode(np.full((60, 90, 3), [200, 40, 20], np.uint8), kind))
    assert picture.shape == (60, 90, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture.mean((0, 1)) - [200, 40, 20]).max() < 6


def test_large_pictures_are_shrunk_and_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right
    picture = read_upload(encode(noise(1000, 3000), "JPEG", quality=30, exif=exif))
    assert picture.shape == (MOST_SIDE, MOST_SIDE // 3, 3)


def test_transparent_and_grey_pictures_become_color():
    assert read_upload(encode(noise(30, 40, 4))).shape == (30, 40, 3)
    assert read_upload(encode(noise(30, 40)[..., 0])).shape == (30, 40, 3)


def passes(count: int) -> bytes:
    """A progressive JPEG whose last pass comes so many times."""
    whole = encode(noise(40, 60), "JPEG", progressive=True)
    at = whole.rindex(b"\xff\xda")
    return whole[:at] + whole[at:-2] * count + whole[-2:]


def test_progressive_pictures_are_read():
    assert read_upload(passes(1)).shape == (40, 60, 3)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "not a picture"),
        (b"GIF89a", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (b"%PDF-1.4", "not a picture"),
        (encode(noise(50, 50))[:400], "not a picture"),
        (encode(noise(50, 50), "TIFF"), "not a picture"),
        (passes(200), "more than 100 passes"),  # 8 MB of them would take an hour
        (huge_png(9000, 9000), "40 megapixels"),
        (huge_png(60_000, 60_000), "40 megapixels"),
        (encode(noise(8, 90)), "too small"),
        (encode(noise(20, 900)), "narrow"),
    ],
)
def test_what_is_no_good_picture_is_refused(data, word):
    with pytest.raises(ValueError, match=word) as caught:
        read_upload(data)
    assert str(caught.value).startswith("This")
    assert str(caught.value).endswith(".")


def test_own_pictures_round_trip():
    frame = noise(96, 128)
    np.testing.assert_array_equal(decode(png(frame)), frame)
    smooth = np.linspace(0, 255, 96 * 128 * 3).reshape(96, 128, 3).astype(np.uint8)
    assert np.abs(decode(jpeg(smooth, 95, crisp=True)).astype(int) - smooth).mean() < 3
    assert len(jpeg(frame, 95, crisp=True)) > len(jpeg(frame, 95)) > len(jpeg(frame, 25))
    assert decode(strip(np.stack([smooth, smooth]))).shape == (96, 256, 3)
