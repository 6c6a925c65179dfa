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
SHORT = 0.35
"""Length (m) of a dash that shows where a body looks."""


def floor_plan(joints: np.ndarray, script: Script, *, size: int = 768) -> np.ndarray:
    """Draw where joints (T, 22, 3) went and the wishes of a script: (size, size, 3) uint8.

    Blue dots are seconds, their dashes show where the body looked. Orange circles are way-points,
    squares keys, each joined to where the body was at its time; arrows are wanted velocities.
    """
    path, yaw = places(joints), heading(joints)
    wishes = script[-1][1] if script else None
    points = [] if wishes is None else [*wishes.waypoints, *(k for k in wishes.keys if k.place)]
    everything = np.array([*path, *(p.place for p in points)])
    low, high = everything.min(0) - MARGIN, everything.max(0) + MARGIN
    scale = size / max(*(high - low), 3.0)
    middle = (low + high) / 2

    def at(place: np.ndarray | tuple[float, float]) -> tuple[float, float]:
        x, z = (np.asarray(place) - middle) * scale
        return size / 2 - x, size / 2 - z

    picture = Image.new("RGB", (size, size), PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size // 48)
    reach = size / scale / 2
    for axis in (0, 1):
        for line in range(int(np.ceil(middle[axis] - reach)), int(middle[axis] + reach) + 1):
            ends = np.full((2, 2), float(line))
            ends[:, 1 - axis] = middle[1 - axis] - reach, middle[1 - axis] + reach
            draw.line([at(ends[0]), at(ends[1])], LINES, 1)
    draw.text((8, size - size // 24), "squares of 1 m", (120, 128, 140), font)

    def dash(place: np.ndarray, angle: float, length: float, color: tuple[int, int, int]) -> None:
        end = place + length * np.array([np.sin(angle), np.cos(angle)])
        draw.line([at(place), at(end)], color, 3)

    def dot(place: np.ndarray | tuple[float, float], radius: int, **fill: object) -> None:
        x, y = at(place)
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], width=3, **fill)

    draw.line([at(p) for p in path], WENT, 3)
    for pose in range(0, len(path), FPS):
        dot(path[pose], 4, fill=WENT)
        dash(path[pose], yaw[pose], SHORT, WENT)
        draw.text(np.add(at(path[pose]), (7, 5)), f"{pose // FPS} s", WENT, font)
    for point in points:
        pose = min(round(point.at * FPS), len(path) - 1)
        draw.line([at(point.place), at(path[pose])], WANTED, 1)
        dot(point.place, 10, outline=WANTED)
        if point.facing is not None:
            dash(np.array(point.place), np.radians(point.facing), SHORT, WANTED)
        off = 100 * np.linalg.norm(path[pose] - point.place)
        said = f"{point.at:.1f} s: {off:.0f} cm off"
        draw.text(np.add(at(point.place), (13, -22)), said, WANTED, font)
    for pose, wanted in script:
        if wanted.drive is not None and pose < len(path):
            velocity = np.array(wanted.drive.velocity)
            dot(path[pose], 8, outline=WANTED)
            dash(path[pose], np.arctan2(*velocity), float(np.hypot(*velocity)) / 2, WANTED)
            said = f"{pose / FPS:.0f} s: {np.hypot(*velocity):.1f} m/s wanted"
            draw.text(np.add(at(path[pose]), (13, -22)), said, WANTED, font)
    return np.asarray(picture)
