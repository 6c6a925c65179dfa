"""How the recorder plays: stretches of one intention each, drawn by chance.

A stretch is a generator: it yields the keys to hold for one frame and is sent the place that came
of it. Walking to a goal sees the world; random chords cover every key and pair; idling, looking
round and pushing into walls are what a player does and a model would else never have seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from itertools import combinations

import numpy as np

from train.worlds.doom import Place
from train.worlds.maps import CELL, RADIUS, Map

W, S, A, D, L, R = range(6)
Keys = tuple[int, ...]
Stretch = Generator[Keys, Place, None]
Random = np.random.Generator
ARRIVED = 24.0
PAIRS = list(combinations(range(6), 2))
# where the walker looks while it walks: degrees from its way, the keys that take it there
GAITS: tuple[tuple[float, Keys, float], ...] = (
    (0, (W,), 0.41),
    (180, (S,), 0.10),
    (90, (D,), 0.125),
    (-90, (A,), 0.125),
    (45, (W, D), 0.08),
    (-45, (W, A), 0.08),
    (135, (S, D), 0.04),
    (-135, (S, A), 0.04),
)


def held(*keys: int) -> Keys:
    return tuple(int(key in keys) for key in range(6))


def frames(random: Random, mean: float, low: int = 4, high: int = 16) -> int:
    """Draw how long keys are held."""
    return int(np.clip(low + random.geometric(1 / mean), low, high))


def room(land: Map, place: Place, angle: float, most: float = 160.0) -> float:
    """Measure how far one can walk that way."""
    dx, dy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    for distance in np.arange(4.0, most, 4.0):
        reach = distance + RADIUS
        x, y = place.x + dx * reach, place.y + dy * reach
        if not land.is_free(int(x // CELL), int(y // CELL)):
            return float(distance) - 4.0
    return most


def bearing(place: Place, x: float, y: float) -> float:
    """Return how far to turn left to face a point, in degrees from -180 to 180."""
    angle = math.degrees(math.atan2(y - place.y, x - place.x))
    return (angle - place.angle + 180) % 360 - 180


def face(place: Place, angle: float, *keys: int) -> Stretch:
    """Turn until the walker looks along an angle, while holding keys."""
    for _ in range(48):
        error = (angle - place.angle + 180) % 360 - 180
        if abs(error) < 4:
            return
        place = yield held(*keys, L if error > 0 else R)


def idle(random: Random, land: Map, place: Place) -> Stretch:
    for _ in range(frames(random, 10, 4, 30)):
        yield held()


def look(random: Random, land: Map, place: Place) -> Stretch:
    """Look round on the spot, one way or to and fro, with pauses."""
    key = int(random.choice((L, R)))
    for _ in range(random.integers(1, 3)):
        for _ in range(frames(random, 14, 4, 50)):
            yield held(key)
        if random.random() < 0.4:
            for _ in range(frames(random, 4, 2, 12)):
                yield held()
        if random.random() < 0.5:
            key = L + R - key


def chord(random: Random, land: Map, place: Place) -> Stretch:
    """Hold one key or two, any two, sometimes more; let go early of a wall in front of the nose."""
    kind = random.random()
    if kind < 0.25:
        keys = (int(random.integers(6)),)
    elif kind < 0.9:
        keys = PAIRS[random.integers(len(PAIRS))]
    else:
        keys = tuple(int(k) for k in np.flatnonzero(random.random(6) < 0.5))
    for _ in range(frames(random, 6)):
        place = yield held(*keys)
        if (
            W in keys
            and S not in keys
            and room(land, place, place.angle) < 16
            and random.random() < 0.5
        ):
            yield from leave(random, land, place)
            return


def goal(random: Random, land: Map, place: Place) -> Stretch:
    """Walk to a free cell in one gait, correcting the heading on the way."""
    cells = land.free_cells()
    for _ in range(8):  # mostly to where nothing stands between
        column, row = cells[random.integers(len(cells))]
        x, y = ((c + random.uniform(0.3, 0.7)) * CELL for c in (column, row))
        distance = math.hypot(x - place.x, y - place.y)
        way = place.angle + bearing(place, x, y)
        if distance > 2 * CELL and room(land, place, way, 800.0) > distance - CELL:
            break
    shift, keys, _ = GAITS[random.choice(len(GAITS), p=[gait[2] for gait in GAITS])]
    turning, stuck = False, 0
    moving_turn = random.random() < 0.8
    for _ in range(120):
        error = (bearing(place, x, y) + shift + 180) % 360 - 180
        turning = abs(error) > (4 if turning else 14)
        turn = ((L if error > 0 else R),) if turning else ()
        walk = keys if not turning or (moving_turn and abs(error) < 60) else ()
        before = place
        place = yield held(*walk, *turn)
        if math.hypot(x - place.x, y - place.y) < ARRIVED:
            return
        moved = math.hypot(place.x - before.x, place.y - before.y)
        stuck = stuck + 1 if walk and moved < 2 else 0
        if stuck > 3:
            yield from leave(random, land, place)
            return


def leave(random: Random, land: Map, place: Place) -> Stretch:
    """Get away from what is in the way: back off, or turn to where there is room, or both."""
    if random.random() < 0.7:
        for _ in range(random.integers(4, 12)):
            place = yield held(S)
    angles = place.angle + random.uniform(-170, 170, size=4)
    angle = max(angles, key=lambda a: room(land, place, a))
    yield from face(place, angle)


def push(random: Random, land: Map, place: Place) -> Stretch:
    """Walk into the nearest wall, keep pushing, slide along it perhaps, and leave it."""
    angles = place.angle + np.arange(-75, 76, 25) + random.uniform(-12, 12)
    angle = min(angles, key=lambda a: room(land, place, a))
    keys = (W, W, W, A, D, S)[random.integers(6)]
    shift = {W: 0, S: 180, A: -90, D: 90}[keys]
    yield from face(place, angle + shift * (random.random() < 0.5))
    still = 0
    for _ in range(30):
        before, place = place, (yield held(keys))
        still = still + 1 if math.hypot(place.x - before.x, place.y - before.y) < 2 else 0
        if still >= 3:
            break
    extra = int(random.choice((-1, A, D, L, R)))
    for _ in range(frames(random, 4, 1, 10)):
        place = yield held(keys, extra)
    yield from leave(random, land, place)


STRETCHES: tuple[tuple[Callable[[Random, Map, Place], Stretch], float], ...] = (
    (goal, 0.30),
    (chord, 0.40),
    (idle, 0.20),
    (look, 0.02),
    (push, 0.05),
)


def play(random: Random, land: Map, place: Place) -> Generator[Keys, Place, None]:
    """Yield keys for ever; send the place after each."""
    weights = np.asarray([weight for _, weight in STRETCHES])
    while True:
        kind = STRETCHES[random.choice(len(STRETCHES), p=weights / weights.sum())][0]
        stretch = kind(random, land, place)
        keys: Keys | None = next(stretch, None)
        while keys is not None:
            place = yield keys
            try:
                keys = stretch.send(place)
            except StopIteration:
                keys = None


def start(random: Random, land: Map) -> Place:
    """Draw a free place and a heading."""
    cells = land.free_cells()
    column, row = cells[random.integers(len(cells))]
    x, y = ((c + random.uniform(0.28, 0.72)) * CELL for c in (column, row))
    return Place(x, y, float(random.uniform(0, 360)))


def fumble(random: Random, count: int) -> Iterator[Keys]:
    """Hold random keys of a world that nothing is known of: none, one, two or any of them."""
    while True:
        kind = random.random()
        if kind < 0.15:
            keys = set()
        elif kind < 0.5 or count == 1:
            keys = {int(random.integers(count))}
        elif kind < 0.85:
            keys = {int(key) for key in random.choice(count, 2, replace=False)}
        else:
            keys = {int(key) for key in np.flatnonzero(random.random(count) < 0.5)}
        for _ in range(frames(random, 6)):
            yield tuple(int(key in keys) for key in range(count))
