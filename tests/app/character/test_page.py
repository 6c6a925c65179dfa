"""A visitor's character on the stage, in real Chromium."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from app.character.routes import OURS
from benchmarks.character_files import Look, write
from benchmarks.rigs import RIGS
from core.character import fbx
from core.character.character import read_character
from core.character.export import write_character
from core.character.glb_file import File
from core.character.wire import rig_to_json
from tests.support.browsing import PAGE, generate, reach, state
from tests.support.synthetic import walk_take

pytestmark = pytest.mark.browser
pytest_plugins = ["tests.support.browsing"]

DROP = """([name, packed, onto]) => {
  const bytes = Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  const how = { dataTransfer, bubbles: true, cancelable: true };
  const target = document.querySelector(onto);
  for (const kind of ["dragover", "drop"]) target.dispatchEvent(new DragEvent(kind, how));
}"""
PLACES = f"""() => {{
  const {{ guest }} = {PAGE}.figure;
  guest.group.updateMatrixWorld(true);
  return guest.joints.map(({{ matrixWorld }}) => matrixWorld.elements.slice(12, 15));
}}"""


def drop(page: Page, path: Path, onto: str = ".ls-screen") -> None:
    """Drop a file as a visitor does, and wait until something was said of it."""
    packed = base64.b64encode(path.read_bytes()).decode()
    page.evaluate(DROP, [path.name, packed, onto])
    page.wait_for_function(f"!{PAGE}.character.busy")


def said(page: Page) -> str:
    return page.locator("[data-show=character]").first.inner_text()


def same_rig(told: dict, path: Path) -> None:
    """What the page found out from bones and soles is what the whole file says."""
    whole = json.loads(json.dumps(rig_to_json(read_character(path))["rig"]))
    assert told["rows"] == whole["rows"]
    for name in ("rest", "turns", "stance", "legs", "balls", "into", "tilts", "floor", "per"):
        np.testing.assert_allclose(told[name], whole[name], atol=1e-5, err_msg=name)


def test_a_dropped_character_moves_and_goes_home(open_page, tmp_path):
    path = tmp_path / "hero.glb"
    write(RIGS["mixamo"], path, Look(unit=0.01, armature=True))
    page = open_page()
    drop(page, path)
    assert said(page) == "22 joints found."
    same_rig(state(page, "figure.guest.rig"), path)
    assert not state(page, "figure.scene.visible")
    at_rest = np.array(page.evaluate(PLACES))
    assert 1.2 < np.ptp(at_rest[:, 1]) < 2
    expect(page.locator("[data-dress=glb]").first).to_be_disabled()
    generate(page)
    reach(page, 30)
    moved = np.array(page.evaluate(PLACES))
    assert np.abs(moved - at_rest).max() > 0.3
    assert moved[:, 1].min() > -0.05
    page.get_by_label("Both").first.check()
    assert state(page, "figure.scene.visible")
    page.get_by_role("button", name="Stop", exact=True).click()
    with page.expect_download() as download:
        page.locator("[data-dress=glb]").first.click()
    home = tmp_path / "home.glb"
    download.value.save_as(home)
    assert read_character(home).names == read_character(path).names
    page.get_by_role("button", name="Remove").first.click()
    assert state(page, "figure.guest") is None
    assert state(page, "figure.scene.visible")


def test_fbx_is_made_into_glb_in_the_browser(open_page, tmp_path, monkeypatch):
    path = tmp_path / "hero.fbx"
    write(RIGS["mixamo"], tmp_path / "hero.glb", Look(unit=0.01, armature=True, meshes=3))
    character = read_character(tmp_path / "hero.glb")
    write_character(walk_take(40), path, character)
    page = open_page()
    drop(page, path)
    assert said(page) == "22 joints found."
    expect(page.locator("[data-show=character-name]").first).to_have_text("hero.fbx")
    told = state(page, "figure.guest.rig")
    assert told["per"] == pytest.approx(character.meters, rel=1e-5)
    rest = [told["rest"][i] for i in range(3)]
    np.testing.assert_allclose(rest, character.rig.rest[:3], atol=1e-4)
    np.testing.assert_allclose(told["legs"], character.rig.legs, atol=1e-4)
    generate(page)
    reach(page, 30)
    page.get_by_role("button", name="Stop", exact=True).click()
    for suffix in ("fbx", "glb"):
        with page.expect_download() as download:
            page.locator(f"[data-dress={suffix}]").first.click()
        home = tmp_path / f"home.{suffix}"
        download.value.save_as(home)
        again = read_character(home)
        assert {*character.names} <= {*again.names}
        np.testing.assert_allclose(again.rig.legs, character.rig.legs, atol=1e-4)
        page.wait_for_function(f"!{PAGE}.character.busy")
    made = fbx._surface
    monkeypatch.setattr(
        fbx, "_surface", lambda *told: replace(one := made(*told), vertices=one.vertices * np.nan)
    )
    write_character(walk_take(40), tmp_path / "odd.fbx", character)
    drop(page, tmp_path / "odd.fbx")
    assert said(page).startswith("odd.fbx has meshes with numbers that are not finite")


def test_licences_are_shown_and_what_is_no_character_is_refused(open_page, tmp_path):
    path = tmp_path / "bound.vrm"
    meta = {"title": "Kai", "author": "A. Person", "licenseName": "CC_BY_ND"}
    write(RIGS["humanoid"], path, Look(vrm=0, meta=meta))
    page = open_page()
    drop(page, path)
    same_rig(state(page, "figure.guest.rig"), path)
    card = page.locator(".ls-character").first
    expect(card).to_contain_text("Kai by A. Person")
    expect(card).to_contain_text("Its licence forbids changed copies (licence: CC_BY_ND)")
    generate(page)
    reach(page, 5)
    expect(card.locator("[data-dress=bvh]")).to_be_enabled()
    expect(card.locator("[data-dress=glb]")).to_be_disabled()
    for name, says in {
        "hero.fbx": "hero.fbx cannot be read as FBX: export it as binary FBX 2020, or open",
        "hero.glb": "hero.glb cannot be read as glTF 2.0",
        "hero.png": "is no character",
        "ring.gltf": "has nodes that hang from each other",
    }.items():
        text = b'{"nodes": [{"children": [1]}, {"children": [0]}]}'
        (tmp_path / name).write_bytes(text if name == "ring.gltf" else b"glTF\2\0\0\0 no more")
        drop(page, tmp_path / name)
        assert says in said(page)
    assert state(page, "figure.guest") is not None  # the one that was there stays


def test_bodies_without_motion_are_characters_beside_videos(open_page, tmp_path):
    path = tmp_path / "hero.glb"
    write(RIGS["mixamo"], path)
    page = open_page()
    page.get_by_role("tab", name="From video or file").click()
    page.wait_for_function("document.querySelector('.lf')?.livestep?.figure?.scene")
    drop(page, path, ".lf .lf-film")
    page.wait_for_function("document.querySelector('.lf').livestep.figure.guest")
    drop(page, path, ".lf .ls-character h3")
    page.wait_for_function("!document.querySelector('.lf').livestep.character.busy")
    expect(page.locator(".lf [data-show=character]")).to_have_text("22 joints found.")


def test_ours_are_tried_on_a_phone_and_one_of_two_files(open_page, tmp_path):
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
    page = open_page(**phone)
    expect(page.locator(".ls-fold[open]")).to_have_count(0)
    page.locator("summary", has_text="Your character").first.click()
    for path in (OURS / "stilt.vrm", OURS / "bolt.glb"):
        page.locator(f"[data-borrow='{path.name}']").first.click()
        expect(page.get_by_role("button", name="Remove").first).to_be_visible()
        same_rig(state(page, "figure.guest.rig"), path)
        page.get_by_label("Matched joints").first.check()
        expect(page.locator(".ls-whose").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.get_by_role("button", name="Remove").first.click()
        expect(page.locator(".ls-whose").first).to_be_hidden()
    file = File.read(OURS / "bolt.glb")
    numbers = file.to_bytes()[-file.json["buffers"][0]["byteLength"] :]
    file.json["buffers"][0]["uri"] = "its%20numbers.bin"
    (tmp_path / "its numbers.bin").write_bytes(numbers)
    (tmp_path / "bolt.gltf").write_text(json.dumps(file.json))
    for names in (["bolt.gltf"], ["its numbers.bin", "bolt.gltf"]):
        page.locator("[name=character]").first.set_input_files([tmp_path / n for n in names])
        page.wait_for_function(f"!{PAGE}.character.busy")
        assert ("bring all of them" in said(page)) == (len(names) == 1)
    same_rig(state(page, "figure.guest.rig"), OURS / "bolt.glb")
    expect(page.locator("[data-show=dress]").first).to_contain_text("Bring it as one .glb")
