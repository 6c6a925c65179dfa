"""What one visitor's body has done so far, bounded: the newest ten minutes are kept."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from itertools import pairwise

from app.protocol import Mark, Poses
from core.body import take
from core.body.mesh import Body
from core.body.skeleton import FPS
from core.body.take import PoseChunk, Take
from core.settings import KEEP_SECONDS


class TakeBuffer:
    """Chunks of one take with the prompts that made them. Its visitor locks, but not to `cut`."""

    def __init__(self, *, keep_seconds: int = KEEP_SECONDS):
        self.keep = keep_seconds * FPS
        self.marks: list[Mark] = []
        self._chunks: list[PoseChunk] = []
        self._costs: list[tuple[int, float]] = []  # prompt id and milliseconds of each chunk

    @property
    def first(self) -> int:
        """Oldest pose still kept."""
        return self._chunks[0].first if self._chunks else 0

    @property
    def end(self) -> int:
        """One past the newest pose."""
        return self._chunks[-1].first + len(self._chunks[-1]) if self._chunks else 0

    def append(self, chunk: PoseChunk, *, prompt: int, milliseconds: float) -> None:
        """Add the next chunk and drop whole chunks that are too old."""
        assert chunk.first == self.end, f"chunk {chunk.first} does not follow pose {self.end}"
        mark = Mark(id=prompt, start=chunk.first, text=chunk.prompt)
        if not self.marks or replace(self.marks[-1], start=mark.start) != mark:
            self.marks.append(mark)
        self._chunks.append(chunk)
        self._costs.append((prompt, milliseconds))
        excess = self.end - self.first - self.keep
        if excess > self.keep // 50:  # in strides, so that lists shift rarely
            drop = bisect_right(self._chunks, self.first + excess, key=lambda c: c.first) - 1
            del self._chunks[:drop], self._costs[:drop]
            # the mark that holds at the first kept pose stays
            later = sum(b.start <= self.first for _, b in pairwise(self.marks))
            del self.marks[:later]

    def read(self, cursor: int, most: int) -> Poses | None:
        """Poses from `cursor` on that follow one prompt, about `most`; None when there are none."""
        cursor = max(cursor, self.first)
        if cursor >= self.end:
            return None
        i = bisect_right(self._chunks, cursor, key=lambda c: c.first) - 1
        prompt, milliseconds = self._costs[i]
        skip, last, length = cursor - self._chunks[i].first, i + 1, 0
        length = len(self._chunks[i]) - skip
        while (
            last < len(self._chunks)
            and length + len(self._chunks[last]) <= most
            and self._costs[last][0] == prompt
        ):
            length += len(self._chunks[last])
            milliseconds += self._costs[last][1]
            last += 1
        poses = take.Poses.concatenate(self._chunks[i:last])[skip:]
        # fitted to one body for all: the others' hips differ from it by a few millimeters
        root, rotations = Body.load().fit(poses.root, poses.rotations)
        return Poses(
            first=cursor, prompt=prompt, milliseconds=milliseconds, root=root, rotations=rotations
        )

    def until(self, end: int) -> TakeBuffer:
        """The same up to a pose, in a buffer of its own."""
        part = TakeBuffer(keep_seconds=self.keep // FPS)
        for chunk, (prompt, milliseconds) in zip(self._chunks, self._costs, strict=True):
            if chunk.first < end:
                part.append(chunk.until(end), prompt=prompt, milliseconds=milliseconds)
        return part

    def cut(self, start: int, end: int, info: dict[str, str]) -> Take:
        """Poses start..end - 1 as a take; raise ValueError when none of them is kept."""
        chunks = self._chunks[:]  # in one go: others are appended and dropped meanwhile
        first = chunks[0].first if chunks else 0
        return Take.from_chunks(chunks, info).slice(start - first, end - first)
