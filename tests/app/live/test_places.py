"""Who is let in: as many as the machine is fast enough for; turns shorten with the line."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from app.live import places as module
from app.live.calibrate import calibrate
from app.live.places import LEARNED, Places, cores, in_words, simulate
from app.live.sharing import Limits, Turnstile


class House:
    """Places with a clock that tests move, and who is where."""

    def __init__(self, lanes: float = 2, **limits):
        self.now = 0.0
        self.places = Places(Limits(**limits), clock=lambda: self.now)
        self.places.resize(lanes)
        self.places.costs |= {"motion": 0.1, "world": 0.85}
        self.inside: dict[str, float] = {}
        self.told: dict[str, tuple[int, float]] = {}

    def ask(self, who: str, kind: str = "motion") -> None:
        self.places.ask(
            kind,
            who,
            enter=lambda: (self.inside.setdefault(who, self.now), self.told.pop(who, None)),
            wait=lambda position, seconds: self.told.update({who: (position, seconds)}),
        )

    def leave(self, who: str, kind: str = "motion") -> None:
        self.inside.pop(who, None)
        self.places.leave(kind, who)


def test_as_many_are_let_in_as_there_is_compute_for():
    house = House()
    for who in "abc":
        house.ask(who, "world")
    assert list(house.inside) == ["a", "b"]
    assert house.told["c"][0] == 1
    house.leave("a", "world")
    house.leave("a", "world")
    assert list(house.inside) == ["b", "c"]
    quick = House()
    quick.places.costs["world"] = 0.1
    for who in range(30):
        quick.ask(str(who), "world")
    assert len(quick.inside) == 20


def test_beside_a_world_some_compute_is_left_over():
    house = House()
    house.ask("world", "world")
    for i in range(20):
        house.ask(str(i))
    assert len(house.inside) == 1 + 8  # of the 11 bodies that two lanes could bear
    house.leave("world", "world")
    assert len(house.inside) == 20


def test_those_in_line_are_told_how_it_goes_on():
    house = House(moving=1)
    for who in "ab":
        house.ask(who)
    (_, before), house.now = house.told["b"], 20
    house.places.sweep()
    assert house.told["b"] == (1, pytest.approx(before - 20))


@pytest.mark.parametrize("seed", range(20))
def test_nobody_is_told_less_than_who_stands_before_them_for_the_same(seed):
    rng, kinds = random.Random(seed), {}
    house = House(**rng.choice([{}, {"moving": 1}, {"moving": 2, "playing": 1}]))
    for i in range(60):
        house.now += rng.choice([0, 0, 1, 5, 20])
        if rng.random() < 0.7 or not house.inside:
            kinds[str(i)] = rng.choice(["motion", "world", "capture"])
            house.ask(str(i), kinds[str(i)])
        else:
            who = rng.choice(list(house.inside))
            house.leave(who, kinds[who])
        for kind in set(kinds.values()):
            told = sorted(house.told[who] for who in house.told if kinds[who] == kind)
            waits = [seconds for _, seconds in told]
            assert waits == sorted(waits)


def test_one_is_let_in_however_slow_the_machine_is():
    house = House(lanes=0.5)
    house.ask("a", "world")
    house.ask("b")
    assert list(house.inside) == ["a"]


def test_nobody_passes_who_waits_for_much():
    house = House()
    for who in ("a", "b", "large"):
        house.ask(who, "world")
    house.ask("small")
    assert house.told["small"][0] == 2
    assert list(house.inside) == ["a", "b"]


def test_caps_of_the_host_hold_and_let_others_pass():
    house = House(moving=1)
    for who in "abc":
        house.ask(who)
    house.ask("world", "world")
    assert list(house.inside) == ["a", "world"]
    assert house.places.wanted("motion")
    assert not house.places.wanted("world")
    assert (house.told["b"][0], house.told["c"][0]) == (1, 2)


def test_costs_are_learned():
    places = House().places
    before = places.costs["world"]
    places.measured("world", 0.5)
    assert places.costs["world"] == pytest.approx(before + LEARNED * (0.5 - before))
    for _ in range(500):
        places.measured("world", 30.0)  # nobody keeps more than a lane busy
    assert places.costs["world"] == pytest.approx(1.0, abs=0.01)


def test_turns_end_only_while_others_wait_and_shorten_with_the_line():
    house = House(turn_seconds=180)
    house.ask("a", "world")
    house.ask("b", "world")
    house.now = 1000.0
    assert not house.places.over("world", "a")
    house.ask("c", "world")
    assert house.places.over("world", "a")
    seconds = [house.places.turn_seconds]
    for i in range(20):
        house.ask(str(i), "world")
        seconds.append(house.places.turn_seconds)
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] == 90
    assert 10 <= seconds[-1] < 20


def test_sixty_are_served_within_three_minutes():
    house = House()
    kinds = {f"{i}": "world" if i % 6 == 0 else "motion" for i in range(60)}
    for who, kind in kinds.items():
        house.ask(who, kind)
    served = set(house.inside)
    expected = {who: seconds for who, (_, seconds) in house.told.items()}
    came = {}
    while len(served) < 60:
        house.now += 0.5
        for who in [w for w in house.inside if house.places.over(kinds[w], w)]:
            house.leave(who, kinds[who])
            house.ask(who, kinds[who])  # goes to the end of the line
        for who in set(house.inside) - served:
            came[who] = house.now
        served |= set(house.inside)
        assert house.now < 180
    assert house.now > 60  # turns are not shorter than they have to be
    errors = [abs(came[who] - expected[who]) for who in came]
    assert max(errors) < 30  # what was told is about true


def test_waits_are_told():
    assert simulate([(10, 1.0), (20, 1.0)], [1.0, 1.0, 1.0], room=2, turn=30) == [10, 20, 40]
    assert simulate([], [0.5], room=1, turn=30) == [0]
    assert [in_words(s) for s in (0, 38, 94, 100, 200)] == [
        "about 5 s",
        "about 40 s",
        "about 95 s",
        "about 2 min",
        "about 4 min",
    ]


def test_cores_are_those_that_a_container_has(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "os", SimpleNamespace(cpu_count=lambda: 8))
    monkeypatch.setattr(module, "Path", lambda _: tmp_path)
    assert cores() == 8
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert cores() == 8
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert cores() == 1.5


def test_what_is_loaded_is_measured(engine):
    house, turnstile = House(), Turnstile()
    engine.cost, engine.frame_cost = 0.005, 0.01
    calibrate(engine, house.places, turnstile)
    assert 0.08 < house.places.costs["motion"] < 0.2
    assert 0.25 < house.places.costs["world"] < 0.6
    engine.names = engine.worlds = ()
    calibrate(engine, house.places, turnstile)
