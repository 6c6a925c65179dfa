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
from core.video.log import picture_of, read_log
from tests.support.fake_dream import FPS, paint
from tests.support.visitors import IDS, WORLD, Gamer, until

W, D, L = 1, 8, 16


def recorded(gamer: Gamer) -> list:
    return [frame for frame in gamer.frames if frame.flags & RECORDED]


def record(gamer: Gamer, frames: int) -> None:
    gamer.do("record")
    gamer.play(len(gamer.frames) + frames)
    gamer.do("keep")
    gamer.play(len(gamer.frames) + 3)


def test_a_recording_holds_exactly_the_frames_that_were_marked(make_lobby, tmp_path):
    gamer = Gamer(make_lobby())
    gamer.player.begin(WORLD)
    gamer.hold(W)
    gamer.play(10)
    gamer.do("record")
    gamer.hold(W | L)
    gamer.play(30)
    gamer.hold(D)
    gamer.play(50)
    gamer.do("keep")
    gamer.play(56)
    marked, recording = recorded(gamer), gamer.player.recording()
    assert 35 < len(marked) == recording.count
    assert recording.first == marked[0].index
    assert [frame.index for frame in marked] == list(range(recording.first, recording.end))
    tally = next(item for item in gamer.seen if isinstance(item, Tally) and item.script)
    assert tally.recorded == recording.count

    import imageio

    writer(recording, scale=2)(tmp_path / "play.mp4")
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
    gamer = Gamer(lobby)
    gamer.player.begin(replace(WORLD, start=1, ahead=3))
    gamer.hold(W)
    gamer.play(8)
    gamer.player.tune(Tune(steps=2, ahead=1))
    gamer.hold(D)
    gamer.play(16)
    record(gamer, 12)
    gamer.do("stop")
    recording = gamer.player.recording()
    writer(recording, scale=1)(tmp_path / "play.json")
    log = read_log(tmp_path / "play.json")
    assert (log.checkpoint, log.seed, log.start, log.world) == ("video", 3, 1, "blocks")
    assert len(log.changes) == 1

    data = json.loads((tmp_path / "play.json").read_text())
    fields = ("checkpoint", "seed", "start", "steps", "context_noise", "ahead", "together")
    again = Gamer(lobby, IDS[1])
    again.player.begin(
        World(
            **{name: data[name] for name in fields},
            script=data["script"],
            changes=[Change(**change) for change in data["changes"]],
        )
    )
    again.play(recording.end)
    last = again.frames[recording.first : recording.end]
    assert [f.mask for f in last] == [f.mask for f in recorded(gamer)]
    for kept, frame in zip(recording.frames(recording.count), last, strict=True):
        assert np.abs(kept.astype(int) - decode(frame.jpeg)).mean() < 6


def test_an_uploaded_start_travels_with_its_log(make_lobby, tmp_path):
    lobby = make_lobby()
    gamer = Gamer(lobby)
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    gamer.player.upload(picture)
    gamer.player.begin(replace(WORLD, start=-1))
    gamer.play(2)
    record(gamer, 5)
    writer(gamer.player.recording(), scale=1)(tmp_path / "play.json")
    log = read_log(tmp_path / "play.json")
    assert log.start == -1
    np.testing.assert_array_equal(picture_of(log), picture)


def test_a_recording_ends_by_itself_and_a_reset_keeps_it(make_lobby):
    gamer = Gamer(make_lobby(recording_seconds=1))
    gamer.player.begin(WORLD)
    gamer.play(3)
    gamer.do("record")
    until(lambda: (gamer.read(), gamer.last(Problem))[-1])
    assert gamer.last(Problem).message == "The recording is 1 s long and was ended."
    assert gamer.player.recording().count == FPS
    gamer.play(len(gamer.frames) + 5)
    assert len(recorded(gamer)) == FPS
    gamer.do("record")
    gamer.play(len(gamer.frames) + 5)
    before = gamer.last(DreamState).world
    gamer.player.begin(replace(WORLD, seed=9))
    until(lambda: (gamer.read(), gamer.last(DreamState).world != before)[-1])
    recording = gamer.player.recording()
    assert 1 <= recording.count < FPS
    time.sleep(0.1)
    gamer.play(len(gamer.frames) + 5)
    assert not gamer.frames[-1].flags & RECORDED
    assert recording is gamer.player.recording()
    assert file_name(recording, "mp4") == "livestep-video-3.mp4"


def test_what_cannot_be_recorded_is_refused_in_sentences(make_lobby, monkeypatch):
    gamer = Gamer(make_lobby())
    with pytest.raises(ValueError, match="no recording yet"):
        gamer.player.recording()
    monkeypatch.setattr(recordings, "MOST_FRAMES", 20)
    gamer.player.begin(WORLD)
    gamer.play(3)
    gamer.do("record")
    with pytest.raises(ValueError, match="is empty"):
        check(gamer.player.recording(), format="mp4", scale=1)
    gamer.play(10)
    for wishes, word in (
        ({"format": "gif", "scale": 1}, "mp4"),
        ({"format": "mp4", "scale": 90}, "scale"),
    ):
        with pytest.raises(ValueError, match=word):
            check(gamer.player.recording(), **wishes)
    check(gamer.player.recording(), format="json", scale=1)
    gamer.play(30)
    check(gamer.player.recording(), format="mp4", scale=1)
    with pytest.raises(ValueError, match="older than an hour"):
        check(gamer.player.recording(), format="json", scale=1)


def test_a_recording_lies_on_disk(engine):
    log = Log(World(), engine.world_card("video"), {}, None)
    recording = WorldRecording(log, fps=30, most=200)
    data = keepsake(paint(3, 7))
    for index in range(5, 205):
        recording.add(index, data)
    assert recording.full
    assert recording.first == 5
    assert recording._file.seek(0, 2) == 200 * len(data)
    assert sum(1 for _ in recording.frames(200)) == 200
