"""Somebody who walks straight on is bent to where he is wanted, and his feet do not slide."""

from __future__ import annotations

import numpy as np
import pytest

from core.body.skeleton import FPS
from core.steering import gait
from core.steering.wishes import Drive, Steer, Waypoint, Wishes
from tests.support.walking import steered


def misses(steer: Steer) -> list[float]:
    """Meters by which points were missed."""
    return [met.missed for met in steer.report if met.missed is not None]


def direction(joints: np.ndarray) -> np.ndarray:
    """Degrees (T - 1,) to the left of Z in which the root goes, over a stride."""
    steps = np.diff(joints[:, 0][:, [0, 2]], axis=0)
    steps = np.stack([np.convolve(axis, np.ones(11) / 11, mode="same") for axis in steps.T])
    return np.degrees(np.arctan2(*steps))


@pytest.mark.parametrize(
    "places",
    [
        [(0, 3), (0, 6)],
        [(1, 2.5), (3, 3.5), (4, 1.5)],
        [(-2, 2), (-2, 4), (0, 4.5)],
        [(2, 1), (2, -1.5), (0, -2)],
    ],
)
def test_points_are_passed_within_ten_centimeters(places):
    length, points, before = 0.0, [], (0, 0)
    for place in places:
        length += 1.15 * np.hypot(place[0] - before[0], place[1] - before[1])
        points.append(Waypoint(place=place, at=round(length / 1.15 + 0.2, 2)))
        before = place
    steer = Steer(Wishes(waypoints=tuple(points)))
    steered(steer, int((length + 4) * FPS / 8))
    assert [met.wish for met in steer.report] == points
    assert np.median(misses(steer)) < 0.1
    assert max(misses(steer)) < 0.2
    assert max(met.late for met in steer.report) < 0.6
    assert steer.due == ()


def test_a_facing_is_met_within_ten_degrees():
    steer = Steer(Wishes(waypoints=(Waypoint(place=(1, 3), at=3.2, facing=60),)))
    steered(steer, 12)
    (met,) = steer.report
    assert misses(steer)[0] < 0.1
    assert met.turned is not None
    assert abs(met.turned) < 10


def test_what_is_too_far_is_late_and_says_so():
    steer = Steer(Wishes(waypoints=(Waypoint(place=(0, 2), at=0.5),)))
    told = []
    steered(steer, 8, change=lambda pose: told.append(steer.due))
    (met,) = steer.report
    assert met.late > 0.5
    assert misses(steer)[0] < 0.1
    ((point, due),) = told[1]
    assert point == met.wish
    assert due == pytest.approx(met.at, abs=0.3)


def test_a_stop_is_stood_at():
    steer = Steer(Wishes(waypoints=(Waypoint(place=(0.5, 3), at=3, stop=True),)))
    dues = []
    joints = steered(steer, 18, change=lambda pose: dues.extend(due for _, due in steer.due))
    assert dues[-1] == pytest.approx(steer.report[0].at, abs=0.11)
    assert steer.words == gait.STAND
    assert np.ptp(joints[-40:, 0, [0, 2]], axis=0).max() < 0.1
    assert np.hypot(joints[-1, 0, 0] - 0.5, joints[-1, 0, 2] - 3) < 0.15


def test_who_stands_at_a_point_that_is_taken_back_goes_on():
    steer = Steer(Wishes(waypoints=(Waypoint(place=(0.0, 2.0), at=2, stop=True),)))
    forget = {15 * 8: lambda: steer.want(Wishes())}
    told = []
    steered(steer, 18, change=lambda pose: (told.append(steer.words), forget.get(pose, int)()))
    assert told[15] == gait.STAND
    assert steer.words == "a person walks"


def test_who_walks_already_need_not_set_out():
    steer, told = Steer(), []
    ahead = Wishes(waypoints=(Waypoint(place=(0.0, 6.4), at=7.0),))

    def change(pose: int) -> None:
        told.append(steer.words)
        if pose == 40:  # 2.4 m on, with 4 m to go in 5 s
            steer.want(ahead)

    steered(steer, 20, gait.WALK, change)
    assert gait.STAND not in told
    assert misses(steer)[0] < 0.1
    assert steer.report[0].late < 0.3


def test_who_has_too_much_time_waits():
    steer = Steer(Wishes(waypoints=(Waypoint(place=(0, 2), at=8),)))
    words = []
    steered(steer, 22, change=lambda pose: words.append(steer.words))
    assert gait.STAND in words
    assert misses(steer)[0] < 0.25


@pytest.mark.parametrize("angle", [-150, -90, 45, 90])
def test_a_drive_is_followed_and_seen_soon(angle):
    steer = Steer(Wishes(drive=Drive(velocity=(0, 1.2))))
    ways = 1.2 * np.sin(np.radians(angle)), 1.2 * np.cos(np.radians(angle))

    def change(pose: int) -> None:
        if pose == 48:
            steer.wishes = Wishes(drive=Drive(velocity=ways))

    joints = steered(steer, 20, change=change)
    off = (direction(joints) - angle + 180) % 360 - 180
    assert np.abs(off[-30:-10]).mean() < 10
    facing = np.degrees(np.unwrap(np.arctan2(*_across(joints))))
    assert abs(facing[48 + 8] - facing[47]) > 10  # within .4 s of having been read


@pytest.mark.parametrize("facing", [-90, 45, 120])
def test_a_standing_body_turns_to_where_it_is_to_look(facing):
    steer, words = Steer(Wishes(drive=Drive(velocity=(0, 0), facing=facing))), []
    joints = steered(steer, 16, change=lambda pose: words.append(steer.words))
    assert (gait.TURN_LEFT if facing > 0 else gait.TURN_RIGHT) in words
    assert steer.words == gait.STAND
    assert abs(np.degrees(np.arctan2(*_across(joints)))[-1] - facing) < 10
    assert np.abs(joints[:, 0, [0, 2]] - joints[0, 0, [0, 2]]).max() < 0.2


@pytest.mark.parametrize(("side", "angle"), [(-0.8, -90), (0.8, 90), (0.8, 75)])
def test_a_body_steps_aside_where_a_facing_is_held(side, angle):
    way = abs(side) * np.sin(np.radians(angle)), abs(side) * np.cos(np.radians(angle))
    steer = Steer(Wishes(drive=Drive(velocity=way, facing=0)))
    joints = steered(steer, 16)
    assert steer.words == (gait.LEFT if side > 0 else gait.RIGHT)
    assert np.abs(direction(joints)[-60:-10] - angle).max() < 10
    assert abs(np.degrees(np.arctan2(*_across(joints)))[-1]) < 10


def _across(joints: np.ndarray) -> np.ndarray:
    hips = joints[:, 1] - joints[:, 2]
    return np.stack([-hips[:, 2], hips[:, 0]])


def test_without_wishes_nothing_is_changed():
    steer = Steer()
    straight = steered(steer, 4)
    assert steer.history == []
    assert steer.words == "a person walks"
    assert np.abs(straight[:, 0, 0]).max() < 0.1


def test_what_was_read_can_be_read_again():
    steer = Steer()

    def change(pose: int) -> None:
        if pose in (16, 40, 64):
            steer.wishes = Wishes(drive=Drive(velocity=(pose / 40, 1)))

    joints = steered(steer, 12, change=change)
    assert [reading for reading, _ in steer.history] == [4, 10, 16]
    again = Steer(replay=steer.history)
    np.testing.assert_array_equal(steered(again, 12), joints)
    assert again.history == steer.history
