"""Worlds of our own: their maps and pictures, their player, and the real engine if installed."""

from __future__ import annotations

import importlib.util
import struct
from functools import partial

import numpy as np
import pytest

from train.worlds.blocks import BLOCKS
from train.worlds.doom import MAPS, STATES, TICS, Drawn, Place, wanted
from train.worlds.maps import Cell, Map, text_map
from train.worlds.policy import play, start
from train.worlds.recording import LENGTH, Ground, coverage, load, read_meta, record
from train.worlds.rooms import COLORS, DOORS
from train.worlds.textures import png, sky, textures
from train.worlds.wad import palette
from train.worlds.world import DrawnWorld

needs_vizdoom = pytest.mark.skipif(
    importlib.util.find_spec("vizdoom") is None, reason="vizdoom is not installed"
)


def lumps(data: bytes) -> dict[str, bytes]:
    magic, count, table = struct.unpack("<4sii", data[:12])
    assert magic == b"PWAD"
    found = {}
    for i in range(count):
        start, size, name = struct.unpack("<ii8s", data[table + 16 * i : table + 16 * i + 16])
        found[name.rstrip(b"\0").decode()] = data[start : start + size]
    return found


@pytest.fixture(params=MAPS)
def land(request) -> Map:
    return MAPS[request.param]


def test_wad_holds_map_palette_and_every_texture(land):
    data = land.wad()
    assert data == land.wad()
    found = lumps(data)
    assert len(found["PLAYPAL"]) == 14 * 768
    assert len(found["COLORMAP"]) == 34 * 256
    text = found["TEXTMAP"].decode()
    named = {part.split('"')[1] for part in text.split("texture")[1:]}
    assert set(land.pictures()) <= set(found)
    assert named <= {*found, "F_SKY1"}
    vertices, sides = text.count("vertex{"), text.count("sidedef{")
    assert text.count("sector{") == len(land.cells)
    assert max(int(part.split(";")[0]) for part in text.split("v2=")[1:]) == vertices - 1
    assert max(int(p.split(";")[0]) for p in text.split("sideback=")[1:]) < sides
    assert text == text_map(land)


def test_all_free_cells_are_connected_and_walled_in(land):
    free, (columns, rows) = set(land.free_cells()), land.size
    assert {len(line) for line in land.drawing} == {columns}
    assert set("".join(land.drawing)) == set(land.cells)
    assert all(0 < x < columns - 1 and 0 < y < rows - 1 for x, y in free)
    reached, edge = set(), {min(free)}
    while edge:
        reached |= edge
        near = {(x + dx, y + dy) for x, y in edge for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))}
        edge = (near & free) - reached
    assert reached == free
    assert land.is_free(*map(int, land.start))


def test_doors_join_the_rooms_they_are_painted_for():
    land = MAPS["rooms"]
    for x, y in land.free_cells():
        letter = land.letter(x, y) or ""
        if letter.isdigit():
            beside = (
                [(x - 1, y), (x + 1, y)] if land.is_free(x - 1, y) else [(x, y - 1), (x, y + 1)]
            )
            joined = {land.cells[land.letter(*cell) or ""].walls for cell in beside}
            assert joined == set(DOORS[int(letter)])


def test_pictures_keep_to_the_palette_and_no_two_are_alike(land):
    pictures = land.pictures()
    colors = palette(list(pictures.values()))
    assert colors.shape == (256, 3)
    known = set(map(tuple, colors))
    for picture in pictures.values():
        assert set(map(tuple, picture.reshape(-1, 3))) <= known
        assert picture.shape[0] in (64, 128)
        assert picture.shape[1] in (64, 1024)
        assert picture.dtype == np.uint8
    walls = [pictures[f"{room}{way}"] for room in COLORS for way in "NESW" if land.name == "rooms"]
    apart = [np.abs(a - b.astype(float)).mean() for i, a in enumerate(walls) for b in walls[:i]]
    assert min(apart, default=255) > 8


def test_the_sky_differs_in_every_direction():
    views = [np.roll(sky(), -128 * i, axis=1)[:, :256].astype(float) for i in range(8)]
    apart = [np.abs(a - b).mean() for i, a in enumerate(views) for b in views[:i]]
    assert min(apart) > 8


