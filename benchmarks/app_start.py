"""How long `python app.py` takes to be ready, what memory it then holds, and on what machine."""

from __future__ import annotations

import json
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0
"""Seconds to wait for the page."""


def peak_rss_mb(pid: int | str) -> float:
    """Largest resident memory (MB) of a process so far, of this one alone."""
    status = Path(f"/proc/{pid}/status")
    if status.is_file():  # ru_maxrss would also count the parent's memory before exec
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1000
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def measure(checkpoints: Path) -> dict[str, Any]:
    """Start the app, wait until its model is loaded, end it; return seconds and megabytes.

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
        return {"page_s": page, "ready_s": ready, "peak_rss_mb": peak_rss_mb(server.pid)}
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _health(port: int) -> str:
    url = f"http://127.0.0.1:{port}/livestep/health"
    with urllib.request.urlopen(url, timeout=2) as answer:
        return json.load(answer)["model"]


def machine() -> dict[str, Any]:
    """Say what the figures were measured on."""
    name, info = platform.processor(), Path("/proc/cpuinfo")
    if info.is_file():
        models = [s.split(":", 1)[1] for s in info.read_text().splitlines() if "model name" in s]
        name = models[0].strip() if models else name
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"cpu": name, "cores": os.cpu_count(), "python": platform.python_version(), "load": load}


def rounded(value: Any) -> Any:
    """Round every number to four significant digits."""
    if isinstance(value, dict):
        return {key: rounded(v) for key, v in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def table(result: dict[str, dict[str, Any]]) -> str:
    """Lay both sizes out as a Markdown table."""
    sizes = {k: v for k, v in result.items() if "poses_per_s" in v}
    keys = list(dict.fromkeys(key for row in sizes.values() for key in row if key != "minutes"))
    lines = ["| | " + " | ".join(sizes) + " |", "|---" * (len(sizes) + 1) + "|"]
    lines += [
        f"| {k} | " + " | ".join(f"{row[k]:g}" for row in sizes.values()) + " |" for k in keys
    ]
    rest = {key: value for key, value in result.items() if key not in sizes}
    return "\n".join([*lines, "", *(f"{key}: {value}" for key, value in rest.items())])
