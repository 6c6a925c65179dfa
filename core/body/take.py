"""A take: the poses of one performance, growing chunk by chunk, ready for every export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

from core.body.skeleton import FPS


@dataclass(frozen=True, kw_only=True)
class Poses:
    """Poses in a row."""

    root: np.ndarray
    """Pelvis position in the world, (T, 3) float32, meters, on the source skeleton."""
    rotations: np.ndarray
    """Local joint rotations as unit quaternions w x y z, (T, 22, 4) float32; joint 0 is global."""
    joints: np.ndarray
    """Joint positions in the world, (T, 22, 3) float32, meters: where the rotations put them."""
    features: np.ndarray
    """HumanML3D features, (T, 263) float32, not normalized."""
    unsolved: np.ndarray = None  # pyright: ignore[reportAssignmentType]
    """What a network said of the joints before rotations were solved for, (T, 22, 3) float32; the
    joints themselves where nothing was solved."""

    def __post_init__(self) -> None:
        if self.unsolved is None:
            object.__setattr__(self, "unsolved", self.joints)

    def __len__(self) -> int:
        return len(self.root)

    def __getitem__(self, part: slice) -> Poses:
        return Poses(**{name: getattr(self, name)[part] for name in _ARRAYS})

    @staticmethod
    def concatenate(parts: Sequence[Poses]) -> Poses:
        """Join at least one stretch of poses."""
        return Poses(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in _ARRAYS})


_ARRAYS = tuple(array.name for array in fields(Poses))


@dataclass(frozen=True, kw_only=True)
class PoseChunk(Poses):
    """A few poses in a row, as the engine streams them."""

    first: int
    """Index of the first pose in its stream."""
    prompt: str
    """What was asked for while these poses were made."""

    def until(self, end: int) -> PoseChunk:
        """Return those ahead of pose `end` of the stream."""
        return replace(self, **vars(self[: max(end - self.first, 0)]))


@dataclass(frozen=True, kw_only=True)
class PromptMark:
    """A prompt and the pose from which it holds."""

    start: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Take(Poses):
    """Poses with the prompts that made them and where they came from."""

    prompts: tuple[PromptMark, ...] = ()
    fps: float = FPS
    info: dict[str, str] = field(default_factory=dict)
    """Provenance written into every export: checkpoint, licence, seed, foot_contacts, ..."""

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self) / self.fps

    @classmethod
    def from_chunks(cls, chunks: list[PoseChunk], info: dict[str, str] | None = None) -> Take:
        """Join chunks that follow each other; raise ValueError when there is none."""
        if not chunks:
            raise ValueError("a take needs at least one pose; generate some motion first")
        marks: list[PromptMark] = []
        for chunk in chunks:
            if chunk.prompt != (marks[-1].text if marks else ""):
                marks.append(PromptMark(start=chunk.first - chunks[0].first, text=chunk.prompt))
        return cls(**vars(Poses.concatenate(chunks)), prompts=tuple(marks), info=info or {})

    def chunks(self) -> list[PoseChunk]:
        """Undo `from_chunks`: one chunk for each prompt, and for poses that nobody asked for."""
        marks = [m for m in self.prompts if 0 < m.start < len(self)]
        texts = ["", *(m.text for m in self.prompts)][-len(marks) - 1 :]
        bounds = [0, *(m.start for m in marks), len(self)]
        return [
            PoseChunk(first=start, prompt=text, **vars(self[start:end]))
            for start, end, text in zip(bounds[:-1], bounds[1:], texts, strict=True)
        ]

    def slice(self, start: int, end: int) -> Take:
        """Poses start..end - 1 as a take of their own; raise ValueError when that is empty."""
        start, end = max(start, 0), min(end, len(self))
        if start >= end:
            raise ValueError(f"the range {start}..{end} holds no pose; the take has {len(self)}")
        active = [m for m in self.prompts if m.start <= start][-1:]
        inside = [m for m in self.prompts if start < m.start < end]
        return replace(
            self,
            **vars(self[start:end]),
            prompts=tuple(replace(m, start=max(m.start - start, 0)) for m in (*active, *inside)),
        )
