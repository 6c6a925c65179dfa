"""`python -m core video`: films, logs that replay to the same bytes, and sentences for mistakes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from core.__main__ import app
from core.engine import Engine
from core.export.films import enlarge, write_film
from core.export.render.media import png
from core.video.log import Change, PlayLog, read_log, write_log
from tests.support.tiny import write_checkpoints, write_place_world, write_worlds


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Worlds only: they need no motion checkpoint beside them."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return write_worlds(folder, video="CC0-1.0", video_teacher="CC0-1.0")


def run(folder, *arguments: object, code: int = 0):
    words = ["video", *map(str, arguments), "--checkpoints", str(folder)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, result.output
    return result


def film(path) -> tuple[dict, np.ndarray]:
    """What ffmpeg says of a film, and its frames."""
    import imageio_ffmpeg

    reader = imageio_ffmpeg.read_frames(str(path))
    about = next(reader)
    width, height = about["size"]
    return about, np.stack([np.frombuffer(f, np.uint8).reshape(height, width, 3) for f in reader])


def test_keys_become_a_film_with_its_log(folder, tmp_path):
    out, log = tmp_path / "play.mp4", tmp_path / "log.json"
    result = run(
        folder,
        "--keys",
        "W:9,WD:6,A:5",
        "--seed",
        3,
        "--start",
        2,
        "--out",
        out,
        "--out",
        log,
        "--json",
    )
    figures = json.loads(result.stdout)
    assert figures["frames"] == 20
    assert figures["first_frame_ms"] > 0
    assert figures["frames_per_s"] > 0
    about, frames = film(out)
    assert frames.shape == (20, 4 * 16, 4 * 32, 3)
    assert about["fps"] == 30
    assert about["codec"] == "h264"
    assert about["pix_fmt"].startswith("yuv420p")
    assert read_log(log) == PlayLog(
        world="made-up", checkpoint="video", seed=3, start=2, script="W:9,WD:6,A:5"
    )


def frames_of(folder, log: PlayLog) -> np.ndarray:
    from core.video.actions import parse_script

    worlds = Engine(folder, "cpu")
    dream = worlds.play(log.checkpoint, seed=log.seed, start=log.start, together=log.together)
    return np.stack([dream.step(m).frame for m in parse_script(log.script, dream.keys)])


def test_a_log_replays_to_the_same_bytes(folder, tmp_path):
    first, again, log = tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "log.json"
    run(folder, "--keys", "W:4,-:3", "--seed", 7, "--together", 2, "--out", first, "--out", log)
    run(folder, "--log", log, "--out", again)
    assert first.read_bytes() == again.read_bytes()
    other = tmp_path / "c.mp4"
    run(folder, "--log", log, "--seed", 8, "--out", other)
    assert first.read_bytes() != other.read_bytes()


def test_a_film_shows_what_the_engine_makes(folder, tmp_path):
    log = PlayLog(checkpoint="video-teacher", seed=5, script="W:6")
    out = tmp_path / "play.mp4"
    run(folder, "--keys", log.script, "--seed", 5, "--checkpoint", log.checkpoint, "--out", out)
    _, frames = film(out)
    expected = np.stack([enlarge(frame, 4) for frame in frames_of(folder, log)])
    gaps = np.abs(frames[:, None].astype(int) - expected[None]).mean((2, 3, 4))
    assert gaps.argmin(1).tolist() == list(range(6))


def test_changes_during_play_are_replayed(folder, tmp_path):
    log = tmp_path / "log.json"
    plain = PlayLog(checkpoint="video", script="W:6")
    films = {}
    for name, changes in (
        ("plain", ()),
        ("late", (Change(frame=6, steps=4),)),
        ("changed", (Change(frame=3, steps=4),)),
    ):
        write_log(plain.model_copy(update={"changes": changes}), log)
        run(folder, "--log", log, "--out", tmp_path / f"{name}.mp4")
        films[name] = film(tmp_path / f"{name}.mp4")[1]
    assert np.array_equal(films["plain"], films["late"])
    assert not np.array_equal(films["plain"][3:], films["changed"][3:])


def test_a_picture_starts_a_world(folder, tmp_path):
    picture, log = tmp_path / "picture.png", tmp_path / "log.json"
    picture.write_bytes(png(np.full((40, 90, 3), 77, np.uint8)))
    out = tmp_path / "a.mp4"
    run(folder, "--keys", "W:3", "--start-picture", picture, "--out", out, "--out", log)
    assert read_log(log).start == -1
    again = tmp_path / "b.mp4"
    run(folder, "--log", log, "--out", again)  # the picture is in it
    assert again.read_bytes() == out.read_bytes()
    run(folder, "--log", log, "--start", 0, "--out", again)
    assert again.read_bytes() != out.read_bytes()
    write_log(read_log(log).model_copy(update={"picture": "?"}), log)
    assert "cannot be read" in run(folder, "--log", log, "--json", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--keys", "W:3"], "nothing to do"),
        (["--json"], "give the keys to hold"),
        (["--json", "--keys", "W"], "cannot read 'W' in the key script"),
        (["--json", "--keys", "Q:3"], "unknown key 'Q'; this world knows W S A D L R"),
        (["--json", "--keys", "W:3", "--start", "9"], "start must be in 0..2"),
        (["--json", "--keys", "W:3", "--start", "-1"], "and the log holds none"),
        (["--json", "--keys", "W:3", "--start-picture", "no.png"], "no.png"),
        (["--json", "--keys", "W:3", "--start-picture", __file__], "cannot identify image"),
        (["--json", "--keys", "W:3", "--steps", "0"], "steps must be in"),
        (["--json", "--keys", "W:3", "--context-noise", "2"], "context_noise must be in"),
        (["--json", "--keys", "W:3", "--ahead", "99"], "ahead must be in"),
        (["--json", "--keys", "W:3", "--together", "0"], "together must be in"),
        (["--json", "--keys", "W:3", "--together", "4"], "together must be in 1..3 in this world"),
        (["--json", "--keys", "W:3", "--seed", "-1"], "seed must be"),
        (["--json", "--keys", "W:3", "--checkpoint", "moon"], "must be one of video, video-teach"),
        (["--json", "--keys", "W:3", "--log", "log.json"], "give the keys to hold"),
        (["--json", "--log", "no.json"], "no.json"),
        (["--json", "--log", __file__], "is not a log of play"),
        (["--keys", "W:3", "--out", "a.gif"], "files end in .mp4, .webp, .json"),
        (["--keys", "W:3", "--out", "a.mp4", "--out", "b.webp"], "--out once for a .mp4 or .webp"),
        (["--keys", "W:3", "--out", "nowhere/a.mp4"], "there is no folder"),
        (["--keys", "W:3", "--out", "a.mp4", "--scale", "0"], "scale must be in 1..8"),
    ],
)
def test_mistakes_are_told_in_a_sentence(folder, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    result = run(folder, *arguments, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert sentence in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_world_and_no_gpu_are_told_in_a_sentence(folder, tmp_path, monkeypatch):
    write_checkpoints(tmp_path)
    assert "no world in" in run(tmp_path, "--keys", "W:3", "--json", code=2).stderr
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = run(folder, "--keys", "W:3", "--json", "--device", "cuda", code=2)
    assert "PyTorch sees no GPU" in result.stderr


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A world with a place, and one without."""
    return write_place_world(write_worlds(tmp_path_factory.mktemp("room")))


