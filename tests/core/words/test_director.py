"""Who tells a stream what to do next: steps that end, counts that are watched, notes."""

from __future__ import annotations

from itertools import islice, repeat

import numpy as np
import pytest

from core.body.take import PoseChunk
from core.engine import Engine
from core.words.director import SEEN, Director
from core.words.grammar import STILL
from tests.support.fakes import FakeEngine
from tests.support.tiny import write_checkpoints

WALK, JUMP = "a person walks", "a person jumps"


def played(prompts, poses: int, lasting: int | None = None) -> tuple[list[PoseChunk], Director]:
    """Chunks of the fake engine, which jumps once a second where it is told to."""
    director = Director(prompts, lambda: lasting)
    stream = director.watch(FakeEngine(milliseconds_per_pose=0).motion(director))
    return list(islice(stream, poses // 4)), director


def told(chunks: list[PoseChunk]) -> list[tuple[str, int]]:
    """What was followed, and from which pose on."""
    marks: list[tuple[str, int]] = []
    for chunk in chunks:
        if not marks or marks[-1][0] != chunk.prompt:
            marks.append((chunk.prompt, chunk.first))
    return marks


def test_a_plain_prompt_goes_on_for_ever():
    chunks, director = played(repeat(WALK), 400)
    assert told(chunks) == [(WALK, 0)]
    assert (director.notes, director.info()) == ((), {})


def test_steps_follow_each_other():
    chunks, director = played(repeat("walk for 2 seconds, then sit"), 200)
    assert told(chunks) == [(WALK, 0), ("a person sits", 40)]
    assert director.info() == {"asked": "walk for 2 seconds, then sit"}


def test_a_step_of_unknown_length_takes_a_while_or_its_share():
    asked = repeat("a person dances, then waves, then claps")
    assert [first for _, first in told(played(asked, 200)[0])] == [0, 64, 128]
    assert [first for _, first in told(played(asked, 200, lasting=72)[0])] == [0, 24, 48]


@pytest.mark.parametrize(("times", "count"), [("once", 1), ("twice", 2), ("three times", 3)])
def test_counts_end_by_standing_still(times, count):
    text = f"{JUMP} {times}"
    chunks, director = played(repeat(text), 200)
    (_, start), (after, end) = told(chunks)
    assert (start, after) == (0, STILL)
    # the fake is in the air for the first half of every second; a block is 8 poses
    assert 20 * (count - 1) + 4 <= end <= 20 * (count - 1) + 20
    assert director.notes == ()


def test_counts_go_on_beyond_what_is_looked_back_on():
    chunks, director = played(repeat(f"{JUMP} 40 times"), 1000)
    (_, end) = told(chunks)[1]
    assert 20 * 39 + 4 <= end <= 20 * 39 + 20
    assert director.notes == ()
    assert len(director._seen) <= SEEN


def test_the_network_is_told_words_that_do_what_is_counted():
    text = next(iter(Director(repeat("a man waves twice"))))
    assert text.words == "a man is waving around both arms"
    assert text == "a man waves twice"
    assert next(iter(Director([WALK]))).words == ""


def test_an_event_ends_its_step():
    chunks, _ = played(repeat("a person jumps and then walks"), 200)
    assert told(chunks)[1][0] == WALK
    assert 20 <= told(chunks)[1][1] <= 28


def test_a_count_that_does_not_come_is_given_up_and_said():
    chunks, director = played(repeat("a person claps twice"), 400)
    assert [text for text, _ in told(chunks)] == ["a person claps twice", STILL]
    assert director.notes == ("Only 0 of 2 were seen in 6 s of 'a person claps twice'.",)


def test_another_prompt_begins_anew_and_the_same_one_does_not():
    asked = [f"{JUMP} once"] * 10 + [WALK] * 5 + [f"{JUMP} once"] * 10
    chunks, _ = played(iter(asked), 200)
    assert [text for text, _ in told(chunks)] == [asked[0], STILL, WALK, asked[0], STILL]


def test_the_same_prompt_counts_anew_when_it_is_asked_for_again():
    def asked():
        for _ in range(10):
            yield f"{JUMP} once"
        director.forget()
        yield from repeat(f"{JUMP} once")

    director = Director(asked())
    stream = director.watch(FakeEngine(milliseconds_per_pose=0).motion(director))
    assert len(told(list(islice(stream, 50)))) == 4


def test_notes_are_of_the_newest_prompt_and_kept_for_the_take():
    director = Director(["asdf", "a dog runs", WALK])
    seen = [(text, director.notes) for text in director]
    assert [text for text, _ in seen] == [STILL, "a person runs", WALK]
    assert [len(notes) for _, notes in seen] == [1, 1, 0]
    info = director.info()
    assert info["asked"] == "asdf; a dog runs"
    assert "'asdf' is not understood" in info["prompt_notes"]
    assert "'a dog'" in info["prompt_notes"]


def test_a_prompt_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="the prompt is empty"):
        next(iter(Director(["?"])))


def test_a_plain_prompt_is_the_same_stream_to_the_byte(tmp_path):
    engine = Engine.load(write_checkpoints(tmp_path), device="cpu")
    prompts = [WALK] * 4 + [JUMP] * 4
    plain = list(engine.motion(prompts, seed=3))
    director = Director(prompts)
    same = list(director.watch(engine.motion(director, seed=3)))
    assert [c.prompt for c in same] == [c.prompt for c in plain]
    for a, b in zip(plain, same, strict=True):
        assert all(np.array_equal(getattr(a, n), getattr(b, n)) for n in ("root", "rotations"))
