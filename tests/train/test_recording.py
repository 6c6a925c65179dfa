"""Recording any world: the format, key maps, and Gymnasium on a world that shows its action."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from train.worlds.__main__ import app
from train.worlds.gym import read_keymap
from train.worlds.policy import fumble
from train.worlds.recording import LENGTH, coverage, load, read_meta, split_of


def test_fumbling_covers_keys_and_pairs():
    player = fumble(np.random.default_rng(1), 4)
    shares = coverage(np.asarray([next(player) for _ in range(8000)]), list("abcd"))
    assert 0.1 < shares["-"] < 0.3
    assert min(shares.values()) > 0.04


def test_one_slot_in_twenty_is_for_validation():
    splits = [split_of(i) for i in range(4000)]
    assert 0.04 < splits.count("val") / 4000 < 0.06


@pytest.fixture
def painter():
    gymnasium = pytest.importorskip("gymnasium", reason="gymnasium is not installed")

    class Painter(gymnasium.Env):
        metadata = {"render_modes": ["rgb_array"], "render_fps": 25}  # noqa: RUF012
        action_space = gymnasium.spaces.Discrete(4)
        observation_space = gymnasium.spaces.Box(0, 255, (20, 30, 3), np.uint8)

        def __init__(self, render_mode=None, pictures=True):
            self.pictures = pictures

        def picture(self, value):
            picture = np.full((20, 30, 3), value, np.uint8)
            return picture if self.pictures else np.zeros(3, np.float32)

        def reset(self, seed=None, options=None):
            super().reset(seed=seed)
            self.left = int(self.np_random.integers(20, 60))
            return self.picture(200), {}

        def step(self, action):
            self.left -= 1
            return self.picture(10 * (1 + action)), 0.5, self.left == 0, False, {}

        def render(self):
            return None

    for name, options in (("Painter-v0", {}), ("Blind-v0", {"pictures": False})):
        gymnasium.register(name, entry_point=Painter, kwargs=options, disable_env_checker=True)
    yield
    for name in ("Painter-v0", "Blind-v0"):
        del gymnasium.registry[name]


KEYS = [
    {"name": "L", "codes": ["ArrowLeft"], "label": "left"},
    {"name": "R", "codes": ["ArrowRight"], "label": "right"},
]
MAPPED = {"keys": KEYS, "actions": {"": 0, "L": 1, "R": 2, "LR": 3}}


@pytest.fixture
def keymap(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(MAPPED))
    return path


def run(*arguments) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, result.output


def test_the_action_is_stored_beside_the_frame_it_made(painter, keymap, tmp_path):
    out = tmp_path / "set"
    size = ["--size", "128x96"]
    code, said = run("--env", "Painter-v0", "--keys", keymap, *size, "--frames", 700, "--out", out)
    assert code == 0, said
    meta, arrays = read_meta(out), load(out)
    assert (meta.env, meta.fps, meta.size) == ("Painter-v0", 25, (96, 128))
    assert arrays.frames.shape == (700, 96, 128, 3)
    number = arrays.actions[:, 0] + 2 * arrays.actions[:, 1]
    shown = 10 * (1 + number.astype(int))
    starts = [episode.start for episode in meta.episodes]
    shown[starts] = 200
    assert np.array_equal(arrays.frames[:, 0, 0, 0], shown)
    assert not arrays.actions[starts].any()
    assert len(set(number)) == 4
    assert meta.ground is None


def test_episodes_tile_the_set_where_the_world_ends_them(painter, keymap, tmp_path):
    run("--env", "Painter-v0", "--keys", keymap, "--frames", 650, "--out", tmp_path / "set")
    meta = read_meta(tmp_path / "set")
    assert len(meta.episodes) > 12
    ends = [episode.start + episode.frames for episode in meta.episodes]
    assert [0, *ends] == [*(episode.start for episode in meta.episodes), 650]
    assert all(e.split == split_of(e.start // LENGTH) for e in meta.episodes)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"actions": {"L": 1}}, "nothing held"),
        ({"actions": {"": 0, "Q": 1}}, "Q"),
        ({"actions": {"": 0, "L": 7}}, "7"),
        ({"keys": []}, "keys"),
        ({"keys": [*KEYS, KEYS[0]]}, "of its own"),
        ({"actions": None}, "either"),
        ({"actions": "none"}, "actions"),
        ({"actions": None, "vectors": {"": [0], "L": [1]}}, "every key"),
        ({"actions": None, "vectors": {"": [0], "L": [1], "R": [1, 2]}}, "length"),
        ({"actions": None, "vectors": {"": [0], "L": [1], "R": [2]}}, "does not fit"),
    ],
)
def test_bad_key_maps_are_told_in_a_sentence(painter, tmp_path, change, word):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({**MAPPED, **change}))
    code, said = run("--env", "Painter-v0", "--keys", path, "--frames", 10, "--out", tmp_path / "x")
    assert code == 2
    assert word in said


def test_held_sets_that_are_not_listed_and_vectors(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": KEYS, "actions": {"": 5, "L": 1, "R": 2}}))
    assert [read_keymap(path).action(k) for k in ((0, 0), (0, 1), (1, 1))] == [5, 2, 1]
    vectors = {"": [0.5, 0], "L": [-1, 0], "R": [1, 2]}
    path.write_text(json.dumps({"keys": KEYS, "vectors": vectors}))
    assert read_keymap(path).action((1, 1)).tolist() == [0.5, 2]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--env", "Blind-v0", "--keys", "KEYS"], "no pictures"),
        (["--env", "Nowhere-v0", "--keys", "KEYS"], "Nowhere-v0"),
        (["--env", "Painter-v0"], "needs a key map"),
        (["--env", "Painter-v0", "--keys", "absent.json"], "no key map"),
        (["--env", "Painter-v0", "--keys", "KEYS", "--frames", "1"], "frames must be"),
        (["--env", "Painter-v0", "--keys", "KEYS", "--workers", "0"], "workers must be"),
        (["--env", "Painter-v0", "--keys", "KEYS", "--size", "big"], "WIDTHxHEIGHT"),
        (["blocks", "--env", "Painter-v0"], "not both"),
        (["oasis"], "which world"),
    ],
)
def test_mistakes_are_told_in_a_sentence(painter, keymap, tmp_path, arguments, word):
    out = tmp_path / "set"
    given = [keymap if a == "KEYS" else a for a in arguments]
    frames = [] if "--frames" in given else ["--frames", 10]
    code, said = run(*given, *frames, "--out", out)
    assert code == 2
    assert word in " ".join(said.split())
    assert not (out / "meta.json").exists()


def test_a_missing_engine_is_told_in_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    code, said = run("blocks", "--frames", 10, "--out", tmp_path / "set")
    assert code == 2
    assert "pip install vizdoom" in said


@pytest.mark.parametrize("name", ["my_way_home", "health_gathering"])  # the latter hurts
def test_another_map_is_recorded_by_the_same_command(tmp_path, name):
    vizdoom = pytest.importorskip("vizdoom", reason="vizdoom is not installed")

    path = f"{vizdoom.scenarios_path}/{name}.cfg"
    code, said = run("--env", path, "--frames", 40, "--out", tmp_path / "set")
    assert code == 0, said
    meta, arrays = read_meta(tmp_path / "set"), load(tmp_path / "set")
    assert meta.env == name
    assert meta.licence.startswith("unknown")
    assert arrays.frames.shape == (40, 192, 256, 3)
    assert arrays.frames.std() > 5
    assert meta.states == ("x", "y", "angle")
    assert meta.ground is not None
    assert meta.ground.fov == 90
    x, y, angle = arrays.states.T
    assert meta.ground.low[0] + 80 == pytest.approx(x.min(), abs=4)
    assert meta.ground.high[1] - 80 == pytest.approx(y.max(), abs=4)
    # our own walker there, too: turns, steps and rest as the keys say
    held, turned = arrays.actions[1:].astype(float), (np.diff(angle) + 180) % 360 - 180
    assert np.allclose(turned, 3.999 * (held[:, 4] - held[:, 5]), atol=0.01)
    moved = np.hypot(np.diff(x), np.diff(y))
    assert moved.max() < 13.7
    assert not moved[~held[:, :4].any(1)].any()
    code, said = run("--env", path, "--size", "300x200", "--out", tmp_path / "set")
    assert code == 2
    assert "300x200" in said
    code, said = run("--env", tmp_path / "no.wad", "--out", tmp_path / "set")
    assert code == 2
    assert "no ViZDoom map" in said
