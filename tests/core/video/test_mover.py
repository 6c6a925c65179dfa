"""Mover: steps and walls read off recorded walks; walls hold, slides slide, nobody gets out."""

from __future__ import annotations

import numpy as np
import pytest

from core import checkpoint
from core.engine import Engine
from core.settings import CHECKPOINTS
from core.video.mover import BACK_OFF, FIXED, Mover, difference
from tests.support.tiny import KEYS, ROOM, tiny_mover

MOVER = tiny_mover()
W, S, A, D, L, R = (1 << i for i in range(6))


def move(x: float, y: float, degrees: float, mask: int) -> list[float]:
    """A step from a place, rounded."""
    return MOVER.move(np.array([[x, y, degrees]]), mask)[0].round(6).tolist()


def walks(mover: Mover, rows: int, steps: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Places (steps, rows, 3), masks (steps, rows) and places then, of walks at random keys."""
    rng = np.random.default_rng(seed)
    places, masks = np.tile([8.0, 8.0, 0.0], (rows, 1)), np.zeros(rows, int)
    before, held, after = [], [], []
    for _ in range(steps):
        anew = rng.random(rows) < 0.2
        masks = np.where(anew, rng.integers(0, 1 << mover.cfg.keys, rows), masks)
        before.append(places)
        held.append(masks)
        places = mover.move(places, masks)
        after.append(places)
    return np.stack(before), np.stack(held), np.stack(after)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (0, [8, 24, 90]),
        (W, [8, 29, 90]),
        (S, [8, 20, 90]),
        (A, [4, 24, 90]),
        (D, [12, 24, 90]),
        (L, [8, 24, 96]),
        (R, [8, 24, 84]),
        (W | D, [12, 29, 90]),
    ],
)
def test_every_key_goes_its_way(mask, expected):
    assert move(8, 24, 90, mask) == expected


def test_each_tick_turns_first_and_then_goes():
    x, y, degrees = move(8, 8, 0, W | L)
    angles = np.deg2rad([3, 6])
    assert [x, y] == pytest.approx([8 + 2.5 * np.cos(angles).sum(), 8 + 2.5 * np.sin(angles).sum()])
    assert degrees == 6


def test_a_wall_is_met_a_little_before_it():
    x, y, _ = move(24, 13, 90, W)  # the pillar begins at y = 16; the second tick meets it
    assert x == 24
    assert 16 - 2.5 * 2 * BACK_OFF <= y < 16
    assert move(*(24, y, 90), W)[1] < 16


def test_a_slanted_way_slides_along_the_wall():
    x, y, _ = move(20, 15.5, 45, W)
    way = 5 * np.sqrt(0.5)
    assert y < 16
    assert x == pytest.approx(20 + way, abs=0.2)  # nothing of the way along it is lost
    assert move(20, 15.5, 135, W)[0] == pytest.approx(20 - way, abs=0.2)


def test_a_corner_holds():
    place = np.array([[60.0, 60.0, 45.0]])
    for _ in range(20):
        place = MOVER.move(place, W)
    assert (place[0, :2] < 64).all()
    assert (place[0, :2] > 63).all()


def test_who_is_off_the_map_goes_freely():
    assert move(24, 24, 0, W) == [29, 24, 0]  # inside the pillar
    assert move(-50, 8, 180, W) == [-55, 8, 180]
    assert not MOVER.can_stand(np.array([[24.0, 24.0], [-1.0, 8.0], [64.0, 8.0]])).any()
    assert MOVER.can_stand(np.array([0.0, 0.0]))


def test_the_nearest_place_to_stand():
    asked = np.array([[20.0, 24.0], [-9.0, 70.0], [8.0, 8.0]])
    found = MOVER.nearest(asked)
    assert found == pytest.approx(np.array([[16.0, 24.0], [0.0, 64.0], [8.0, 8.0]]), abs=1e-4)
    assert MOVER.can_stand(found).all()


def test_rows_do_not_see_each_other():
    before, held, after = walks(MOVER, 12, 40)
    for step in (5, 20, 39):
        for row in (0, 7, 11):
            one = MOVER.move(before[step][row : row + 1], int(held[step][row]))
            assert np.array_equal(one[0], after[step][row])


def test_a_mover_is_read_off_walks():
    before, held, after = (part.reshape(-1, *part.shape[2:]) for part in walks(MOVER, 60, 1500))
    found = Mover.fit(before, held, after, keys=len(KEYS))
    assert (found.cfg.ticks, found.cfg.texel) == (2, 16)
    assert found.ground()["rows"] == MOVER.ground()["rows"] == list(ROOM)
    assert (found.steps - MOVER.steps).abs().max() < 0.05 * FIXED
    start, held, end = walks(MOVER, 40, 200, seed=1)
    places = start[0]
    for masks in held:
        places = found.move(places, masks)
    off = np.hypot(*(places - end[-1])[:, :2].T)
    assert np.median(off) < 0.5
    assert np.abs(difference(places[:, 2], end[-1][:, 2])).max() < 0.5


def test_no_walks_are_told():
    with pytest.raises(ValueError, match="read off recorded steps, and there are none"):
        Mover.fit(np.zeros((0, 3)), np.zeros(0, int), np.zeros((0, 3)), keys=6)


def test_a_mover_survives_its_checkpoint(tmp_path):
    checkpoint.save(MOVER, tmp_path / "mover", about={})
    again = checkpoint.load(tmp_path / "mover", Mover)
    before, held, after = walks(MOVER, 20, 50)
    assert np.array_equal(again.move(before[30], held[30]), after[30])


REMEMBERING = [
    name
    for name in Engine(CHECKPOINTS, "cpu").worlds
    if (CHECKPOINTS / name / "mover" / "config.json").is_file()
]


@pytest.mark.parametrize("name", REMEMBERING)
def test_nobody_ever_leaves_a_shipped_world(name):
    mover = checkpoint.load(CHECKPOINTS / name / "mover", Mover)
    rng = np.random.default_rng(4)
    row, column = np.nonzero(mover.walkable.numpy())
    chosen = rng.integers(len(row), size=40)
    cells = np.column_stack([column, row])[chosen] + rng.random((40, 2))
    places = np.column_stack([mover.cfg.low + cells * mover.cfg.texel, rng.random(40) * 360])
    masks = np.zeros(40, int)
    for _ in range(500):  # 20,000 steps
        masks = np.where(rng.random(40) < 0.1, rng.integers(0, 1 << mover.cfg.keys, 40), masks)
        places = mover.move(places, masks)
        assert mover.can_stand(places[:, :2]).all()