def test_a_world_that_knows_its_place_is_played_unless_another_is_named(room, tmp_path):
    figures = json.loads(run(room, "--keys", "W:2,L:1", "--json").stdout)
    assert figures["log"]["checkpoint"] == "world-room"
    assert figures["fit"] is None  # a start of the gallery knows its place
    begun, ended = figures["place"], figures["ended"]
    assert (begun["x"], begun["y"], begun["degrees"]) == (8, 8, 0)
    assert (ended["x"], ended["y"], ended["degrees"]) == (18, 8, 6)
    assert begun["spread"] > 0
    without = json.loads(run(room, "--keys", "W:2", "--checkpoint", "video", "--json").stdout)
    assert not {"place", "fit", "ended"} & set(without)


def test_one_stands_where_one_asks_to(room, tmp_path):
    film, again, log = (tmp_path / name for name in ("a.mp4", "b.mp4", "log.json"))
    words = ["--keys", "W:3", "--place", "40,56,180", "--json"]
    figures = json.loads(run(room, *words, "--out", film, "--out", log).stdout)
    assert (figures["ended"]["x"], figures["ended"]["degrees"]) == (25, 180)
    assert read_log(log).changes == (Change(frame=0, x=40, y=56, degrees=180),)
    run(room, "--log", log, "--out", again)
    assert again.read_bytes() == film.read_bytes()
    figures = json.loads(run(room, "--log", log, "--place", "8,8,90", "--json").stdout)
    assert (figures["ended"]["x"], figures["ended"]["y"]) == (8, 23)  # what is asked for last


def test_places_and_settings_change_during_play(room, tmp_path):
    log, changes = tmp_path / "log.json", (Change(frame=2, steps=2, x=40, y=56),)
    write_log(PlayLog(script="W:4", changes=changes), log)
    figures = json.loads(run(room, "--log", log, "--json").stdout)
    assert (figures["ended"]["x"], figures["ended"]["y"]) == (50, 56)


def test_an_uploaded_picture_is_found_at_the_same_place_again(room, tmp_path):
    picture, film, again, log = (tmp_path / n for n in ("p.png", "a.mp4", "b.mp4", "log.json"))
    rng = np.random.default_rng(3)
    picture.write_bytes(png(rng.integers(0, 256, (40, 90, 3), np.uint8)))
    words = ["--keys", "W:3,L:2", "--start-picture", picture, "--json"]
    first = json.loads(run(room, *words, "--out", film, "--out", log).stdout)
    second = json.loads(run(room, "--log", log, "--json", "--out", again).stdout)
    for name in ("place", "fit", "ended"):
        assert first[name] == second[name]
    assert first["fit"] > 0
    assert again.read_bytes() == film.read_bytes()


