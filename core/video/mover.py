"""Mover: where the next frame is seen from, by dead reckoning that knows the walls.

Every combination of keys has a step of its own in the walker's frame; a map says where anyone ever
stood. A frame is a few ticks: each turns first, then goes. A way that leads off the map ends a
little before its edge and goes on along it, as ZDoom's walkers do; like them it takes an edge for a
line that goes on beyond its ends. All of it is read off recorded walks (`Mover.fit`), and nothing
of an engine is asked while one plays.
"""

from __future__ import annotations

import itertools
import math
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from core.config import Config

BACK_OFF = 1 / 32
"""Share of a tick's way that is kept from what is in the way."""
REACH = 32.0
"""Units by which an edge of the map goes on beyond its ends."""
FIXED = 1 << 16
"""Steps are stored as whole numbers of these parts: a half float is off by a unit a minute."""
LONG = 0.97
"""Of the longest steps under a mask: nothing was in the way of those that reach this share."""
TEXELS = (16.0, 8.0, 4.0, 2.0)
TICKS = (1, 2)
RIGHT = 0.1
"""Units by which a step that was foretold may be off."""


Angles = TypeVar("Angles", np.ndarray, Tensor)


class MoverConfig(Config):
    """The ground, and how finely it is cut."""

    low: tuple[float, float] = (0.0, 0.0)
    """South-west corner of the map, x and y in the world's units."""
    shape: tuple[int, int] = (30, 30)
    """Rows and columns of the map."""
    texel: float = 16.0
    """Units a side of a cell of it."""
    keys: int = 6
    ticks: int = 2
    """Steps a frame."""


