"""Our own form: clips.jsonl (one clip a line) beside one <pack>.npz of joints per pack."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.body.skeleton import FPS
from train.sources import Clip, Text


def read(path: str | Path, *, packs: tuple[str, ...] | None = None) -> Iterator[Clip]:
    """Yield the clips of a clips.jsonl (or of the folder holding it).

    packs: only these packs, e.g. ("cmu", "cc0"); None yields every pack in the file.
    Raise ValueError when a pack, its npz file or a clip's joints are missing.
    """
    path = Path(path)
    path = path / "clips.jsonl" if path.is_dir() else path
    if not path.is_file():
        raise ValueError(f"{path} does not exist; expected one JSON object a line, one per clip")
    rows = _rows(path)
    known = {row["pack"] for _, row in rows}
    if unknown := set(packs or ()) - known:
        raise ValueError(f"{path} has no pack {sorted(unknown)}; it has {sorted(known)}")
    for pack in sorted(known if packs is None else packs):
        store = path.parent / f"{pack}.npz"
        if not store.is_file():
            raise ValueError(f"{store} is missing; {path.name} names it as the pack {pack!r}")
        with np.load(store) as joints:
            for line, row in rows:
                if row["pack"] != pack:
                    continue
                if row["id"] not in joints:
                    raise ValueError(f"{path}:{line}: clip {row['id']!r} is not in {store.name}")
                yield _clip(row, joints[row["id"]].astype(np.float32))


def _rows(path: Path) -> list[tuple[int, dict]]:
    """Parse the lines as (line number, object); blank lines are skipped."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{number}: not a JSON object ({error})") from error
        if missing := {"id", "pack", "captions"} - row.keys():
            raise ValueError(f"{path}:{number}: a clip needs {sorted(missing)}")
        if (fps := row.get("fps", FPS)) != FPS:
            raise ValueError(f"{path}:{number}: packs hold {FPS} frames a second, this says {fps}")
        rows.append((number, row))
    return rows


def _clip(row: dict, joints: np.ndarray) -> Clip:
    whole = Text(start=0.0, end=len(joints) / FPS, captions=_clean(row["captions"]))
    parts = [
        Text(start=float(s["start"]), end=float(s["end"]), captions=_clean(s["captions"]))
        for s in row.get("segments", ())
    ]
    return Clip(
        id=row["id"],
        joints=joints,
        texts=tuple(t for t in (whole, *parts) if t.captions),
        label=row.get("label", ""),
        pack=row["pack"],
        licence=row.get("licence", "unknown"),
        quality=(row.get("quality") or "A")[0],  # "K (hand key-framed, ...)" -> "K"
        crop_ok=bool(row.get("crop_ok", True)),
    )


def _clean(captions: list[str]) -> tuple[str, ...]:
    return tuple(text.strip() for text in captions if text.strip())
