"""Exports in the background: one at a time, of limited length, deleted after a while."""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from app.live.sentence import sentence

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


class Exports:
    """Writes files in a folder of its own, one after the other."""

    def __init__(self, *, keep_seconds: float = 900, most_jobs: int = 16, own_jobs: int = 3):
        self._keep, self._most, self._own = keep_seconds, most_jobs, own_jobs
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")
        self._folder: Path | None = None

    def submit(self, owner: str, file_name: str, write: Callable[[Path], None]) -> Job:
        """Have `write` make a file of this name; raise ValueError when the line is long."""
        self._sweep()
        with self._lock:
            busy = [job for job in self._jobs.values() if not job.over]
            if len(busy) >= self._most or sum(j.owner == owner for j in busy) >= self._own:
                raise ValueError("Too many exports are being written; try again in a moment.")
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="livestep-"))
            folder = self._folder / str(uuid.uuid4())
            job = Job(owner, folder / file_name)
            self._jobs[job.name] = job
        self._pool.submit(self._run, job, write)
        return job

    def wait(self, job: Job, seconds: float) -> Path:
        """Wait for a file; raise ValueError when it cannot be written, or not in time."""
        deadline = time.monotonic() + seconds
        while not job.over and time.monotonic() < deadline:
            time.sleep(0.05)
        if job.state != "done":
            raise ValueError(job.message or "Writing the file took too long.")
        return job.path

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

    def _run(self, job: Job, write: Callable[[Path], None]) -> None:
        job.state = "running"
        try:
            job.path.parent.mkdir(parents=True)
            write(job.path)
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
