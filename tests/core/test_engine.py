"""The engine on tiny random weights: streams, seeds, prompts, settings, two streams at once."""

from __future__ import annotations

from itertools import islice, repeat

import numpy as np
import pytest

from app.live.loader import EngineLike
from core.body.features import LAYOUT
from core.capture import follow
from core.capture.track import NETWORKS
from core.engine import Engine
from core.motion.decode import DELAY
from core.settings import MAX_PROMPT, CaptureSettings, MotionSettings, check_prompt
from tests.support.tiny import DIT, write_checkpoints, write_worlds

PER_BLOCK = DIT.block * 4


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Engine:
    folder = write_checkpoints(
        tmp_path_factory.mktemp("checkpoints"), motion="CC0 1.0", motion_styles="CC BY-NC 4.0"
    )
    return Engine.load(folder, device="cpu")


def play(engine: Engine, prompts, count: int, **options):
    return list(islice(engine.motion(prompts, **options), count))


def test_a_stream_of_poses(engine):
    chunks = play(engine, repeat("a person walks"), 12)
    starts = [0, *range(PER_BLOCK - DELAY, 11 * PER_BLOCK, PER_BLOCK)]
    assert [c.first for c in chunks] == starts
    for chunk in chunks[1:]:
        assert chunk.root.shape == (PER_BLOCK, 3)
        assert chunk.rotations.shape == (PER_BLOCK, 22, 4)
        assert chunk.joints.shape == (PER_BLOCK, 22, 3)
        assert chunk.features.shape == (PER_BLOCK, 263)
        assert chunk.prompt == "a person walks"
        assert all(np.isfinite(x).all() for x in (chunk.root, chunk.rotations, chunk.joints))
        assert np.allclose(np.linalg.norm(chunk.rotations, axis=-1), 1, atol=1e-4)


def test_it_ends_with_its_prompts_and_computes_nothing_before_it_is_asked(engine):
    pulled = []

    def prompts():
        for text in ("walk", "walk", "walk"):
            pulled.append(text)
            yield text

    stream = engine.motion(prompts())
    assert pulled == []
    assert sum(len(chunk) for chunk in stream) == 3 * PER_BLOCK


@pytest.mark.parametrize("options", [{}, {"stagger": 1}, {"stagger": 4}, {"guidance": 1.0}])
def test_same_seed_same_bytes(engine, options):
    one, two, other = (play(engine, repeat("walk"), 3, seed=seed, **options) for seed in (5, 5, 6))
    for a, b in zip(one, two, strict=True):
        assert a.root.tobytes() == b.root.tobytes()
        assert a.rotations.tobytes() == b.rotations.tobytes()
    assert one[0].features.tobytes() != other[0].features.tobytes()


def test_a_change_of_prompt_is_felt_in_the_next_block(engine):
    wanted = ["walk"]
    stream = engine.motion((wanted[0] for _ in repeat(None)), seed=1)
    first = [next(stream) for _ in range(4)]
    wanted[0] = "jump"
    after = [next(stream) for _ in range(3)]
    assert {c.prompt for c in first} == {"walk"}
    assert {c.prompt for c in after} == {"jump"}
    same = play(engine, repeat("walk"), 7, seed=1)
    assert all(np.array_equal(a.root, b.root) for a, b in zip(first, same, strict=False))
    assert not np.allclose(after[-1].features, same[-1].features)


def test_two_streams_do_not_disturb_each_other(engine):
    alone = {seed: play(engine, repeat("walk"), 4, seed=seed) for seed in (1, 2)}
    streams = {seed: engine.motion(repeat("walk"), seed=seed) for seed in (1, 2)}
    for i in range(4):
        for seed, stream in streams.items():
            assert np.array_equal(next(stream).joints, alone[seed][i].joints)


def test_planted_feet_can_be_left_as_generated(engine):
    held, free = (
        play(engine, repeat("walk"), 3, seed=2, foot_contacts=flag) for flag in (True, False)
    )
    held, free = (np.concatenate([c.features for c in chunks]) for chunks in (held, free))
    same = np.delete(np.arange(held.shape[1]), LAYOUT.velocity)  # only the path may differ
    assert np.array_equal(held[:, same], free[: len(held), same])


