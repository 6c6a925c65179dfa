"""A tiny world that has a place, and an engine that walks as its mover does."""

from __future__ import annotations

import numpy as np
import torch

from core.video.actions import to_masks
from core.video.finder import Finder, FinderConfig
from core.video.model import FrameDiT
from core.video.mover import Mover, MoverConfig
from core.video.place import PlaceConfig
from core.video.world import VideoModel
from tests.support.tiny import KEYS, WORLD, tiny_world

PLACED = WORLD.model_copy(
    update={
        "place": PlaceConfig(high=(64.0, 64.0), channels=4, samples=4, far=80.0),
        "predicts": "data",
        "prefix": 0,
        "steps": 1,
    }
)


def mover() -> Mover:
    """Walk W S A D by a unit and turn L R by 30 degrees, between walls at 0 and 64."""
    found = Mover(MoverConfig(shape=(4, 4), texel=16.0, ticks=1))
    bits = np.arange(64)[:, None] >> np.arange(6) & 1
    w, s, a, d, left, right = bits.T
    steps = np.stack([w - s, a - d, 30 * (left - right)], axis=1) << 16
    found.steps.copy_(torch.from_numpy(steps))
    return found


def placed_world(seed: int = 0) -> VideoModel:
    """A tiny world that has a place."""
    plain = tiny_world()
    torch.manual_seed(seed)
    finder = FinderConfig(high=(64.0, 64.0), tokens=8, channels=4, width=16, depth=1, heads=2)
    parts = FrameDiT(PLACED), Finder(finder)
    for part in parts:
        for parameter in part.parameters():
            parameter.data.normal_(std=0.2)
        part.eval().requires_grad_(False)
    return VideoModel(parts[0], plain.tokenizer, "cpu", mover=mover(), finder=parts[1])


class Painted:
    """An engine that walks as the mover does, and paints where it is."""

    name, keys, states, fov, fps, ended = "painted", KEYS, ("x", "y", "angle"), 90.0, 30, False

    def __init__(self, land, size, seed):
        self.size, self.mover, self.engine = size, mover(), self

    def reset(self, random):
        if not isinstance(random, np.random.Generator):  # a place: as the engine itself is reset
            self.place = np.array([[random.x, random.y, random.angle]])
            return self.frame()
        self.random = random
        self.place = np.array([[*random.uniform(10, 50, 2), random.uniform(0, 360)]])
        return self.frame()

    def choose(self):
        return tuple(int(k) for k in self.random.random(6) < 0.3)

    def step(self, keys):
        self.place = self.mover.move(self.place, int(to_masks(np.array(keys)[None])[0]))
        return self.frame()

    def close(self):
        pass

    def state(self):
        return self.place[0].astype(np.float32)

    def frame(self):
        x, y, degrees = self.place[0]
        rows, columns = np.mgrid[: self.size[0], : self.size[1]]
        shades = np.stack([rows * 8 + x, columns * 4 + y, rows + columns + degrees % 360], axis=-1)
        return (shades % 256).astype(np.uint8)
