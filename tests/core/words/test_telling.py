"""What the network is told in the place of what was asked for."""

from __future__ import annotations

import pytest

from core.words.reading import read

WORDS = {
    "someone waves twice": "someone is waving around both arms",
    "a man waves with the left hand three times": "a man is waving around the left arm",
    "a person kicks twice": "a person kicks twice with the right foot",
    "a person kicks with the left leg twice": "",
    "a person punches three times": "a person punches three times with the right fist",
    "a woman takes two steps back": "a woman walks backwards",
    "a woman takes two steps forward": "",
    "a person jumps twice": "",
    "a person waves": "",
    "a person turns left": "a person turns left and stops",
    "a woman turns to her right.": "a woman turns to her right and stops",
    "a person turns left and waves": "",
    "a man sits down": "a man sits down on a chair",
    "a man sits down on the floor": "",
    "somebody bows": "somebody bows down and stands up",
}


@pytest.mark.parametrize("text", WORDS)
def test_words_do_what_is_asked(text):
    (step,) = read(text).steps
    assert (step.text, step.words) == (text, WORDS[text])
