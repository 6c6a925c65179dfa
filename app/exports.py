"""Exports in the background: one at a time, of limited length, deleted after a while."""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from app.session import sentence
from core.motion.body import BODIES
from core.motion.take import Take

FORMATS = ("bvh", "glb", "npz", "mp4")
RATES = (20, 30, 60)
MOST_FRAMES = {"bvh": 36_000, "glb": 18_000, "npz": 36_000, "mp4": 1_800}
"""Longest export by format; a picture takes some 50 ms of a core, a pose next to nothing."""

log = logging.getLogger(__name__)


@dataclass
class Job:
    """One file being written."""

    owner: str
    path: Path
    name: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "queued"
    message: str = ""
    since: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed")


def check(take: Take, *, format: str, body: str, fps: int) -> None:
    """Raise ValueError, with a sentence, for an export that is not offered."""
    if format not in FORMATS:
        raise ValueError(f"The format must be one of {', '.join(FORMATS)}.")
    if body not in BODIES:
        raise ValueError(f"The body must be one of {', '.join(BODIES)}.")
    if fps not in RATES:
        raise ValueError(f"The frame rate must be one of {', '.join(map(str, RATES))}.")
    most = MOST_FRAMES[format]
    if take.seconds * fps > most:
        raise ValueError(
            f"{format.upper()} at {fps} frames a second can be {most // fps} s long at most, "
            f"this is {take.seconds:.0f} s. Select a shorter range or a lower rate."
        )


def file_stem(take: Take) -> str:
    """A file name made of the first prompt: only a-z, 0-9 and dashes."""
    text = take.prompts[0].text if take.prompts else ""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return "-".join(filter(None, ("livestep", words[:40].strip("-"))))


class Exports:
    """Writes takes to files in a folder of its own, one after the other."""

    def __init__(self, *, keep_seconds: float = 900, most_jobs: int = 16, own_jobs: int = 3):
        self._keep, self._most, self._own = keep_seconds, most_jobs, own_jobs
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")
        self._folder: Path | None = None

    def submit(self, owner: str, take: Take, *, format: str, body: str, fps: int) -> Job:
        """Put an export in line; raise ValueError when it is not offered or the line is long."""
        check(take, format=format, body=body, fps=fps)
        self._sweep()
        with self._lock:
            busy = [job for job in self._jobs.values() if not job.over]
            if len(busy) >= self._most or sum(j.owner == owner for j in busy) >= self._own:
                raise ValueError("Too many exports are being written; try again in a moment.")
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="livestep-"))
            folder = self._folder / str(uuid.uuid4())
            job = Job(owner, folder / f"{file_stem(take)}.{format}")
            self._jobs[job.name] = job
        self._pool.submit(self._run, job, lambda: _write(take, job.path, body=body, fps=fps))
        return job

    def find(self, owner: str, name: str) -> Job:
        """Return the owner's job; raise ValueError when there is none."""
        self._sweep()
        with self._lock:
            job = self._jobs.get(name)
        if job is None or job.owner != owner:
            raise ValueError("This file is no longer kept; export it again.")
        return job

    def position(self, job: Job) -> int:
        """Exports that come first."""
        with self._lock:
            line = [one for one in self._jobs.values() if not one.over]
        return line.index(job) if job in line else 0

    def close(self) -> None:
        """Finish what is being written and delete everything."""
        self._pool.shutdown(cancel_futures=True)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, job: Job, write: Callable[[], None]) -> None:
        job.state = "running"
        try:
            job.path.parent.mkdir(parents=True)
            write()
            state, message = "done", ""
        except ValueError as error:
            state, message = "failed", sentence(error)
        except Exception:
            log.exception("export %s failed", job.path.name)
            state, message = "failed", "The file could not be written; the server's log says why."
        job.since = time.monotonic()
        job.message, job.state = message, state

    def _sweep(self) -> None:
        with self._lock:
            old = [
                job
                for job in self._jobs.values()
                if job.over and time.monotonic() - job.since > self._keep
            ]
            for job in old:
                del self._jobs[job.name]
        for job in old:
            shutil.rmtree(job.path.parent, ignore_errors=True)


def _write(take: Take, path: Path, *, body: str, fps: int) -> None:
    from core.export import write  # late: brings the writers' libraries with it

    write(take, path, body=body, fps=fps)
