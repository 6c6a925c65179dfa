"""Motion files on the page of videos, in real Chromium: skeletons, maps, rates, companions."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from benchmarks.rigs import RIGS
from core.body.mesh import Body
from core.body.skeleton import JOINTS, REST_JOINTS
from core.capture.follow import follow
from core.export import write
from core.settings import CaptureSettings
from tests.app.capture.test_page import FOLLOW, choose, finish, state
from tests.app.capture.test_page import open_follow as open_follow
from tests.core.capture.test_glb import join, parts
from tests.support.fake_capture import fake_film
from tests.support.fakes import FakeEngine

pytest_plugins = ["tests.support.browsing"]
pytestmark = pytest.mark.browser

SIX = "CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation"
CARD = f"{FOLLOW}.skeleton"
KEEP_SENT = """() => {
  const { send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.send = function (file) { window.sent = file; send.call(this, file); };
}"""


def scattered() -> bytes:
    """A BVH file whose nodes all hang from the root, Z up: no tree tells what they are."""
    places = 100 * np.stack([REST_JOINTS[:, 0], -REST_JOINTS[:, 2], REST_JOINTS[:, 1]], axis=1)
    places -= places[0]
    lines = ["HIERARCHY", "ROOT Bone", "{", "OFFSET 0 0 0", SIX]
    for i, place in enumerate(places[1:], 1):
        name = "Bone" if i in (4, 5) else f"Bone.{i:03d}"
        lines += [f"JOINT {name}", "{", "OFFSET {:g} {:g} {:g}".format(*place), SIX, "}"]
    lines += ["}", "MOTION", "Frames: 40", "Frame Time: 0.05"]
    rows = np.zeros((40, len(places), 6))
    rows[..., :3] = places
    rows[:, 0, :3] = [[0, -3 * t, 95] for t in range(40)]
    lines += [" ".join(f"{x:g}" for x in row.ravel()) for row in rows]
    return "\n".join(lines).encode()


def walk_glb(folder: Path) -> Path:
    """Our own GLB file of a walk."""
    write(FakeEngine().walked("a person walks", 40), folder / "walk.glb", body=Body.load())
    return folder / "walk.glb"


def two_animations(folder: Path) -> bytes:
    """A GLB file of a walk and, with the same keys, a dance."""
    document, binary = parts(walk_glb(folder))
    document["animations"] = [
        {**document["animations"][0], "name": name} for name in ("Walk", "Dance")
    ]
    return join(folder / "two.glb", document, binary).read_bytes()


def give(page, *files: tuple[str, bytes]) -> None:
    """Choose several files at once."""
    given = [{"name": name, "mimeType": "", "buffer": data} for name, data in files]
    page.locator("[name=lf-file]").set_input_files(given)


def told(page, sentence: str) -> None:
    """Wait until the page shows it, where files are dropped or over the body."""
    page.locator(".lf-trouble:visible, .lf .ls-toast:visible", has_text=sentence).first.wait_for()


def pick(page, node: int) -> None:
    """Click a node in the picture."""
    x, y = page.evaluate(f"{CARD}.bones.at[{node}]")
    page.locator(".lf-bones").click(position={"x": x, "y": y})


def test_a_match_is_seen_put_right_saved_and_obeyed_by_the_command_line(open_follow, tmp_path):
    page = open_follow()
    data = RIGS["mixamo"].bvh().encode()
    choose(page, "walk \u6b69\u304f.bvh", data)
    finish(page)
    card = page.locator(".lf-skeleton")
    expect(card.locator("summary")).to_have_text("Skeleton65 bones, 22 of our 22 joints")
    assert not page.evaluate(f"{CARD}.card.open")
    card.locator("summary").click()
    apply = page.get_by_role("button", name="Follow with these joints")
    expect(apply).to_be_disabled()
    found = state(page, "reference.skeleton")
    elbow = page.get_by_label("left elbow")
    assert elbow.input_value() == str(found["joints"]["left_elbow"])
    assert elbow.evaluate("select => select.selectedOptions[0].text") == "LeftForeArm"

    # by the picture: its name or row chooses a joint, its dot a node; nodes are never shared
    page.locator(".lf-word", has_text="elbow").first.click()
    expect(page.get_by_label("left elbow")).to_be_focused()
    pick(page, found["joints"]["left_wrist"])
    expect(page.get_by_label("left elbow")).to_have_value(str(found["joints"]["left_wrist"]))
    expect(page.get_by_label("left wrist")).to_have_value(str(found["joints"]["left_elbow"]))
    moved = card.locator("[aria-live]", has_text="now")
    expect(moved).to_have_text("The left wrist has LeftForeArm now: its bone is the left elbow's.")
    page.get_by_label("left elbow").select_option(str(found["joints"]["left_elbow"]))  # and back
    page.get_by_label("head", exact=True).select_option("")
    page.get_by_role("button", name="Exchange left and right").click()
    page.get_by_text("As you say; follow with these joints").wait_for()
    number = state(page, "mine.take.number")
    apply.click()
    page.wait_for_function(f"{FOLLOW}.mine.take.number !== {number}")
    finish(page)
    said = state(page, "reference.skeleton")
    assert said["how"] == "map"
    assert "head" not in said["joints"]
    assert said["joints"]["left_hip"] == found["joints"]["right_hip"]
    expect(page.locator("[name=joint_map]")).to_have_value("own")
    expect(card.locator("summary")).to_have_text("Skeleton65 bones, 21 of our 22 joints")

    with page.expect_download() as download:
        page.get_by_role("button", name="Save as map").click()
    assert download.value.suggested_filename == "walk \u6b69\u304f-joints.json"
    download.value.save_as(tmp_path / "mine.json")
    (tmp_path / "walk.bvh").write_bytes(data)
    table = json.loads((tmp_path / "mine.json").read_text())
    assert table["joints"]["left_hip"] == "mixamorig:RightUpLeg"
    settings = CaptureSettings(joint_map=tmp_path / "mine.json")
    assert follow(tmp_path / "walk.bvh", settings).reading.skeleton.joints == said["joints"]

    page.reload()  # what was said is kept with the take
    page.get_by_role("tab", name="From video or file").click()
    page.wait_for_function(f"{FOLLOW}?.reference && {FOLLOW}.reading.joints?.left_hip")
    page.locator("[name=joint_map]").select_option("")
    page.wait_for_function(f"{FOLLOW}.reference.skeleton.how === 'names'")


def test_joints_that_are_not_found_are_said_by_the_visitor(open_follow):
    page = open_follow(viewport={"width": 1280, "height": 900})
    choose(page, "odd.bvh", scattered())
    told(page, "You can say so below, too.")
    assert page.evaluate(f"{CARD}.card.open")
    page.get_by_text("pelvis: click where it is in the picture").wait_for()
    apply = page.get_by_role("button", name="Follow with these joints")
    needed = page.evaluate(f"{CARD}.missing")
    assert len(needed) == 11
    for joint in needed:  # each is asked for after the other
        expect(apply).to_be_disabled()
        page.wait_for_function(f"{CARD}.chosen === '{joint}'")
        pick(page, JOINTS.index(joint))
    page.get_by_label("left wrist").select_option(label="Bone.020")
    apply.click()
    finish(page)
    skeleton = state(page, "reference.skeleton")
    assert skeleton["joints"] == {joint: JOINTS.index(joint) for joint in [*needed, "left_wrist"]}
    # both knees are called Bone, as is the root: a map has to count them
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as map").click()
    table = json.loads(download.value.path().read_text())
    assert table["joints"]["left_knee"] == 4
    assert table["joints"]["left_wrist"] == "Bone.020"

    # the map brings the file in at once, beside it or behind it
    give(page, ("odd.json", json.dumps(table).encode()), ("odd2.bvh", scattered()))
    page.wait_for_function(f"{FOLLOW}.reference.name === 'odd2.bvh'")
    finish(page)
    give(page, ("odd.bvh", scattered()))
    told(page, "You can say so below, too.")
    give(page, ("odd.json", json.dumps(table).encode()))
    page.wait_for_function(f"{FOLLOW}.reference.name === 'odd.bvh'")


def test_every_bone_can_be_clicked_and_what_loses_its_bone_is_told(open_follow):
    page = open_follow(viewport={"width": 1280, "height": 900})
    choose(page, "walk.bvh", RIGS["mixamo"].bvh().encode())
    finish(page)
    page.locator(".lf-skeleton summary").click()
    page.get_by_label("left wrist").select_option("")
    width = page.locator(".lf-bones").evaluate("svg => svg.clientWidth")
    at = page.evaluate(f"{CARD}.bones.at")
    # fingers and the top of the head, too, are inside, and none is under the names at the sides
    assert all(75 <= x <= width - 75 and 10 < y < 410 for x, y in at)
    page.get_by_label("left wrist").focus()
    wanted = state(page, "reference.skeleton.names").index("mixamorig:LeftHand")
    pick(page, wanted)
    expect(page.get_by_label("left wrist")).to_have_value(str(wanted))
    page.get_by_label("left elbow").select_option("")
    page.get_by_label("left elbow").select_option(str(wanted))
    page.get_by_text("The left wrist has no bone now").wait_for()


def test_old_errors_go_when_something_new_is_chosen(open_follow):
    page = open_follow()
    choose(page, "walk.bvh", RIGS["mixamo"].bvh().encode())
    finish(page)
    page.evaluate(f"{FOLLOW}.view.exportNote('No loop is good enough.', 'error')")
    page.locator(".lf [name=loop]").check()
    page.locator(".lf .ls-export-note", has_text="With what was added").wait_for()
    give(page, ("a.bvh", b"x"), ("b.bvh", b"x"))
    told(page, "several motion files")
    choose(page, "again.bvh", RIGS["mixamo"].bvh().encode())
    page.wait_for_function(f"{FOLLOW}.reference.name === 'again.bvh'")
    expect(page.locator(".lf .ls-toast")).to_have_text("", timeout=1000)


def test_what_is_no_map_is_told(open_follow):
    page = open_follow()
    for text, sentence in (
        ("{", "mine.json is not JSON"),
        ("[1]", "mine.json is no joint map"),
        ('{"joints": {"pelvis": {}}}', "mine.json is no joint map"),
        ('{"joints": {"tail": "x"}}', "joints we do not have: tail"),
        (" " * 70_000, "mine.json is too long"),
        ('{"joints": {"pelvis": "Hips"}}', "bring that file, too"),
    ):
        give(page, ("mine.json", text.encode()))
        told(page, sentence)
    give(page, ("a.bvh", b"x"), ("b.bvh", b"x"))
    told(page, "several motion files")
    give(page, ("a.mp4", b"x"), ("b.mp4", b"x"))
    told(page, "several files")
    choose(page, "walk.bvh", RIGS["mixamo"].bvh().encode())
    finish(page)
    give(page, ("mine.json", b'{"joints": {"pelvis": "Hips"}}'))
    told(page, "does not map left_hip")
    page.wait_for_function(f"{FOLLOW}.ready")  # nothing is being waited for
    nowhere = dict.fromkeys(JOINTS, "Nowhere")
    give(page, ("mine.json", json.dumps({"joints": nowhere}).encode()))
    told(page, "looked for pelvis as Nowhere")


def test_a_gltf_comes_with_what_lies_beside_it(open_follow, tmp_path):
    page = open_follow()
    document, binary = parts(walk_glb(tmp_path))
    document["buffers"][0]["uri"] = "walk%20\u6b69.bin"
    files = ("scene \u00e9.gltf", json.dumps(document).encode()), ("walk \u6b69.bin", binary)
    page.evaluate(KEEP_SENT)
    give(page, *files)
    finish(page)
    assert state(page, "reference.name") == "scene \u00e9.gltf"
    sent = page.evaluate("sent.arrayBuffer().then((data) => [...new Uint8Array(data)])")
    with zipfile.ZipFile(io.BytesIO(bytes(sent))) as archive:
        assert archive.testzip() is None
        assert tuple((name, archive.read(name)) for name in archive.namelist()) == files


def test_rate_and_animation_can_be_said(open_follow, tmp_path):
    page = open_follow()
    choose(page, "two.glb", two_animations(tmp_path))
    finish(page)
    page.locator("select[name=clip]").select_option(label="2. Dance")
    page.wait_for_function(f"{FOLLOW}.reference.clip === 2")
    finish(page)
    choose(page, "walk.bvh", RIGS["mixamo"].bvh().encode())
    page.wait_for_function(f"{FOLLOW}.reference.name === 'walk.bvh'")
    finish(page)
    seconds = state(page, "reference.seconds")
    rate = page.locator(".lf-file").get_by_label("Frames a second")
    expect(rate).to_have_value("")
    expect(rate).to_have_attribute("placeholder", "30")
    rate.fill("60")
    rate.press("Enter")
    page.wait_for_function(f"{FOLLOW}.reference.rate_asked")
    finish(page)
    assert abs(state(page, "reference.seconds") - seconds / 2) < 0.2
    choose(page, "film.mp4", fake_film(20))  # what was said is not said of the next file
    page.wait_for_function(f"{FOLLOW}.reference.kind === 'video'")
    expect(page.locator(".lf-skeleton")).to_be_hidden()
    assert state(page, "reading.choice") == dict.fromkeys(
        ("person", "joints", "rate", "clip"), None
    ) | {"joint_map": ""}


def test_phone_and_keyboard_reach_everything(open_follow):
    page = open_follow(
        query="?__theme=dark",
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    choose(page, "walk.bvh", RIGS["mixamo"].bvh().encode())
    finish(page)
    page.locator(".lf-skeleton summary").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Tab")
    before = page.evaluate(f"{CARD}.bones.yaw")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{CARD}.bones.yaw") > before
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.joint") == "left_hip"
    assert page.evaluate(f"{CARD}.chosen") == "left_hip"
    for name in ("Follow with these joints", "Save as map"):
        assert page.get_by_role("button", name=name).bounding_box()["height"] >= 44
    assert page.get_by_label("right wrist").bounding_box()["height"] >= 44
