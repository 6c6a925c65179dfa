"""The streaming sampler: one clean frame per condition, each call shared by a window of frames.

It knows neither text, keys, joints nor pixels. A tick calls the network once on the window, whose
frames stand at different levels (see `schedule`). A frame that became clean is handed out at once;
it rides along at t = 1 in the next call, and its keys and values are kept from there, so that a
commit costs no call of its own and nothing clean is ever computed again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from core.diffusion import flow, schedule, whole
from core.diffusion.flow import CLEAN
from core.diffusion.static import Call, StaticCache, StreamCache


class Condition(Protocol):
    """What steers a frame: a prompt, an action."""

    def with_null(self) -> Condition:
        """Return the condition of a doubled batch whose second half is unconditional."""
        ...


C = TypeVar("C", bound=Condition)


class Denoiser(Protocol):
    """A network that predicts velocities, such as MotionDiT."""

    def __call__(
        self,
        x: Tensor,
        t: Tensor,
        conditions: Sequence[Condition],
        cache: StreamCache | None = None,
        commit: int = 0,
    ) -> Tensor:
        """Return the velocity of x (B, T, P, D) at t (B, T); keep the first `commit` frames, whose
        own velocity nobody reads."""
        ...


def guided(
    denoiser: Denoiser,
    x: Tensor,
    t: Tensor,
    conditions: Sequence[Condition],
    cache: StreamCache | None,
    commit: int,
    guidance: float,
) -> Tensor:
    """Return the velocity under classifier-free guidance (arXiv 2207.12598); scale 1 = one pass."""
    if guidance == 1.0:
        return denoiser(x, t, conditions, cache, commit)
    both = [c.with_null() for c in conditions]
    v = denoiser(torch.cat([x, x]), torch.cat([t, t]), both, cache, commit)
    with_condition, without = v.chunk(2)
    return without + guidance * (with_condition - without)


@dataclass
class _Frame(Generic[C]):
    x: Tensor  # (B, P, D)
    start: int  # the tick at which it enters
    condition: C
    velocity: Tensor | None = None  # of the last call


@dataclass(frozen=True)
class Sampled(Generic[C]):
    """A finished frame and the condition it was made for."""

    x: Tensor
    """(B, P, D), clean."""
    condition: C


@dataclass(frozen=True)
class Snapshot(Generic[C]):
    """Where a sampler stands between frames; see `StreamSampler.restore`."""

    finished: tuple[_Frame[C], ...]
    committed: int
    generator: Tensor


class StreamSampler(Generic[C]):
    """Sample frames for ever; `guidance` may be changed, steps only by `retime` and `pace`."""

    def __init__(
        self,
        denoiser: Denoiser,
        shape: tuple[int, int, int],
        cache: StreamCache | None,
        *,
        steps: int,
        stagger: int,
        guidance: float = 1.0,
        generator: torch.Generator,
        context_noise: float = 0.0,
        shift: float = 1.0,
        multistep: bool = False,
        conditioned: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        """Sample frames of `shape` (B, P, D).

        A new condition re-noises every unfinished frame, so that it is felt in the very next one.
        `context_noise`: what is committed stands at t = 1 - context_noise, with
        that much noise in it. `shift`: see `schedule.times`. `multistep`: follow the velocity as
        it changed since the last step, too; as good as twice the steps, for no call more.
        `conditioned`: how many frames in view depend on their condition, so that they are
        committed anew, in one call, when it changes; 0: history is the same under any. Raises
        ValueError for steps and stagger that do not fit together.
        """
        schedule.check(steps, stagger)
        if not 0 <= context_noise < 1:
            raise ValueError(f"context_noise must be in 0..1 (1 excluded), got {context_noise}")
        self.denoiser, self.shape, self.cache = denoiser, shape, cache
        self.context_noise, self.committed = context_noise, 0
        self.steps, self.stagger, self.guidance = steps, stagger, guidance
        self.generator, self.device = generator, device
        self._settled: tuple[float, Tensor] | None = None
        self.shift, self.multistep = shift, multistep
        self._seen: deque[Tensor] = deque(maxlen=conditioned)
        self._seen_under: C | None = None
        self.times = [float(t) for t in schedule.times(steps, shift)]
        self.pause: Callable[[], None] = lambda: None
        """Called ahead of every network call of `sample`, or of a frame that is made at once:
        others may compute."""
        self.tick = 0  # network calls so far, which the schedule counts in
        self.window: list[_Frame[C]] = []
        self.finished: list[_Frame[C]] = []  # handed out, not yet committed
        self._owed = 0  # conditions that were pulled for frames which `pace` dropped

    def _drawn(self) -> Tensor:
        return torch.randn(self.shape, generator=self.generator)

    def _noise(self) -> Tensor:
        return self._drawn().to(self.device, non_blocking=True)

    def _enter(self, condition: C) -> None:
        if self._seen and self._seen_under is not condition:
            self._commit_anew(condition)
        if self.window and self.window[-1].condition is not condition:
            for i, frame in enumerate(self.window):
                frame.x, frame.condition, frame.velocity = self._noise(), condition, None
                frame.start = self.tick + self.stagger * i
        start = self.window[-1].start + self.stagger if self.window else self.tick
        self.window.append(_Frame(self._noise(), start, condition))

    def _level(self, frame: _Frame[C]) -> int:
        return schedule.level(self.tick, frame.start, self.steps)

    @torch.inference_mode()
    def _commit_anew(self, condition: C) -> None:
        """Have the history seen as if it had been made for this condition."""
        assert self.cache is not None
        self.cache = self.cache.copy(forget=self.committed)
        frames, self.finished = [*self._seen, *(frame.x for frame in self.finished)], []
        self.committed -= len(self._seen)
        self._seen.clear()
        self.commit(torch.stack(frames, dim=1), [condition])

    @torch.inference_mode()
    def commit(self, frames: Tensor, conditions: Sequence[C]) -> None:
        """Make clean frames (B, T, P, D) part of the history, as if they had been sampled.

        Frames that were handed out and wait for their commit come first, as they did in time.
        """
        if self.finished:
            waiting, self.finished = self.finished, []
            self.commit(torch.stack([f.x for f in waiting], 1), [f.condition for f in waiting])
        t = torch.full(frames.shape[:2], CLEAN - self.context_noise, device=frames.device)
        x = torch.stack([self._as_context(x) for x in frames.unbind(1)], dim=1)
        if self._seen.maxlen:  # it differs in the two halves of guidance
            guided(self.denoiser, x, t, conditions, self.cache, frames.shape[1], self.guidance)
        else:
            self.denoiser(x, t, conditions, self.cache, frames.shape[1])
        self.committed += frames.shape[1]
        self._seen.extend(frames.unbind(1))
        self._seen_under = conditions[-1]

    def _as_context(self, x: Tensor) -> Tensor:
        return self._noise().lerp(x, CLEAN - self.context_noise) if self.context_noise else x

    def _tick(self) -> None:
        """Call the network once and move every frame in the window up a level."""
        active = [frame for frame in self.window if self._level(frame) >= 0]
        commit, settled = len(self.finished), CLEAN - self.context_noise
        past = [self._as_context(frame.x) for frame in self.finished]
        x = torch.stack([*past, *(frame.x for frame in active)], dim=1)  # (B, T, P, D)
        t, t_next = (
            torch.tensor([[settled] * commit + [self.times[self._level(f) + up] for f in active]])
            .expand(len(x), -1)
            .to(self.device, non_blocking=True)
            for up in (0, 1)
        )
        conditions = [frame.condition for frame in (*self.finished, *active)]
        v = guided(self.denoiser, x, t, conditions, self.cache, commit, self.guidance)
        x = flow.step(x, self._mean_velocity(v, active, commit) if self.multistep else v, t, t_next)
        for i, frame in enumerate(active, start=commit):
            frame.x, frame.velocity = x[:, i], v[:, i]
        self.tick += 1
        self._note_commit(conditions[-1])

    def _note_commit(self, under: C) -> None:
        """Take the finished frames for committed."""
        self._seen.extend(frame.x for frame in self.finished)
        self._seen_under = under
        self.committed += len(self.finished)
        self.finished = []

    def _mean_velocity(self, v: Tensor, active: list[_Frame[C]], commit: int) -> Tensor:
        """Return the velocities (B, T, P, D) that the next step follows."""
        mean = v.clone()
        for i, frame in enumerate(active, start=commit):
            if frame.velocity is not None:
                k = self._level(frame)
                before, now, after = self.times[k - 1 : k + 2]
                ratio = (after - now) / (now - before)
                mean[:, i] = flow.extrapolate(v[:, i], frame.velocity, ratio)
        return mean

    @torch.inference_mode()
    def sample(self, conditions: Sequence[C]) -> list[Sampled[C]]:
        """Denoise frames jointly, one per condition, in `steps` calls (NFD's speculation).

        One condition is what `stream` does with stagger == steps; with more, later frames see
        earlier ones while both are noisy. At fixed addresses few steps are taken at once.
        """
        cache, network = self.cache, self.denoiser
        few = self.steps <= whole.MOST_STEPS and self.guidance == 1.0 and not self.multistep
        if few and isinstance(cache, StaticCache) and isinstance(network, whole.Network):
            self.finished = self._at_once(cache, network, conditions)
        else:
            self.window = [_Frame(self._noise(), self.tick, condition) for condition in conditions]
            for _ in range(self.steps):
                self.pause()
                self._tick()
            self.finished, self.window = self.window, []
        return [Sampled(frame.x, frame.condition) for frame in self.finished]

    def _at_once(
        self, cache: StaticCache, network: whole.Network, conditions: Sequence[C]
    ) -> list[_Frame[C]]:
        """Return new frames, made as `_tick` would; commit the finished ones."""
        self.pause()
        past, start, settled = self.finished, self.tick, CLEAN - self.context_noise
        if self._settled is None or self._settled[0] != settled:  # one tensor is copied once
            self._settled = settled, torch.full((1, 1), settled, device=self.device)
        draws = len(conditions) + (len(past) if self.context_noise else 0)
        noise = torch.stack([self._drawn() for _ in range(draws)], dim=1)
        told = network.told([*(frame.condition for frame in past), *conditions])
        before, ride, times = [frame.x for frame in past], len(past), self.times

        def made(call: Call, noise: Tensor, settled: Tensor, *rest: Tensor) -> tuple[Tensor]:
            return (whole.frames(call, network, rest[:ride], noise, settled, rest[ride:], times),)

        inputs = [noise, self._settled[1], *before, *told]
        (x,) = cache.run(("frames", *times), made, inputs, ride)
        self.tick += self.steps
        self._note_commit(conditions[-1])
        return [_Frame(x[:, i], start, condition) for i, condition in enumerate(conditions)]

    def preview(self) -> Tensor | None:
        """Return what the next frame of `stream` is going to be, as far as can be told by now
        (B, P, D); None where nobody has begun it."""
        if not self.window or (frame := self.window[0]).velocity is None:
            return None
        return frame.x + (CLEAN - self.times[self._level(frame)]) * frame.velocity

    def retime(self, steps: int, context_noise: float) -> None:
        """Change how the next frames of `sample` are made; history stays as it is."""
        self.pace(steps, steps)
        self.context_noise = context_noise

    def pace(self, steps: int, stagger: int) -> None:
        """Change how the next frames of `stream` are made; those that are not finished are dropped.

        As many are made for the last condition when there is none left to pull. Raises ValueError
        for steps and stagger that do not fit together.
        """
        if (steps, stagger) == (self.steps, self.stagger):
            return
        schedule.check(steps, stagger)
        self._owed += len(self.window)
        self.window = []
        self.steps, self.stagger = steps, stagger
        self.times = [float(t) for t in schedule.times(steps, self.shift)]

    def snapshot(self, newest: int = 0) -> Snapshot[C]:
        """Return where this sampler stands, less the `newest` finished frames."""
        finished = tuple(self.finished[: len(self.finished) - newest])
        return Snapshot(finished, self.committed, self.generator.get_state())

    def restore(self, snapshot: Snapshot[C]) -> None:
        """Go back: forget finished frames, committed ones by a rollback, and draws of noise.

        Raises ValueError where more frames were committed since than the cache can roll back.
        """
        if self.cache is not None and self.committed > snapshot.committed:
            self.cache.rollback(self.committed - snapshot.committed)
        self.committed, self.finished = snapshot.committed, list(snapshot.finished)
        self.generator.set_state(snapshot.generator)

    def stream(self, conditions: Iterable[C]) -> Iterator[Sampled[C]]:
        """Yield one clean frame per condition.

        `conditions` is pulled when a frame may enter the window, never earlier.
        """
        source, more, condition = iter(conditions), True, None
        while True:
            if more and (not self.window or self._level(self.window[-1]) >= self.stagger):
                try:
                    condition = next(source)
                except StopIteration:
                    more, self._owed = self._owed > 0, max(self._owed - 1, 0)
                if more and condition is not None:
                    self._enter(condition)
            if not self.window:
                return
            with torch.inference_mode():
                self._tick()
            while self.window and self._level(self.window[0]) >= self.steps:
                frame = self.window.pop(0)
                self.finished.append(frame)
                yield Sampled(frame.x, frame.condition)
