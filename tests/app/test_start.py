"""`python app.py`: what keeps it from starting is said in a sentence."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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


def test_a_port_of_the_administrator_is_named():
    code = """if True:
        import runpy, socket, sys
        def refuse(*_, **__): raise PermissionError(13, "Permission denied")
        socket.create_server = refuse
        sys.argv = ["app.py", "--port", "80"]
        runpy.run_path("app.py", run_name="__main__")"""
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.returncode == 2
    said = "error: port 80 is for administrators; choose one from 1024 on with --port\n"
    assert told.stderr == said
