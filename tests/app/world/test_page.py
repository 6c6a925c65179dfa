"""The world page in real Chromium: keys, thumbs and the picture that obeys them."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from app.protocol import DreamState, Drive, Frame, Hello, Keys, Shown, Tune, World, pack
from tests.support.fake_world import paint
from tests.support.playing import WORLD, await_color, color, play, reach, stage, state, until

pytest_plugins = ["tests.support.playing"]
pytestmark = pytest.mark.browser


def masks(server) -> list[int]:
    return [keys.mask for keys in server.of(Keys)]


def look(mask: int):
    """The color of a frame made under these keys."""
    return [int(value) for value in paint(mask, 0)[6, 120]]


def light(page, cap: str, what: str) -> str:
    return page.locator(f".lw-cap:text-is('{cap}')").get_attribute(f"data-{what}")


def test_a_click_begins_and_held_keys_change_the_picture(open_world, server):
    page = open_world()
    await_color(page, look(0))  # the first picture of the gallery waits behind the hint
    page.get_by_text("Click to play").wait_for()
    play(page)
    assert [(w.checkpoint, w.start, w.seed) for w in server.of(World)] == [("video", 0, 1)]
    expect(page.locator(".ls-pill-text")).to_have_text("Live")
    page.keyboard.down("w")
    until(lambda: masks(server) == [1])
    await_color(page, look(1))
    assert (light(page, "W", "held"), light(page, "W", "obeyed")) == ("true", "true")
    page.keyboard.down("w")  # the key repeats
    page.keyboard.down("ArrowUp")  # another name of the same key
    page.keyboard.down("ArrowRight")
    until(lambda: masks(server) == [1, 33])
    await_color(page, look(33))
    page.keyboard.up("w")
    page.keyboard.up("ArrowRight")
    until(lambda: masks(server) == [1, 33, 1])  # arrow up still holds it
    page.keyboard.up("ArrowUp")
    until(lambda: masks(server)[-1] == 0)
    await_color(page, look(0))
    assert light(page, "W", "obeyed") == "false"
    assert [keys.seq for keys in server.of(Keys)] == [1, 2, 3, 4]
    assert 0 < state(page, "latency") < 1000
    assert server.of(Shown)[-1].index > 5


@pytest.mark.parametrize("leave", ["escape", "click elsewhere", "window", "other tab"])
def test_leaving_the_picture_releases_all_keys(open_world, server, leave):
    page = open_world()
    play(page)
    page.keyboard.down("w")
    page.keyboard.down("d")
    until(lambda: masks(server)[-1:] == [9])
    if leave == "escape":
        page.keyboard.press("Escape")
        page.get_by_text("Click to steer").wait_for()
    elif leave == "click elsewhere":
        page.get_by_text("Key to picture").click()
    elif leave == "window":
        page.evaluate("dispatchEvent(new Event('blur'))")
    else:
        page.evaluate(
            """() => { Object.defineProperty(document, 'hidden', {value: true, writable: true});
            document.dispatchEvent(new Event('visibilitychange')); }"""
        )
        until(lambda: server.of(Drive) == [Drive(do="pause")])
        page.evaluate(
            "document.hidden = false; document.dispatchEvent(new Event('visibilitychange'));"
        )
        until(lambda: server.of(Drive)[-1] == Drive(do="play"))
    until(lambda: masks(server)[-1] == 0)
    assert state(page, "steering.held.size") == 0


def test_typing_never_steers_and_arrows_scroll_elsewhere(open_world, server):
    page = open_world(viewport={"width": 1000, "height": 420})
    play(page)
    before = page.evaluate("scrollY")
    for key in ("w", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key, delay=40)
    until(lambda: len(masks(server)) == 6)
    assert page.evaluate("scrollY") == before
    for box in (page.get_by_label("Prompt"), page.get_by_label("Seed", exact=True)):
        box.focus()
        page.keyboard.type("wasd 123")
        page.keyboard.press("ArrowUp")
    slider = page.get_by_label("Steps a frame")
    slider.focus()
    page.keyboard.press("ArrowRight")
    until(lambda: server.of(Tune) == [Tune(steps=2)])
    time.sleep(0.2)
    assert len(masks(server)) == 6
    stage(page).focus()
    page.keyboard.press("Control+d")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown", delay=60)
    page.wait_for_function("scrollY > 0")
    assert len(masks(server)) == 6


@pytest.mark.parametrize("modifier", ["Control", "Alt"])
def test_keys_pressed_under_a_modifier_count_once_it_is_let_go(open_world, server, modifier):
    page = open_world()
    play(page)
    page.keyboard.down(modifier)
    for key in "wda":
        page.keyboard.down(key)
    page.keyboard.up("a")
    page.keyboard.up(modifier)
    until(lambda: masks(server) == [9])
    page.keyboard.down(modifier)
    page.keyboard.up("w")  # let go in the meantime
    until(lambda: masks(server) == [9, 8])
    page.keyboard.up(modifier)
    page.keyboard.up("d")
    until(lambda: masks(server) == [9, 8, 0])


def test_a_key_that_was_down_before_the_picture_had_the_focus_counts(open_world, server):
    page = open_world()
    play(page)
    page.keyboard.down("w")
    page.keyboard.press("Escape")
    until(lambda: masks(server) == [1, 0])
    stage(page).focus()
    page.keyboard.down("w")  # it repeats
    until(lambda: masks(server) == [1, 0, 1])


@pytest.mark.parametrize("told", [True, False])
def test_caps_bear_what_is_printed_on_the_keys(open_world, server, told):
    page = open_world()
    layout = {"KeyW": "z", "KeyA": "q", "KeyS": "s", "KeyD": "d", "KeyQ": "a"}
    answer = f"Promise.resolve(new Map(Object.entries({layout})))" if told else "Promise.reject()"
    page.context.add_init_script(f"navigator.keyboard.getLayoutMap = () => {answer}")
    page.reload()
    page.locator(f".lw-cap:text-is('{'Z' if told else 'W'}')").wait_for()
    page.get_by_text("Hold Z Q S D" if told else "Hold W A S D").wait_for()
    play(page)
    caps = page.locator(".lw-caps-left .lw-cap").all_inner_texts()
    assert sorted(caps) == sorted("ZQSD" if told else "WASD")
    page.keyboard.down("w")  # a place on the keyboard, whatever it bears
    until(lambda: masks(server) == [1])
    assert light(page, "Z" if told else "W", "held") == "true"


def test_two_thumbs_on_the_pad_send_the_combined_mask(open_world, server):
    page = open_world(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.get_by_text("Tap to play").wait_for()
    touch = page.context.new_cdp_session(page)
    box = page.locator(".lw-stick").bounding_box()
    turn = page.locator(".lw-pad").get_by_role("button", name="turn right").bounding_box()

    def thumbs(kind: str, *points) -> None:
        touch.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y, "id": i} for x, y, i in points]},
        )

    def lean(x: float, y: float):
        return box["x"] + (0.5 + x) * box["width"], box["y"] + (0.5 + y) * box["height"], 0

    other = turn["x"] + 20, turn["y"] + 30, 1
    thumbs("touchStart", lean(0, -0.4))  # begins, too
    until(lambda: masks(server)[-1:] == [1])
    reach(page, 4)
    await_color(page, look(1))
    thumbs("touchStart", lean(0, -0.4), other)
    until(lambda: masks(server)[-1] == 33)
    await_color(page, look(33))
    thumbs("touchMove", lean(0.3, -0.3), other)
    until(lambda: masks(server)[-1] == 41)  # forward, step right, turn right
    thumbs("touchMove", lean(-0.3, 0.3), (turn["x"] - 40, turn["y"] + 30, 1))
    until(lambda: masks(server)[-1] == 2 + 4 + 16)  # slid over to turn left
    thumbs("touchMove", lean(0.02, 0.02), other)
    until(lambda: masks(server)[-1] == 32)  # a thumb at rest holds nothing
    thumbs("touchEnd")
    until(lambda: masks(server)[-1] == 0)
    thumbs("touchStart", lean(0.4, 0))
    until(lambda: masks(server)[-1] == 8)
    page.evaluate("dispatchEvent(new Event('blur'))")
    until(lambda: masks(server)[-1] == 0)


def test_the_pad_also_obeys_a_mouse(open_world, server):
    page = open_world()
    assert page.locator(".lw-pad").is_hidden()
    page.get_by_role("button", name="Touch pad").click()
    play(page)
    box = page.locator(".lw-stick").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    until(lambda: masks(server)[-1:] == [1])
    page.mouse.move(box["x"] + 12, box["y"] + box["height"] / 2, steps=4)
    until(lambda: masks(server)[-1] == 4)
    page.mouse.up()
    until(lambda: masks(server)[-1] == 0)
    assert page.evaluate("document.activeElement.className") == "lw-stage"


def test_pause_one_frame_and_reset_by_button_and_by_key(open_world, server):
    page = open_world()
    expect(page.get_by_role("button", name="One frame")).to_be_disabled()
    play(page)
    page.keyboard.down("a")
    page.get_by_role("button", name="Pause", exact=True).click()  # does not take the focus
    page.get_by_text("Paused \u2013 click").wait_for()
    until(lambda: state(page, "lastIndex") == server.index)  # what was on its way has come
    index = server.index
    page.get_by_role("button", name="One frame").click()
    page.wait_for_function(f"{WORLD}.lastIndex === {index + 1}")
    page.keyboard.press(".")
    page.wait_for_function(f"{WORLD}.lastIndex === {index + 2}")
    assert masks(server) == [4]
    await_color(page, look(4))
    page.keyboard.press("p")
    reach(page, index + 6)
    page.keyboard.press("r")
    until(lambda: len(server.of(World)) == 2)
    page.wait_for_function(f"{WORLD}.lastIndex < {index}")
    await_color(page, look(4))  # the new world is told of the key that is still held
    assert [drive.do for drive in server.of(Drive)] == ["pause", "single", "single", "play"]


def test_a_lost_connection_comes_back_with_the_held_keys(open_world, server):
    page = open_world()
    play(page)
    page.keyboard.down("w")
    await_color(page, look(1))
    server.mask = 0  # it forgets
    server.hang_up()
    page.wait_for_function(f"{WORLD}.connection === 'lost'")
    page.get_by_text("The connection was lost").wait_for()
    page.wait_for_function(f"{WORLD}.connection === 'open'")
    until(lambda: masks(server) == [1, 1])
    await_color(page, look(1))
    first, second = server.of(Hello)
    assert first.session == second.session
    assert len(server.of(World)) == 1
    page.keyboard.up("w")
    await_color(page, look(0))


def test_late_frames_are_dropped_not_queued(open_world, server):
    page = open_world()
    play(page)
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_text("Paused \u2013 click").wait_for()
    drawn = state(page, "frames")
    from tests.support.fake_world import encode

    frames = [pack(frame(encode(paint(3, i)), i)) for i in range(1000, 1060)]
    server.burst(frames)
    page.wait_for_function(f"{WORLD}.lastIndex === 1059")
    assert state(page, "frames") - drawn < 40
    assert state(page, "pictures.left.dropped") > 20
    assert state(page, "pictures.left.decoding") <= 3
    assert color(page) != look(0)


def frame(jpeg: bytes, index: int) -> Frame:
    return Frame(flags=0, mask=3, index=index, seq=0, milliseconds=1, jpeg=jpeg)


def test_states_are_told_and_a_stopped_world_goes_on(open_world, server):
    page = open_world()
    play(page)
    server.tell(DreamState(state="waiting", position=2, message="Somebody else is playing."))
    page.get_by_text("Somebody else is playing.").wait_for()
    expect(page.locator(".ls-pill-text")).to_have_text("Number 2 in line")
    expect(page.get_by_role("button", name="One frame")).to_be_disabled()
    server.tell(DreamState(state="warming", message="Reading the picture."))
    page.get_by_role("progressbar").wait_for()
    server.tell(DreamState(state="stopped", reason="turn", message="Others are waiting."))
    page.get_by_text("Your turn is over").wait_for()
    page.get_by_role("button", name="Go on").click()
    until(lambda: server.of(Drive) == [Drive(do="play")])
    server.tell(DreamState(state="stopped", reason="problem", message="Out of memory."))
    page.get_by_role("button", name="Go on").click()
    until(lambda: len(server.of(World)) == 2)
