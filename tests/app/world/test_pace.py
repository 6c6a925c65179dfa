"""The world's clock and the mailbox of keys, with a clock of the test's own."""

from __future__ import annotations

from itertools import pairwise

import pytest

from app.protocol import DreamState
from app.world.frame_feed import BEST, MOST_WINDOW, WORST, FrameFeed
from app.world.pace import EVERY, MOST_DEBT, KeyMailbox, Pace, Rates

PERIOD = 1 / 30
IDLE = DreamState(state="idle")


def frames_made(pace: Pace, *, cost: float, seconds: float, start: float = 0.0) -> list[float]:
    """When frames begin if each takes `cost` seconds."""
    now, begun = start, []
    while now < start + seconds:
        now += pace.delay(now)
        pace.begin(now)
        begun.append(now)
        now += cost
    return begun


def test_frames_keep_to_the_clock():
    begun = frames_made(Pace(30), cost=0.02, seconds=10)
    assert len(begun) == pytest.approx(300, abs=1)
    gaps = [b - a for a, b in pairwise(begun)]
    assert min(gaps) == pytest.approx(PERIOD)
    assert max(gaps) == pytest.approx(PERIOD)


def test_a_short_delay_is_made_up_for_and_a_long_one_forgotten():
    pace = Pace(30)
    frames_made(pace, cost=0.01, seconds=1)
    late = frames_made(pace, cost=0.01, seconds=1, start=1 + 0.3)
    assert len(late) == pytest.approx(30 + 9, abs=1)
    pace = Pace(30)
    frames_made(pace, cost=0.01, seconds=1)
    forgotten = frames_made(pace, cost=0.01, seconds=1, start=1 + MOST_DEBT + 1)
    assert len(forgotten) == pytest.approx(30, abs=1)


def test_an_eager_frame_comes_up_to_one_frame_early_and_the_rate_stays():
    pace = Pace(30)
    pace.begin(0.0)
    assert pace.delay(0.01) == pytest.approx(PERIOD - 0.01)
    assert pace.delay(0.01, eager=True) == 0
    pace.begin(0.01)
    # a second one may not come before the first was due
    assert pace.delay(0.02, eager=True) == pytest.approx(PERIOD - 0.02)
    assert pace.delay(0.02) == pytest.approx(2 * PERIOD - 0.02)
    now, made = 0.02, 0
    while now < 10:
        now += pace.delay(now, eager=True)
        pace.begin(now)
        made += 1
        now += 0.001
    assert made == pytest.approx(300, abs=2)
    pace.rest(now + 0.3)
    assert len(frames_made(pace, cost=0.01, seconds=1, start=now + 0.3)) == pytest.approx(30, abs=1)


def test_a_tap_between_two_frames_is_not_lost():
    held = KeyMailbox()
    held.report(1, 1)
    assert held.changed
    assert held.take() == (1, 1)
    assert not held.changed
    held.report(0, 2)
    held.report(4, 3)
    held.report(0, 4)
    assert held.take() == (4, 3)  # change 4 is still to be obeyed
    assert held.changed
    assert held.take() == (0, 4)
    held.report(6, 5)
    held.report(2, 6)
    assert held.take()[0] == 6
    held.release()
    assert held.take()[0] == 0


def test_changing_over_from_one_key_to_another_presses_only_the_other():
    held = KeyMailbox()
    held.report(16, 1)
    held.take()
    held.report(48, 2)
    held.report(32, 3)
    assert held.take() == (32, 3)


def test_the_window_follows_the_shortest_round_trip():
    feed = FrameFeed(lambda: None)
    assert feed.window(PERIOD) == 2
    for index, trip in enumerate([0.25, 0.12, 0.4]):
        feed.push(index, [b"frame"])
        feed.collect(IDLE, now=100.0)
        assert feed.acknowledge(index, 100.0 + trip)
    assert feed.window(PERIOD) == 5
    assert not feed.acknowledge(7, 101.0)
    feed.push(9, [b"frame"])
    feed.collect(IDLE, now=0.0)
    feed.acknowledge(9, 60.0)
    assert feed.window(PERIOD) <= MOST_WINDOW


def test_what_was_skipped_counts_as_drawn():
    feed = FrameFeed(lambda: None)
    for index in range(2):
        feed.push(index, [b"frame"])
    assert feed.full(PERIOD)
    feed.collect(IDLE, now=0.0)
    assert feed.full(PERIOD)
    feed.acknowledge(1, 0.01)
    assert not feed.full(PERIOD)
    feed.push(2, [b"frame"])
    feed.forget_frames()
    assert feed.collect(IDLE, now=0.0) == []


def test_quality_falls_fast_and_rises_slowly():
    feed = FrameFeed(lambda: None)
    assert feed.quality == BEST
    for _ in range(20):
        feed.judge(PERIOD, PERIOD)
    assert feed.quality == WORST
    for _ in range(10):
        feed.judge(0.0, PERIOD)
    assert feed.quality == WORST + 5


def test_rates():
    rates = Rates()
    assert rates.take(0.0) is None
    for i in range(31):
        rates.count(i * PERIOD, spent=20, waited=2)
    assert rates.take(EVERY / 2) is None
    assert rates.take(1.0) == pytest.approx({"made_fps": 30, "frame_ms": 20, "waited_ms": 2})
    assert rates.take(3.0) is None
