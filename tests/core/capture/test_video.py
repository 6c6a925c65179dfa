"""Whatever people call a video is decoded upright at a sensible rate, or refused in a sentence."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

from core.capture import video
from tests.support import drawn_films as made

KINDS = {
    "h264": ("a.mp4", made.H264),
    "hevc": ("a.mov", ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0")),
    "vp9": ("a.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8")),
    "av1": ("av1.mp4", ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1")),
    "mpeg4": ("a.avi", ("-c:v", "mpeg4", "-q:v", "3")),
    "gif": ("a.gif", ("-vf", "split[a][b];[a]palettegen[c];[b][c]paletteuse")),
}


def decode(path) -> tuple[video.VideoInfo, list[np.ndarray]]:
    found = video.open_video(path)
    return found, list(video.frames(found))


def refusal(path) -> str:
    """The one sentence in which a file is refused: it names the file, but not where it is."""
    with pytest.raises(ValueError, match=r".") as caught:
        decode(path)
    sentence = str(caught.value)
    assert sentence.startswith(path.name)
    assert "\n" not in sentence
    assert str(path.parent) not in sentence
    return sentence


def plain(frames: int, size: int = 32) -> np.ndarray:
    """Gray pictures that grow brighter."""
    levels = np.linspace(40, 200, frames).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (frames, size, size, 3))


@pytest.mark.parametrize("codec", KINDS)
def test_every_usual_kind_is_decoded(codec):
    name, options = KINDS[codec]
    found, frames = decode(made.write(name, made.pictures(), codec=options))
    assert found.codec == codec
    assert found.shown == pytest.approx(20, abs=0.1)
    assert abs(len(frames) - made.POSES) <= 1
    assert frames[0].shape == (240, 320, 3)
    assert np.abs(frames[5].astype(int) - made.pictures()[5]).mean() < 8


@pytest.mark.parametrize("rate", [7, 12.5, 24000 / 1001, 30000 / 1001, 50, 59.94, 120, 240])
def test_odd_rates_keep_their_length(rate):
    count = round(1.5 * rate)
    found, frames = decode(made.write("odd.mp4", plain(count), rate=rate))
    assert found.shown == pytest.approx(rate, rel=0.01)
    assert found.rate <= video.MOST_RATE
    assert len(frames) / found.rate == pytest.approx(1.5, abs=2 / min(rate, found.rate))
    levels = [frame.mean() for frame in frames]
    middle = np.interp(0.5, [0, 1], [levels[0], levels[-1]])
    assert levels[len(levels) // 2] == pytest.approx(middle, abs=160 / len(frames) + 5)


def test_what_a_phone_filmed_on_its_side_stands_upright():
    upright = made.pictures()[:12]
    lying = made.write("lying.mp4", np.rot90(upright, axes=(1, 2)))
    turned = made.folder() / "turned.mp4"
    made.ffmpeg("-display_rotation", "-90", "-i", lying, "-c", "copy", turned)
    _, frames = decode(turned)
    assert frames[0].shape == upright[0].shape
    assert np.abs(frames[3].astype(int) - upright[3]).mean() < 8


LATE = ("-c", "copy", "-output_ts_offset", "5.017")
SONG = ("-f", "lavfi", "-i", "sine=d=3")
STARTS = {
    "late.mkv": ("-i", "FILM", *LATE),
    "late.mp4": ("-i", "FILM", *LATE),
    "late.ts": ("-i", "FILM", *LATE),
    "after_its_sound.mp4": ("-itsoffset", "1", "-i", "FILM", *SONG, "-c:v", "copy"),
    "after_its_sound.mkv": ("-itsoffset", "1", "-i", "FILM", *SONG, "-c:v", "copy"),
}


@pytest.mark.parametrize("name", STARTS)
def test_time_counts_from_the_first_picture(name):
    path = made.folder() / name
    made.ffmpeg(*(made.film() if word == "FILM" else word for word in STARTS[name]), path)
    _, frames = decode(path)
    assert len(frames) == made.POSES
    assert np.abs(frames[5].astype(int) - made.pictures()[5]).mean() < 8


def test_an_edit_list_cuts_what_comes_before():
    """A cut without a new encoding keeps pictures that are never shown."""
    whole, cut = made.write("whole.mp4", plain(60)), made.folder() / "cut.mp4"
    made.ffmpeg("-ss", "1.25", "-i", whole, "-c", "copy", cut)
    _, frames = decode(cut)
    assert len(frames) == 35
    assert frames[0].mean() == pytest.approx(plain(60)[25].mean(), abs=3)


def test_what_comes_before_the_first_picture_does_not_lengthen_a_film():
    path = made.folder() / "late_and_long.mkv"
    source = ("-f", "lavfi", "-i", "testsrc=s=32x32:r=10:d=18")
    made.ffmpeg(*source, *made.H264, "-output_ts_offset", "5.017", path)
    found, frames = decode(path)
    assert found.seconds == pytest.approx(18, abs=0.1)
    assert len(frames) == 180


COVERS = {
    "flagged.mp4": ("-c", "copy", "-disposition:v:0", "attached_pic"),
    "flagged.mkv": ("-c", "copy", "-disposition:v:0", "attached_pic"),
    "first.mp4": ("-c", "copy"),
    "first.mov": ("-c", "copy"),
    "encoded.mkv": ("-c:v:0", "libx264", "-c:v:1", "copy"),
    "encoded.ts": ("-c:v:0", "libx264", "-c:v:1", "copy"),
}


@pytest.fixture(scope="module")
def cover():
    path = made.folder() / "cover.jpg"
    made.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x480", "-frames:v", "1", path)
    return path


@pytest.mark.parametrize("name", COVERS)
def test_of_a_film_with_a_cover_the_film_is_read(cover, name):
    path = made.folder() / name
    made.ffmpeg("-i", cover, "-i", made.film(), "-map", "0", "-map", "1", *COVERS[name], path)
    found, frames = decode(path)
    assert (found.codec, found.shown) == ("h264", 20)
    assert len(frames) == made.POSES
    assert np.abs(frames[5].astype(int) - made.pictures()[5]).mean() < 8


def test_a_song_with_a_cover_is_no_film(cover):
    path = made.folder() / "song.m4a"
    song = ("-f", "lavfi", "-i", "sine=d=1", "-i", cover, "-map", "0", "-map", "1")
    made.ffmpeg(*song, "-c:v", "copy", "-disposition:v:0", "attached_pic", path)
    assert "sound but no pictures" in refusal(path)


def test_large_and_stretched_pictures_become_small_ones():
    wide = made.folder() / "wide.mp4"
    made.ffmpeg("-f", "lavfi", "-i", "testsrc=s=1920x1080:r=10:d=1", *made.H264, wide)
    assert decode(wide)[1][0].shape == (720, 1280, 3)
    made.ffmpeg("-f", "lavfi", "-i", "testsrc=s=320x240:r=10:d=1,setsar=2", *made.H264, wide)
    assert decode(wide)[1][0].shape == (240, 640, 3)


def test_the_decoder_ends_with_whoever_looks():
    pictures = video.frames(video.open_video(made.film()))
    assert len(list(islice(pictures, 2))) == 2
    pictures.close()


NOISE = np.random.default_rng(0).integers(0, 256, 20_000).astype(np.uint8).tobytes()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("noise.mp4", NOISE),
        ("empty.mov", b""),
        ("letter.webm", b"Dear film, I am a letter.\n" * 20),
        ("list.mp4", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n"),
        ("concat.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n"),
    ],
)
def test_unreadable_files_get_a_sentence(name, data):
    path = made.folder() / name
    path.write_bytes(data)
    assert "cannot be read as a video" in refusal(path)


def test_half_a_file_gets_a_sentence():
    path = made.folder() / "half.mp4"
    path.write_bytes(made.film().read_bytes()[:30_000])  # what is in it is told at its end
    assert "cannot be read" in refusal(path)


def test_a_missing_file_gets_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="there is no file"):
        video.open_video(tmp_path / "none.mp4")


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "mp4", "gif"])
def test_a_still_picture_is_told_from_a_video(suffix):
    path = made.folder() / f"still.{suffix}"
    made.ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64", "-frames:v", "1", path)
    assert "still picture" in refusal(path)


def test_sound_without_pictures():
    path = made.folder() / "song.wav"
    made.ffmpeg("-f", "lavfi", "-i", "sine=d=1", path)
    assert "no pictures" in refusal(path)


def test_an_hour_is_refused_by_its_header():
    path = made.folder() / "hour.mp4"
    stretch = ("-vf", "setpts=N*3600/TB", "-fps_mode", "vfr", "-frames:v", "2", *made.H264)
    made.ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64", *stretch, path)
    with pytest.raises(ValueError, match=r"hour.mp4 lasts \d+ s; 20 s are the most"):
        video.open_video(path)


def test_what_does_not_tell_its_length_is_stopped_when_it_is_too_long():
    path = made.folder() / "endless.mkv"
    source = ("-f", "lavfi", "-i", "testsrc=s=32x32:r=10:d=40")
    made.ffmpeg(*source, *made.H264, "-f", "matroska", "-live", "1", path)
    found = video.open_video(path)
    assert found.seconds is None
    assert "too long; 20 s" in refusal(path)


def test_slide_shows_and_blinks_are_refused():
    assert "2 pictures a second" in refusal(made.write("slides.mp4", plain(6), rate=2))
    assert re.search(r"lasts 0\.\d+ s", refusal(made.write("blink.mp4", plain(6), rate=20)))


def test_a_file_that_is_slow_to_open_is_given_up(monkeypatch):
    monkeypatch.setattr(video, "ASK_SECONDS", 0.0)
    assert "takes too long to open" in refusal(made.film())


@pytest.mark.skipif(os.name == "nt", reason="names there are no such names")
def test_names_are_only_names():
    for name in ("-i.mp4", "a:b.mp4", "what's %03d.mp4", "data:x.mp4"):
        path = made.folder() / name
        path.write_bytes(made.film().read_bytes())
        assert video.open_video(path).seconds == pytest.approx(1.8, abs=0.1)


def test_a_comment_tells_nothing_of_the_pictures():
    path = made.folder() / "comment.mp4"
    lie = "x\n  Duration: 00:00:00.10\n  Stream #0:0: Video: gif, rgb24, 1x1, 9 fps"
    made.ffmpeg("-i", made.film(), "-c", "copy", "-metadata", f"comment={lie}", path)
    assert replace(video.open_video(path), path=made.film()) == video.open_video(made.film())


def gif(path, side: int, frames: int):
    """Write a GIF that says it is large, with one dot a picture: 20 bytes each."""
    head = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    wait = b"\x21\xf9\x04\x00\x05\x00\x00\x00"
    dots = (
        wait + b"\x2c" + struct.pack("<HHHHB", i, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
        for i in range(frames)
    )
    path.write_bytes(head + b"".join(dots) + b"\x3b")
    return path


def test_many_large_pictures_are_refused_before_one_is_decoded(monkeypatch):
    """9 kB took 46 seconds of two cores."""
    monkeypatch.setattr(video, "frames", pytest.fail)
    path = gif(made.folder() / "large.gif", 6300, 400)
    with pytest.raises(
        ValueError, match="400 pictures of 6300 x 6300, 15,876 megapixels"
    ) as caught:
        video.open_video(path)
    assert "1,500 are the most" in str(caught.value)


@pytest.mark.parametrize(
    ("size", "rate", "length", "told"),
    [
        ("3840x2160", 60, "00:00:20.40", None),
        ("1920x1080", 30, "00:00:20.40", None),
        ("7680x4320", 30, "00:00:10.00", None),
        ("7680x4320", 60, "00:00:10.00", "600 pictures of 7680 x 4320"),
        ("7680x4320", 60, "N/A", "1200 pictures of 7680 x 4320"),
        ("3840x2160", 240, "00:00:10.00", "2400 pictures"),
        ("9000x9000", 30, "00:00:01.00", "40 megapixels are the most"),
        ("none", 30, "00:00:01.00", "no picture that could be decoded"),
    ],
)
def test_films_of_phones_are_within_the_limits(monkeypatch, tmp_path, size, rate, length, told):
    text = (
        f"Input #0, mov,mp4, from 'x':\n  Duration: {length}, start: 0.0\n"
        f"  Stream #0:0: Video: hevc (Main), yuv420p, {size}, 9 kb/s, {rate} fps, 60 tbr\n"
    )
    monkeypatch.setattr(
        video.subprocess, "run", lambda *_, **__: SimpleNamespace(stderr=text.encode())
    )
    path = tmp_path / "phone.mp4"
    path.touch()
    if told is None:
        assert video.open_video(path).decoded <= video.MOST_DECODED_OTHERWISE
    else:
        with pytest.raises(ValueError, match=told):
            video.open_video(path)
