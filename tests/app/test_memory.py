"""One folder for what visitors bring; with `--keep-nothing` it lies in memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app import memory
from app.live_page import markup
from app.memory import IN_MEMORY, gather_files, hold, in_memory, kind_of_disk, place_in_memory
from app.ui import build

ROOT = Path(__file__).parents[2]


def test_disks_are_told_from_memory():
    assert kind_of_disk("/proc/self") == "proc"
    assert kind_of_disk("/nowhere/at/all") == ""


def test_where_all_is_disk_it_does_not_start(monkeypatch):
    monkeypatch.setattr(memory, "kind_of_disk", lambda _: "ext4")
    with pytest.raises(ValueError, match="needs a folder in memory with 256 MB of room: a tmpfs"):
        place_in_memory()


def test_a_little_memory_is_none(monkeypatch):
    monkeypatch.setattr(memory, "kind_of_disk", lambda _: "tmpfs")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 0, 1 << 20))
    with pytest.raises(ValueError, match="there is none"):
        place_in_memory()


def test_the_page_says_where_files_lie_and_how_long(monkeypatch):
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    monkeypatch.setattr(memory, "kind_of_disk", lambda _: "ext4")
    after = "while the page is open and 30 minutes at most after that; nobody else sees it."
    page = markup("capture.html", forget_minutes=30)
    assert f"Your file stays on this server {after}" in page
    assert "Your picture is held in memory only; what you record holds it" in markup("world.html")
    monkeypatch.setattr(memory, "kind_of_disk", lambda _: "tmpfs")
    assert f"Your file stays in this server's memory {after}" in markup(
        "capture.html", forget_minutes=30
    )
    monkeypatch.setenv("GRADIO_TEMP_DIR", "/elsewhere")
    assert not in_memory()


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(30, "30 minutes"), (1.5, "2 minutes"), (1, "one minute"), (0.1, "one minute")],
)
def test_the_page_says_how_long_this_server_keeps_files(make_lobby, exports, minutes, said):
    lobby = make_lobby(forget_seconds=60 * minutes)
    page = json.dumps(build(lobby, exports).config["components"], default=str)
    assert f"while the page is open and {said} at most after that" in page


@pytest.mark.skipif(kind_of_disk("/dev/shm") not in IN_MEMORY, reason="no /dev/shm")
@pytest.mark.slow
def test_all_that_visitors_send_is_in_memory_and_goes_at_the_end(tmp_path):
    code = """if True:
        import asyncio, tempfile
        from app.memory import gather_files
        gather_files(in_memory=True)
        from gradio.utils import get_upload_folder
        from app.capture.uploads import Uploads
        async def parts():
            yield b"a film"
        uploads = Uploads()
        upload = asyncio.run(uploads.receive(parts(), "a.mp4"))
        assert upload.path.read_bytes() == b"a film"
        print(upload.path, get_upload_folder(), tempfile.mkdtemp())
    """
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    env.pop("GRADIO_TEMP_DIR", None)
    told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    paths = told.stdout.split()
    assert len(paths) == 3
    folders = {path.split("/")[3] for path in paths if path.startswith("/dev/shm/livestep-")}
    assert len(folders) == 1
    assert not Path("/dev/shm", *folders).exists()
    assert not list(tmp_path.iterdir())


def test_what_killed_servers_left_goes_and_nothing_else(tmp_path, monkeypatch):
    for name in ("livestep-page-dead", "livestep-page-alive", "livestep-page-new", "livestep-cli"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.mp4").touch()
        if not name.endswith("new"):
            os.utime(tmp_path / name, (1e9, 1e9))
    assert hold(tmp_path / "livestep-page-alive")
    for name in ("TMPDIR", "GRADIO_TEMP_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = gather_files()
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(made)
    assert Path(os.environ["GRADIO_TEMP_DIR"]).parent == made
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"livestep-page-alive", "livestep-page-new", "livestep-cli", made.name}


def test_where_nothing_can_be_written_it_does_not_start(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc/self")
    with pytest.raises(ValueError, match="set TMPDIR to one"):
        gather_files()
