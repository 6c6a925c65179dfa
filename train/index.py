"""Make the index of real motions, or add to one: `python -m train.index --data SET --out DIR`.

Nothing is trained: the aligner embeds windows of the training split, the VAE encodes them. Both lie
beside DIR. `--add` keeps what DIR holds already.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from tqdm import tqdm

from core import checkpoint
from core.body import features
from core.body.skeleton import FPS
from core.motion import attributes
from core.motion.align import Aligner
from core.motion.text import TextEncoder, load_text_encoder
from core.motion.vae import STRIDE, MotionVAE
from core.retrieval.index import Clip, IndexConfig, MotionIndex, Windows
from core.retrieval.search import embed
from train.data import Record, read_records

WINDOW = 20
"""Most latents of a window: 4 s."""
LONGEST = 24 * 5
"""Most latents of a clip that are kept, out of its middle: 24 s."""
SHORTEST = 3
"""Latents below which a motion is not worth a window."""

Rows = list[np.ndarray]


def windows_of(latents: int) -> list[tuple[int, int]]:
    """Cut so many latents into windows of equal length, at most WINDOW: (start, length)."""
    parts = -(-latents // WINDOW)
    ends = np.linspace(0, latents, parts + 1).round().astype(int)
    return [(int(a), int(b - a)) for a, b in pairwise(ends)]


class Maker:
    """Add clips to an index, one by one."""

    def __init__(
        self, cfg: IndexConfig, aligner: Aligner, vae: MotionVAE, encoder: TextEncoder
    ) -> None:
        self.cfg, self.aligner, self.vae, self.encoder = cfg, aligner, vae, encoder
        self.clips: list[Clip] = []
        self.latents: Rows = []
        self.words: Rows = []
        self.first: list[int] = []
        self.rows: list[tuple[int, int, int]] = []
        self.embeddings: Rows = []
        self.measures: Rows = []

    def take_over(self, index: MotionIndex) -> None:
        """Keep what an index holds."""
        self.clips, self.latents = list(index.clips), [index.latents]
        self.words, self.first = list(index.words), index.first.tolist()
        old = index.windows
        self.rows = list(zip(*(x.tolist() for x in (old.clip, old.start, old.length)), strict=True))
        self.embeddings, self.measures = list(old.embeddings), list(old.attributes)

    @torch.inference_mode()
    def add(self, record: Record, joints: np.ndarray) -> None:
        """Add a clip's joints (T, 22, 3); one that is there already, or too short, is left out."""
        if record.id in {clip.id for clip in self.clips}:
            return
        x = features.encode(joints, "steady")
        x = x[: len(x) // STRIDE * STRIDE]
        device = self.vae.mean.device
        z = self.vae.encode(self.vae.normalize(torch.from_numpy(x).to(device)[None]))[0]
        skip = max(len(z) - LONGEST, 0) // 2
        z = z[skip : skip + LONGEST].cpu().numpy()
        if len(z) < SHORTEST:
            return
        base = sum(map(len, self.latents))
        for start, length in windows_of(len(z)):
            first = (skip + start) * STRIDE
            part = joints[first : first + length * STRIDE + 1]
            self.rows.append((len(self.clips), base + start, length))
            self.embeddings.append(embed(self.aligner, part))
            self.measures.append(attributes.measure(part))
        captions = [caption for s in record.segments for caption in s.captions]
        whole = [c for s in record.segments if s.end - s.start >= record.poses for c in s.captions]
        self.first.append(base)
        self.latents.append(z)
        self.words.append(self._words(captions))
        self.clips.append(
            Clip(
                id=record.id,
                label=record.label,
                caption=(whole or [record.label])[0],
                licence=record.licence,
                pack=record.pack,
            )
        )

    def _words(self, captions: list[str]) -> np.ndarray:
        found = np.zeros(self.aligner.cfg.embed_dim, np.float32)
        for caption in captions:
            states, mask = (x.to(self.aligner.mean.device) for x in self.encoder([caption]))
            found += self.aligner.embed_text(states, mask)[0].cpu().numpy()
        return found

    def index(self) -> MotionIndex:
        """Return what there is; raise ValueError where that is nothing."""
        if not self.clips:
            raise ValueError("the set holds no clip of at least 0.6 seconds")
        clip, start, length = (np.array(column) for column in zip(*self.rows, strict=True))
        minutes = sum(map(len, self.latents)) * STRIDE / FPS / 60
        about = {
            "licence": "that of each clip",
            "data": {c.pack: c.licence for c in self.clips},
            "clips": len(self.clips),
            "windows": len(clip),
            "minutes_of_motion": round(minutes, 1),
        }
        return MotionIndex(
            cfg=self.cfg,
            about=about,
            clips=tuple(self.clips),
            words=np.stack(self.words),
            latents=np.concatenate(self.latents),
            first=np.array(self.first),
            windows=Windows(
                clip=clip,
                start=start,
                length=length,
                embeddings=np.stack(self.embeddings),
                attributes=np.stack(self.measures),
            ),
        )


def main(
    data: Annotated[Path, typer.Option(help="A training set, made by train.data.")],
    out: Annotated[Path, typer.Option(help="Folder of the index; aligner and VAE lie beside it.")],
    split: Annotated[str, typer.Option(help="train, val, or all.")] = "train",
    packs: Annotated[str, typer.Option(help="Only these packs, e.g. cmu,cc0,deepmimic.")] = "",
    add: Annotated[bool, typer.Option(help="Keep what the folder holds and add to it.")] = False,
) -> None:
    """Make the index of real motions that retrieval searches."""
    try:
        cfg, wanted = IndexConfig(), {p for p in packs.split(",") if p}
        aligner = checkpoint.load(out.parent / cfg.aligner, Aligner)
        vae = checkpoint.load(out.parent / cfg.vae, MotionVAE)
        maker = Maker(cfg, aligner, vae, load_text_encoder(cfg.text_encoder))
        if add:
            maker.take_over(MotionIndex.load(out))
        records = [
            r
            for r in read_records(data)
            if split in (r.split, "all") and (not wanted or r.pack in wanted)
        ]
        with np.load(data / "joints.npz") as joints:
            for record in tqdm(records, desc="index", unit="clip", disable=None):
                maker.add(record, joints[record.id])
        index = maker.index()
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    index.save(out)
    size = sum(path.stat().st_size for path in out.iterdir() if path.suffix != ".md") / 1e6
    print(f"{len(index.clips)} clips, {len(index.windows.clip)} windows, {size:.2f} MB")
    for pack, licence in index.about["data"].items():
        print(f"{pack}: {licence}")


if __name__ == "__main__":
    typer.run(main)
