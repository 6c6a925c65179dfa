"""How long `python app.py` takes to be ready, and what memory it then holds."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.reporting import peak_rss_mb

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0
"""Seconds to wait for the page."""


@contextmanager
def serving(checkpoints: Path, *flags: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Start the app, wait until its model is loaded, end it; yield its port and figures.

    Raises ValueError where it does not get ready.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = time.perf_counter()
    command = [
        sys.executable,
        "app.py",
        "--port",
        str(port),
        "--checkpoints",
        checkpoints.resolve(),
        *flags,
    ]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        page, state = None, ""
        while state != "ready":
            if server.poll() is not None:
                raise ValueError(f"python app.py ended with exit code {server.returncode}")
            if time.perf_counter() - start > PATIENCE:
                raise ValueError(
                    f"the app was not ready after {PATIENCE:g} s ({state or 'silent'})"
                )
            time.sleep(0.05)
            try:
                state = _health(port)
            except OSError:
                continue
            page = page or time.perf_counter() - start
            if state == "failed":
                raise ValueError("the app could not load its model")
        ready = time.perf_counter() - start
        figures = {"page_s": page, "ready_s": ready, "peak_rss_mb": peak_rss_mb(server.pid)}
        yield port, {**figures, "pid": server.pid}
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def measure(checkpoints: Path) -> dict[str, Any]:
    """Return the seconds until page and model are ready, and the megabytes the app then holds."""
    with serving(checkpoints) as (_, figures):
        return {name: value for name, value in figures.items() if name != "pid"}


def _health(port: int) -> str:
    url = f"http://127.0.0.1:{port}/livestep/health"
    with urllib.request.urlopen(url, timeout=2) as answer:
        return json.load(answer)["model"]
