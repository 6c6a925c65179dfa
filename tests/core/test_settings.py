"""Settings: what is refused is refused in one sentence, and loose keywords name the same fields."""

from __future__ import annotations

import subprocess
import sys

import pytest

from core import settings
from core.settings import CaptureSettings, MotionSettings, WorldSettings


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


def test_settings_are_quick_to_import():
    code = (
        "import core.settings, sys; assert not {'torch', 'numpy', 'gradio', 'cv2'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
