"""A stand-in for the engine's worlds: frames whose bytes follow from seed and keys. No torch."""

from __future__ import annotations

import time
import zlib
from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np

from core.settings import WorldSettings
from train.worlds.world import BLOCKS_KEYS as KEYS

HEIGHT, WIDTH, FPS, VIEW = 96, 128, 30.0, 8
SEEDS = ("the pond", "brick corner", "no state")


def paint(mask: int, memory: int) -> np.ndarray:
    """A frame that shows its keys as a color and everything before it as a pattern."""
    levels = np.frombuffer(memory.to_bytes(4, "little") * 12, np.uint8).reshape(6, 8)
    frame = np.kron(levels // 4, np.ones((16, 16), np.uint8))[..., None].repeat(3, 2)
    return frame + np.uint8([32 * (mask & 7), 32 * (mask >> 3 & 7), 40])


class FakeDream:
    """As `core.video.dream.Dream`; sleeps instead of computing."""

    fps, keys = FPS, KEYS

    def __init__(self, engine: FakeWorlds, start: bytes, **settings: Any) -> None:
        self.engine, self.settings = engine, settings
        self.tally = SimpleNamespace(made=0, drafted=0, accepted=0, dropped=0, depth=0)
        self.masks: list[int] = []
        self._memory = zlib.crc32(start)
        self._drafts: deque[tuple[int, np.ndarray, int]] = deque()
        self._seen = deque([paint(0, self._memory)], maxlen=VIEW)

    @property
    def depth(self) -> int:
        return 2 if self.settings["ahead"] < 0 else self.settings["ahead"]

    def _make(self, mask: int, memory: int) -> tuple[np.ndarray, int]:
        self.engine.begin_computing()
        time.sleep(self.engine.frame_cost)
        self.engine.end_computing()
        if self.engine.fail_at is not None and len(self.masks) >= self.engine.fail_at:
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
        self.masks.append(mask)
        self.tally.made += 1
        self.tally.accepted += drafted
        self.tally.depth = self.depth
        self._seen.append(frame)
        index = len(self.masks) - 1
        return SimpleNamespace(index=index, frame=frame, mask=mask, drafted=drafted)

    def draft(self) -> bool:
        if not self.masks or len(self._drafts) >= self.depth:
            return False
        memory = self._drafts[-1][2] if self._drafts else self._memory
        self._drafts.append((self.masks[-1], *self._make(self.masks[-1], memory)))
        self.tally.drafted += 1
        return True

    def tune(self, **settings: Any) -> None:
        new = {k: v for k, v in settings.items() if v is not None}
        if new.get("steps", 1) > 50:
            raise ValueError("steps must be in 1..50, got 60")
        self.tally.dropped += len(self._drafts)
        self._drafts.clear()
        self.settings = {**self.settings, **new}

    def context(self) -> np.ndarray:
        return np.stack(self._seen)


class FakeWorlds:
    """The worlds of a fake engine."""

    worlds = ("video", "video-teacher")

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
    ) -> FakeDream:
        picture = start if isinstance(start, np.ndarray) else self.seed("", start).frames
        settings = settings or WorldSettings()
        dream = FakeDream(
            self,
            f"{checkpoint} {settings.seed} {zlib.crc32(picture.tobytes())}".encode(),
            steps=settings.steps or 1,
            context_noise=0.1 if settings.context_noise is None else settings.context_noise,
            ahead=settings.ahead,
            together=settings.together,
        )
        self.dreams.append(dream)
        return dream


class FakeTruth:
    """As `train.worlds.doom.Truth`."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.masks: list[int] = []
        self.closed = False

    def reset(self, state: Any) -> np.ndarray:
        assert len(state)
        return paint(0, 5)

    def step(self, mask: int) -> np.ndarray:
        self.masks.append(mask)
        return paint(mask, 5)

    def close(self) -> None:
        self.closed = True
