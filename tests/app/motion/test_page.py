"""The page in real Chromium: the body moves, follows new prompts, can be watched again."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from playwright.sync_api import expect

from core.body.mesh import Body
from core.body.skeleton import INDEX, forward
from tests.support.browsing import PAGE, generate, reach, state

pytest_plugins = ["tests.support.browsing"]


@pytest.mark.browser
def test_generate_moves_the_body_and_a_new_prompt_changes_it(open_page):
    page = open_page()
    still = page.locator(".ls-stage").screenshot()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_disabled()
    generate(page)
    reach(page, 20)
    assert page.locator(".ls-stage").screenshot() != still
    assert state(page, "stats.arrival") < 1000
    expect(page.get_by_role("button", name="Change prompt")).to_be_enabled()
    expect(page.locator(".ls-pill-text")).to_have_text(re.compile("^(Live|Buffering)$"))

    generate(page, "a person jumps up and down")
    page.wait_for_function(f"{PAGE}.stats.sight !== null")
    expect(page.locator(".ls-caption strong")).to_have_text("a person jumps up and down")
    marks = state(page, "player.take.marks")
    assert [mark["text"] for mark in marks] == [
        "a person walks forward",
        "a person jumps up and down",
    ]
    # nothing is missing between two poses: over the floor the body moves as it does in a walk
    jump = page.evaluate(
        f"""() => {{ const t = {PAGE}.player.take; let most = 0;
        for (let i = 3; i < 3 * t.length; i += 3) most = Math.max(most,
          Math.hypot(...[0, 2].map((k) => t.root[i + k] - t.root[i + k - 3])));
        return most; }}"""
    )
    assert jump < 0.1
    for figure in ("rate", "slide"):  # a dash while there is nothing to tell, as in mid-air
        expect(page.locator(f"[data-show={figure}]")).to_have_text(re.compile("[1-9]"))

    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_function(f"{PAGE}.player.atEnd && {PAGE}.server.state === 'stopped'")
    check_against_python(page)
    end = state(page, "player.take.end")
    time.sleep(0.4)
    assert state(page, "player.take.end") == end
    page.get_by_role("button", name="Continue").click()
    reach(page, end + 10)
    first = state(page, "player.take.number")
    page.get_by_role("button", name="Restart").click()
    page.wait_for_function(f"{PAGE}.player.take.number !== {first} && {PAGE}.player.live > 4")


def check_against_python(page) -> None:
    """The joints on the screen are where `Body` puts them."""
    page.wait_for_function(f"{PAGE}.player.time === {PAGE}.player.take.end - 1")
    root, rotations, shown, toes = page.evaluate(
        f"""() => {{ const f = {PAGE}.figure; f.scene.updateMatrixWorld(true);
        return [[...f.root], [...f.rotations],
          f.bones.map((b) => b.matrixWorld.elements.slice(12, 15)),
          f.toes(f.root, f.rotations).map((p) => p.toArray())]; }}"""
    )
    body, turns = Body.load("neutral"), np.array(rotations).reshape(1, 22, 4)
    joints = forward(body.place(np.array(root)[None]), turns, body.rest_joints)[0][0]
    np.testing.assert_allclose(shown, joints, atol=1e-4)
    np.testing.assert_allclose(toes, joints[[INDEX["left_foot"], INDEX["right_foot"]]], atol=1e-4)


@pytest.mark.browser
def test_timeline_scrubs_and_returns_to_live(open_page):
    page = open_page()
    generate(page)
    reach(page, 50)
    line = page.get_by_role("slider", name="Time in the take")
    box = line.bounding_box()
    page.mouse.click(box["x"] + 0.1 * box["width"], box["y"] + 15)
    page.wait_for_function(f"{PAGE}.player.reviewing && {PAGE}.player.time < 45")
    live = state(page, "player.live")
    line.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Home")
    page.wait_for_function(f"{PAGE}.player.time === 0")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function(f"{PAGE}.player.time === 20")
    assert line.get_attribute("aria-valuetext").startswith("0:0")
    page.get_by_role("button", name="Live", exact=True).click()
    reach(page, live + 10)
    assert not state(page, "player.reviewing")

    # typing is typing: the same keys do nothing to the take
    page.get_by_label("What should the body do?").focus()
    page.keyboard.type(" lfcr")
    assert not state(page, "player.paused")
    assert not state(page, "player.reviewing")
    assert state(page, "stage.follow")


@pytest.mark.browser
def test_what_was_not_understood_is_said_until_the_next_prompt(open_page):
    page = open_page()
    said = page.locator(".ls-caption .ls-said")
    generate(page, "a person dances tango")
    expect(said).to_have_text("'tango' is shown as 'salsa', the nearest motion known.")
    expect(page.locator(".ls-caption strong")).to_have_text("a person dances salsa")
    reach(page, 20)
    page.get_by_label("What should the body do?").fill("a person")  # typing does not take it away
    expect(said).to_be_visible()
    generate(page, "a person jumps once, then waves")
    expect(said).to_have_text("")
    page.wait_for_function(f"{PAGE}.player.take.marks.length >= 2")
    texts = [mark["text"] for mark in state(page, "player.take.marks")]
    assert texts[:2] == ["a person dances salsa", "a person jumps once"]


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_what_is_to_be_read_now_is_on_the_screen(open_page, width, height):
    page = open_page(viewport={"width": width, "height": height})
    generate(page, "a person dances tango")
    reach(page, 4)
    for mode in ("Drive", "Path", "Key poses"):
        page.locator(".ls-steer label").filter(has_text=mode).click()
        if mode == "Key poses":
            page.get_by_role("button", name="Pin this pose").click()
        for what in (".ls-said", ".ls-steer-say") + ((".ls-prompt",) if width > height else ()):
            box = page.locator(what).first.bounding_box()
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= height, (mode, what)


@pytest.mark.browser
def test_the_foot_that_stands_tells_how_feet_slide(open_page):
    page = open_page()
    slide = page.evaluate(f"""() => {{
        const stats = new ({PAGE}.stats.constructor)();
        for (let i = 0; i < 40; i++) {{
            const [stands, steps] = [{{ x: 0.001 * i, y: 0.02, z: 0 }}, {{ x: 0, y: 0.04, z: i }}];
            stats.step([stands, steps]);
        }}
        return stats.footSlide;
    }}""")
    assert slide == pytest.approx(2)  # cm/s: not those of the other one
