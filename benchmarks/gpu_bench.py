"""What the figures of `benchmarks.gpu` share: clocks, profiles, notes that are kept at once."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import typer

Row = dict[str, Any]


@dataclass
class Bench:
    """One run: where it computes, how long each figure may take, and what was found."""

    device: str
    rehearse: bool
    seconds: float
    checkpoints: Path
    out: Path | None
    limit: float
    """Seconds after which nothing new is begun."""
    found: Row = field(default_factory=dict[str, Any])
    begun: float = field(default_factory=time.perf_counter)
    later: dict[str, Callable[[], object]] = field(default_factory=dict[str, Callable[[], object]])
    """What is to be profiled when all clocks have stopped."""

    @property
    def late(self) -> bool:
        """Whether time is up."""
        return time.perf_counter() - self.begun > self.limit

    def sync(self) -> None:
        """Wait for the GPU."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def note(self, name: str, figure: Callable[[], Row]) -> None:
        """Measure one row of figures, or tell why not."""
        start = time.perf_counter()
        try:
            row = figure()
        except Exception as error:  # the next figure may well be had
            trace = traceback.format_exc().splitlines()[-8:]
            row = {"error": f"{type(error).__name__}: {error}"[:500], "trace": trace}
        row["took_s"] = round(time.perf_counter() - start, 2)
        self.found[name] = row
        typer.echo(f"{name}: {json.dumps(row)}", err=True)
        if self.out is not None:
            self.out.write_text(json.dumps(self.found, indent=1))

    def rate(self, work: Callable[[], object], warm: int = 8) -> Row:
        """Return calls a second, one after the other, and how long one takes by itself."""
        warm, seconds = (2, 0.05) if self.rehearse else (warm, self.seconds)
        for _ in range(warm):
            work()
        self.sync()
        alone: list[float] = []
        for _ in range(2 if self.rehearse else 12):
            start = time.perf_counter()
            work()
            self.sync()
            alone.append(1000 * (time.perf_counter() - start))
        start, calls = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            work()
            calls += 1
        self.sync()
        alone.sort()
        spent = time.perf_counter() - start
        return {
            "per_s": round(calls / spent, 2),
            "alone_ms": round(alone[len(alone) // 2], 3),
            "alone_ms_worst": round(alone[-1], 3),
        }

    def profile(self, work: Callable[[], object], calls: int = 3) -> Row:
        """Return what bounds it: kernels a call, and their time against the clock's."""

        if self.device != "cuda":
            work()
            return {}
        kinds = [torch.profiler.ProfilerActivity.CUDA]
        with torch.profiler.profile(activities=kinds) as profile:
            for _ in range(calls):
                work()
            self.sync()
        kernels = [
            e for e in profile.events() or [] if e.device_type == torch.autograd.DeviceType.CUDA
        ]
        spent: dict[str, float] = {}
        for event in kernels:
            spent[event.name] = spent.get(event.name, 0.0) + event.device_time_total / 1000 / calls
        most = sorted(spent.items(), key=lambda pair: -pair[1])[:12]
        return {
            "kernels": round(len(kernels) / calls),
            "kernel_ms": round(sum(spent.values()), 3),
            "most_ms": {name[:70]: round(ms, 3) for name, ms in most},
        }
