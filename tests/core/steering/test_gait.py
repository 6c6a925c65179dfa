"""Words for speeds, and manners that stay."""

from __future__ import annotations

import math

import pytest

from core.steering.gait import BACK, LEFT, RIGHT, RUN, STAND, WALK, goes, plain, words


@pytest.mark.parametrize(
    "prompt",
    [
        "a person walks",
        "A person runs forward.",
        "walk",
        "someone is walking",
        "the man stands still",
    ],
)
def test_plain_prompts_leave_the_gait_open(prompt):
    assert plain(prompt)
    assert words(prompt, 1.2, 0.0, 0.0)[0] == WALK
    assert words(prompt, 3.0, 0.0, 1.2)[0] == RUN
    assert words(prompt, 0.0, 0.0, 1.2) == (STAND, 0.0)
    assert words(prompt, 1.0, math.radians(170), 1.2)[0] == BACK
    assert words(prompt, 1.0, math.radians(90), 1.2)[0] == LEFT
    assert words(prompt, 1.0, math.radians(-60), 1.2)[0] == RIGHT


@pytest.mark.parametrize("prompt", ["a person limps", "she sneaks around", "a zombie walks slowly"])
def test_a_manner_stays_while_somebody_goes(prompt):
    assert goes(prompt)
    assert words(prompt, 3.0, 0.0, 1.2)[0] == prompt
    assert words(prompt, 0.0, 0.0, 1.2)[0] == STAND


def test_who_does_not_go_by_the_prompt_walks_in_between():
    for prompt in ("a person waves", "a good golfer swings", "a person jumps", "somebody packs"):
        assert words(prompt, 1.2, 0.0, 0.0)[0] == WALK
    assert words("a person waves", 0.0, 0.0, 1.2) == ("a person waves", 0.0)


def test_speeds_in_between_change_nothing():
    assert words("walk", 0.4, 0.0, 1.2)[0] == WALK
    assert words("walk", 0.4, 0.0, 0.0)[0] == STAND
    assert words("walk", 2.1, 0.0, 3.4)[0] == RUN
    assert words("walk", 2.1, 0.0, 1.2)[0] == WALK