def turned(x: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Rotate vectors (N, 2) counter-clockwise by degrees (N,)."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([x[:, 0] * cos - x[:, 1] * sin, x[:, 0] * sin + x[:, 1] * cos], axis=1)


def difference(a: Angles, b: Angles) -> Angles:
    """Return a - b of angles in degrees, from -180 to 180."""
    return (a - b + 180) % 360 - 180


class Mover(nn.Module):
    """Carry places (N, 3): x, y in units, degrees counter-clockwise."""

    kind = "place-mover"
    Config = MoverConfig
    steps: Tensor
    walkable: Tensor

    def __init__(self, cfg: MoverConfig) -> None:
        super().__init__()
        self.cfg = cfg
        # ahead, left (units) and turn (degrees) of every mask, in parts of 1 / FIXED
        self.register_buffer("steps", torch.zeros(1 << cfg.keys, 3, dtype=torch.int32))
        self.register_buffer("walkable", torch.ones(cfg.shape, dtype=torch.uint8))

    @classmethod
    def fit(cls, before: np.ndarray, masks: np.ndarray, after: np.ndarray, keys: int) -> Mover:
        """Return the mover of recorded steps: places (N, 3), masks (N,) and places (N, 3) then.

        The one whose map and ticks foretell most of them. Raises ValueError where there are none.
        """
        if not len(before):
            raise ValueError("a mover is read off recorded steps, and there are none")
        best, found = -1.0, None
        for ticks, texel in itertools.product(TICKS, TEXELS):
            mover = cls._read(before, masks, after, keys=keys, ticks=ticks, texel=texel)
            missed = np.hypot(*(mover.move(before, masks) - after)[:, :2].T)
            share = float((missed < RIGHT).mean())
            if share > best + 1e-3:  # of maps of the same worth, the coarsest has no holes
                best, found = share, mover
        assert found is not None
        return found

    @classmethod
    def _read(
        cls,
        before: np.ndarray,
        masks: np.ndarray,
        after: np.ndarray,
        *,
        keys: int,
        ticks: int,
        texel: float,
    ) -> Mover:
        seen = np.concatenate([before, after])[:, :2]
        low = np.floor(seen.min(0) / texel) * texel
        columns, rows = ((seen.max(0) - low) // texel).astype(int) + 1
        mover = cls(
            MoverConfig(
                low=(float(low[0]), float(low[1])),
                shape=(int(rows), int(columns)),
                texel=texel,
                keys=keys,
                ticks=ticks,
            )
        )
        column, row = np.floor((seen - low) / texel).astype(int).T
        mover.walkable.zero_()
        mover.walkable[torch.from_numpy(row), torch.from_numpy(column)] = 1
        turn = difference(after[:, 2], before[:, 2])
        way = turned(after[:, :2] - before[:, :2], -before[:, 2])
        for mask in np.unique(masks):
            chosen = masks == mask
            step = mover._free_step(way[chosen], float(np.median(turn[chosen])))
            mover.steps[int(mask)] = torch.from_numpy(np.round(step * FIXED).astype(np.int32))
        return mover

    def _free_step(self, way: np.ndarray, turn: float) -> np.ndarray:
        """Return the step of a mask, of the ways (n, 2) that were gone under it."""
        # a frame's way is the sum of its ticks', each in the direction that it has turned to
        angles = math.radians(turn) * np.arange(1, self.cfg.ticks + 1) / self.cfg.ticks
        mean = np.exp(1j * angles).mean()
        step = (way[:, 0] + 1j * way[:, 1]) / mean
        free = step[np.abs(step) >= LONG * np.quantile(np.abs(step), 0.98)]
        return np.array([np.median(free.real), np.median(free.imag), turn])

    # ---- the map

    @cached_property
    def _steps(self) -> np.ndarray:
        return self.steps.numpy() / FIXED

    @cached_property
    def _map(self) -> np.ndarray:
        """The walkable cells, with a frame around them that nobody can stand on."""
        return np.pad(self.walkable.numpy().astype(bool), 1)

    @cached_property
    def _edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether the map has an edge between cells i - 1 and i along an axis, near cell j."""
        reach = round(REACH / self.cfg.texel)

        def along(steps: np.ndarray) -> np.ndarray:  # (edges, cells of the other axis)
            near = np.pad(steps, ((0, 0), (reach, reach)))
            return np.lib.stride_tricks.sliding_window_view(near, 2 * reach + 1, axis=1).any(-1)

        return along(np.diff(self._map.T, axis=0)), along(np.diff(self._map, axis=0))

    def _cell(self, x: np.ndarray, axis: int) -> np.ndarray:
        """Return numbers of the cells of `_map` that coordinates lie in; outside is the frame."""
        most = self._map.shape[1 - axis] - 1
        cell = np.floor((x - self.cfg.low[axis]) / self.cfg.texel) + 1
        return cell.clip(0, most).astype(int)

    def can_stand(self, xy: np.ndarray) -> np.ndarray:
        """Tell whether anyone ever stood at xy (..., 2)."""
        return self._map[self._cell(xy[..., 1], 1), self._cell(xy[..., 0], 0)]

    def nearest(self, xy: np.ndarray) -> np.ndarray:
        """Return the points nearest to xy (N, 2) at which one can stand."""
        row, column = np.nonzero(self.walkable.numpy())
        low = np.array(self.cfg.low) + np.column_stack([column, row]) * self.cfg.texel
        inside = self.cfg.texel * (1 - 1e-6)  # a cell's far edge is the next cell's
        points = np.clip(xy[:, None], low, low + inside)  # (N, cells, 2)
        best = np.square(points - xy[:, None]).sum(-1).argmin(1)
        near = points[np.arange(len(xy)), best]
        return np.where(self.can_stand(xy)[:, None], xy, near)

    def ground(self) -> dict[str, Any]:
        """Return the map for drawing: `low` (x, y), `texel`, and `rows` from the south on.

        A row is a text of cells from the west on: "." where one can stand, "#" where not.
        """
        rows = ["".join(".#"[not cell] for cell in row) for row in self.walkable.tolist()]
        return {"low": self.cfg.low, "texel": self.cfg.texel, "rows": rows}

    # ---- walking

    def move(self, places: np.ndarray, masks: np.ndarray | int) -> np.ndarray:
        """Return places (N, 3) a frame later, under the keys of bit masks (N,) or of one."""
        step = np.broadcast_to(self._steps[masks], places.shape)
        xy, heading = places[:, :2], places[:, 2]
        for n in range(1, self.cfg.ticks + 1):
            part = n / self.cfg.ticks * step[:, 2]
            xy = self._tick(xy, turned(step[:, :2], heading + part) / self.cfg.ticks)
        return np.column_stack([xy, heading + step[:, 2]])

    def _tick(self, xy: np.ndarray, way: np.ndarray) -> np.ndarray:
        """Go a way (N, 2) from xy (N, 2), or as much of it as there is room for."""
        goal = xy + way
        held_up = self.can_stand(xy) & ~self.can_stand(goal)  # who is off the map goes freely
        if held_up.any():
            goal[held_up] = self._slide(xy[held_up], way[held_up])
        return goal

    def _slide(self, xy: np.ndarray, way: np.ndarray) -> np.ndarray:
        """Go as far as the first edge, less a little, and what is left of the way along it."""
        end, open_ = xy.copy(), np.ones(len(xy), bool)
        for _ in range(2):
            share, axis = self._first_edge(xy, way)
            near = xy + way * np.clip(share - BACK_OFF, 0, 1)[:, None]
            hit = open_ & (share <= 1) & self.can_stand(near)
            xy = np.where(hit[:, None], near, xy)
            way = np.where(hit[:, None], way * (1 - np.minimum(share, 1))[:, None], way)
            along = way.copy()
            along[np.arange(len(way)), axis] = 0
            end[hit] = xy[hit]
            free = hit & self.can_stand(xy + along)
            end[free] = (xy + along)[free]
            open_ &= ~free
            if not open_.any():
                return end
        for axis in (1, 0):  # in a corner, what one axis leaves is taken
            alone = np.where(np.arange(2) == axis, way, 0.0)
            free = open_ & self.can_stand(xy + alone)
            end[free] = (xy + alone)[free]
            open_ &= ~free
        return end

    def _first_edge(self, xy: np.ndarray, way: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the share of a way (N, 2) at which it meets an edge (inf: never), and the axis."""
        texel, shares = self.cfg.texel, np.full((len(xy), 2), np.inf)
        crossings = np.arange(int(np.abs(way).max() / texel) + 2)
        for axis, edges in enumerate(self._edges):
            x, size = xy[:, axis, None], way[:, axis, None]
            cell, ahead = self._cell(x, axis), size > 0
            edge = np.where(ahead, cell + crossings, cell - 1 - crossings)
            at = self.cfg.low[axis] + edge * texel
            share = (at - x) / np.where(size == 0, np.nan, size)
            beside = self._cell(xy[:, 1 - axis, None], 1 - axis)
            known = (edge >= 0) & (edge < len(edges))
            meets = known & (share <= 1) & edges[np.where(known, edge, 0), beside]
            shares[:, axis] = np.where(meets, share, np.inf).min(1)
        return shares.min(1), shares.argmin(1)
