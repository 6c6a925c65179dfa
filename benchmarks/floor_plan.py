"""A path on the floor seen from above: where a body went, and where it was wanted.

Z points up in the picture and X to the left, as for who looks down at a body that faces Z.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.directions import heading
from benchmarks.steering_figures import places
from benchmarks.steering_runs import Script
from core.body.skeleton import FPS

PAPER, LINES, WENT, WANTED = (247, 249, 252), (222, 227, 235), (46, 84, 160), (200, 80, 30)
MARGIN = 0.8
"""Meters around what is drawn."""
LEAST = 3.0
"""Meters that a plan shows at least."""
LOOK = 0.35
"""Length (m) of a dash that shows where a body looks."""

Color = tuple[int, int, int]


class Plan:
    """A square picture of the floor that holds some places (N, 2), with squares of a meter."""

    def __init__(self, held: np.ndarray, size: int) -> None:
        low, high = held.min(0) - MARGIN, held.max(0) + MARGIN
        self._size, self._middle = size, (low + high) / 2
        self._scale = size / max(*(high - low), LEAST)
        self.picture = Image.new("RGB", (size, size), PAPER)
        self._draw, self._font = ImageDraw.Draw(self.picture), ImageFont.load_default(size // 48)
        first, last = self._middle - size / self._scale, self._middle + size / self._scale
        for x in np.arange(np.ceil(first[0]), last[0]):
            self.line(np.array([(x, first[1]), (x, last[1])]), LINES, 1)
        for z in np.arange(np.ceil(first[1]), last[1]):
            self.line(np.array([(first[0], z), (last[0], z)]), LINES, 1)

    def _at(self, place: np.ndarray) -> tuple[float, float]:
        x, z = (place - self._middle) * self._scale
        return float(self._size / 2 - x), float(self._size / 2 - z)

    def line(self, path: np.ndarray, color: Color, width: int = 3) -> None:
        """Join places (N, 2)."""
        self._draw.line([self._at(place) for place in path], color, width)

    def dash(self, place: np.ndarray, way: tuple[float, float], color: Color) -> None:
        """Point some meters (x, z) from a place."""
        self.line(np.array([place, place + way]), color)

    def dot(self, place: np.ndarray, radius: int, color: Color, *, hollow: bool = False) -> None:
        """Mark a place."""
        x, y = self._at(place)
        box = [x - radius, y - radius, x + radius, y + radius]
        self._draw.ellipse(box, None if hollow else color, color, 3)

    def note(self, place: np.ndarray, text: str, color: Color, *, left: bool = False) -> None:
        """Write beside a place, on its right or on its left."""
        x, y = self._at(place)
        where, anchor = (x - 14, "rm") if left else (x + 14, "lm")
        paper = {"stroke_width": 2, "stroke_fill": PAPER}
        self._draw.text((where, y), text, color, self._font, anchor, **paper)


def floor_plan(joints: np.ndarray, script: Script, *, size: int = 768) -> np.ndarray:
    """Draw where joints (T, 22, 3) went and the wishes of a script: (size, size, 3) uint8.

    Blue dots are seconds, their dashes show where the body looked. Orange circles are way-points
    and keys, joined to where the body was at their time; dashes from smaller ones are velocities
    that were wanted from then on, as long as half a second at them leads.
    """
    path, yaw = places(joints), heading(joints)
    wishes = [] if not script else [*script[-1][1].waypoints, *script[-1][1].keys]
    points = [(np.array(wish.place), wish) for wish in wishes if wish.place is not None]
    plan = Plan(np.array([*path, *(place for place, _ in points)]), size)
    plan.line(path, WENT)
    for pose in range(0, len(path), FPS):
        plan.dot(path[pose], 4, WENT)
        plan.dash(path[pose], _look(yaw[pose]), WENT)
        plan.note(path[pose], f"{pose // FPS} s", WENT, left=True)
    for place, wish in points:
        pose = min(round(wish.at * FPS), len(path) - 1)
        plan.line(np.array([place, path[pose]]), WANTED, 1)
        plan.dot(place, 10, WANTED, hollow=True)
        if wish.facing is not None:
            plan.dash(place, _look(np.radians(wish.facing)), WANTED)
        off = 100 * np.linalg.norm(path[pose] - place)
        plan.note(place, f"{wish.at:.1f} s: {off:.0f} cm off", WANTED)
    for pose, wanted in script:
        if wanted.drive is not None and pose < len(path):
            x, z = wanted.drive.velocity
            plan.dot(path[pose], 7, WANTED, hollow=True)
            plan.dash(path[pose], (x / 2, z / 2), WANTED)
            said = f"{pose / FPS:.1f} s: {np.hypot(x, z):.1f} m/s"
            plan.note(path[pose], said, WANTED)
    return np.asarray(plan.picture)


def _look(yaw: float) -> tuple[float, float]:
    return LOOK * float(np.sin(yaw)), LOOK * float(np.cos(yaw))
