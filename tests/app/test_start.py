"""`python app.py`: what keeps it from starting is said in a sentence, and it ends tidily."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import torch
from websockets.sync.client import connect

from app.protocol import pack
from tests.support.server import hello

ROOT = Path(__file__).parents[2]
CHECKPOINTS = ROOT / "tests/fixtures/checkpoints"


def refused(*options: str) -> str:
    """What is said when it does not start."""
    command = [sys.executable, "app.py", *options]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.returncode == 2
    assert not told.stdout
    assert "Traceback" not in told.stderr
    return told.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_in_use_is_named(address):
    with socket.create_server((address, 0)) as other:
        port = str(other.getsockname()[1])
        said = f"error: port {port} is in use; choose another with --port\n"
        assert refused("--port", port) == said
        assert refused("--port", port, "--host", "0.0.0.0") == said


@pytest.mark.parametrize("host", ["192.0.2.1", "x" * 70, "2001:db8::1"])
def test_a_host_that_is_not_here_is_named(host):
    said = refused("--host", host)
    assert said.startswith(f"error: {host} is no address of this machine; ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("port", ["0", "-1", "65536"])
def test_a_port_that_is_none_is_refused(port):
    assert refused(f"--port={port}") == f"error: port must be in 1..65535, got {port}\n"


def refused_where(change: str, *options: str) -> str:
    """What is said when it does not start where Python itself is changed like this."""
    code = f"""if True:
        import importlib.util, runpy, socket, sys
        {change}
        sys.argv = {["app.py", *options]}
        runpy.run_path("app.py", run_name="__main__")"""
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.returncode == 2
    return told.stderr


def test_a_port_of_the_administrator_is_named():
    change = (
        "def refuse(*_, **__): raise PermissionError(13, '')\n        socket.create_server = refuse"
    )
    said = "error: port 80 is for administrators; choose one from 1024 on with --port\n"
    assert refused_where(change, "--port", "80") == said


def test_what_tools_need_is_named():
    change = "importlib.util.find_spec = lambda *_: None"
    said = "error: --mcp needs the package of the protocol: pip install 'gradio[mcp]'\n"
    assert refused_where(change, "--mcp") == said


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--sites", "demo.example", "a site is called"), ("--proxies", "here", "a proxy is called")],
)
def test_a_site_or_proxy_that_is_none_is_named(option, value, said):
    told = refused(option, value)
    assert told.startswith(f"error: {said} ")
    assert told.count("\n") == 1


def test_a_folder_without_checkpoints_is_named(tmp_path):
    for folder in (tmp_path, tmp_path / "none", ROOT / "app.py"):
        said = refused("--checkpoints", str(folder))
        assert said.startswith(f"error: there are no checkpoints in {folder}; name their folder")
        assert said.count("\n") == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:3"])
def test_a_device_that_is_not_here_is_named(device):
    said = "error: device 'cuda' was asked for, but PyTorch sees no GPU; use 'cpu'\n"
    assert refused("--device", device) == said


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_named():
    pytest.importorskip("ray")
    for cluster in ("auto", "127.0.0.1:1"):
        said = refused("--cluster", cluster)
        assert said.startswith(f"error: no Ray cluster can be had at {cluster!r}; start one with")
        assert said.count("\n") == 1


@contextmanager
def started(folder: Path):
    """A server with small models, whose files of visitors lie in a folder; yields it, its host."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "app.py", "--port", host.split(":")[1]]
    command += ["--checkpoints", str(CHECKPOINTS)]
    server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "TMPDIR": str(folder)})
    try:
        await_health(host)
        yield server, host
    finally:
        server.kill()
        server.wait()


def upload(host: str) -> None:
    greeting = hello()
    with connect(f"ws://{host}/livestep/follow") as page:
        page.send(pack(greeting))
        page.recv()
        clip = f"http://{host}/livestep/clip/{greeting.session}"
        assert httpx.post(clip, params={"name": "a.mp4"}, content=b"a film").json()["ok"]
    gradios = f"http://{host}/gradio_api/upload"
    assert httpx.post(gradios, files={"files": ("a.mp4", b"a film")}).status_code == 200


@pytest.mark.slow
def test_two_servers_on_one_machine_and_their_visitors_files(tmp_path):
    with started(tmp_path) as (first, host), started(tmp_path) as (_, other):
        upload(host)
        upload(other)
        port = other.split(":")[1]
        assert refused("--port", port).startswith(f"error: port {port} is in use; ")
        assert len(list(tmp_path.glob("**/a.mp4"))) == 4
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) in (0, 130)  # by whether Gradio had finished starting
        assert len(list(tmp_path.glob("**/a.mp4"))) == len(list(tmp_path.iterdir())) + 1 == 2
        upload(other)


def await_health(host: str) -> None:
    for _ in range(120):
        try:
            httpx.get(f"http://{host}/livestep/health").raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.5)
    pytest.fail("it did not start")
