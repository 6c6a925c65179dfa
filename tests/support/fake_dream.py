"""A stand-in for the engine's worlds: frames whose bytes follow from seed and keys. No torch."""

from __future__ import annotations

import copy
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from core.settings import WorldSettings
from train.worlds.world import BLOCKS_KEYS as KEYS

HEIGHT, WIDTH, FPS, VIEW = 96, 128, 30.0, 8
SEEDS = ("the pond", "brick corner", "no state")
PLACED = "blocks"
"""The world that knows where it is."""
GROUND = {"low": (0.0, 0.0), "texel": 16.0, "rows": ["....", ".##.", "...."]}
AHEAD, TURN = 2, 6
"""Units and degrees that a frame goes."""


def paint(mask: int, memory: int) -> np.ndarray:
    """A frame that shows its keys as a color and everything before it as a pattern."""
    levels = np.frombuffer(memory.to_bytes(4, "little") * 12, np.uint8).reshape(6, 8)
    frame = np.kron(levels // 4, np.ones((16, 16), np.uint8))[..., None].repeat(3, 2)
    return frame + np.uint8([32 * (mask & 7), 32 * (mask >> 3 & 7), 40])


class FakeDream:
    """As `core.video.dream.Dream`; sleeps instead of computing."""

    fps, keys = FPS, KEYS

    def __init__(
        self, engine: FakeWorlds, start: bytes, *, place: Any, fit: float | None, **settings: Any
    ) -> None:
        self.engine, self.settings, self.place, self.fit = engine, settings, place, fit
        self.tally = SimpleNamespace(made=0, drafted=0, accepted=0, dropped=0, depth=0)
        self.held: list[int] = []
        self._memory = zlib.crc32(start)
        self._drafts: deque[tuple[int, np.ndarray, int]] = deque()
        self._seen = deque([paint(0, self._memory)], maxlen=VIEW)
        self._past = [self._standing()]

    @property
    def depth(self) -> int:
        return 2 if self.settings["ahead"] < 0 else self.settings["ahead"]

    def _make(self, mask: int, memory: int) -> tuple[np.ndarray, int]:
        self.engine.begin_computing()
        time.sleep(self.engine.frame_cost)
        self.engine.end_computing()
        if self.engine.fail_at is not None and len(self.held) >= self.engine.fail_at:
            raise RuntimeError("the fake dream was told to fail")
        if mask >> len(KEYS):
            raise ValueError(f"an action must be in 0..63, got {mask}")
        picked = {k: v for k, v in self.settings.items() if k != "ahead"}
        memory = zlib.crc32(f"{memory} {mask} {sorted(picked.items())}".encode())
        return paint(mask, memory), memory

    def step(self, mask: int) -> Any:
        if self._drafts and self._drafts[0][0] != mask:
            self.tally.dropped += len(self._drafts)
            self._drafts.clear()
        drafted = bool(self._drafts)
        if drafted:
            _, frame, self._memory = self._drafts.popleft()
        else:
            frame, self._memory = self._make(mask, self._memory)
        self.held.append(mask)
        self.tally.made += 1
        self.tally.accepted += drafted
        self.tally.depth = self.depth
        self._seen.append(frame)
        if self.place:
            x = self.place.x + AHEAD * (mask & 1)
            turn = TURN * ((mask >> 4 & 1) - (mask >> 5 & 1))
            self.place = spot(x, self.place.y, self.place.degrees + turn)
        index = len(self.held) - 1
        self._past.append(self._standing())
        made = {"frame": frame, "mask": mask, "drafted": drafted, "place": self.place}
        return SimpleNamespace(index=index, **made)

    def draft(self) -> bool:
        if not self.held or len(self._drafts) >= self.depth:
            return False
        memory = self._drafts[-1][2] if self._drafts else self._memory
        self._drafts.append((self.held[-1], *self._make(self.held[-1], memory)))
        self.tally.drafted += 1
        return True

    def tune(self, **settings: Any) -> None:
        new = {k: v for k, v in settings.items() if v is not None}
        if new.get("steps", 1) > 50:
            raise ValueError("steps must be in 1..50, got 60")
        self.tally.dropped += len(self._drafts)
        self._drafts.clear()
        self.settings = {**self.settings, **new}

    # ---- places, and going back

    def check_place(self, x: float, y: float, degrees: float | None = None) -> None:
        if not self.place:
            raise ValueError("this world does not know where it is; there is nowhere else to go")
        column, row = int(x // 16), int(y // 16)
        if not (0 <= column < 4 and 0 <= row < 3) or GROUND["rows"][row][column] != ".":
            raise ValueError(f"nobody can stand at {x:.0f}, {y:.0f} in this world")

    def stand(self, x: float, y: float, degrees: float | None = None) -> None:
        self.check_place(x, y, degrees)
        self._drafts.clear()
        self.place = spot(x, y, self.place.degrees if degrees is None else degrees)
        self._past[-1] = self._standing()

    def _standing(self) -> tuple[int, Any, dict[str, Any]]:
        return self._memory, self.place, self.settings

    @property
    def past(self) -> range:
        end = len(self.held)
        return range(max(end - round(10 * FPS), 0), end + 1)

    def masks(self, frame: int) -> list[int]:
        return self.held[frame:]

    def approach(self, frame: int) -> Iterator[FakeDream]:
        if frame not in self.past:
            raise ValueError(f"the last 10 seconds can be gone back to, got {frame}")
        other = copy.copy(self)
        begin = frame - frame % 5
        other.held, other._past = self.held[:begin], self._past[: begin + 1]
        other._memory, other.place, other.settings = other._past[-1]
        other._drafts, other._seen = deque(), deque(maxlen=VIEW)
        other.tally = copy.copy(self.tally)
        yield other
        for mask in self.held[begin:frame]:
            other.step(mask)
            yield other

    def branch(self, frame: int) -> FakeDream:
        *_, other = self.approach(frame)
        return other

    def context(self) -> np.ndarray:
        return np.stack(self._seen)


def spot(x: float, y: float, degrees: float) -> SimpleNamespace:
    """As `core.video.place.Place`."""
    return SimpleNamespace(x=x, y=y, degrees=degrees, spread=0.5)


class FakeWorlds:
    """The worlds of a fake engine."""

    worlds = ("video", "video-teacher", PLACED)

    def __init__(self, *, milliseconds_per_frame: float = 2.0) -> None:
        self.frame_cost = milliseconds_per_frame / 1000
        self.fail_at: int | None = None
        self.dreams: list[FakeDream] = []
        self.running = 0
        """Computations at this moment; more than one would be a race."""
        self.most_running = 0

    def begin_computing(self) -> None:
        self.running += 1
        self.most_running = max(self.most_running, self.running)

    def end_computing(self) -> None:
        self.running -= 1

    def world_card(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "width": WIDTH,
            "height": HEIGHT,
            "fps": FPS,
            "keys": KEYS,
            "steps": 1,
            "context_noise": 0.1,
            "context": VIEW,
            "most_together": 2,
            "seeds": list(SEEDS),
            "licence": "CC0-1.0",
            "data": "blocks",
            "ground": GROUND if name == PLACED else None,
        }

    def seed(self, name: str, number: int) -> Any:
        if not 0 <= number < len(SEEDS):
            raise ValueError(f"start must be in 0..{len(SEEDS) - 1} or a picture, got {number}")
        frames = paint(0, 77 * number + 1)[None]
        return SimpleNamespace(frames=frames, state=np.zeros(0 if number == 2 else 5))

    def seed_picture(self, name: str, number: int) -> np.ndarray:
        return self.seed(name, number).frames[-1]

    def play(
        self,
        checkpoint: str | None = None,
        *,
        start: int | np.ndarray = 0,
        settings: WorldSettings | None = None,
        pause: Callable[[], None] = lambda: None,
    ) -> FakeDream:
        pause()
        picture = start if isinstance(start, np.ndarray) else self.seed("", start).frames
        settings = settings or WorldSettings()
        dream = FakeDream(
            self,
            f"{checkpoint} {settings.seed} {zlib.crc32(picture.tobytes())}".encode(),
            place=spot(8.0, 8.0, 90.0) if checkpoint == PLACED else None,
            fit=0.04 if checkpoint == PLACED and isinstance(start, np.ndarray) else None,
            steps=settings.steps or 1,
            context_noise=0.1 if settings.context_noise is None else settings.context_noise,
            ahead=settings.ahead,
            together=settings.together,
        )
        self.dreams.append(dream)
        return dream


class FakeTruth:
    """As `train.worlds.doom.Truth`."""

    def __init__(self, size: tuple[int, int], land: str) -> None:
        self.size, self.land = size, land
        self.masks: list[int] = []
        self.closed = False
        self.state: Any = ()

    def reset(self, state: Any) -> np.ndarray:
        assert len(state)
        self.state = state
        return paint(0, 5)

    def step(self, mask: int) -> np.ndarray:
        self.masks.append(mask)
        return paint(mask, 5)

    def place(self) -> Any:
        x, y, angle = map(float, self.state[:3])
        return SimpleNamespace(x=x, y=y, angle=angle)

    def close(self) -> None:
        self.closed = True
