"""The rows of the steering table: steered, without any wishes, and told the wishes of another run.

All three make the same prompts with the same seeds and are judged by the same wishes. Whoever obeys
wishes misses them by over a meter when told others; whoever only seems to, does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from itertools import count

import numpy as np
from tqdm import tqdm

from benchmarks import metrics
from benchmarks.quality_rows import Quality
from benchmarks.reporting import Row
from benchmarks.steering_figures import Response, jitter, key_misses, passed, places, response, turn
from benchmarks.steering_runs import (
    AHEAD,
    EVENT,
    HANDS,
    PAST,
    Made,
    Run,
    Script,
    aimed,
    asides,
    drives,
    keyed,
    paths,
    shuffled,
    spins,
    stream,
)
from core.body.skeleton import FPS
from core.steering.wishes import Drive, Waypoint

ROWS = ("steered", "no control", "shuffled conditions")
KINDS = ("waypoints", "held_out", "key", "hands", "drive", "aside", "spin")
HIT = 0.1
"""Meters within which a way-point counts as met."""


class Steering:
    """Everything that is measured of one checkpoint's obedience to wishes."""

    def __init__(self, quality: Quality) -> None:
        self.quality, self.engine, self.checkpoint = quality, quality.engine, quality.checkpoint
        self.seed, self.quick = quality.seed, quality.quick
        long = [item for item in quality.real if len(item.features) > PAST + 2 * FPS + 2]
        if not long:
            raise ValueError(f"no motion has the {PAST + 2 * FPS + 2} poses that steering needs")
        self.items = long[: 16 if self.quick else 192]

    def rows(self, only: Collection[str] = KINDS) -> dict[str, Row]:
        """Return the rows, of some of KINDS; keys and aims are of the set's recordings."""
        found: dict[str, Row] = {name: {} for name in ROWS}
        for label in only:
            make, judge = self.kinds()[label]
            runs = make()
            other = shuffled(runs)
            told: dict[str, Sequence[Script | None]] = {
                "steered": [run.script for run in runs],
                "no control": [None] * len(runs),
                "shuffled conditions": other,
            }
            for name, scripts in told.items():
                made = [
                    stream(self.engine, run, self.checkpoint, script)
                    for run, script in zip(
                        tqdm(runs, desc=f"{name}: {label}", unit="run", leave=False),
                        scripts,
                        strict=True,
                    )
                ]
                found[name][label] = judge(runs, made)
        return {**found, "real": self.real_row()}

    def kinds(
        self,
    ) -> dict[str, tuple[Callable[[], list[Run]], Callable[[list[Run], list[Made]], Row]]]:
        """Return for every kind of wishes what makes its runs, and what is made of them."""
        rng = np.random.default_rng(self.seed)
        many = self.items[: 8 if self.quick else 96]

        def seeds(count: int) -> range:
            return range(count * self.seed, count * (self.seed + 1))

        return {
            "waypoints": (lambda: paths(rng, 4 if self.quick else 200), self.ways),
            "held_out": (lambda: list(map(aimed, self.items, count())), self.held_out),
            "key": (lambda: list(map(keyed, many, count())), self.keys),
            "hands": (lambda: [keyed(item, i, HANDS) for i, item in enumerate(many)], self.keys),
            "drive": (lambda: drives(seeds(1 if self.quick else 20)), self.driven),
            "aside": (lambda: asides(seeds(2 if self.quick else 20)), self.aside),
            "spin": (lambda: spins(seeds(2 if self.quick else 20)), self.spun),
        }

    def ways(self, runs: list[Run], made: list[Made]) -> Row:
        """Figures of all way-points together."""
        points = [passed(m.joints, p) for r, m in zip(runs, made, strict=True) for p in _points(r)]
        miss = np.array([p.miss for p in points])
        facing = [p.facing for p in points if not np.isnan(p.facing)]
        late = [
            (at - point.at, passed(m.joints, point, at).miss)
            for r, m in zip(runs, made, strict=True)
            for point in _points(r)
            if (at := m.put_off.get(point)) is not None
        ]
        put_off: Row = {}
        if late:  # where the stream says when points could be reached at the earliest
            seconds, misses = np.transpose(late)
            put_off = {
                "late_s": float(seconds.mean()),
                "miss_when_put_off_cm": 100 * float(np.median(misses)),
            }
        return {
            "n": len(points),
            "miss_cm": 100 * float(np.median(miss)),
            "miss_p90_cm": 100 * float(np.quantile(miss, 0.9)),
            "within_10_cm": float((miss <= HIT).mean()),
            "nearest_cm": 100 * float(np.median([p.nearest for p in points])),
            **put_off,
            **({"facing_degrees": float(np.median(facing))} if facing else {}),
            "foot_skate": metrics.foot_skate([m.joints for m in made]),
        }

    def held_out(self, runs: list[Run], made: list[Made]) -> Row:
        """Misses of a recording's own places by how far ahead; sliding, FID and R@3 on the way."""
        found: Row = {}
        for seconds in AHEAD:
            at = PAST / FPS + seconds
            misses = [
                passed(m.joints, p).miss
                for r, m in zip(runs, made, strict=True)
                for p in _points(r)
                if p.at == at
            ]
            if misses:
                found[f"miss_cm {seconds} s"] = 100 * float(np.median(misses))
        return found | self._likeness([m.features for m in made], [m.joints for m in made])

    def _likeness(self, features: list[np.ndarray], joints: list[np.ndarray]) -> Row:
        quality, embedded = self.quality, self.quality.embed(features)
        real = quality.embed([item.features[PAST:] for item in self.items])
        text = quality.embed_text([item.caption for item in self.items])
        return {
            "fid": metrics.fid(real, embedded),
            "r_precision_3": quality.matching(embedded, text)["r_precision"][2],
            "foot_skate": metrics.foot_skate([j[PAST:] for j in joints]),
        }

    def keys(self, runs: list[Run], made: list[Made]) -> Row:
        """Misses of key poses, and jerk around them as a share of the recording's."""
        off, shakes, real = [], [], []
        for item, run, m in zip(self.items, runs, made, strict=False):
            (key,) = run.wishes.keys
            off.append(key_misses(m.joints, key))
            shakes.append(jitter(m.joints, round(key.at * FPS)))
            real.append(jitter(item.joints, round(key.at * FPS)))
        world, beside = 100 * np.median(off, axis=0)
        return {
            "n": len(off),
            "miss_cm": float(world),
            "beside_pelvis_cm": float(beside),
            "jitter_of_real": float(np.mean(shakes) / np.mean(real)),
        }

    def driven(self, runs: list[Run], made: list[Made]) -> Row:
        """Response to keys; a stream that is told nothing counts from when it would have been."""
        found: list[Response] = []
        for run, m in zip(runs, made, strict=True):
            (_, before), (event, _) = run.script
            assert before.drive is not None
            event = m.events[1] if len(m.events) > 1 else event
            found.append(response(m.joints, event, before.drive.velocity, _drive(run).velocity))
        figures = {name: np.array([asdict(r)[name] for r in found]) for name in asdict(found[0])}
        moving = ~np.isnan(figures["angle"])
        return {
            "n": len(found),
            "t50_s": float(np.median(figures["t50"])),
            "t50_p95_s": float(np.quantile(figures["t50"], 0.95)),
            "t90_s": float(np.median(figures["t90"])),
            "t90_p95_s": float(np.quantile(figures["t90"], 0.95)),
            "responds": float(figures["responds"].mean()),
            "overshoot": float(np.median(figures["overshoot"])),
            "steady_degrees": float(np.median(figures["angle"][moving])),
            "steady_speed_off": float(np.median(figures["speed"][moving])),
            "stop_speed_m_s": float(np.median(figures["speed"][~moving])),
            "foot_skate": metrics.foot_skate([m.joints for m in made]),
        }

    def aside(self, runs: list[Run], made: list[Made]) -> Row:
        """How a body goes where it does not look, by its last second."""
        found = [
            response(m.joints, EVENT, (0, 0), drive.velocity)
            for drive, m in zip(map(_drive, runs), made, strict=True)
        ]
        return {
            "n": len(found),
            "steady_degrees": float(np.median([r.angle for r in found])),
            "steady_speed_off": float(np.median([r.speed for r in found])),
            **self._looking(runs, made),
        }

    def spun(self, runs: list[Run], made: list[Made]) -> Row:
        """How a standing body turns, and how far it strays meanwhile."""
        turns = [
            turn(m.joints, EVENT, drive.facing or 0.0)[0]
            for drive, m in zip(map(_drive, runs), made, strict=True)
        ]
        strays = [np.linalg.norm(np.diff(places(m.joints)[[EVENT, -1]], axis=0)) for m in made]
        return {
            "n": len(turns),
            "t50_s": float(np.median(turns)),
            "strays_cm": 100 * float(np.median(strays)),
            **self._looking(runs, made),
        }

    def _looking(self, runs: list[Run], made: list[Made]) -> Row:
        off = [
            turn(m.joints, EVENT, drive.facing or 0.0)[1]
            for drive, m in zip(map(_drive, runs), made, strict=True)
        ]
        return {
            "facing_degrees": float(np.median(off)),
            "foot_skate": metrics.foot_skate([m.joints[EVENT:] for m in made]),
        }

    def real_row(self) -> Row:
        """What recordings themselves have of the figures beside way-points."""
        joints = [item.joints for item in self.items]
        row = self._likeness([item.features[PAST:] for item in self.items], joints)
        return {"held_out": {name: row[name] for name in ("r_precision_3", "foot_skate")}}


def _drive(run: Run) -> Drive:
    drive = run.wishes.drive
    assert drive is not None
    return drive


def _points(run: Run) -> tuple[Waypoint, ...]:
    return run.wishes.waypoints
