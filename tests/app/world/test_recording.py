"""Recordings of worlds: as many frames as were shown, films that play, logs that repeat."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from app.protocol import Change, DreamState, Problem, Tally, Tune, World
from app.world import recording as recordings
from app.world.pictures import decode
from app.world.protocol import RECORDED
from app.world.recording import Log, WorldRecording, check, file_name, keepsake, writer
from core.settings import WorldSettings
from core.video.log import picture_of, read_log
from tests.support.fake_dream import FPS, paint
from tests.support.visitors import IDS, WORLD, WorldPage, until

W, D, L = 1, 8, 16


def recorded(page: WorldPage) -> list:
    return [frame for frame in page.frames if frame.flags & RECORDED]


def record(page: WorldPage, frames: int) -> None:
    page.do("record")
    page.play(len(page.frames) + frames)
    page.do("keep")
    page.play(len(page.frames) + 3)


def test_a_recording_holds_exactly_the_frames_that_were_marked(make_lobby, tmp_path):
    page = WorldPage(make_lobby())
    page.visitor.begin(WORLD)
    page.hold(W)
    page.play(10)
    page.do("record")
    page.hold(W | L)
    page.play(30)
    page.hold(D)
    page.play(50)
    page.do("keep")
    page.play(56)
    marked, recording = recorded(page), page.visitor.recording()
    assert 35 < len(marked) == recording.count
    assert recording.first == marked[0].index
    assert [frame.index for frame in marked] == list(range(recording.first, recording.end))
    tally = next(item for item in page.seen if isinstance(item, Tally) and item.script)
    assert tally.recorded == recording.count

    import imageio

    told = []
    writer(recording, scale=2)(tmp_path / "play.mp4", told.append)
    assert told == [i / recording.count for i in range(recording.count)]
    with imageio.get_reader(tmp_path / "play.mp4") as reader:
        shown = [np.asarray(frame) for frame in reader]
        assert reader.get_meta_data()["fps"] == FPS
    assert len(shown) == recording.count
    assert shown[0].shape == (192, 256, 3)
    for kept, frame in zip(recording.frames(recording.count), marked, strict=True):
        assert np.abs(kept.astype(int) - decode(frame.jpeg)).mean() < 6
    for kept, large in zip(recording.frames(recording.count), shown, strict=True):
        assert np.abs(kept.astype(int) - large[::2, ::2]).mean() < 12


def test_a_log_makes_the_same_frames_again(make_lobby, tmp_path):
    lobby = make_lobby()
    page = WorldPage(lobby)
    page.visitor.begin(replace(WORLD, start=1, ahead=3))
    page.hold(W)
    page.play(8)
    page.visitor.tune(Tune(steps=2, ahead=1))
    page.hold(D)
    page.play(16)
    record(page, 12)
    page.do("stop")
    recording = page.visitor.recording()
    writer(recording, scale=1)(tmp_path / "play.json", print)
    log = read_log(tmp_path / "play.json")
    assert (log.checkpoint, log.seed, log.start, log.world) == ("video", 3, 1, "blocks")
    assert len(log.changes) == 1

    data = json.loads((tmp_path / "play.json").read_text())
    fields = ("checkpoint", "seed", "start", "steps", "context_noise", "ahead", "together")
    again = WorldPage(lobby, IDS[1])
    again.visitor.begin(
        World(
            **{name: data[name] for name in fields},
            script=data["script"],
            changes=[Change(**change) for change in data["changes"]],
        )
    )
    again.play(recording.end)
    last = again.frames[recording.first : recording.end]
    assert [f.mask for f in last] == [f.mask for f in recorded(page)]
    for kept, frame in zip(recording.frames(recording.count), last, strict=True):
        assert np.abs(kept.astype(int) - decode(frame.jpeg)).mean() < 6


def test_an_uploaded_start_travels_with_its_log(make_lobby, tmp_path):
    lobby = make_lobby()
    page = WorldPage(lobby)
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    page.visitor.upload(picture)
    page.visitor.begin(replace(WORLD, start=-1))
    page.play(2)
    record(page, 5)
    writer(page.visitor.recording(), scale=1)(tmp_path / "play.json", print)
    log = read_log(tmp_path / "play.json")
    assert log.start == -1
    np.testing.assert_array_equal(picture_of(log), picture)


def test_a_recording_ends_by_itself_and_a_reset_keeps_it(make_lobby):
    page = WorldPage(make_lobby(recording_seconds=1))
    page.visitor.begin(WORLD)
    page.play(3)
    page.do("record")
    until(lambda: (page.read(), page.last(Problem))[-1])
    assert page.last(Problem).message == "The recording is 1 s long and was ended."
    assert page.visitor.recording().count == FPS
    page.play(len(page.frames) + 5)
    assert len(recorded(page)) == FPS
    page.do("record")
    page.play(len(page.frames) + 5)
    before = page.last(DreamState).world
    page.visitor.begin(replace(WORLD, seed=9))
    until(lambda: (page.read(), page.last(DreamState).world != before)[-1])
    recording = page.visitor.recording()
    assert 1 <= recording.count < FPS
    time.sleep(0.1)
    page.play(len(page.frames) + 5)
    assert not page.frames[-1].flags & RECORDED
    assert recording is page.visitor.recording()
    assert file_name(recording, "mp4") == "livestep-video-3.mp4"


def test_what_cannot_be_recorded_is_refused_in_sentences(make_lobby, monkeypatch):
    page = WorldPage(make_lobby())
    with pytest.raises(ValueError, match="no recording yet"):
        page.visitor.recording()
    monkeypatch.setattr(recordings, "MOST_FRAMES", 20)
    page.visitor.begin(WORLD)
    page.play(3)
    page.do("record")
    with pytest.raises(ValueError, match="is empty"):
        check(page.visitor.recording(), format="mp4", scale=1)
    page.play(10)
    for wishes, word in (
        ({"format": "gif", "scale": 1}, "mp4"),
        ({"format": "mp4", "scale": 90}, "scale"),
    ):
        with pytest.raises(ValueError, match=word):
            check(page.visitor.recording(), **wishes)
    check(page.visitor.recording(), format="json", scale=1)
    page.play(30)
    check(page.visitor.recording(), format="mp4", scale=1)
    check(page.visitor.recording(), format="webp", scale=1)
    monkeypatch.setattr("core.export.render.media.MOST_WEBP", 20 * 128 * 96)
    with pytest.raises(ValueError, match=r"a looping WebP of 256 x 192 can be 0\.2 s"):
        check(page.visitor.recording(), format="webp", scale=2)
    with pytest.raises(ValueError, match="older than an hour"):
        check(page.visitor.recording(), format="json", scale=1)


def test_a_recording_lies_on_disk(engine):
    log = Log(World(), engine.world_card("video"), WorldSettings(), None)
    recording = WorldRecording(log, fps=30, most=200)
    data = keepsake(paint(3, 7))
    for index in range(5, 205):
        recording.add(index, data)
    assert recording.full
    assert recording.first == 5
    assert recording._file.seek(0, 2) == 200 * len(data)
    assert sum(1 for _ in recording.frames(200)) == 200
