"""What breaks while people are here: it is said, nothing that was made is lost, and it goes on."""

from __future__ import annotations

import asyncio
import logging
import uuid
from concurrent.futures import wait

import pytest
from starlette.requests import ClientDisconnect

from app.exports import files
from app.exports.store import Exports
from app.exports.store import log as exports_log
from app.protocol import Follow, Problem, State, World
from app.world import recording as recordings
from app.world.protocol import RECORDED
from core.faults import NEAREST, Brief, trace
from tests.support.fake_capture import fake_film
from tests.support.faulty import SECRET, Disk, FragileEngine
from tests.support.visitors import IDS, START, WORLD, CapturePage, MotionPage, WorldPage, until

NO_ROOM = "has no room"


@pytest.fixture
def engine():
    return FragileEngine(milliseconds_per_pose=0.2, milliseconds_per_frame=1)


@pytest.fixture
def disk(monkeypatch):
    return Disk().patch(monkeypatch)


@pytest.fixture
def written():
    """Writes an export and returns its job."""
    exports = Exports()

    def write(page: MotionPage, format: str):
        order = files.order(page.visitor.cut(0, 20), format=format, body="neutral", fps=20)
        job = exports.submit(str(uuid.uuid4()), *order)
        wait([job.written], 20)
        return job

    yield write
    exports.close()


@pytest.mark.parametrize("format", ["bvh", "glb", "fbx", "vrma", "npz"])
def test_a_full_disk_fails_an_export_and_the_next_one_is_written(make_lobby, written, disk, format):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(20)
    disk.full = True
    with pytest.raises(ValueError, match=NO_ROOM):  # there is no folder yet
        written(page, format)
    disk.full = False
    assert written(page, format).state == "done"
    disk.full = True
    job = written(page, format)
    assert (job.state, NO_ROOM in job.message) == ("failed", True)
    page.play(40)  # what moves needs no disk
    disk.full = False
    job = written(page, format)
    assert (job.state, job.bytes) == ("done", job.path.stat().st_size)


def test_what_was_written_of_a_failed_export_goes(make_lobby):
    exports = Exports()

    def half(path, tell):
        path.write_text("half")
        raise RuntimeError

    job = exports.submit("a", "walk.bvh", half)
    wait([job.written], 10)
    assert job.message.endswith("the server's log says why.")
    assert not job.path.parent.exists()
    exports.close()


def test_a_full_disk_refuses_a_file_and_keeps_the_one_before(make_lobby, disk):
    page = CapturePage(make_lobby())
    page.follow(fake_film(20))
    disk.full = True
    with pytest.raises(ValueError, match=NO_ROOM):
        page.upload(fake_film(20))
    disk.full = False
    assert page.follow(fake_film(30)).reason == ""
    assert page.end == 30


def test_a_full_disk_ends_a_recording_and_the_world_goes_on(make_lobby, disk, monkeypatch):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.play(3)
    disk.full = True
    with pytest.raises(ValueError, match=NO_ROOM):
        page.do("record")
    disk.full = False
    page.do("record")
    page.play(10)
    recording = page.visitor.recording()
    monkeypatch.setattr(recordings, "MOST_KEPT", recordings.kept())
    told = until(lambda: (page.read(), page.last(Problem))[-1])
    said = "The server has no room for longer recordings. This one was ended."
    assert told.message == said
    monkeypatch.undo()
    page.play(len(page.frames) + 5)
    marked = [frame.index for frame in page.frames if frame.flags & RECORDED]
    assert marked == list(range(recording.first, recording.end))
    assert sum(1 for _ in recording.frames(recording.count)) == recording.count
    page.do("record")
    page.play(len(page.frames) + 5)
    assert page.visitor.recording() is not recording


def test_a_frame_that_is_cut_off_is_not_recorded(engine):
    page_log = recordings.Log(World(), engine.world_card("video"), recordings.WorldSettings(), None)
    recording = recordings.WorldRecording(page_log, fps=30, most=20)
    recording.add(0, b"whole")
    real = recording._file

    class Cut:
        seek, read = real.seek, real.read

        def write(self, data: bytes) -> int:
            return real.write(data[:2])

    recording._file = Cut()  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValueError, match=NO_ROOM):
        recording.add(1, b"frame")
    assert (recording.count, recording._ends[-1]) == (1, 5)


def problem(page: MotionPage) -> State | None:
    """What is said of the take's end, if something broke."""
    state = page.visitor._state
    return state if state.reason == "problem" else None


@pytest.mark.parametrize("fault", [RuntimeError(SECRET), MemoryError()])
def test_an_engine_that_breaks_keeps_the_take(make_lobby, engine, caplog, fault):
    page = MotionPage(make_lobby())
    page.visitor.start(START)
    page.play(20)
    engine.fault = fault
    state = until(lambda: (page.read(), page.show(), problem(page))[-1])
    assert state.message == "The server could not go on with this. Press Restart."
    assert len(page.visitor.cut(0, 20)) == 20
    assert type(fault).__name__ in caplog.text
    assert SECRET not in caplog.text
    page.visitor.start(START)
    page.play(8)


def test_who_vanishes_while_sending_leaves_nothing(make_lobby):
    lobby = make_lobby()
    page = CapturePage(lobby)
    page.follow(fake_film(20))

    async def cut_off():
        yield b"abc"
        raise ClientDisconnect

    with pytest.raises(ClientDisconnect):
        asyncio.run(lobby.uploads.receive(cut_off(), "a.mp4", owner=IDS[0]))
    assert not lobby.uploads._coming
    assert lobby.uploads.kept == page.visitor._upload.bytes
    page.visitor.follow(Follow())
    assert page.wait().reason == ""


def test_logs_hold_no_words_of_visitors(caplog):
    exports, word = Exports(), "secret"

    def fail(path, tell):
        (path.parent / word).read_text()

    def fault(path, tell):
        raise KeyError(word)

    with caplog.at_level(logging.DEBUG, logger=exports_log.name):
        for write in (fail, fault):
            wait([exports.submit("a", f"livestep-{word}.bvh", write).written], 10)
    assert "FileNotFoundError" in caplog.text
    assert "KeyError" in caplog.text
    assert word not in caplog.text
    exports.close()


def test_causes_are_told_without_their_words(tmp_path):
    path, word = tmp_path / "secret", "secret"
    try:
        try:
            path.open()
        except OSError as error:
            raise RuntimeError(word) from error
    except RuntimeError as error:
        told = trace(error)
    assert told.splitlines()[0] == "RuntimeError"
    assert "caused by FileNotFoundError (No such file or directory)" in told
    assert "test_faults.py" in told
    assert word not in told


def test_what_a_library_logs_of_an_error_is_short_and_without_words(caplog):
    def deep(more: int) -> None:
        if not more:
            raise ValueError("secret")
        deep(more - 1)

    library = logging.getLogger("test.library")
    library.addFilter(Brief())
    try:
        deep(50)
    except ValueError:
        library.exception("it says %s", "secret")
    (record,) = caplog.records
    assert record.getMessage().startswith("an answer failed: ValueError")
    assert "secret" not in caplog.text.replace('ValueError("secret")', "")
    assert len(caplog.text.splitlines()) <= 3 * NEAREST + 2
