"""An hour of visitors while things break: `python -m benchmarks.soak --minutes 60 --json`.

The visitors are those of `benchmarks.load`. Meanwhile, at moments drawn from a seed, the disk is
full, files are cut off or trickle in, readers of files are killed, and the server stands still.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import sys
import threading
import time
import uuid
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from app.protocol import Follow, Hello, Problem, State, pack, unpack_from_server
from benchmarks.app_start import serving
from benchmarks.load import TIDY, crowd, report
from benchmarks.reporting import (
    AsJson,
    Checkpoints,
    Out,
    emit,
    machine,
    quality_table,
    rounded,
    told_errors,
)
from core.settings import CHECKPOINTS

FORGET_MINUTES = 1
FOLDER = "livestep-page-"
"""How the folder of a server's files begins."""
MOTION = Path(__file__).parents[1] / "tests/fixtures/take.npz"
PAUSE = 2.0, 20.0
"""Seconds between two faults."""


class Faults(threading.Thread):
    """Breaks things until it is told to end; counts what was broken, and what was said of it."""

    def __init__(self, port: int, pid: int, seed: int):
        super().__init__(daemon=True)
        self.port, self.pid, self.dice = port, pid, random.Random(seed)
        self.counts, self.said = Counter[str](), Counter[str]()
        self.over = threading.Event()

    def run(self) -> None:
        """Break one thing after the other."""
        faults = (self.full_disk, self.cut_off, self.trickle, self.killed_reader, self.stop)
        while not self.over.wait(self.dice.uniform(*PAUSE)):
            fault = self.dice.choice(faults)
            self.counts[fault.__name__] += 1
            try:
                fault()
            except (OSError, httpx.HTTPError, WebSocketException) as error:
                self.said[type(error).__name__] += 1

    def full_disk(self) -> None:
        """Nothing can be written for a while."""
        before = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            with self.visiting() as (session, _):
                self.note(self.bring(session, b"x" * 10_000))
            self.over.wait(self.dice.uniform(1, 10))
        finally:
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, before)

    def cut_off(self) -> None:
        """A visitor vanishes in the middle of a file, given to us or to Gradio."""
        with self.visiting() as (session, _):
            path = self.dice.choice((f"/livestep/clip/{session}?name=a.mp4", "/gradio_api/upload"))
            with self.sending(path) as line, suppress(OSError):
                line.sendall(b"--x\r\n" + bytes(self.dice.randrange(2_000_000)))

    def trickle(self) -> None:
        """A file comes by the byte until it is refused."""
        with (
            self.visiting() as (session, _),
            self.sending(f"/livestep/clip/{session}?name=a.mp4") as line,
            suppress(OSError),
        ):
            while not self.over.wait(2):
                line.sendall(b"x")

    def killed_reader(self) -> None:
        """The process that reads a file is killed; the next one reads it."""
        with self.visiting() as (session, line):
            self.note(self.bring(session, MOTION.read_bytes()))
            for kill in (True, False):
                line.send(pack(Follow()))
                if kill:
                    self.kill_children()
                self.note(outcome(line))

    def stop(self) -> None:
        """The server stands still, as on a laptop that sleeps."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            self.over.wait(self.dice.choice((3, 12, 40)))
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def kill_children(self) -> None:
        """Kill the first process that the server starts."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            tasks = Path(f"/proc/{self.pid}/task").glob("*/children")
            for child in " ".join(task.read_text() for task in tasks).split():
                os.kill(int(child), signal.SIGKILL)
                return
            time.sleep(0.02)

    @contextmanager
    def visiting(self):
        """A page of the tab of videos; yields its session and its line."""
        session = str(uuid.UUID(int=self.dice.getrandbits(128), version=4))
        with connect(f"ws://127.0.0.1:{self.port}/livestep/follow", max_size=None) as line:
            line.send(pack(Hello(version=1, session=session)))
            line.recv(60)
            yield session, line

    def sending(self, path: str) -> socket.socket:
        """Announce a file; return the line that it goes over."""
        line = socket.create_connection(("127.0.0.1", self.port), 60)
        head = (
            f"POST {path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Content-Type: multipart/form-data; boundary=x",
            "Content-Length: 5000000",
        )
        line.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        return line

    def bring(self, session: str, data: bytes) -> str:
        address = f"http://127.0.0.1:{self.port}/livestep/clip/{session}"
        reply = httpx.post(address, params={"name": "walk.npz"}, content=data, timeout=60)
        return reply.json().get("message", "")

    def note(self, sentence: str) -> None:
        self.said[sentence] += bool(sentence)


def outcome(line: ClientConnection) -> str:
    """Wait until a file was followed; return why it was not, if so."""
    began = False
    while True:
        match unpack_from_server(line.recv(60)):  # pyright: ignore[reportArgumentType]
            case Problem() as problem:
                return problem.message
            case State(state="stopped") as state if began:
                return state.message
            case State(state="running" | "waiting"):
                began = True


def files_left(pid: int) -> dict[str, int]:
    """Return how many files a server keeps of its visitors, and their bytes."""
    held = (link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir())
    folder = next(path for path in held if path.name.startswith(FOLDER))
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return {"count": len(sizes), "bytes": sum(sizes)}


def measure(checkpoints: Path, total: int, seconds: float, seed: int) -> dict[str, Any]:
    """Serve visitors while things break; return all figures."""
    with serving(checkpoints, "--forget-minutes", str(FORGET_MINUTES)) as (port, app):
        faults = Faults(port, app["pid"], seed)
        faults.start()
        told = crowd(port, app["pid"], total, seconds, seed)
        faults.over.set()
        faults.join()
        time.sleep(60 * FORGET_MINUTES + TIDY)
        left = files_left(app["pid"])
    states = told["states"]
    return {
        **report(told, seconds),
        "memory_mb_by_minute": [state["mb"] for state in states],
        "threads_by_minute": [state["threads"] for state in states],
        "files_left": left,
        "faults": dict(faults.counts),
        "said": dict(faults.said),
    }


def main(
    visitors: Annotated[int, typer.Option(min=1, help="Visitors in all.")] = 12,
    minutes: Annotated[float, typer.Option(min=0.2, help="How long things break.")] = 60,
    seed: Annotated[int, typer.Option(help="What visitors do, and what breaks.")] = 1,
    checkpoints: Checkpoints = CHECKPOINTS,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Have visitors while things break; print memory, threads, files left and what was said."""
    with told_errors():
        if sys.platform != "linux":
            raise ValueError("only Linux lets one process set limits for another")
        figures = {"soak": measure(checkpoints, visitors, 60 * minutes, seed)}
    emit({**rounded(figures), "about": machine()}, quality_table, as_json=as_json, out=out)


if __name__ == "__main__":
    typer.run(main)
