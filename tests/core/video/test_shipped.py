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
SIZES = {"video": (128, 96), "video-teacher": (128, 96)}
"""Width and height; of worlds that remember their place it is LARGE."""
LARGE = (256, 192)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * np.log10(255**2 / np.square(one.astype(float) - other).mean())


def after(name: str, script: str, start: int = 0) -> np.ndarray:
    """The frames (T, H, W, 3) of a script."""
    masks = parse_script(script, BLOCKS_KEYS)
    return np.stack([made.frame for made in SHIPPED.video(masks, checkpoint=name, start=start)])


@each
def test_a_world_tells_of_itself(name):
    card = SHIPPED.world_card(name)
    assert (card["width"], card["height"]) == SIZES.get(name, LARGE)
    assert card["fps"] == 30
    assert card["keys"] == BLOCKS_KEYS
    assert (card["licence"], card["data"]) == ("CC0-1.0", "blocks")
    assert len(card["seeds"]) >= 6
    remembers = name not in SIZES
    assert card["most_together"] >= (1 if remembers else 2)
    assert (card["ground"] is not None) is remembers
    folders = [name] if remembers else [name, SHIPPED.world(name).dit.cfg.tokenizer]
    for folder in folders:
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
    eighth = before.shape[1] // 8
    first, last = 3 * eighth, 5 * eighth
    shifts = range(-first, first + 1, eighth // 4)
    return max(shifts, key=lambda s: psnr(now[:, first + s : last + s], before[:, first:last]))


@each
def test_turning_goes_the_way_of_its_key(name):
    for start in range(3):
        before = SHIPPED.seed_picture(name, start)
        left, right = (after(name, f"{key}:4", start)[-1] for key in "LR")
        assert shift(before, left) > 0 > shift(before, right)