def test_png_is_read_back():
    cv2 = pytest.importorskip("cv2")
    picture = textures()["PUMPKIN"]
    decoded = cv2.imdecode(np.frombuffer(png(picture), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(decoded[..., ::-1], picture)


def test_opposite_keys_cancel():
    assert wanted((1, 1, 1, 1, 1, 1)) == (0, 0, 0)
    forward, right, turn = wanted((1, 0, 0, 1, 1, 0))
    assert forward > right > 0 > turn


def test_player_holds_every_key_and_pair():
    """A walker in an open field without an engine: the shares are those of the policy alone."""
    random = np.random.default_rng(0)
    actions = []
    for _ in range(20):
        place = start(random, BLOCKS)
        player = play(random, BLOCKS, place)
        keys = next(player)
        for _ in range(LENGTH):
            actions.append(keys)
            forward, right, turn = wanted(keys)
            angle = np.radians(place.angle)
            step = forward * np.exp(1j * angle) + right * np.exp(1j * (angle - np.pi / 2))
            inside = np.clip([place.x + step.real, place.y + step.imag], 80, 560)
            place = Place(*map(float, inside), float(place.angle - 2 * turn) % 360)
            keys = player.send(place)
    shares = coverage(np.asarray(actions), list("WSADLR"))
    assert all(shares[key] > 0.08 for key in "-WSADLR"), shares
    assert min(shares.values()) > 0.002, shares


# the real engine


def make_blocks():
    return DrawnWorld("blocks", (96, 128), 0)


@needs_vizdoom
@pytest.mark.slow
def test_blocks_are_the_same_in_two_runs_and_follow_the_keys(tmp_path):
    for name in "ab":
        record(tmp_path / name, make_blocks, frames=330, seed=3, licence="CC0-1.0")
    first, second = load(tmp_path / "a"), load(tmp_path / "b")
    assert all(np.array_equal(x, y) for x, y in zip(first, second, strict=True))
    x, y, angle = first.states[:300].T
    turned = (np.diff(angle) + 180) % 360 - 180
    asked = first.actions[1:300, 4].astype(int) - first.actions[1:300, 5]
    assert np.allclose(turned, 4 * asked, atol=0.02)
    still = first.actions[1:300, :4].sum(1) == 0
    assert not np.hypot(np.diff(x), np.diff(y))[still].any()
    assert all(BLOCKS.is_free(int(a // 64), int(b // 64)) for a, b in first.states[:, :2])
    assert not first.actions[[0, 300]].any()
    assert read_meta(tmp_path / "a").states == STATES


@needs_vizdoom
def test_keys_alone_settle_a_step_at_reversals_diagonals_and_turns():
    vizdoom = pytest.importorskip("vizdoom")

    engine, random = Drawn("blocks"), np.random.default_rng(0)
    for _ in range(20):
        engine.reset(Place(128, 320, float(random.uniform(0, 360))))
        for keys in random.integers(2, size=(3, 6)):
            here = engine.place()
            engine.step(keys)
            there = engine.place()
            forward, right, turn = wanted(keys)
            ticks = np.exp(1j * np.radians(here.angle - turn * np.arange(1, TICS + 1)))
            free = (forward - 1j * right) * ticks.mean()
            assert abs(complex(there.x - here.x, there.y - here.y) - free) < 0.01, keys
            assert abs((there.angle - here.angle + TICS * turn + 180) % 360 - 180) < 1e-6
            for speed in (vizdoom.GameVariable.VELOCITY_X, vizdoom.GameVariable.VELOCITY_Y):
                assert engine.game.get_game_variable(speed) == 0
    engine.close()


@needs_vizdoom
def test_one_walks_down_a_flight_of_steps_at_an_even_pace(monkeypatch):
    stairs = {
        key: Cell("SAND", "SAND", height) for key, height in zip("ab.", (40, 20, 0), strict=True)
    }
    wall = Cell("STONE", "STONE", 128)
    drawing = ("######", "#ab..#", "######")
    steps = Map("steps", drawing, {"#": wall, **stairs}, (1.5, 1.5), textures)
    monkeypatch.setitem(MAPS, "steps", steps)
    engine = Drawn("steps")
    engine.reset(Place(96, 96, 0))
    went = []
    for _ in range(16):
        here = engine.place()
        engine.step((1, 0, 0, 0, 0, 0))
        went.append(engine.place().x - here.x)
    engine.close()
    assert np.allclose(went, 64 / 6, atol=0.02)


@needs_vizdoom
def test_one_stands_where_one_is_put():
    engine, random = Drawn("blocks"), np.random.default_rng(0)
    for _ in range(10):
        asked = start(random, BLOCKS)
        engine.reset(asked)
        off = engine.place().row() - asked.row()
        assert np.abs(off[:2]).max() < 0.04
        assert abs((off[2] + 180) % 360 - 180) < 0.01
    engine.close()


@needs_vizdoom
def test_truth_plays_a_recorded_state_and_leaves_nothing_behind(tmp_path, monkeypatch):
    from train.worlds.doom import Truth

    monkeypatch.chdir(tmp_path)
    truth = Truth((96, 128))
    frame = truth.reset((352.0, 160.0, 90.0, 0.0, 0.0))
    assert frame.shape == (96, 128, 3)
    assert frame.dtype == np.uint8
    assert np.array_equal(truth.step(0), frame)
    assert not np.array_equal(truth.step(0b010001), frame)
    place = truth.world.place()
    assert place.y - 160 == pytest.approx(64 / 6, abs=0.1)
    assert place.angle == pytest.approx(94, abs=0.1)
    with pytest.raises(ValueError, match="action must be in"):
        truth.step(64)
    truth.close()
    assert list(tmp_path.iterdir()) == []


@needs_vizdoom
def test_rooms_are_walked_in_and_measured(tmp_path):
    make = partial(DrawnWorld, "rooms")
    record(tmp_path, make, frames=600, seed=2, licence="CC0-1.0")
    meta, arrays = read_meta(tmp_path), load(tmp_path)
    assert (meta.env, meta.size) == ("rooms", (192, 256))
    cells = {(int(x // 64), int(y // 64)) for x, y in arrays.states[:, :2]}
    assert cells <= set(MAPS["rooms"].free_cells())
    assert len(cells) > 8
    (low_x, low_y), (high_x, high_y) = meta.ground.low, meta.ground.high
    assert meta.ground == Ground(low=(low_x, low_y), high=(high_x, high_y), fov=90, texel=8)
    assert all(edge % 8 == 0 and 0 <= edge <= 768 for edge in (low_x, low_y, high_x, high_y))
    x, y, _ = arrays.states.T
    assert low_x < x.min() - 64 < x.max() + 64 < high_x
    assert low_y < y.min() - 64 < y.max() + 64 < high_y


@needs_vizdoom
@pytest.mark.slow
def test_workers_do_not_change_the_bytes(tmp_path):
    for workers in (1, 2):
        out = tmp_path / str(workers)
        record(out, make_blocks, frames=1500, seed=1, licence="CC0-1.0", workers=workers)
    for one, two in zip(load(tmp_path / "1"), load(tmp_path / "2"), strict=True):
        assert np.array_equal(one, two)
    assert (tmp_path / "1/meta.json").read_text() == (tmp_path / "2/meta.json").read_text()
