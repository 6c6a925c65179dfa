"""What a world remembers, beside the live engine under the same keys: the rows of the table.

`engine` is the engine once more (walks can be repeated), `tokenizer` its frames encoded and
decoded: the most that a model on these tokens can reach. `true_place` is the shipped world told by
the engine where it is at every frame; `shipped` finds its place in the pixels of a start and
carries it on by the keys; `without_memory` is a world that knows no places.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree
from tqdm import tqdm

from benchmarks.dreams import Dreams, at_size, fitted
from benchmarks.frame_metrics import drift, psnr
from benchmarks.live_walks import Live, Walk
from benchmarks.reporting import Row
from core.video.actions import parse_script, to_masks
from core.video.mover import Mover, difference
from core.video.world import Seed, VideoModel
from train.worlds.policy import fumble

FPS = 30
TURN = "L:90"
RETURN = "W:18,L:45,W:18,L:45"
MINUTE = 60 * FPS
VIEWS, EVERY, LOOKS = 64, 28, 10
"""Views of a minute's walk among which the true one has to be the nearest; the last so many are
asked for."""
AFTER = (1, 10, 60)
"""Seconds after which the place is compared."""
FOUND = (3.0, 2.0)
"""Units and degrees within which a place has been found."""
FIFTHS, PICTURES = 5, 20
"""Parts of the longest walk, and frames that are looked at in each."""
SAME = (4.0, 2.0)
"""Units and degrees within which two places of it are the same."""
PAIRS = 24
WALKERS = 60
ROWS = ("engine", "tokenizer", "true_place", "shipped", "without_memory")


def spread(values: Sequence[float] | np.ndarray, *, low: bool = False) -> Row:
    """Return median and worst tenth; `low`: less is better."""
    worst = np.quantile(values, 0.9 if low else 0.1)
    return {"median": float(np.median(values)), "worst_tenth": float(worst)}


def apart(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return units and degrees (...) between places (..., 3)."""
    return np.hypot(*np.moveaxis((a - b)[..., :2], -1, 0)), abs(difference(a[..., 2], b[..., 2]))


