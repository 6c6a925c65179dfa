"""Files are read in a process of their own, which may neither last, nor grow, nor lie."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from core.capture import apart
from core.capture.apart import read_apart
from core.capture.read import Reading, read_motion
from core.capture.source import MatchError, Skeleton
from core.export import write
from core.settings import CaptureSettings
from tests.support.synthetic import walk_take


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Let a process run this in place of the reader."""
    monkeypatch.setattr(apart, "LOOKS", 0.02)

    def stand_in(body: str) -> Path:
        lines = "\n    ".join(body.strip().splitlines())
        (tmp_path / "reader.py").write_text(f"""
import os, sys, time
import numpy as np
from core.capture import apart, read
from core.capture.read import Reading
from core.capture.source import MatchError, Skeleton

SKELETON = Skeleton(
    names=("Hips", "Knie links"), parents=(-1, 0), places=np.ones((2, 3), np.float32),
    joints={{"pelvis": 0}},
)

def reading(root, **more):
    told = {{"rotations": np.zeros(1), "skeleton": SKELETON, "rate": np.float32(0.5)}} | more
    return Reading(root=root, **told)

def read_motion(path, settings):
    {lines}

read.read_motion = read_motion
apart.SECONDS = 1
apart.main()
""")
        monkeypatch.setattr(apart, "COMMAND", (sys.executable, str(tmp_path / "reader.py")))
        path = tmp_path / "walk.bvh"
        path.write_text("HIERARCHY")
        return path

    return stand_in


def test_what_is_read_comes_back_as_it_is(stand_in):
    path = stand_in("""
assert path.read_text() == "HIERARCHY"
assert sys.stdin.read() == ""
notes = (f"{settings.rate:g} a second", str(settings.joint_map))
return reading(np.arange(6.0).reshape(2, 3), notes=notes, clips=("a", "b"))
""")
    told: list[str] = []
    settings = CaptureSettings(rate=25, joint_map=Path("own.json"))
    found = read_apart(path, settings, progress=lambda _, what: told.append(what))
    assert isinstance(found, Reading)
    assert (found.root == np.arange(6.0).reshape(2, 3)).all()
    assert (found.rate, found.notes) == (0.5, ("25 a second", "own.json"))
    assert (found.clip, found.clips) == (0, ("a", "b"))
    same(found.skeleton)
    assert told
    assert set(told) == {"Reading the file ..."}


def same(skeleton: Skeleton) -> None:
    assert (skeleton.names, skeleton.parents) == (("Hips", "Knie links"), (-1, 0))
    assert skeleton.joints == {"pelvis": 0}
    assert skeleton.places.dtype == np.float32
    assert (skeleton.places == np.ones((2, 3))).all()


def test_sentences_come_back(stand_in):
    path = stand_in("raise ValueError(f'{path.name} holds no pose; größer')")
    with pytest.raises(ValueError, match=r"^walk\.bvh holds no pose; größer$") as caught:
        read_apart(path)
    assert type(caught.value) is ValueError
    path = stand_in("raise MatchError('Where are the knees?', SKELETON)")
    with pytest.raises(MatchError, match=r"^Where are the knees\?$") as caught:
        read_apart(path)
    same(caught.value.skeleton)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("time.sleep(60)", r"^walk\.bvh takes too long to read"),
        ("while True: pass", r"^walk\.bvh takes too long to read"),
        ("return bytes(900_000_000)", r"^walk\.bvh needs more memory than 800 MB"),
        ("return np.ones((1000, 1000, 110))", r"^walk\.bvh needs more memory than 800 MB"),
        ("os.kill(os.getpid(), 9)", r"^walk\.bvh needs more memory"),
        ("os.abort()", r"^walk\.bvh is damaged in a way"),
        ("os._exit(0)", r"^walk\.bvh is damaged in a way"),
        ("raise KeyError('nodes')", r"^walk\.bvh is damaged in a way"),
        ("return {'a': object()}", r"^walk\.bvh is damaged in a way"),
        ("open('big', 'wb').write(bytes(129_000_000))", r"^walk\.bvh is damaged in a way"),
        # a process that a file has taken over says what it likes
        ("os.mkfifo(sys.argv[2] + '/answer.npz'); os._exit(0)", r"is damaged in a way"),
    ],
)
def test_what_ends_a_reader_becomes_a_sentence(stand_in, monkeypatch, tmp_path, body, told):
    monkeypatch.setattr(apart, "PATIENCE", 1.0 if "sleep" in body else 30.0)
    monkeypatch.chdir(tmp_path)
    start = time.monotonic()
    with pytest.raises(ValueError, match=told):
        read_apart(stand_in(body))
    assert time.monotonic() - start < 25


