"""Settings: what is refused is refused in one sentence, and loose keywords name the same fields."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core import settings
from core.settings import CaptureSettings, MotionSettings, WorldSettings, check_prompt


@pytest.mark.parametrize(
    ("kind", "values", "sentence"),
    [
        (MotionSettings, {"steps": 0}, "steps must be in 1..100, got 0"),
        (MotionSettings, {"guidance": 0.5}, "guidance must be in 1.0..10.0, got 0.5"),
        (MotionSettings, {"guidance": float("nan")}, "guidance must be in 1.0..10.0, got nan"),
        (MotionSettings, {"seed": -1}, "seed must be a whole number from 0 to 2^63 - 1, got -1"),
        (WorldSettings, {"steps": 51}, "steps must be in 1..50, got 51"),
        (WorldSettings, {"context_noise": 0.7}, "context_noise must be in 0..0.5, got 0.7"),
        (WorldSettings, {"ahead": 9}, "ahead must be in 0..8, or -1 for automatic, got 9"),
        (CaptureSettings, {"tilt": 99}, "tilt must be in -60..60, got 99"),
        (CaptureSettings, {"lens": 0.1}, "lens must be in 0.4..4, got 0.1"),
        (
            WorldSettings,
            {"steps": "x"},
            "steps: Input should be a valid integer, unable to parse string as an integer, got 'x'",
        ),
        (WorldSettings, {"speed": 1}, "speed: Extra inputs are not permitted, got 1"),
    ],
)
def test_what_is_refused_is_one_sentence(kind, values, sentence):
    for make in (kind, kind().changed):
        with pytest.raises(ValueError, match="got") as caught:
            make(**values)
        assert str(caught.value) == sentence
        assert type(caught.value) is ValueError


def test_settings_are_changed_by_making_new_ones():
    one = WorldSettings(seed=3, steps=2)
    assert one.changed(steps=None, together=2) == WorldSettings(seed=3, together=2)
    with pytest.raises(ValueError, match="frozen"):
        one.seed = 4


@pytest.mark.parametrize("name", ["Motion", "World", "Capture"])
def test_loose_keywords_are_the_fields(name):
    options, kind = getattr(settings, f"{name}Options"), getattr(settings, f"{name}Settings")
    assert list(options.__annotations__) == list(kind.model_fields)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("a person\u200b walks", "a person walks"),
        ("a per\u00adson walks", "a person walks"),
        ("\ufeffa person walks\u2060", "a person walks"),
        ("\u202aa person walks\u202c", "a person walks"),
        (
            "a \U0001f468\u200d\U0001f469\u200d\U0001f467 waves",
            "a \U0001f468\U0001f469\U0001f467 waves",
        ),
        ("a person \u2764\ufe0f dances", "a person \u2764 dances"),
        ("a \u845b\U000e0100 walks", "a \u845b walks"),
        ("\u200b a person\u00a0\u200b walks\u2028on ", "a person walks on"),
        ("a person \U0001fae0 melts", "a person \U0001fae0 melts"),  # newer than old Pythons
    ],
)
def test_what_nobody_sees_is_dropped_from_a_prompt(typed, read):
    assert check_prompt(typed) == read


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("a person\x00 walks", "control characters"),
        ("a person\x1b[31m walks", "control characters"),
        ("a person \ud800 walks", "control characters"),
        ("\u200b\u200d", "empty"),
        ("x" * 301, "301 characters; 300"),
    ],
)
def test_what_cannot_be_a_prompt_is_said(typed, why):
    with pytest.raises(ValueError, match=why):
        check_prompt(typed)


def test_settings_are_quick_to_import():
    code = (
        "import core.settings, sys; assert not {'torch', 'numpy', 'gradio', 'cv2'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