def test_sample_returns_features_of_many_motions(engine):
    made = engine.sample(["walk", "jump", "sit"], 21, seed=1)
    assert [x.shape for x in made] == [(21, 263)] * 3
    assert np.isfinite(made).all()
    again = engine.sample(["walk", "jump", "sit"], 21, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(made, again, strict=True))
    rows = [[("walk", 20), ("jump", 12)], [("sit", 20), ("run", 12)]]
    assert [x.shape for x in engine.sample(rows)] == [(32, 263)] * 2
    with pytest.raises(ValueError, match="same lengths"):
        engine.sample([[("walk", 20)], [("sit", 24)]])
    with pytest.raises(ValueError, match="same lengths"):
        engine.sample([])


def test_reconstruction_cuts_to_fours(engine):
    features = engine.sample(["walk"], 23)[0]
    assert engine.reconstruct(features).shape == (20, 263)


def test_checkpoints_and_their_cards(engine):
    assert engine.names == ("motion", "motion-styles")
    assert engine.card("motion")["non_commercial"] is False
    assert engine.card("motion-styles") == {
        "licence": "CC BY-NC 4.0",
        "non_commercial": True,
        "data": "made-up",
        "precision": "fp32",
        "steps": DIT.steps,
        "stagger": DIT.stagger,
        "guidance": DIT.guidance,
    }
    a, b = (play(engine, repeat("walk"), 1, checkpoint=name)[0] for name in engine.names)
    assert not np.allclose(a.features, b.features)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"steps": 0}, r"steps must be in 1\.\.100, got 0"),
        ({"steps": 101}, r"steps must be in 1\.\.100, got 101"),
        ({"stagger": 5}, "stagger must be in 1..4"),
        ({"stagger": 0}, "stagger must be in 1..4"),
        ({"guidance": 0.5}, "guidance must be in"),
        ({"guidance": float("nan")}, "guidance must be in"),
        ({"seed": -1}, "seed must be"),
        ({"steps": 60, "stagger": 1}, "raise the stagger or lower the steps"),
        ({"checkpoint": "other"}, "checkpoint must be one of motion, motion-styles"),
    ],
)
def test_bad_settings_are_told_at_once(engine, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        engine.motion(repeat("walk"), **options)
    if "checkpoint" not in options:
        with pytest.raises(ValueError, match=sentence):
            engine.check("motion", MotionSettings(**options))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("?!", "empty"),
        ("a" * (MAX_PROMPT + 1), "300"),
        ("walk\x00", "control"),
    ],
)
def test_bad_prompts(engine, text, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_prompt(text)
    with pytest.raises(ValueError, match=sentence):
        next(engine.motion([text]))


def test_prompts_are_tidied():
    assert check_prompt("  a person\n walks ") == "a person walks"


def test_what_cannot_be_loaded_is_told_in_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="no motion checkpoint in"):
        Engine.load(tmp_path, device="cpu")
    with pytest.raises(ValueError, match="no motion checkpoint in"):
        Engine.load(tmp_path / "nowhere", device="cpu")


def test_settings_are_an_object_or_loose_keywords_that_differ_from_it(engine):
    wanted = MotionSettings(seed=5, guidance=2.0)
    loose, both = (
        play(engine, repeat("walk"), 2, **options)
        for options in ({"seed": 5, "guidance": 2.0}, {"settings": wanted})
    )
    other = play(engine, repeat("walk"), 2, settings=wanted.changed(seed=6), seed=5)
    for chunks in (both, other):
        assert all(np.array_equal(a.root, b.root) for a, b in zip(loose, chunks, strict=True))


def test_a_folder_of_worlds_alone_opens(tmp_path):
    engine = Engine.load(write_worlds(tmp_path), device="cpu")
    assert (engine.names, engine.worlds) == ((), ("video",))
    with pytest.raises(ValueError, match="no motion checkpoint in"):
        engine.motion(["walk"])


def test_pose_networks_come_from_the_engines_own_folder(engine, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(follow, "follow", lambda _, wanted, **how: asked.append((wanted, how)))
    engine.follow("clip.mp4", person=2)
    own = Engine(write_worlds(tmp_path), "cpu")
    (tmp_path / NETWORKS.name).mkdir()
    own.follow("clip.mp4", settings=CaptureSettings(tilt=5), turned=True, threads=1)
    assert [settings for settings, _ in asked] == [
        CaptureSettings(person=2),
        CaptureSettings(tilt=5, turned=True),
    ]
    assert [how["networks"] for _, how in asked] == [NETWORKS, tmp_path / NETWORKS.name]
    with pytest.raises(ValueError, match="tilt must be in"):
        own.follow("clip.mp4", tilt=90)


def app_can_use(engine: Engine) -> EngineLike:
    """Let pyright check that the engine is what the page needs."""
    used: EngineLike = engine
    return used