def trail(mover: Mover, place: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Return the places (N, 3) that keys (N, K) lead to from one (3,)."""
    path = [place[None]]
    for mask in to_masks(held):
        path.append(mover.move(path[-1], int(mask)))
    return np.concatenate(path[1:])


def recalled(made: np.ndarray, real: np.ndarray) -> Row:
    """Return the share of the last frames (B, n, H, W, 3) nearest to the real one of their moment.

    Of equal real ones, such as those of someone who stands still, any will do.
    """
    shares = []
    for row, views in zip(made, real, strict=True):
        near = np.stack([psnr(views, frame) for frame in row[-LOOKS:]])  # (LOOKS, VIEWS)
        own = near[:, -LOOKS:].diagonal()
        shares.append(float((own >= near.max(1)).mean()))
    return {"share": float(np.mean(shares)), **spread(shares)}


def fifths(made: np.ndarray, real: np.ndarray) -> Row:
    """Return contrast and sharpness of frames (N, H, W, 3) over those of real ones, by fifths."""
    parts = zip(np.split(made, FIFTHS), np.split(real, FIFTHS), strict=True)
    found = [drift(*part) for part in parts]
    return {name: [part[name] for part in found] for name in ("contrast", "sharpness")}


def same_places(path: np.ndarray) -> np.ndarray:
    """Return up to PAIRS pairs (n, 2) of frames over a minute apart, at the same place (N, 3).

    The nearest ones, but only one of those from the same two seconds.
    """
    angle, scale = np.deg2rad(path[:, 2]), SAME[0] / np.deg2rad(SAME[1])
    points = np.column_stack([path[:, :2], scale * np.cos(angle), scale * np.sin(angle)])
    pairs = KDTree(points).query_pairs(SAME[0] * math.sqrt(2), output_type="ndarray")
    pairs = np.sort(pairs, axis=1)
    pairs = pairs[pairs[:, 1] - pairs[:, 0] > MINUTE]
    units, degrees = apart(path[pairs[:, 0]], path[pairs[:, 1]])
    off = np.maximum(units / SAME[0], degrees / SAME[1])
    pairs = pairs[np.argsort(off)[: (off < 1).sum()]]
    _, first = np.unique(pairs // FPS, axis=0, return_index=True)
    return pairs[np.sort(first)[:PAIRS]]


@dataclass(frozen=True)
class Start:
    """A moment, and where the shipped world takes it to be."""

    true: Seed
    found: Seed
    fit: float
    seconds: float


@dataclass(frozen=True)
class Player:
    """A row that dreams."""

    model: VideoModel
    starts: Sequence[Seed]
    told: bool = False
    """Whether it is told the true place of every frame."""

    def play(self, walks: Sequence[Walk], wanted: Sequence[int], name: str) -> np.ndarray:
        """Return frames (B, len(wanted), h, w, 3), of its own size, under the keys of walks."""
        dreams = Dreams(self.model, self.starts[: len(walks)], seed=1)
        places = np.stack([walk.path for walk in walks]) if self.told else None
        held = np.stack([walk.held for walk in walks])
        return dreams.play(held, wanted, name=name, places=places)


class Memory:
    """Everything that is measured of one world that has a place."""

    def __init__(
        self,
        live: Live,
        model: VideoModel,
        without: VideoModel | None,
        *,
        starts: int,
        beside: int,
        recalls: int,
        frames: int,
        rows: Sequence[str],
        long_rows: Sequence[str],
    ) -> None:
        """Measure from so many `starts`; rows beside the shipped one from one in `beside` of them.

        `recalls` of the starts are walked for a minute, the first one for `frames` frames, by
        `long_rows`.
        """
        if model.mover is None or model.look is None:
            raise ValueError("this world has no place to remember; name one that has")
        self.live, self.model, self.without = live, model, without
        self.mover, self.rows, self.long_rows = model.mover, rows, long_rows
        self.pictures: dict[str, np.ndarray] = {}
        """Frames of the longest walk, by row, once it has been made."""
        self.count, self.beside, self.recalls, self.frames = starts, beside, recalls, frames

    # ---- who plays, and where from

    @cached_property
    def starts(self) -> list[Start]:
        """The moments, each looked at once."""
        return [self._found(n) for n in tqdm(range(self.count), desc="looking", disable=None)]

    def _found(self, number: int) -> Start:
        true = self.live.start(number)
        start = fitted(true, self.model)._replace(path=np.empty((0, 3)))
        began = time.perf_counter()
        begun = self.model.begin(start, self.model.encode(start.frames))
        seconds = time.perf_counter() - began
        path = np.stack([c.course[0] for c in begun.conditions if c.course is not None])
        assert begun.fit is not None  # there was no path
        return Start(true, start._replace(path=path), begun.fit, seconds)

    @cached_property
    def players(self) -> dict[str, Player]:
        true = [start.true for start in self.starts]
        found = {
            "true_place": Player(self.model, true, told=True),
            "shipped": Player(self.model, [start.found for start in self.starts]),
        }
        if self.without is not None:
            found["without_memory"] = Player(self.without, true)
        return {name: player for name, player in found.items() if name in self.rows}

    def _walks(self, count: int, script: Sequence[int] | int, wanted: Sequence[int]) -> list[Walk]:
        numbers = tqdm(range(count), desc="engine", unit="walk", leave=False, disable=None)
        return [self.live.walk(n, script, wanted) for n in numbers]

    def _judged(
        self,
        count: int,
        script: Sequence[int] | int,
        wanted: Sequence[int],
        judge: Callable[[np.ndarray, np.ndarray], Row],
        name: str,
    ) -> dict[str, Row]:
        """Return what `judge` makes of the frames of each row, and of the engine's."""
        walks = self._walks(count, script, wanted)
        real = np.stack([walk.frames for walk in walks])
        few = -(-count // self.beside)
        made: dict[str, Callable[[], np.ndarray]] = {
            "engine": lambda: np.stack([w.frames for w in self._walks(few, script, wanted)]),
            "tokenizer": lambda: np.stack([self._coded(frames) for frames in real[:few]]),
        }
        for row, player in self.players.items():
            mine = walks if row == "shipped" else walks[:few]
            made[row] = lambda p=player, w=mine, r=row: p.play(w, wanted, f"{name}, {r}")
        found = {}
        for row in self.rows:
            if row in made:
                frames = at_size(made[row](), real.shape[2:4])
                found[row] = {name: judge(frames, real[: len(frames)])}
        return found

    def _coded(self, frames: np.ndarray) -> np.ndarray:
        return self.model.decode(self.model.encode(frames))

    # ---- the figures

    def measure(self, part: str) -> dict[str, Row]:
        """Return the figures of a part, by row."""
        parts = {
            "starts": self.found,
            "turn": self.turn,
            "return": self.back,
            "recall": self.recall,
            "place": self.place,
            "long": self.long,
            "walls": self.walls,
        }
        return parts[part]()

    def found(self) -> dict[str, Row]:
        """How far off the places of starts are, and what it took to find them."""
        true = np.stack([start.true.path[-1] for start in self.starts])
        units, degrees = apart(np.stack([start.found.path[-1] for start in self.starts]), true)
        within = (units < FOUND[0]) & (degrees < FOUND[1])
        row = {
            "units": spread(units, low=True),
            "degrees": spread(degrees, low=True),
            "within": float(within.mean()),
            "fit": spread([start.fit for start in self.starts], low=True),
            "seconds": spread([start.seconds for start in self.starts], low=True),
        }
        return {"shipped": {"starts_found": row}}

    def turn(self) -> dict[str, Row]:
        """A turn of 90 frames: the last one against the engine's."""
        return self._scripted(TURN, "turn")

    def back(self) -> dict[str, Row]:
        """Forward, half a turn, and both again: the last frame against the engine's."""
        return self._scripted(RETURN, "return")

    def _scripted(self, script: str, name: str) -> dict[str, Row]:
        masks = parse_script(script, self.model.dit.cfg.keys)
        last = [len(masks) - 1]
        return self._judged(self.count, masks, last, lambda a, b: spread(psnr(a, b)[:, 0]), name)

    def recall(self) -> dict[str, Row]:
        """Whether frames after a minute show, of all views of the walk, that of their moment."""
        views = MINUTE - 1 - EVERY * np.arange(VIEWS)[::-1]
        return self._judged(self.recalls, MINUTE, views.tolist(), recalled, "recall")

    def place(self) -> dict[str, Row]:
        """How far off the place is after a while, from pixels and keys alone."""
        walks = self._walks(self.count, FPS * max(AFTER), [0])
        at = FPS * np.array(AFTER) - 1
        believed = [
            trail(self.mover, start.found.path[-1], walk.held)[at]
            for start, walk in zip(self.starts, walks, strict=True)
        ]
        units, degrees = apart(np.stack(believed), np.stack([walk.path[at] for walk in walks]))
        row = {
            f"{seconds}_s": {
                "units": spread(units[:, i], low=True),
                "degrees": spread(degrees[:, i], low=True),
            }
            for i, seconds in enumerate(AFTER)
        }
        return {"shipped": {"place": row}}

    def walls(self) -> dict[str, Row]:
        """Steps that an hour of random keys takes off the map, the mover being alone."""
        rng, cfg = np.random.default_rng(self.live.seed), self.mover.cfg
        rows, columns = self.mover.walkable.nonzero(as_tuple=True)
        cells = np.stack([columns.numpy(), rows.numpy()], axis=1)
        chosen = cells[rng.integers(len(cells), size=WALKERS)] + rng.random((WALKERS, 2))
        places = np.column_stack(
            [chosen * cfg.texel + np.array(cfg.low), rng.uniform(0, 360, WALKERS)]
        )
        players = [fumble(rng, cfg.keys) for _ in range(WALKERS)]
        outside = 0
        for _ in range(60 * MINUTE // WALKERS):
            held = np.array([next(player) for player in players])
            places = self.mover.move(places, to_masks(held))
            outside += int((~self.mover.can_stand(places[:, :2])).sum())
        return {"shipped": {"walls": {"steps_outside": outside}}}

    def long(self) -> dict[str, Row]:
        """What minutes of play look like, by fifths, and whether places look as they did before."""
        looked = np.linspace(0, self.frames - 1, FIFTHS * PICTURES).round().astype(int)
        walk = self.live.walk(0, self.frames, looked.tolist())
        coded = fifths(self._coded(walk.frames), walk.frames)
        found = {
            "engine": self._agreement(walk.path, same_places(walk.path), None),
            "tokenizer": {"long_play": coded},
        }
        self.pictures = {"engine": walk.frames}
        for row, player in self.players.items():
            if row not in self.long_rows:
                continue
            path = walk.path
            if row == "shipped":
                path = trail(self.mover, self.starts[0].found.path[-1], walk.held)
            pairs = same_places(path)
            wanted = np.union1d(looked, pairs.ravel())
            (made,) = player.play([walk], wanted.tolist(), f"long play, {row}")
            shown = made[np.searchsorted(wanted, looked)]
            found[row] = {
                "long_play": fifths(shown, at_size(walk.frames, player.model.size)),
                **self._agreement(path, pairs, made[np.searchsorted(wanted, pairs)]),
            }
            self.pictures[row] = shown
        return {row: figures for row, figures in found.items() if row in self.rows}

    def _agreement(self, path: np.ndarray, pairs: np.ndarray, made: np.ndarray | None) -> Row:
        """Compare frames (n, 2, h, w, 3) of pairs (n, 2) with each other; None: the engine's own.

        `ceiling` is what the tokenizer makes of the one, against the other, as the engine draws
        them: no two places are quite the same.
        """
        if not len(pairs):
            return {}
        real = np.stack([[self.live.picture(path[n]) for n in pair] for pair in pairs])
        made = real if made is None else at_size(made, real.shape[2:4])
        ceiling = psnr(self._coded(real[:, 0]), real[:, 1])
        about = {"ceiling": spread(ceiling), "pairs": len(pairs)}
        return {"self_agreement": {**spread(psnr(made[:, 0], made[:, 1])), **about}}
