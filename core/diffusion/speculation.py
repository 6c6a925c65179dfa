"""Speculative sampling (NFD): frames drafted under the held key, dropped when the key changes.

Two ways to draft. Ahead: in idle time the plain sampler makes the next frames one by one, so that
those accepted are the very frames it would have made; on another key the cache is rolled back.
Together: N frames are denoised jointly in one pass, as the paper does, which is cheaper and a
little worse, since a frame sees its predecessor only while that is still noisy.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.diffusion.sampler import Condition, Sampled, Snapshot, StreamSampler
from core.diffusion.static import StreamCache
from core.settings import AUTO, MOST_AHEAD, MOST_TOGETHER

C = TypeVar("C", bound=Condition)

SLACK = MOST_AHEAD + 2 * MOST_TOGETHER
"""Frames that a rollback may have to forget: all drafts, and a group that was shown in part."""
LIKELY = 0.5
"""A draft is worth making while it will more likely be shown than dropped."""


@dataclass
class DraftStats:
    """What came of drafting."""

    made: int = 0
    """Frames shown."""
    drafted: int = 0
    accepted: int = 0
    dropped: int = 0
    depth: int = 0
    """Drafts that are kept ready now."""

    @property
    def accept_rate(self) -> float:
        """Share of finished drafts that were shown; 1 before there are any."""
        over = self.accepted + self.dropped
        return self.accepted / over if over else 1.0


class KeyHold:
    """How often the condition changes, as a moving average over the last second or two."""

    def __init__(self, memory: float = 0.97) -> None:
        self.memory, self.change = memory, 0.1

    def observe(self, changed: bool) -> None:
        """Note one frame."""
        self.change += (1 - self.memory) * (changed - self.change)

    def depth(self) -> int:
        """Return how many frames ahead the same condition is still the likeliest."""
        stay = 1 - min(max(self.change, 0.01), 0.99)
        return min(math.floor(math.log(LIKELY) / math.log(stay)), MOST_AHEAD)


def unmoved(asked: C, before: C | None) -> C:
    """Return the condition that is asked for: nothing of the frame before goes into it."""
    return asked


@dataclass
class _Draft(Generic[C]):
    sampled: Sampled[C]
    asked: C
    before: Snapshot[C]
    first: bool
    """Of those denoised jointly."""


class Speculator(Generic[C]):
    """Hand out one frame per condition, from drafts where they fit.

    Two that are asked for are the same where they are one object. The cache needs `SLACK` frames of
    slack.
    """

    def __init__(
        self,
        sampler: StreamSampler[C],
        *,
        ahead: int = AUTO,
        together: int = 1,
        most_together: int = MOST_TOGETHER,
        carry: Callable[[C, C | None], C] = unmoved,
        start: C | None = None,
    ) -> None:
        """`carry` makes a frame's condition of what is asked for and of the frame before.

        `start` is the condition of the frame before the first one.
        """
        self.sampler, self.hold, self.tally = sampler, KeyHold(), DraftStats()
        self._drafts: deque[_Draft[C]] = deque()
        self._last: C | None = None
        self._carry, self._newest = carry, start
        self.shown = start
        """Condition of the frame that was handed out last."""
        self.most_together = most_together
        """What the network has rotary positions for, MOST_TOGETHER at most."""
        self.check(together)
        self.ahead, self.together = ahead, together

    def check(self, together: int) -> None:
        """Raise ValueError for more frames at once than this network has room for."""
        if not 1 <= together <= self.most_together:
            raise ValueError(
                f"together must be in 1..{self.most_together} in this world, got {together}"
            )

    @property
    def depth(self) -> int:
        """Frames to keep ready now."""
        return self.hold.depth() if self.ahead == AUTO else self.ahead

    def next(self, condition: C) -> tuple[Sampled[C], bool]:
        """Return the frame for a condition and whether it had been drafted."""
        if self._last is not None:
            self.hold.observe(condition is not self._last)
        self._last = condition
        if self._drafts and self._drafts[0].asked is not condition:
            self.drop()
        accepted = bool(self._drafts)
        if not accepted:
            self._make(condition)
            self.tally.drafted -= 1  # the one that is shown at once
        self.tally.made += 1
        self.tally.accepted += accepted
        self.tally.depth = self.depth
        sampled = self._drafts.popleft().sampled
        self.shown = sampled.condition
        return sampled, accepted

    def draft(self) -> list[Sampled[C]]:
        """Make frames ahead under the newest condition; nothing when enough are ready."""
        if self._last is None or len(self._drafts) >= self.depth:
            return []
        return self._make(self._last)

    def drop(self) -> None:
        """Forget all drafts."""
        if self._drafts:
            self.sampler.restore(self._drafts[0].before)
            self.tally.dropped += len(self._drafts)
            self._drafts.clear()
            self._newest = self.shown

    @property
    def between_groups(self) -> bool:
        """Whether the next frame begins a group of jointly denoised ones."""
        return not self._drafts or self._drafts[0].first

    def standing(self) -> tuple[Snapshot[C], StreamCache]:
        """Return where the sampler stood before all drafts, and what was in view, to be copied."""
        snapshot = self._drafts[0].before if self._drafts else self.sampler.snapshot()
        assert self.sampler.cache is not None  # a sampler without one cannot be rolled back either
        ahead = self.sampler.committed - snapshot.committed
        return snapshot, self.sampler.cache.copy(ahead, still=True)

    def restart(self, condition: C) -> None:
        """Forget all drafts, and go on as if the frame shown last had had another condition."""
        self.drop()
        self.shown = self._newest = condition

    def _make(self, asked: C) -> list[Sampled[C]]:
        before = self.sampler.snapshot()
        conditions: list[C] = []
        for _ in range(self.together):
            self._newest = self._carry(asked, self._newest)
            conditions.append(self._newest)
        made = self.sampler.sample(conditions)
        for i, sampled in enumerate(made):
            after_others = self.sampler.snapshot(newest=len(made) - i)
            self._drafts.append(_Draft(sampled, asked, after_others if i else before, i == 0))
        self.tally.drafted += len(made)
        return made