def test_a_full_disk_is_no_damage(stand_in, monkeypatch):
    told = r"^the server has no room to read walk\.bvh now; try again later$"
    full = "OSError(28, 'No space left on device')"
    path = stand_in(f"""
def full(*_, **__): raise {full}
np.savez = full
""")
    with pytest.raises(ValueError, match=told):
        read_apart(path)

    def make(**_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(apart.tempfile, "TemporaryFile", make)
    with pytest.raises(ValueError, match=told):
        read_apart(path)


def test_secrets_stay_outside_and_words_are_well_formed(stand_in, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    path = stand_in("raise ValueError(f'{os.environ.get(\"HF_TOKEN\")} \\ud800')")
    with pytest.raises(ValueError, match=r"^None \?$"):
        read_apart(path)


@pytest.mark.parametrize(
    "told",
    [
        '{"class": "Answer", "refused": "' + "x" * apart.MOST_TEXT + '"}',
        '{"class": "Answer"}',
        '{"class": "Answer", "refused": [1]}',
        '{"class": "Answer", "refused": "no", "skeleton": 3}',
        '{"class": "Answer", "result": 1}',
        '{"class": "Answer", "x": 1}',
        '{"class": "Popen"}',
        '{"class": ["Answer"]}',
        '{"array": "x"}',
        '{"array": {}}',
        '[["read", null]]',
        "[" * 100_000,
        "NaN" * 9,
        "\x00",
    ],
)
def test_a_process_that_a_file_has_taken_over_is_not_believed(monkeypatch, tmp_path, told):
    np.savez(tmp_path / "answer.npz", json=np.frombuffer(told.encode(), np.uint8))
    with pytest.raises((ValueError, LookupError, TypeError, RecursionError)):
        apart._load(tmp_path / "answer.npz", Reading)


def test_nothing_stays(stand_in, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(apart.tempfile, "tempdir", None)
    (tmp_path / "temporary").mkdir()
    path = stand_in("""
import tempfile
tempfile.NamedTemporaryFile(delete=False).write(b"left behind")
os.abort()
""")
    with pytest.raises(ValueError, match="damaged"):
        read_apart(path)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_whoever_is_told_can_end_it(stand_in, tmp_path):
    path = stand_in(f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")

    class Cancelled(Exception):
        pass

    def tell(share: float, what: str) -> None:
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            raise Cancelled

    with pytest.raises(Cancelled):
        read_apart(path, progress=tell)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()


def test_two_at_once(stand_in, tmp_path):
    path = stand_in(f"""
mine = {str(tmp_path)!r} + "/" + str(os.getpid()) + ".running"
open(mine, "w").close()
time.sleep(0.3)
running = len([n for n in os.listdir({str(tmp_path)!r}) if n.endswith(".running")])
os.remove(mine)
return reading(np.zeros(running))
""")
    counts, waited = [], []

    def go() -> None:
        tell = lambda _, what: waited.append(what)  # noqa: E731
        counts.append(len(read_apart(path, progress=tell).root))

    threads = [threading.Thread(target=go) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 5
    assert max(counts) <= 2
    assert "Waiting for other files ..." in waited


def test_a_real_file(tmp_path):
    write(walk_take(), tmp_path / "walk.npz")
    there, here = read_apart(tmp_path / "walk.npz"), read_motion(tmp_path / "walk.npz")
    assert (there.root == here.root).all()
    assert (there.rotations == here.rotations).all()
    assert there.skeleton.joints == here.skeleton.joints
    assert (there.rate, there.clips, there.notes) == (here.rate, here.clips, here.notes)
    with pytest.raises(ValueError, match="there is no file"):
        read_apart(tmp_path / "none.npz")
