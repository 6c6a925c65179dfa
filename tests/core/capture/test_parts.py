"""The pieces that look at pictures, each against what is known of it by construction."""

from __future__ import annotations

import numpy as np
import pytest

from core.body.rotations import quat_from_axis_angle, quat_rotate
from core.capture.detector import GRIDS, Region, anchors, closer, merge
from core.capture.flips import cheapest, resolve_flips, turn
from core.capture.landmarks import POINT, SWAP, Landmarker, Landmarks, refine
from core.capture.track import NETWORKS, Track, TrackedFrame, continues
from tests.support import drawn_films as made


def some(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_regions_stand_people_upright():
    region = Region.around(np.array([100.0, 80.0]), np.array([140.0, 80.0]))
    assert region.side == pytest.approx(100)
    assert np.degrees(region.angle) == pytest.approx(90)  # the head points right
    assert region.to_picture(np.array([0.5, 0.0])) == pytest.approx([150, 80])


def test_a_crop_shows_what_lies_there():
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (100, 200, 3))
    crop = Region(60, 50, 40).crop(ramp, 20)
    assert crop[10, :, 0] == pytest.approx(np.arange(20) * 2 + 40.5, abs=1)
    up = Region(60, 50, 40, np.pi / 2).crop(ramp, 20)  # turned, so right becomes up
    assert up[::-1, 10, 0] == pytest.approx(np.arange(20) * 2 + 40.5, abs=1)
    assert Region(0, 50, 40).crop(ramp, 20)[:, 0].max() == 0


@pytest.mark.parametrize("size", [(1080, 1920), (1920, 1080), (240, 320), (500, 500), (400, 2000)])
def test_parts_cover_the_picture_and_overlap(size):
    frame = np.broadcast_to(np.uint8(0), (*size, 3))
    parts = closer(frame)
    small = [p for p in parts if p.side == min(p.side for p in parts)]
    grid = np.stack(np.meshgrid(*(np.linspace(0, s, 40) for s in size[::-1])), -1).reshape(-1, 2)
    middle = np.array([[p.x, p.y] for p in small])
    off = np.abs(grid[:, None] - middle).max(axis=-1)
    assert off.min(axis=1).max() <= small[0].side / 2 + 1e-6
    edge = 0.3 * min(size)
    inside = ((grid > edge) & (grid < np.array(size[::-1]) - edge)).all(axis=-1)
    # whoever is half as large as a part is whole in one of them
    assert off[inside].min(axis=1).max() <= 0.3 * small[0].side
    assert all(p.x - p.side / 2 > -1e-6 for p in parts)
    assert len(parts) < 60


def test_whether_somebody_can_be_the_same():
    here = Region(100, 100, 125)
    assert continues(here, Region(120, 100, 125), 0)
    assert not continues(here, Region(130, 100, 125), 0)
    assert continues(here, Region(130, 100, 125), 2)
    assert not continues(here, Region(100, 100, 250), 0)


def test_anchors_are_the_networks():
    found = anchors()
    assert found.shape == (2254, 2)
    assert sum(cells * cells * repeats for cells, repeats in GRIDS) == 2254
    assert found[0] == pytest.approx([1 / 56, 1 / 56])
    assert found[2] == pytest.approx([3 / 56, 1 / 56])


def test_guesses_of_one_person_become_one():
    one = np.array([[0.3, 0.3], [0.2, 0.2], *[[0.3, 0.5]] * 4])
    points = np.stack([one + np.array([right, 0]) for right in (0, 0.01, 0.4)])
    points[:, 1] = [0.2, 0.2]
    found = merge(np.array([0.9, 0.6, 0.8]), points)
    assert [score for score, _ in found] == [0.9, 0.8]
    assert found[0][1][0, 0] == pytest.approx(0.3 + 0.01 * 0.6 / 1.5)


def test_swapping_sides_twice_changes_nothing():
    assert (SWAP[SWAP] == np.arange(33)).all()
    for name, i in POINT.items():
        if "left" in name:
            assert SWAP[i] == POINT[name.replace("left", "right")]


def test_points_move_to_the_middle_of_their_heat():
    heat = np.full((1, 64, 64, 2), -20.0)
    heat[0, 20, 30, 0] = heat[0, 20, 32, 0] = 4.0
    points = np.array([[[30.4, 20.9], [10.0, 10.0]]]) / 64
    moved = refine(points, heat) * 64
    assert moved[0, 0] == pytest.approx([31, 20], abs=0.01)
    assert moved[0, 1] == pytest.approx([10, 10])  # nothing there


def test_a_turned_picture_gives_the_same_person():
    frame = made.pictures()[8]
    network = Landmarker(NETWORKS / "landmarks.onnx", 1)
    region = network.read(frame, Region(160, 120, 200)).next
    upright = network.read(frame, region)
    turned = np.ascontiguousarray(np.rot90(frame))  # right becomes up: (x, y) -> (y, 320 - x)
    where = Region(region.y, 320 - region.x, region.side, region.angle - np.pi / 2)
    lying = network.read(turned, where)
    back = np.stack([320 - lying.pixels[..., 1], lying.pixels[..., 0]], axis=-1)
    assert np.abs(back - upright.pixels).max() < 1.5
    world = np.stack([-lying.world[..., 1], lying.world[..., 0], lying.world[..., 2]], axis=-1)
    assert np.abs(world - upright.world).max() < 0.03
    assert upright.scores.min() > 0.8


def track_of(worlds: np.ndarray, rate: float = 30.0) -> Track:
    """A person whose two readings of each frame are (T, 2, 33, 3)."""
    region, seen = Region(320, 240, 400), np.ones((2, 33))
    tracked = [
        TrackedFrame(i, region, Landmarks(np.ones(2), 320 + 100 * w[..., :2], w, seen, region))
        for i, w in enumerate(worlds)
    ]
    return Track(tuple(tracked), rate, (640, 480), len(tracked), 1, 1)


def test_a_reading_that_turns_for_a_moment_is_put_right():
    body = some(33, 3) * 0.5
    worlds = np.tile(body, (40, 2, 1, 1)) + 0.01 * some(40, 2, 33, 3, seed=1)
    wrong = worlds.copy()
    wrong[10:14, 0] = wrong[10:14, 0][:, SWAP] * [1, 1, -1]  # one of the two
    wrong[20:24] = wrong[20:24][:, :, SWAP] * [1, 1, -1]  # both
    resolved = resolve_flips(track_of(wrong))
    assert np.abs(resolved.world - body).max() < 0.1
    assert resolved.flipped == 8
    assert turn(turn(resolved)).world == pytest.approx(resolved.world)


def test_a_body_that_turns_round_stays_turned():
    angle = np.pi * np.clip((np.arange(120) - 40) / 15, 0, 1)  # half a second
    turns = quat_from_axis_angle(angle[:, None] * [0.0, 1, 0])
    body = quat_rotate(turns[:, None], made.person()[:1])
    resolved = resolve_flips(track_of(np.stack([body, body], axis=1)))
    assert resolved.flipped == 0
    assert resolved.world == pytest.approx(body)


def test_the_cheapest_way_is_found():
    ways = np.zeros((4, 2, 1, 3))
    ways[:, 1] = 1.0
    cost = np.array([[0.0, 9], [9, 0], [0, 9], [0, 9]])
    assert cheapest(ways, cost, np.arange(4)).tolist() == [0, 0, 0, 0]
    assert cheapest(ways, 20 * cost, np.arange(4)).tolist() == [0, 1, 0, 0]
