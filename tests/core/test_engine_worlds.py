"""The engine's worlds on tiny random weights: cards, seeds, play from anywhere, sentences."""

from __future__ import annotations

import threading
from itertools import islice, repeat

import numpy as np
import pytest

from core import checkpoint
from core.engine import Engine
from core.video.actions import parse_script
from core.video.world import Seed, VideoModel, write_seeds
from tests.support.tiny import KEYS, WORLD, tiny_world, write_checkpoints, write_worlds

MASKS = parse_script("W:3,WD:2,-:1,R:2", KEYS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_worlds(
        tmp_path_factory.mktemp("checkpoints"), video="CC0-1.0", video_teacher="CC BY 4.0"
    )


@pytest.fixture(scope="module")
def worlds(folder) -> Engine:
    return Engine(folder, "cpu")


def bytes_of(frames) -> bytes:
    return b"".join(made.frame.tobytes() for made in frames)


def test_a_broken_world_leaves_the_others(tmp_path):
    folder = write_worlds(tmp_path, video="CC0-1.0", video_teacher="CC BY 4.0")
    (folder / "video" / "config.json").write_text("{")
    assert Engine(folder, "cpu").worlds == ("video-teacher",)
    (folder / "video-tokenizer" / "seeds.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"the starts in .*seeds\.npz cannot be read"):
        Engine(folder, "cpu").world()


def test_worlds_are_listed_with_the_shipped_one_first(worlds):
    assert worlds.worlds == ("video", "video-teacher")
    assert worlds.world() is worlds.world("video")
    assert worlds.world("video-teacher") is not worlds.world("video")


def test_a_card_tells_what_a_page_needs(worlds):
    assert worlds.world_card("video-teacher") == {
        "name": "video-teacher",
        "width": 32,
        "height": 16,
        "fps": 30.0,
        "keys": KEYS,
        "steps": WORLD.steps,
        "context_noise": WORLD.context_noise,
        "context": 4,
        "most_together": 3,
        "seeds": ["seed 0", "seed 1", "seed 2"],
        "ground": None,
        "licence": "CC BY 4.0",
        "data": "made-up",
    }


def test_frames_come_one_per_mask_and_only_when_asked_for(worlds):
    pulled = []

    def masks():
        for mask in MASKS:
            pulled.append(mask)
            yield mask

    video = worlds.video(masks())
    assert pulled == []
    first = next(video)
    assert (first.index, first.mask, pulled) == (0, 1, [1])
    rest = list(video)
    assert [made.mask for made in (first, *rest)] == MASKS
    assert [made.index for made in rest] == list(range(1, len(MASKS)))
    assert not any(made.drafted for made in rest)
    assert len(list(islice(worlds.video(repeat(1)), 20))) == 20


@pytest.mark.parametrize("options", [{}, {"steps": 3}, {"together": 2}, {"start": 2, "seed": 5}])
def test_the_page_and_the_command_line_make_the_same_bytes(worlds, options):
    played = worlds.play(ahead=4, **options)
    frames = []
    for mask in MASKS:
        frames.append(played.step(mask))
        while played.draft():
            pass
    assert bytes_of(frames) == bytes_of(worlds.video(MASKS, **options))
    assert any(made.drafted for made in frames)


def test_checkpoints_differ(worlds):
    one, two = (bytes_of(worlds.video(MASKS, checkpoint=name)) for name in worlds.worlds)
    assert one != two


def test_the_gallery(worlds):
    pictures = [worlds.seed_picture("video", i) for i in range(3)]
    assert all(np.array_equal(p, tiny_world().seeds[i].frames[-1]) for i, p in enumerate(pictures))
    starts = {bytes_of(worlds.video(MASKS[:2], start=i)) for i in range(3)}
    assert len(starts) == 3
    for i, picture in enumerate(pictures):  # these seeds are one frame with no known action
        assert bytes_of(worlds.video(MASKS, start=picture)) == bytes_of(
            worlds.video(MASKS, start=i)
        )


def test_a_seed_shows_its_newest_frame(tmp_path):
    write_worlds(tmp_path)
    frames = np.random.default_rng(0).integers(0, 256, (3, 16, 32, 3), np.uint8)
    seed = Seed("a row", frames, np.zeros((3, 6), np.float32), np.zeros(3))
    write_seeds(tmp_path / "video-tokenizer" / "seeds.npz", [seed])
    worlds = Engine(tmp_path, "cpu")
    assert np.array_equal(worlds.seed_picture("video", 0), frames[-1])
    assert np.array_equal(worlds.play().context(), frames)


@pytest.mark.parametrize("size", [(300, 200), (1, 1), (7, 1000)])
def test_a_world_begins_at_any_picture(worlds, size):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    dream = worlds.play(start=picture)
    assert np.array_equal(dream.context()[0], worlds.world().fit(picture))
    assert dream.step(1).frame.shape == (16, 32, 3)


def test_two_visitors_at_once(worlds):
    """Two threads share the weights; neither sees anything of the other."""
    alone = [bytes_of(worlds.video(MASKS, seed=seed)) for seed in (1, 2)]
    found: dict[int, bytes] = {}

    def visit(seed: int) -> None:
        found[seed] = bytes_of(worlds.video(MASKS, seed=seed))

    threads = [threading.Thread(target=visit, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [found[1], found[2]] == alone


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"steps": 0}, r"steps must be in 1\.\.50, got 0"),
        ({"context_noise": 0.7}, r"context_noise must be in 0\.\.0\.5, got 0\.7"),
        ({"ahead": 20}, r"ahead must be in 0\.\.8"),
        ({"together": 4}, r"together must be in 1\.\.3"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"start": 3}, r"start must be in 0\.\.2 or a picture, got 3"),
        ({"start": -1}, r"start must be in 0\.\.2 or a picture, got -1"),
        ({"start": np.zeros((4, 4), np.uint8)}, r"must be \(height, width, 3\) of bytes"),
        ({"checkpoint": "other"}, "world must be one of video, video-teacher, got 'other'"),
    ],
)
def test_bad_settings_are_told_at_once(worlds, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        worlds.play(**options)
    if "ahead" not in options:  # a video drafts nothing
        with pytest.raises(ValueError, match=sentence):
            worlds.video(MASKS, **options)


def test_an_unknown_action_is_told_when_its_frame_is_asked_for(worlds):
    video = worlds.video([1, 64])
    next(video)
    with pytest.raises(ValueError, match=r"an action must be in 0\.\.63, got 64"):
        next(video)


def test_worlds_that_cannot_be_loaded_are_told_in_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="no world in"):
        Engine(tmp_path, "cpu").play()
    with pytest.raises(ValueError, match="no checkpoint at"):
        VideoModel.load(tmp_path / "video", "cpu")
    checkpoint.save(tiny_world().dit, tmp_path / "video", about={})
    alone = Engine(tmp_path, "cpu")
    assert alone.worlds == ("video",)
    with pytest.raises(ValueError, match=r"no checkpoint at .*video-tokenizer"):
        alone.play()


def test_a_world_without_a_gallery_begins_at_a_picture(tmp_path):
    write_worlds(tmp_path)
    (tmp_path / "video-tokenizer" / "seeds.npz").unlink()
    worlds = Engine(tmp_path, "cpu")
    assert worlds.world_card("video")["seeds"] == []
    assert worlds.play(start=np.zeros((9, 9, 3), np.uint8)).step(0).index == 0
    with pytest.raises(ValueError, match="no gallery; start must be a picture"):
        worlds.play()


def test_the_engine_plays_worlds_beside_motion(folder):
    write_checkpoints(folder)
    engine = Engine.load(folder, device="cpu")
    assert (engine.names, engine.worlds) == (("motion",), ("video", "video-teacher"))
    assert bytes_of(engine.video(MASKS)) == bytes_of(Engine(folder, "cpu").video(MASKS))
