"""Exports in the background, of limited length, deleted after a while.

One film and one other file are written at a time, so that what is short waits for no film; whose
turn it is goes by address, then by visitor. Where files become too many, the oldest go sooner:
one's own first, then anybody's.
"""

from __future__ import annotations

import logging
import math
import shutil
import tempfile
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from app.live.clock import clock, lived
from app.live.priority import lower_priority
from app.live.replies import room_for_files, sentence
from core.faults import trace
from core.settings import FILMS

log = logging.getLogger(__name__)

Tell = Callable[[float], None]
"""Told the share of a file that is written; raises where nobody waits for it any more."""
Write = Callable[[Path, Tell], None]
Order = tuple[str, Write, str]
"""A file's name, what writes it, and a sentence on what will be in it."""

CANCELED = "This export was canceled."
CLOSE_SECONDS = 2.0
"""How long the end waits for what is being written."""
OWN_BYTES, MOST_BYTES = 2**28, 2**30
"""Of the files of one visitor, and of all; a recording of five minutes takes some 150 MB."""


class Progress:
    """How much of a file is written, as a `Tell`."""

    share = 0.0
    canceled = False

    def __call__(self, share: float) -> None:
        if self.canceled:
            raise ValueError(CANCELED)
        self.share = share


@dataclass
class Job:
    """One file being written."""

    owner: str
    address: str
    path: Path
    write: Write
    note: str = ""
    """What is in the file, where its name does not say it."""
    written: Future[int] = field(default_factory=Future)
    progress: Progress = field(default_factory=Progress)
    name: str = field(default_factory=lambda: str(uuid.uuid4()))
    ended: float = math.inf
    """When it was done, or failed."""
    gone: bool = False
    """Whether its file, which was done, is no longer kept."""

    def __post_init__(self) -> None:
        self.written.add_done_callback(self._end)

    def _end(self, _: Future[int]) -> None:
        self.ended = lived()

    @property
    def film(self) -> bool:
        """Whether it takes long."""
        return self.path.suffix in FILMS

    @property
    def bytes(self) -> int:
        """Of its file, once it is done."""
        return self.written.result() if self.state == "done" else 0

    @property
    def message(self) -> str:
        """Why it failed, as a sentence; empty if it did not."""
        if self.written.cancelled():
            return CANCELED
        error = self.written.exception() if self.written.done() else None
        return sentence(error) if isinstance(error, Exception) else ""

    @property
    def state(self) -> str:
        """Say "queued", "running", "done", "failed" or "gone"."""
        if self.gone:
            return "gone"
        if self.written.done():
            return "failed" if self.message else "done"
        return "running" if self.written.running() else "queued"


