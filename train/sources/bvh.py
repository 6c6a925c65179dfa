"""A folder of BVH files with a captions CSV.

    file,caption,start,end,label
    walk01.bvh,a person walks forward,,,walk
    walk01.bvh,a person turns left,2.5,4.0,turn

`file` and `caption` are needed; start and end are seconds (empty: the whole file). Several lines
for one file add up. Where guessing goes wrong, the columns map (cmu, mixamo, smpl or a json file),
up (x, y or z), crop_ok (yes or no) and licence say it for that file. Units need not be told.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from core.body.skeleton import FPS
from core.capture.read import read_joints
from train.sources import Clip, Text

Row = dict[str, str]


def read(path: str | Path, *, licence: str = "unknown") -> Iterator[Clip]:
    """Yield one clip per BVH file named in a captions CSV (or in the captions.csv of a folder)."""
    path = Path(path)
    path = path / "captions.csv" if path.is_dir() else path
    for name, rows in _rows(path).items():
        hint = {key: value for _, row in reversed(rows) for key, value in row.items() if value}
        joints = read_joints(path.parent / name, joint_map=hint.get("map"), up=hint.get("up"))
        yield Clip(
            id=Path(name).with_suffix("").as_posix(),
            joints=joints,
            texts=_texts(rows, len(joints) / FPS, path),
            label=hint.get("label", ""),
            pack=path.parent.resolve().name,
            licence=hint.get("licence", licence),
            crop_ok=hint.get("crop_ok", "yes").lower() not in ("no", "false", "0"),
        )


def _rows(path: Path) -> dict[str, list[tuple[int, Row]]]:
    """Group the CSV's lines by file, in order of first mention, as (line number, row)."""
    if not path.is_file():
        raise ValueError(f"{path} does not exist; expected a CSV with the columns file,caption")
    files: dict[str, list[tuple[int, Row]]] = {}
    with path.open(newline="", encoding="utf-8-sig") as stream:
        table = csv.DictReader(stream)
        if missing := {"file", "caption"} - set(table.fieldnames or ()):
            raise ValueError(f"{path}: the first line must name the columns {sorted(missing)}")
        for raw in table:
            row = {key: (value or "").strip() for key, value in raw.items() if isinstance(key, str)}
            if not row["file"]:
                continue
            if not row["caption"]:
                raise ValueError(f"{path}:{table.line_num}: {row['file']} has no caption")
            name = row["file"] if row["file"].lower().endswith(".bvh") else row["file"] + ".bvh"
            files.setdefault(name, []).append((table.line_num, row))
    if not files:
        raise ValueError(f"{path} names no BVH file")
    return files


def _texts(rows: list[tuple[int, Row]], seconds: float, path: Path) -> tuple[Text, ...]:
    spans: dict[tuple[float, float], list[str]] = {}
    for number, row in rows:
        where = f"{path}:{number}"
        start = _number(row.get("start"), where, "start") or 0.0
        end = _number(row.get("end"), where, "end") or seconds
        if not 0 <= start < min(end, seconds):
            raise ValueError(
                f"{where}: start {start:g} and end {end:g} do not lie within {row['file']}, "
                f"which is {seconds:.2f} seconds long"
            )
        spans.setdefault((start, min(end, seconds)), []).append(row["caption"])
    return tuple(Text(start=s, end=e, captions=tuple(c)) for (s, e), c in sorted(spans.items()))


def _number(text: str | None, where: str | Path, name: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"{where}: {name} must be a number, got {text!r}") from error
