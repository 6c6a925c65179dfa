"""The map, the past shown twice and gamepads, in real Chromium."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from app.protocol import DreamState, Drive, Keys, Problem, Stand, WhatIf, World, Worlds
from tests.support.fake_world import GROUND, card, paint
from tests.support.playing import WORLD, await_color, play, reach, stage, state, until

pytest_plugins = ["tests.support.playing"]
pytestmark = pytest.mark.browser


@pytest.fixture
def placed(server):
    """A server whose first world knows where it is."""
    cards = [card("blocks", truth=True, ground=GROUND), card("video")]
    server.worlds = Worlds(state="ready", worlds=cards)
    server.place = (200.0, 300.0, 90.0, 0.25)
    return server


def spot(page, x: float, y: float) -> tuple[float, float]:
    """Where a place lies on the screen: the map shows a cell around the ground."""
    box = page.locator(".lw-map").bounding_box()
    return (
        box["x"] + box["width"] * (x - 80) / 240,
        box["y"] + box["height"] * (1 - (y - 180) / 240),
    )


def look(mask: int) -> list[int]:
    """The color of a frame made under these keys."""
    return [int(value) for value in paint(mask, 0)[6, 120]]


def test_the_map_shows_where_the_dream_is_and_how_sure(open_world, placed):
    page = open_world()
    page.get_by_text("Play, and the dream tells.").wait_for()
    play(page)
    page.get_by_text("200, 300 · facing north").wait_for()
    page.get_by_text("Sure within 0.3 units").wait_for()
    mark = page.locator(".lw-self")
    assert mark.get_attribute("transform") == "translate(200 300)"
    assert mark.locator(".lw-arrow").get_attribute("transform") == "rotate(90)"
    assert mark.locator(".lw-spread").get_attribute("r") == "0.25"
    box, wanted = mark.bounding_box(), spot(page, 200, 300)
    assert box["x"] < wanted[0] < box["x"] + box["width"]
    assert box["y"] < wanted[1] < box["y"] + box["height"]
    for x in (206, 212, 218):
        placed.place = (float(x), 300.0, 90.0, 0.25)
        page.get_by_text(f"{x}, 300").wait_for()
    path = page.locator(".lw-path path").first.get_attribute("d")
    assert path == "M200.0 300.0L206.0 300.0L212.0 300.0L218.0 300.0"


def test_worlds_without_memory_have_no_map_and_say_so(open_world, placed):
    page = open_world()
    labels = page.locator(".lw [name=checkpoint] option").all_text_contents()
    assert labels == ["blocks", "video (without memory)"]
    assert page.locator(".lw-place").is_visible()
    page.locator(".lw [name=checkpoint]").select_option("video")
    assert page.locator(".lw-place").is_hidden()


def test_places_are_short_below_their_pictures(open_world, placed):
    titles = ["In the north-east, looking south", "In the west, looking north-west", "In the dark"]
    placed.worlds = Worlds(state="ready", worlds=[replace(card("blocks"), seeds=titles)])
    names = open_world().locator(".lw-gallery .lw-name")
    expect(names).to_have_text(["NE, facing S", "W, facing NW", "In the dark", "Your picture"])


def test_in_other_languages_winds_have_their_own_letters_and_models_their_names(open_world, placed):
    titles = ["In the north-east, looking south", "In the west, looking north-west"]
    cards = [replace(card("blocks", ground=GROUND), seeds=titles), card("video")]
    placed.worlds = Worlds(state="ready", worlds=cards)
    page = open_world("?lang=de")
    names = page.locator(".lw-gallery .lw-name")
    expect(names).to_have_text(["NO, Blick S", "W, Blick NW", "Eigenes Bild"])
    labels = page.locator(".lw [name=checkpoint] option").all_text_contents()
    assert labels == ["blocks", "video (ohne Gedächtnis)"]


def test_a_click_on_the_map_stands_there_and_a_drag_turns(open_world, placed):
    page = open_world()
    expect(page.locator(".lw-ground")).to_have_css("stroke", "none")  # no lines between strips
    ground = page.get_by_role("application", name="Map")
    expect(ground).to_have_attribute("aria-disabled", "true")
    page.mouse.click(*spot(page, 150, 350))
    page.get_by_text("Play first; then a click stands you there.").wait_for()
    play(page)
    page.get_by_text("Click the map to stand there").wait_for()
    expect(ground).to_have_attribute("aria-disabled", "false")
    assert not placed.of(Stand)
    page.mouse.click(*spot(page, 150, 350))
    until(lambda: placed.of(Stand))
    stood = placed.of(Stand)[0]
    assert (stood.x, stood.y) == pytest.approx((150, 350), abs=1)
    assert stood.degrees is None
    page.get_by_text("150, 350 · facing north").wait_for()
    assert page.evaluate("document.activeElement.className") == "lw-stage"  # keys still steer
    x, y = spot(page, 260, 260)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y, steps=3)
    page.mouse.up()
    until(lambda: len(placed.of(Stand)) == 2)
    assert abs(placed.of(Stand)[1].degrees) == pytest.approx(180, abs=1)
    page.get_by_text("facing west").wait_for()
    placed.tell(Problem(message="Nobody can stand at 150, 230 in this world.", about="settings"))
    page.get_by_text("Nobody can stand").wait_for()


def test_the_map_is_used_by_keyboard(open_world, placed):
    page = open_world()
    play(page)
    page.get_by_text("200, 300").wait_for()
    page.get_by_role("application", name="Map").focus()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator(".lw-aimed")).to_have_text("220, 299: free")
    page.keyboard.press("Enter")
    until(lambda: placed.of(Stand) == [Stand(x=220, y=299)])
    assert not [keys for keys in placed.of(Keys) if keys.mask]  # arrows did not steer


def test_the_engine_and_the_fit_are_told(open_world, placed):
    page = open_world()
    page.get_by_label("Real engine beside it").check()
    play(page)
    page.get_by_text("The engine is 0.0 units away").wait_for()
    assert page.locator(".lw-mark.lw-real").get_attribute("transform") == "translate(200 300)"
    fit = "This picture fits the place partly (75 %)."
    placed.tell(DreamState(state="playing", fit=fit))
    page.get_by_text(fit).wait_for()


def test_a_past_is_shown_twice(open_world, placed):
    page = open_world()
    button = page.get_by_role("button", name="Show both")
    expect(button).to_be_disabled()
    moment = page.locator("[data-show=moment]")
    expect(moment).to_have_text("\u2013")
    play(page)
    reach(page, 60)
    page.get_by_text("The last 2 seconds once more").wait_for()
    page.get_by_label("Moment to begin from").fill("-1")
    expect(moment).to_have_text("1.0 s ago")
    until(lambda: placed.of(Drive) == [Drive(do="pause")])
    for name in ("forward", "turn left"):
        page.locator(".lw-instead").get_by_role("button", name=name).click()
    page.wait_for_function(f"{WORLD}.dream.state === 'paused'")
    last = state(page, "lastIndex")
    frames = state(page, "frames")
    button.click()
    page.get_by_text("As it was: nothing").wait_for()
    page.get_by_text("What if: W + \u2190").wait_for()
    until(lambda: placed.of(WhatIf))
    asked = placed.of(WhatIf)[0]
    assert (asked.mask, asked.frame) == (17, pytest.approx(last - 29, abs=2))
    await_color(page, look(0))
    await_color(page, look(17), canvas=1)
    page.wait_for_function(f"!{WORLD}.dream.what_if")
    page.get_by_text("Play goes on where it was").wait_for()
    assert state(page, "frames") == frames  # no figure counts them
    assert page.locator(".lw-path-other").get_attribute("d").startswith("M20")
    assert page.locator(".lw-mark.lw-other").is_visible()
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"{WORLD}.lastIndex > {last + 2}")
    assert page.locator(".lw-picture.lw-beside").is_hidden()
    assert page.locator(".lw-mark.lw-other").is_hidden()


def test_the_map_and_the_past_fit_a_phone(open_world, placed):
    page = open_world(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    play(page)
    page.touchscreen.tap(*spot(page, 150, 350))
    until(lambda: placed.of(Stand))
    assert (placed.of(Stand)[0].x, placed.of(Stand)[0].y) == pytest.approx((150, 350), abs=2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    above, below = (page.locator(one).bounding_box() for one in (".lw-transport", ".lw-place"))
    assert 0 < below["y"] - above["y"] < 120


PADS = """() => { window.polled = 0; window.pad = {index: 0, connected: true, axes: [0, 0, 0, 0],
    buttons: [...Array(17)].map(() => ({pressed: false}))};
    navigator.getGamepads = () => { window.polled += 1; return [pad, null]; }; }"""


def plug(page, kind: str) -> None:
    page.evaluate(
        f"""() => {{ const event = new Event('gamepad{kind}'); event.gamepad = pad;
        dispatchEvent(event); }}"""
    )


def test_a_gamepad_moves_as_keys_do(open_world, server):
    page = open_world()
    page.evaluate(PADS)
    page.wait_for_timeout(100)
    assert page.evaluate("window.polled") == 0  # nobody asks while none is connected
    plug(page, "connected")
    page.get_by_text("Gamepad: the left stick walks").wait_for()

    def masks() -> list[int]:
        return [keys.mask for keys in server.of(Keys)]

    page.evaluate("pad.axes = [0.1, -1, 0, 0]")  # begins, too
    until(lambda: masks()[-1:] == [1])
    reach(page, 4)
    assert len(server.of(World)) == 1
    page.evaluate("pad.axes = [0.7, -0.7, 0.9, 0]")
    until(lambda: masks()[-1] == 1 + 8 + 32)
    page.evaluate("pad.axes = [0.2, 0.2, 0.1, 0]")
    until(lambda: masks()[-1] == 0)
    page.evaluate("pad.buttons[13].pressed = pad.buttons[4].pressed = true")
    until(lambda: masks()[-1] == 2 + 16)
    page.evaluate("document.hasFocus = () => false")
    until(lambda: masks()[-1] == 0)
    page.evaluate("document.hasFocus = () => true")
    until(lambda: masks()[-1] == 2 + 16)
    page.evaluate("pad.buttons[13].pressed = pad.buttons[4].pressed = false")
    page.evaluate("pad.buttons[9].pressed = true")
    until(lambda: server.of(Drive) == [Drive(do="pause")])
    plug(page, "disconnected")
    polled = page.evaluate("window.polled")
    page.wait_for_timeout(100)
    assert page.evaluate("window.polled") <= polled + 1
    assert stage(page).is_visible()