def test_what_if_is_filmed_beside_what_was(room, tmp_path):
    plain, both, log = (tmp_path / name for name in ("a.mp4", "b.mp4", "log.json"))
    run(room, "--keys", "W:8", "--out", plain, "--out", log)
    words = ["--log", log, "--what-if", "3:a", "--json", "--out", both]
    figures = json.loads(run(room, *words).stdout)
    assert figures["frames"] == 5
    assert figures["what_if"]["frame"] == 3
    assert figures["what_if"]["keys"] == "A"
    assert (figures["ended"]["x"], figures["what_if"]["ended"]["x"]) == (48, 23)
    assert figures["what_if"]["ended"]["y"] > 8
    _, was = film(plain)
    _, frames = film(both)
    assert frames.shape == (5, 4 * 16, 2 * 4 * 32, 3)
    gaps = np.abs(frames[:, :, : 4 * 32].astype(int) - was[3:]).mean((1, 2, 3))
    others = np.abs(frames[:, :, 4 * 32 :].astype(int) - was[3:]).mean((1, 2, 3))
    assert gaps.max() < 0.8 * others.min()  # but for what the film's compression does


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--place", "8,8"], "a place is X,Y,DEGREES, as in 320,220,90; got '8,8'"),
        (["--place", "8,y,0"], "a place is X,Y,DEGREES"),
        (["--place", "nan,8,0"], "all of them finite"),
        (["--place", "24,24,0"], "nobody can stand at 24, 24 in this world"),
        (["--place", "8,8,0", "--checkpoint", "video"], "does not know where it is"),
        (["--what-if", "W"], "what if is FRAME:KEYS, as in 30:L or 30:WR; got 'W'"),
        (["--what-if", "1:"], "what if is FRAME:KEYS"),
        (["--what-if", "1:W:3"], "what if is FRAME:KEYS"),
        (["--what-if", "3:W"], "what if must begin at a frame in 0..2, got 3"),
        (["--what-if", "1:Q"], "unknown key 'Q'"),
    ],
)
def test_places_that_cannot_be_are_told_before_anything_is_written(
    room, tmp_path, arguments, sentence
):
    out = ["--out", tmp_path / "log.json", "--out", tmp_path / "a.mp4"]
    result = run(room, "--keys", "W:3", *arguments, *out, code=2)
    assert result.stderr.startswith("error: ")
    assert sentence in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ['"x": 3', '"y": 3', '"degrees": 3', '"x": 3, "degrees": 3'])
def test_half_a_place_is_told(tmp_path, place):
    path = tmp_path / "log.json"
    path.write_text(f'{{"script": "W:3", "changes": [{{"frame": 1, {place}}}]}}')
    with pytest.raises(ValueError, match=r"log of play: changes\.0: a place is x and y,"):
        read_log(path)


def test_logs_without_places_are_written_as_they_were():
    assert Change(frame=3, steps=4).model_dump(mode="json") == {
        "frame": 3,
        "steps": 4,
        "context_noise": None,
        "together": None,
    }


@pytest.mark.parametrize("text", ["{", "[]", '{"seed": 3}', '{"script": "W:3", "speed": 2}'])
def test_other_files_are_no_logs(tmp_path, text):
    path = tmp_path / "log.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is not a log of play"):
        read_log(path)


def test_worlds_are_listed(tmp_path):
    folder = write_worlds(tmp_path, video="CC0-1.0", video_teacher="CC0-1.0")
    words = ["list", "--checkpoints", str(write_checkpoints(folder))]
    text = CliRunner().invoke(app, words).stdout
    assert "video-teacher\n  world: 32 x 16, 30 frames/s\n  keys: W forward, S back" in text
    cards = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert list(cards) == ["motion", "video", "video-teacher"]
    assert cards["video"]["licence"] == "CC0-1.0"
    assert "  remembers: 4 frames" in text


def test_a_list_says_which_world_remembers_its_place(room):
    text = CliRunner().invoke(app, ["list", "--checkpoints", str(room)]).stdout
    assert text.startswith("world-room")
    assert "  remembers: its place, 64 x 64 units" in text


def test_films_have_even_sides_and_frames(tmp_path):
    frame = np.zeros((9, 15, 3), np.uint8)
    with pytest.raises(ValueError, match="must be even"):
        write_film([frame], tmp_path / "a.mp4", fps=30)
    with pytest.raises(ValueError, match="no frame"):
        write_film([], tmp_path / "a.mp4", fps=30)
    told: list[float] = []
    write_film([frame] * 4, tmp_path / "a.webp", fps=30, encoded=told.append)
    assert told == [0.25, 0.5, 0.75]
    assert write_film([frame] * 31, tmp_path / "a.mp4", fps=30, scale=2) == 31
    assert len(film(tmp_path / "a.mp4")[1]) == 31
