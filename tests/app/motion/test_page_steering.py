"""Steering in real Chromium: keys, way-points and poses reach the stream; edits can be undone."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import numpy as np
import pytest
from playwright.sync_api import expect

from core.body.skeleton import INDEX
from core.steering.wishes import Met, Wishes
from tests.support.browsing import PAGE, generate, reach, state
from tests.support.visitors import until

pytest_plugins = ["tests.support.browsing"]


def steer(page, mode: str) -> None:
    """Choose a mode as a mouse does: the stage then has the focus."""
    page.locator(".ls-steer label").filter(has_text=re.compile(f"^{mode}$")).click()


def floor(page, x: float, y: float) -> tuple[float, float]:
    """A place on the stage, as shares of its width and height, in pixels."""
    stage = page.locator(".ls-stage")
    stage.evaluate("(element) => element.scrollIntoView()")
    box = stage.bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def wanted(engine) -> Wishes:
    return engine.opened[-1]["steer"].wishes


def wait_for(page, condition):
    """Wait for what the page sends, while it goes on."""

    def met():
        page.wait_for_timeout(50)
        return condition()

    return until(met)


def steered_page(open_page, mode):
    """Open a page on which a body moves, with a mode of steering chosen."""
    page = open_page()
    generate(page)
    reach(page, 8)
    steer(page, mode)
    return page


@pytest.mark.browser
def test_keys_walk_the_body_where_the_camera_looks(open_page, page_engine):
    page = open_page()
    steer(page, "Drive")
    page.keyboard.down("KeyW")  # begins a take where there is none
    reach(page, 2)
    drive = wait_for(page, lambda: wanted(page_engine).drive)
    ahead = page.evaluate(f"(({{x, z}}) => [x, z])({PAGE}.stage.ahead)")
    np.testing.assert_allclose(drive.velocity, np.multiply(ahead, 1.4), atol=0.01)
    page.keyboard.down("ShiftLeft")
    wait_for(page, lambda: np.hypot(*wanted(page_engine).drive.velocity) > 2.7)
    page.keyboard.up("ShiftLeft")
    page.keyboard.up("KeyW")
    wait_for(page, lambda: wanted(page_engine).drive.velocity == (0, 0))
    page.keyboard.down("KeyA")  # and is felt
    page.wait_for_function(f"{PAGE}.steering.latency.figures")
    expect(page.locator("[data-show=steering]")).to_have_text(re.compile("[1-9]"))
    page.keyboard.up("KeyA")

    # looks where the camera does, wherever it goes
    assert wanted(page_engine).drive.facing is None
    page.keyboard.down("KeyX")
    wait_for(page, lambda: wanted(page_engine).drive.facing is not None)
    looks = np.radians(wanted(page_engine).drive.facing)
    np.testing.assert_allclose([np.sin(looks), np.cos(looks)], ahead, atol=0.01)
    page.keyboard.up("KeyX")
    wait_for(page, lambda: wanted(page_engine).drive.facing is None)

    # arrows and letters are the stage's own again
    steer(page, "Off")
    wait_for(page, lambda: wanted(page_engine) == Wishes())
    page.locator(".ls-stage").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"{PAGE}.player.reviewing")
    page.get_by_label("What should the body do?").focus()
    page.keyboard.type("wasd")
    assert wanted(page_engine) == Wishes()


@pytest.mark.browser
def test_a_thumb_on_the_stick_walks(open_page, page_engine):
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    generate(page)
    reach(page, 4)
    steer(page, "Drive")
    stick = page.locator(".ls-stick")
    expect(stick).to_be_visible()
    stick.scroll_into_view_if_needed()
    box = stick.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + box["width"], middle[1])
    drive = wait_for(page, lambda: wanted(page_engine).drive)
    assert np.hypot(*drive.velocity) == pytest.approx(2.8, abs=0.05)
    page.mouse.up()
    wait_for(page, lambda: wanted(page_engine).drive.velocity == (0, 0))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
def test_clicks_on_the_floor_are_way_points_with_times_that_can_be_typed(open_page, page_engine):
    page = steered_page(open_page, "Path")
    for x, y in ((0.65, 0.68), (0.72, 0.8)):
        page.mouse.click(*floor(page, x, y))
    points = wait_for(page, lambda: wanted(page_engine).waypoints[1:] and wanted(page_engine))
    first, second = points.waypoints
    walked = np.hypot(*np.subtract(second.place, first.place))
    # the fake walks at 1.2 m/s or less, and half a turn is 1.4 m
    assert walked / 1.3 < second.at - first.at < (walked + 1.4) / 0.8
    page.get_by_label("Time in seconds").fill("60")
    page.keyboard.press("Tab")
    wait_for(page, lambda: wanted(page_engine).waypoints[1].at == 60)
    page.get_by_label("Facing").check()
    wait_for(page, lambda: wanted(page_engine).waypoints[1].facing is not None)

    # a point is dragged, nudged by keys and deleted; the body moves meanwhile
    spot = page.get_by_role("button", name=re.compile("^Way-point 2 at"))
    spot.focus()
    page.keyboard.press("Shift+ArrowUp")
    moved = wait_for(
        page, lambda: wanted(page_engine).waypoints[1].place != second.place and wanted(page_engine)
    )
    assert np.hypot(*np.subtract(moved.waypoints[1].place, second.place)) == pytest.approx(
        0.5, abs=0.01
    )
    page.keyboard.press("Delete")
    wait_for(page, lambda: len(wanted(page_engine).waypoints) == 1)
    expect(page.get_by_label("Time in seconds")).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    wait_for(page, lambda: len(wanted(page_engine).waypoints) == 2)

    # what came of them is shown as it was reported
    report = page_engine.opened[-1]["steer"].report
    point = wanted(page_engine).waypoints[0]
    report.append(Met(wish=point, at=point.at, missed=0.062, turned=None))
    mark = page.get_by_role("button", name=re.compile("^Way-point 1 at .*✓ 6.2 cm"))
    expect(mark).to_be_visible()
    expect(mark).to_have_attribute("title", re.compile("^✓: within 15 cm, 15° and 0.5 s of"))
    report.append(Met(wish=point, at=point.at + 0.3, missed=0.062, turned=None))
    expect(mark).to_be_hidden()  # nothing that is late is ticked off
    late = page.get_by_role("button", name=re.compile("^Way-point 1 at .* s 6.2 cm · 0.3 s late"))
    expect(late).to_be_visible()


@pytest.mark.browser
def test_a_drawn_line_becomes_a_path_in_one_step(open_page, page_engine):
    page = steered_page(open_page, "Path")
    page.get_by_role("button", name="Draw").click()
    page.mouse.move(*floor(page, 0.6, 0.7))
    page.mouse.down()
    for x, y in ((0.7, 0.75), (0.65, 0.9), (0.4, 0.9)):
        page.mouse.move(*floor(page, x, y), steps=5)
    page.mouse.up()
    drawn = wait_for(page, lambda: wanted(page_engine).waypoints)
    assert len(drawn) >= 3
    steps = np.hypot(*np.diff([point.place for point in drawn], axis=0).T)
    assert steps.max() < 0.9
    assert all(a.at < b.at for a, b in pairwise(drawn))
    page.locator(".ls-stage").focus()
    page.keyboard.press("Control+z")
    wait_for(page, lambda: not wanted(page_engine).waypoints)
    page.keyboard.press("Control+Shift+z")
    wait_for(page, lambda: wanted(page_engine).waypoints == drawn)


@pytest.mark.browser
def test_the_shown_pose_is_pinned_moved_in_time_and_bent_by_the_hand(open_page, page_engine):
    page = steered_page(open_page, "Key poses")
    page.get_by_role("button", name="Pin this pose").click()
    (key,) = wait_for(page, lambda: wanted(page_engine).keys)
    assert key.parts == ("body",)
    assert key.at > state(page, "player.live") / 20 + 5  # time to edit it while the body goes on
    expect(page.locator(".ls-steer-say")).to_contain_text("7 s later")
    assert key.place is None
    joints = np.array(key.joints)
    hips = joints[INDEX["left_hip"]] - joints[INDEX["right_hip"]]
    assert hips[0] > 0.1  # its left is X: it faces Z
    assert abs(hips[2]) < 0.05
    assert 0 < joints[:, 1].min() < 0.2

    turned, looks = page.evaluate(f"""() => {{
        const {{ ghost, chosen }} = {PAGE}.steering.keys;
        const way = ghost.arrow.matrixWorld.elements.slice(4, 7); // where its tip is
        return [Math.atan2(way[0], way[2]), (chosen.facing * Math.PI) / 180];
    }}""")
    assert turned == pytest.approx(looks, abs=1e-3)  # front is told from back

    pin = page.get_by_role("button", name=re.compile("^Key pose at"))
    pin.focus()
    page.keyboard.press("Shift+ArrowRight")
    wait_for(page, lambda: wanted(page_engine).keys[0].at == pytest.approx(key.at + 1))

    hand = page.get_by_role("button", name="left hand of the key pose")
    box = hand.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"], box["y"] - 60, steps=6)
    page.mouse.up()
    raised = wait_for(
        page, lambda: wanted(page_engine).keys[0].joints != key.joints and wanted(page_engine)
    )
    bent = np.array(raised.keys[0].joints)
    wrist, elbow, shoulder = (INDEX[f"left_{name}"] for name in ("wrist", "elbow", "shoulder"))
    assert bent[wrist, 1] > joints[wrist, 1] + 0.1
    for a, b in ((wrist, elbow), (elbow, shoulder)):  # bones keep their lengths
        before, after = (np.linalg.norm(x[a] - x[b]) for x in (joints, bent))
        assert after == pytest.approx(before, abs=3e-3)
    others = [i for i in range(len(joints)) if i not in (wrist, elbow)]
    np.testing.assert_array_equal(bent[others], joints[others])

    page.get_by_label("Hold").select_option(label="Hands")
    wait_for(page, lambda: wanted(page_engine).keys[0].parts == ("left_hand", "right_hand"))
    page.get_by_label("At this place").check()
    wait_for(page, lambda: wanted(page_engine).keys[0].place)
    for _ in range(4):
        page.get_by_role("button", name="Undo").click()
    wait_for(page, lambda: wanted(page_engine).keys == (key,))
    page.get_by_role("button", name="Delete", exact=True).click()
    wait_for(page, lambda: not wanted(page_engine).keys)
    assert state(page, "player.live") > 0


@pytest.mark.browser
def test_what_has_passed_looks_so_and_says_why_nothing_happens(open_page, page_engine):
    page = steered_page(open_page, "Path")
    page.mouse.click(*floor(page, 0.6, 0.7))
    (point,) = wait_for(page, lambda: wanted(page_engine).waypoints)
    steer(page, "Key poses")
    page.get_by_role("button", name="Pin this pose").click()
    wait_for(page, lambda: wanted(page_engine).keys)
    say = page.locator(".ls-steer-say")
    expect(say).to_contain_text("Pin the pose")
    page.get_by_label("Time in seconds").fill("0.3")
    page.keyboard.press("Tab")
    (key,) = wait_for(page, lambda: [k for k in wanted(page_engine).keys if k.at == 0.3])
    report = page_engine.opened[-1]["steer"].report
    report.append(Met(wish=key, at=key.at, missed=None, turned=None, parts={"body": 0.2}))
    pin = page.get_by_role("button", name=re.compile("^Key pose at .*, passed, ✗ 20 cm"))
    expect(pin).to_have_attribute("data-passed", "true")
    expect(say).to_have_text(re.compile(r"^Its time has passed, missed by 20 cm: .* press Restart"))
    pin.click()
    expect(say).to_contain_text("Pin the pose")
    box = pin.bounding_box()  # dragged, it says so again
    page.mouse.move(box["x"] + 12, box["y"] + 17)
    page.mouse.down()
    page.mouse.move(box["x"] + 2, box["y"] + 17, steps=3)
    page.mouse.up()
    expect(say).to_contain_text("Its time has passed")
    page.get_by_label("Time in seconds").fill("60")  # and counts once more at a later time
    page.keyboard.press("Tab")
    expect(say).to_contain_text("Pin the pose")
    steer(page, "Path")
    reach(page, point.at * 20 + 1)
    told = re.compile("^Way-point 1 at .*, passed")
    spot = page.get_by_role("button", name=told, include_hidden=True)  # the camera may have gone by
    spot.dispatch_event("click")
    expect(say).to_contain_text("Its time has passed")


@pytest.mark.browser
def test_a_project_is_saved_and_opened_again(open_page, page_engine, tmp_path):
    page = open_page()
    page.get_by_label("Seed", exact=True).fill("7")
    generate(page)
    reach(page, 8)
    steer(page, "Path")
    page.mouse.click(*floor(page, 0.65, 0.68))
    points = wait_for(page, lambda: wanted(page_engine).waypoints)
    reach(page, state(page, "player.take.end") + 16)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_function(f"{PAGE}.server.state === 'stopped'")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save project").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name.endswith(".livestep.json")
    project = json.loads(file.read_text())
    assert project["settings"]["seed"] == 7
    assert project["wishes"][-1]["wishes"]["waypoints"][0]["at"] == points[0].at

    other = open_page()
    other.locator("[name=project]").set_input_files(file)
    expect(other.locator(".ls-toast")).to_contain_text("is being made again", timeout=20_000)
    expect(other.get_by_label("What should the body do?")).to_have_value("a person walks forward")
    expect(other.get_by_label("Seed", exact=True)).to_have_value("7")
    expect(other.get_by_role("radio", name="Path")).to_be_checked()
    expect(other.get_by_role("button", name=re.compile("^Way-point 1"))).to_be_visible()
    other.wait_for_function(f"{PAGE}.server.state === 'stopped'", timeout=60_000)
    assert wanted(page_engine).waypoints == points
    line = other.locator(".ls-timeline")  # all of it is there, and can be looked at from anywhere
    assert state(other, "player.take.end") == project["poses"]
    other.get_by_role("button", name="Pause", exact=True).click()
    x = other.evaluate(f"{PAGE}.timeline.x({project['poses']} - 3)")
    line.click(position={"x": x, "y": 20})
    assert state(other, "player.time") == pytest.approx(project["poses"] - 3, abs=4)


@pytest.mark.browser
def test_a_page_that_comes_back_asks_for_nothing_new(open_page):
    page = open_page()
    generate(page)
    reach(page, 4)
    sent = page.evaluate(f"""() => {{
        const page = {PAGE}, sent = [];
        page.socket.send = (...message) => sent.push(message);
        page.server = {{ state: "stopped", reason: "away" }};
        page.comeBack();
        return sent;
    }}""")
    assert sent == [["resume"]]
