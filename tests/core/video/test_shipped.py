"""The worlds in `checkpoints/`: real weights that load, obey their keys and tell of themselves."""

from __future__ import annotations

import numpy as np
import pytest

from core.engine import Engine
from core.settings import CHECKPOINTS
from core.video.actions import parse_script
from train.worlds.world import BLOCKS_KEYS

SHIPPED = Engine(CHECKPOINTS, "cpu")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHIPPED.worlds, reason="there is no world in checkpoints/"),
]
each = pytest.mark.parametrize("name", SHIPPED.worlds)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.square(one.astype(float) - other).mean())


def after(name: str, script: str, start: int = 0) -> np.ndarray:
    """The frames (T, H, W, 3) of a script."""
    masks = parse_script(script, BLOCKS_KEYS)
    return np.stack([made.frame for made in SHIPPED.video(masks, checkpoint=name, start=start)])


@each
def test_a_world_tells_of_itself(name):
    card = SHIPPED.world_card(name)
    assert (card["width"], card["height"], card["fps"]) == (128, 96, 30)
    assert card["keys"] == BLOCKS_KEYS
    assert (card["licence"], card["data"]) == ("CC0-1.0", "blocks")
    assert len(card["seeds"]) >= 6
    assert card["most_together"] >= 2
    for folder in (name, SHIPPED.world(name).dit.cfg.tokenizer):
        assert "FIGURE" not in (CHECKPOINTS / folder / "README.md").read_text()


@each
def test_drafts_change_no_byte(name):
    masks = parse_script("W:5,WR:3,-:3", BLOCKS_KEYS)
    dream, frames, drafted = SHIPPED.play(name, ahead=3), [], 0
    for mask in masks:
        made = dream.step(mask)
        frames.append(made.frame)
        drafted += made.drafted
        while dream.draft():
            pass
    assert drafted > 4
    assert np.array_equal(np.stack(frames), after(name, "W:5,WR:3,-:3"))


@each
def test_standing_still_keeps_the_picture(name):
    values = [
        psnr(after(name, "-:2", start)[-1], SHIPPED.seed_picture(name, start)) for start in range(4)
    ]
    assert np.mean(values) > 20


def shift(before: np.ndarray, now: np.ndarray) -> int:
    """How many pixels to the right the middle of a picture has moved."""
    middle, shifts = before[:, 48:80], range(-48, 49, 4)
    return max(shifts, key=lambda s: psnr(now[:, 48 + s : 80 + s], middle))


@each
def test_turning_goes_the_way_of_its_key(name):
    for start in range(3):
        before = SHIPPED.seed_picture(name, start)
        left, right = (after(name, f"{key}:4", start)[-1] for key in "LR")
        assert shift(before, left) > 0 > shift(before, right)
