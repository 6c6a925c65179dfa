"""NPZ files that claim more than is taken are refused by their headers; nothing is unpacked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from core.body import arrays
from core.body.arrays import open_arrays
from core.capture import array_kinds
from core.capture.follow import follow
from tests.core.capture.test_npz import save, smpl
from tests.support.motion_files import refusal


def header(shape: tuple[int, ...], kind: str = "<f4") -> bytes:
    head = io.BytesIO()
    told = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, told)
    return head.getvalue()


def packed(path: Path, method: int = zipfile.ZIP_STORED, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(f"{name}.npy", data)
    return path


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (header((10**12, 66)) + bytes(100), "264,000,000,000,000 bytes, but has 100"),
        (header((2**40, 2**40)) + bytes(100), "but has 100"),
        (header((-4, -66)) + bytes(10_000), "`poses` says"),
        (header((30_001, 66), "|i1") + bytes(30_001 * 66), "30,001 poses; 30,000 are the most"),
        (header((2401, 66), "|i1") + bytes(2401 * 66), "lasts 120.05 s; 120 s are the most"),
        (header((60, 66), "|O") + bytes(10_000), "`poses` does not hold numbers"),
        (header((60, 66), "<c8") + bytes(60 * 66 * 8), "`poses` does not hold numbers"),
        (b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65_535, "`poses` is no array"),
        (b"no array at all", "`poses` is no array"),
        (b"", "`poses` is no array"),
    ],
)
def test_arrays_that_lie_are_not_unpacked(tmp_path, monkeypatch, data, told):
    rate = io.BytesIO()
    np.save(rate, 500.0 if "30,001" in told else 20.0)
    monkeypatch.setattr(array_kinds, "_read", lambda _, name: pytest.fail(name))
    path = packed(tmp_path / "a.npz", zipfile.ZIP_DEFLATED, poses=data, fps=rate.getvalue())
    assert told in refusal(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_without_bounds_is_refused(tmp_path, method):
    path = packed(tmp_path / "a.npz", method, joints=bytes(1_000_000))
    assert "packed as none of NumPy's are" in refusal(path)


def test_archives_of_many_entries_are_not_opened(tmp_path, monkeypatch):
    path = packed(tmp_path / "a.npz", **{f"a{i}": b"" for i in range(1001)})
    monkeypatch.setattr(arrays.zipfile, "ZipFile", pytest.fail)
    assert "more than 1,000 entries" in refusal(path)


def test_damaged_and_encrypted_archives_get_a_sentence(tmp_path):
    whole = bytearray(save(tmp_path / "a.npz", **smpl()).read_bytes())
    at = whole.index(b"PK\x01\x02")
    whole[at + 8] |= 1  # says that it is encrypted
    (tmp_path / "a.npz").write_bytes(whole)
    assert "not a readable NPZ" in refusal(tmp_path / "a.npz")
    np.savez_compressed(tmp_path / "b.npz", **smpl())  # pyright: ignore[reportArgumentType]
    whole = bytearray((tmp_path / "b.npz").read_bytes())
    whole[200:400] = b"\xff" * 200
    (tmp_path / "b.npz").write_bytes(whole)
    assert "not a readable NPZ" in refusal(tmp_path / "b.npz")


def test_only_what_is_asked_for_is_measured_and_unpacked(tmp_path):
    path = save(tmp_path / "a.npz", **smpl(), shapes=np.zeros(1000), names=np.array([None]))
    assert len(follow(path).take) == 60
    with open_arrays(path, ("trans", "shapes", "missing"), most_bytes=10_000) as archive:
        assert archive.shapes == {"trans": (60, 3), "shapes": (1000,)}
    with (
        pytest.raises(ValueError, match="bytes when unpacked; 10,000 are the most"),
        open_arrays(path, ("poses",), most_bytes=10_000),
    ):
        pass
