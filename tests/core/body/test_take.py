"""Poses are sliced and joined as one, and a take keeps its prompts where they were."""

from __future__ import annotations

import numpy as np

from core.body.take import PoseChunk, Poses, PromptMark, Take
from tests.support.synthetic import walk_take


def assert_same(found: Poses, expected: Poses) -> None:
    for name in ("root", "rotations", "joints", "features"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_slices_and_joins_undo_each_other():
    take = walk_take()
    parts = [take[:3], take[3:4], take[4:4], take[4:]]
    assert [len(part) for part in parts] == [3, 1, 0, len(take) - 4]
    assert_same(Poses.concatenate(parts), take)


def test_a_chunk_keeps_its_place_and_prompt():
    chunk = PoseChunk(first=7, prompt="walk", **vars(walk_take()[7:19]))
    kept = chunk.until(10)
    assert (kept.first, kept.prompt, len(kept)) == (7, "walk", 3)
    assert_same(kept, walk_take()[7:10])
    assert len(chunk.until(100)) == 12
    assert len(chunk.until(5)) == 0


def test_a_take_is_its_chunks():
    take = walk_take()
    again = Take.from_chunks(take.chunks(), take.info)
    assert_same(again, take)
    assert again.prompts == take.prompts
    cut = take.slice(20, 30)
    assert_same(cut, take[20:30])
    assert cut.prompts == (PromptMark(start=0, text="walk"), PromptMark(start=5, text="on he goes"))
