"""Rendering: the body is in the frame, the shadow on the floor, and GL is never taken on trust."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from core.body.mesh import Body
from core.export import render
from core.export.render.media import caption, jpeg, png
from core.export.render.scene import Camera, follow
from core.export.render.software import SoftwareRenderer, rasterize

TARGET = np.array([0.0, 0.9, 0.0])


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.load()


def test_body_is_drawn_where_it_should_be(body):
    renderer = SoftwareRenderer(body, width=160, height=160)
    far_away = renderer.draw(body.vertices + np.float32([60, 0, 60]), TARGET).astype(int)
    picture = renderer.draw(body.vertices, TARGET).astype(int)
    changed = np.abs(picture - far_away).sum(axis=-1) > 20
    rows, columns = np.nonzero(changed)
    assert 0.03 < changed.mean() < 0.4
    assert 5 < rows.min() < 45
    assert 115 < rows.max() < 155
    assert abs((columns.min() + columns.max()) / 2 - 80) < 15
    blue = picture[60, 80]  # the shirt
    assert blue[2] > blue[0] + 40


def test_floor_moves_with_the_world_and_not_with_the_camera(body):
    renderer = SoftwareRenderer(body, width=96, height=96)
    gone = body.vertices + np.float32([60, 0, 60])
    here = renderer.draw(gone, TARGET)
    two_tiles_on = renderer.draw(gone, TARGET + np.array([1.0, 0, 0]))
    one_tile_on = renderer.draw(gone, TARGET + np.array([0.5, 0, 0]))
    assert np.abs(here.astype(int) - two_tiles_on).max() <= 2
    assert np.abs(here.astype(int) - one_tile_on).max() > 20


def test_shadow_darkens_the_floor_only_next_to_the_body(body):
    renderer = SoftwareRenderer(body, width=160, height=160)
    without = renderer.draw(body.vertices + np.float32([60, 0, 60]), TARGET).astype(int)
    # half a meter up, so that feet and shadow part
    picture = renderer.draw(body.vertices + np.float32([0, 0.5, 0]), TARGET).astype(int)
    darker = (without - picture).min(axis=-1) > 25
    assert darker[125:].sum() > 20
    assert not darker[:, :20].any()


def test_supersampling_softens_edges_only(body):
    plain, smooth = (
        SoftwareRenderer(body, width=128, height=128, supersample=n).draw(body.vertices, TARGET)
        for n in (1, 2)
    )
    difference = np.abs(plain.astype(int) - smooth).sum(axis=-1)
    assert difference.mean() < 6
    assert difference.max() > 30


def test_nearer_triangle_wins_and_shares_are_barycentric():
    square = np.array([[0, 0], [0, 10], [10, 0]], np.float32)
    screen = np.concatenate([square, square])
    depth = np.array([2, 2, 2, 1, 1, 1], np.float32)
    faces = np.array([[3, 4, 5], [0, 1, 2]])
    pixels, shown, shares = rasterize(screen, depth, faces, 10, 10)
    assert (shown == 0).all()
    assert 45 <= len(pixels) <= 55
    at = np.einsum("pk,pkc->pc", shares, screen[faces[shown]])
    expected = np.stack([pixels % 10 + 0.5, pixels // 10 + 0.5], axis=-1)
    np.testing.assert_allclose(at, expected, atol=1e-4)
    assert not len(rasterize(screen, depth, faces[:, ::-1], 10, 10)[0])  # seen from behind


def test_camera_follows_smoothly():
    rng = np.random.default_rng(0)
    root = np.zeros((100, 3))
    root[:, 2] = np.arange(100) * 0.06
    root[:, 1] = 0.95
    path = follow(root + rng.normal(size=(100, 3)) * 0.03, 20)
    assert np.abs(np.diff(path, 2, axis=0)).max() < 0.01
    assert np.abs(path[10:-10, 2] - root[10:-10, 2]).max() < 0.05


def test_axes_are_a_right_handed_view():
    right, up, forward = Camera(yaw=0.7, pitch=0.3).axes
    np.testing.assert_allclose(np.cross(right, up), -forward, atol=1e-9)
    assert right[1] == 0
    assert forward[1] < 0


def test_pictures_encode_and_captions_fit():
    picture = np.full((64, 96, 3), 120, np.uint8)
    written = caption(picture, "a person walks forward and then keeps walking for a long time")
    assert written.shape == picture.shape
    assert (written != picture).any()
    assert caption(picture, "") is picture
    assert png(picture).startswith(b"\x89PNG")
    assert jpeg(picture).startswith(b"\xff\xd8")


@pytest.fixture
def fresh_choice(monkeypatch):
    monkeypatch.delenv(render.VARIABLE, raising=False)
    render.find_gl.cache_clear()
    yield
    render.find_gl.cache_clear()


@pytest.mark.usefixtures("fresh_choice")
@pytest.mark.parametrize("outcome", ["crash", "hang", "cpu"])
def test_auto_falls_back(body, monkeypatch, outcome):
    """A driver that kills the process, one that hangs, and one that is only the CPU again."""

    def probe(*_, **__):
        if outcome == "hang":
            raise subprocess.TimeoutExpired("probe", 1)
        return subprocess.CompletedProcess("probe", -11 if outcome == "crash" else 0, "llvmpipe")

    monkeypatch.setattr(render.subprocess, "run", probe)
    monkeypatch.setattr(render, "_may_have_gpu", lambda: True)
    assert isinstance(render.make_renderer(body, width=32, height=32), SoftwareRenderer)
    if outcome != "cpu":
        with pytest.raises(ValueError, match="GL does not work"):
            render.make_renderer(body, kind="gl")


@pytest.mark.usefixtures("fresh_choice")
def test_environment_forces_the_choice(body, monkeypatch):
    monkeypatch.setenv(render.VARIABLE, "software")
    assert isinstance(render.make_renderer(body), SoftwareRenderer)
    monkeypatch.setenv(render.VARIABLE, "crayon")
    with pytest.raises(ValueError, match="crayon"):
        render.make_renderer(body)


@pytest.mark.slow
@pytest.mark.gl
@pytest.mark.usefixtures("fresh_choice")
def test_gl_draws_the_same_picture(body):
    if render.find_gl() is None:
        pytest.skip("no GL here")
    ours = SoftwareRenderer(body, width=128, height=128).draw(body.vertices, TARGET)
    renderer = render.make_renderer(body, kind="gl", width=128, height=128)
    theirs = renderer.draw(body.vertices, TARGET)
    renderer.close()
    assert np.abs(ours.astype(int) - theirs).mean() < 25