class Exports:
    """Writes files in a folder of its own."""

    def __init__(
        self,
        *,
        keep_seconds: float = 900,
        most_jobs: int = 16,
        address_jobs: int = 10,
        own_jobs: int = 3,
    ):
        self._keep = keep_seconds
        self._most, self._address, self._own = most_jobs, address_jobs, own_jobs
        self._jobs: dict[str, Job] = {}
        self._lock = threading.RLock()
        self._turns = Counter[str]()
        """Address or visitor -> which turn was its last; of "" the number of turns."""
        self._pools = [
            ThreadPoolExecutor(1, thread_name_prefix=name, initializer=lower_priority)
            for name in ("export", "film")
        ]
        self._folder: Path | None = None
        self.made = self.failed = 0
        """Files in all; those that were canceled are neither."""
        clock().look_after(self)

    def submit(
        self, owner: str, file_name: str, write: Write, note: str = "", *, address: str = ""
    ) -> Job:
        """Have `write` make a file of this name; raise ValueError when the line is long."""
        address = address or owner
        self.sweep()
        with self._lock:
            busy = [job for job in self._jobs.values() if not job.written.done()]
            own = sum(job.owner == owner for job in busy)
            near = sum(job.address == address for job in busy)
            if len(busy) >= self._most or near >= self._address or own >= self._own:
                raise ValueError("Too many exports are being written; try again in a moment.")
            if self._folder is None:
                with room_for_files():
                    self._folder = Path(tempfile.mkdtemp(prefix="livestep-"))
            path = self._folder / str(uuid.uuid4()) / file_name
            job = Job(owner, address, path, write, note)
            job.written.add_done_callback(lambda _: self._count(job))
            self._jobs[job.name] = job
            self._pools[job.film].submit(self._write_next, job.film)
        return job

    def _write_next(self, film: bool) -> None:
        """Write what comes first, which may be canceled by now; in a worker thread."""
        with self._lock:
            job = next(iter(self._line(film)), None)
            if job is None:
                return
            job.written.set_running_or_notify_cancel()
            self._take_turn(self._turns, job)
        try:
            job.written.set_result(_make(job.path, job.write, job.progress))
        except BaseException as error:
            job.written.set_exception(error)

    def _line(self, film: bool) -> list[Job]:
        """Return who waits in the order of their turns; the lock is held."""
        left = [job for job in self._jobs.values() if job.film == film and job.state == "queued"]
        turns, line = self._turns.copy(), []
        while left:
            line.append(min(left, key=lambda job: (turns[job.address], turns[job.owner])))
            left.remove(line[-1])
            self._take_turn(turns, line[-1])
        return line

    @staticmethod
    def _take_turn(turns: Counter[str], job: Job) -> None:
        if len(turns) > 1000:
            turns.clear()
        turns[""] += 1
        turns[job.address] = turns[job.owner] = turns[""]

    def wait(self, job: Job, seconds: float) -> Path:
        """Wait for a file; raise ValueError when it cannot be written, or not in time."""
        if not wait([job.written], seconds).done:
            raise ValueError("Writing the file took too long.")
        if job.message:
            raise ValueError(job.message)
        return job.path

    def find(self, owner: str, name: str) -> Job:
        """Return the owner's job; raise ValueError when there is none."""
        self.sweep()
        with self._lock:
            job = self._jobs.get(name)
        if job is None or job.owner != owner or (job.state == "done" and not job.path.is_file()):
            raise ValueError("This file is no longer kept; export it again.")
        return job

    def cancel(self, job: Job) -> None:
        """Give up a job's place in line, what is being written of it, or its file."""
        job.progress.canceled = True
        with self._lock:
            if job.state == "queued" and job.written.cancel():
                job.written.set_running_or_notify_cancel()  # whoever waits for it hears of it
        if job.state == "done":
            self._forget([job])

    def position(self, job: Job) -> int:
        """Exports that come first."""
        with self._lock:
            line = self._line(job.film)
            if job not in line:
                return 0
            now = sum(one.film == job.film and one.written.running() for one in self._jobs.values())
            return now + line.index(job)

    @property
    def keep_minutes(self) -> int:
        """How long a file is kept."""
        return round(self._keep / 60)

    @property
    def waiting(self) -> int:
        """Exports that are not done yet."""
        with self._lock:
            return sum(not job.written.done() for job in self._jobs.values())

    def close(self) -> None:
        """Give up what is being written and delete everything."""
        with self._lock:
            jobs = list(self._jobs.values())
            for job in jobs:
                self.cancel(job)
        for pool in self._pools:
            pool.shutdown(wait=False, cancel_futures=True)
        wait([job.written for job in jobs], CLOSE_SECONDS)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _count(self, job: Job) -> None:
        with self._lock:
            self.made += not job.message
            self.failed += job.message not in ("", CANCELED)

    def sweep(self) -> None:
        """Delete files that are old, and the oldest where there are too many bytes."""
        with self._lock:
            jobs, now = sorted(self._jobs.values(), key=lambda job: job.ended), lived()
        old = [job for job in jobs if now - job.ended > self._keep]
        kept, own = 0, Counter[str]()
        for job in reversed(jobs):
            if own[job.owner] + job.bytes > OWN_BYTES or kept + job.bytes > MOST_BYTES:
                old.append(job)
            else:
                own[job.owner] += job.bytes
                kept += job.bytes
        self._forget(old)

    def _forget(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            with self._lock:
                self._jobs.pop(job.name, None)
            job.gone = True
            shutil.rmtree(job.path.parent, ignore_errors=True)


def _make(path: Path, write: Write, tell: Tell) -> int:
    """Make a folder for a file, and the file in it; return its bytes, or raise ValueError with a
    sentence."""
    try:
        tell(0.0)
        with room_for_files():
            path.parent.mkdir(mode=0o700, parents=True)
            # not by its own name, which libraries may tell the log when they fail
            write(draft := path.with_name(f"file{path.suffix}"), tell)
            draft.rename(path)
            size = path.stat().st_size
        tell(1.0)
        return size
    except BaseException as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        if isinstance(error, ValueError):
            raise
        log.error("a %s cannot be written: %s", path.suffix, trace(error))
        message = "The file could not be written; the server's log says why."
        raise ValueError(message) from error
