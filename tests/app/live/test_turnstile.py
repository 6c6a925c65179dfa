"""Whose turn it is to compute: what it costs is charged to who causes it."""

from __future__ import annotations

import threading
import time

from app.live.sharing import KEPT_SECONDS, PATIENCE, Turnstile
from tests.support.visitors import until

MOMENT = 0.4


def run(turnstile: Turnstile, **seconds: float) -> dict[str, float]:
    """Have everybody take turns of these seconds, all the time; return what each had of it."""
    over, had = threading.Event(), dict.fromkeys(seconds, 0.0)

    def work(who: str) -> None:
        while not over.is_set():
            with turnstile.turn(who) as turn:
                for _ in range(round(seconds[who] / 0.002)):
                    time.sleep(0.002)
                    turnstile.pass_on()
            had[who] += turn.seconds

    threads = [threading.Thread(target=work, args=(who,)) for who in seconds]
    for thread in threads:
        thread.start()
    time.sleep(MOMENT)
    over.set()
    for thread in threads:
        thread.join()
    return had


def test_shares_are_fair_whatever_a_turn_takes():
    had = run(Turnstile(), light=0.004, heavy=0.06)
    assert 0.6 < had["light"] / had["heavy"] < 1.6


def test_as_many_compute_as_there_are_lanes():
    began = time.perf_counter()
    had = run(Turnstile(2), one=0.01, two=0.01, three=0.01)
    assert sum(had.values()) > 1.5 * (time.perf_counter() - began)


def waiting_for(turnstile: Turnstile, order: list[str], **ahead: float) -> list[threading.Thread]:
    """Have these wait in line, in this order."""

    def work(who: str) -> None:
        with turnstile.turn(who, ahead=ahead[who]):
            order.append(who)

    threads = []
    for who in ahead:
        threads.append(threading.Thread(target=work, args=(who,)))
        threads[-1].start()
        until(lambda: len(turnstile._line) == len(threads))
    return threads


def test_who_has_computed_least_goes_first_but_what_is_due_may_borrow():
    clock, order = [0.0], []
    turnstile = Turnstile(clock=lambda: clock[0])
    for who, seconds in (("much", 2.0), ("little", 0.2)):
        with turnstile.turn(who):
            clock[0] += seconds
    with turnstile.turn():
        threads = waiting_for(turnstile, order, much=0.1, little=0.0, newcomer=0.0, due=0.3)
    for thread in threads:
        thread.join(5)
    assert order == ["due", "newcomer", "little", "much"]
    assert not turnstile.busy


def test_a_lane_is_kept_for_what_is_due_but_not_for_long():
    clock, order, done = [0.0], [], threading.Event()
    turnstile = Turnstile(2, clock=lambda: clock[0])

    def compute(who: str) -> None:
        with turnstile.turn(who):
            order.append(who)
            done.wait(5)

    threads = [threading.Thread(target=compute, args=(who,)) for who in "abc"]
    with turnstile.turn("world", ahead=0.1):
        threads[0].start()
        until(lambda: order == ["a"])
    assert turnstile.busy  # for those who are not due
    threads[1].start()
    until(lambda: len(turnstile._line) == 1)
    with turnstile.turn("world", ahead=0.1):  # at once
        assert order == ["a"]
        clock[0] += PATIENCE / 2
    assert order == ["a"]
    with turnstile.turn("world", ahead=0.1):
        clock[0] += PATIENCE
    until(lambda: order == ["a", "b"])  # has waited for long
    threads[2].start()
    until(lambda: len(turnstile._line) == 1)
    clock[0] += KEPT_SECONDS  # nothing is due any more
    done.set()
    for thread in threads:
        thread.join(5)
    assert not turnstile.busy


def test_a_long_turn_lets_others_go_in_between():
    clock, order = [0.0], []
    turnstile = Turnstile(clock=lambda: clock[0])
    with turnstile.turn("long") as turn:
        threads = waiting_for(turnstile, order, short=0.0)
        turnstile.pass_on()  # has taken no time yet
        assert not order
        clock[0] += 1
        turnstile.pass_on()
        assert order == ["short"]
        clock[0] += 1
        turnstile.pass_on()  # nobody waits any more
    threads[0].join(5)
    assert turn.seconds == 2
    turnstile.pass_on()  # outside of a turn it does nothing
    assert not turnstile.busy


def test_accounts_of_those_who_owe_nothing_are_forgotten():
    clock = [0.0]
    turnstile = Turnstile(clock=lambda: clock[0])
    for i in range(500):
        with turnstile.turn(f"visitor {i}"):
            clock[0] += 0.01
    for _ in range(9):
        with turnstile.turn("one alone"):
            clock[0] += 1.0
    assert len(turnstile._accounts) < 70
