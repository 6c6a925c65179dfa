"""Where Ray is not installed."""

from __future__ import annotations

import importlib.util
import runpy
import socket
from pathlib import Path

import pytest
import typer

APP = Path(__file__).parents[3] / "app.py"


def test_it_is_said_what_to_install(monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *of: None if name == "ray" else find(name, *of)
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(typer.Exit) as refused:
        runpy.run_path(str(APP))["main"](port=port, cluster="local")
    assert refused.value.exit_code == 2
    said = "error: --cluster needs Ray: pip install -r requirements-cluster.txt\n"
    assert capsys.readouterr().err == said
