"""The page gives way-points times at which the body can be there, without being told."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.steering.aim import Aim
from core.steering.gait import LONGEST
from core.steering.ways import Now
from core.steering.wishes import RUNS, Steer, Waypoint, Wishes
from tests.support.walking import steered

WEB = Path(__file__).parents[3] / "app/web"
SCRIPT = """
import {{ retime, newPoint }} from "./src/steer/points.js";
const paths = {paths};
console.log(JSON.stringify(paths.map(({{ places, now, gait, stop }}) => {{
  const points = places.map((place, k) => ({{ ...newPoint(place), stop: stop && k > 0 }}));
  return retime(points, 0, now, gait).map(({{ at }}) => at);
}})));
"""
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")


def path(seed: int, **gait: object) -> dict[str, Any]:
    """A walk past three points from a body somewhere."""
    rng = np.random.default_rng(seed)
    place, facing, places = rng.uniform(-3, 3, 2), rng.uniform(-180, 180), []
    way, last = facing, place
    for _ in range(3):
        way += rng.uniform(-120, 120)
        last = last + rng.uniform(1, 3) * np.array(
            [np.sin(np.radians(way)), np.cos(np.radians(way))]
        )
        places.append(last.tolist())
    now = {"place": place.tolist(), "facing": facing, "at": 3.0}
    return {"places": places, "now": now, "gait": {"speed": 1.2, "stands": False} | gait}


def times(paths: list[dict]) -> list[list[float]]:
    """What the page's own script says."""
    return node(SCRIPT.format(paths=json.dumps([{"stop": False} | path for path in paths])))


def node(code: str) -> Any:
    """What a script beside the page's sources prints."""
    told = subprocess.run(
        ["node", "--input-type=module", "-e", code], cwd=WEB, capture_output=True, check=True
    )
    return json.loads(told.stdout)


@pytest.mark.parametrize("stands", [False, True])
@pytest.mark.parametrize("stop", [False, True])
def test_times_are_those_that_are_planned(stands, stop):
    paths = [path(seed, stands=stands) | {"stop": stop} for seed in range(10)]
    for told, one in zip(times(paths), paths, strict=True):
        (x, z), facing = one["now"]["place"], np.radians(one["now"]["facing"])
        points = tuple(
            Waypoint(place=p, at=0, stop=stop and k > 0) for k, p in enumerate(one["places"])
        )
        steer = Steer()
        now = Now(complex(z, x), float(facing), one["now"]["at"], complex(z, x))
        Aim(steer, 0.4).plan(Wishes(waypoints=points), now, 0.0 if stands else 1.2, 1.2 / LONGEST)
        np.testing.assert_allclose(told, [due for _, due in steer.due], atol=1e-6)


def test_times_are_kept_by_somebody_who_walks():
    late = []
    paths = [path(seed) for seed in range(6)]
    for one in paths:
        one["now"] = {"place": [0, 0], "facing": 0, "at": 0}
    for told, one in zip(times(paths), paths, strict=True):
        points = [Waypoint(place=p, at=at) for p, at in zip(one["places"], told, strict=True)]
        steer = Steer(Wishes(waypoints=tuple(points)))
        steered(steer, round(points[-1].at / 0.4) + 5)
        late += [met.at - met.wish.at for met in steer.report]
    assert len(late) >= 15
    assert np.median(np.abs(late)) <= 0.5


def test_where_there_is_no_take_yet_nobody_has_to_set_out():
    code = """
    import { gaitOf } from "./src/steer/points.js";
    console.log(JSON.stringify(gaitOf({ length: 0 }, "a person runs")));
    """
    assert node(code) == {"speed": RUNS, "stands": False}
