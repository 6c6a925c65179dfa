"""What stands above the tabs: the gallery's files, what is new, and links, in real Chromium."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from app.landing import CHANGELOG, GALLERY, news
from core.steering.project import read_project
from core.video.log import read_log
from tests.support.browsing import PAGE, generate, reach

pytest_plugins = ["tests.support.browsing"]

ITEMS = json.loads(GALLERY.read_text())
FOLDER = GALLERY.parent
WORLD = "document.querySelector('.lw')?.livestep"
PHONE = """() => {
matchMedia = () => ({matches: true, addEventListener() {}});
navigator.canShare = ({files}) => files.length === 1;
navigator.share = async ({files: [{name, type, size}]}) => (window.shared = [name, type, size]);
}"""


def write_little(path: Path, _) -> None:
    path.write_bytes(b"RIFF")


def test_the_newest_version_is_told_in_short():
    told = "# C\n\n## [2]\n\n### In short\n\n- One\n  line.\n- Two.\n\n### Added\n\n- Three.\n"
    old = "## [1]\n\n### In short\n\n- Old.\n"
    assert news(told + old) == ["One line.", "Two."]
    assert news(told.replace("In short", "Changed") + old) == []
    assert news("") == []
    assert 0 < len(news(CHANGELOG.read_text())) < 12


def test_pictures_are_small_and_open_what_can_be_made_again():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 900_000
    kept = {"gallery.json", "LICENSE.md"}
    for item in ITEMS:
        moving, still = (FOLDER / f"{item['name']}{end}.webp" for end in ("", "-still"))
        kept |= {moving.name, still.name, item["opens"]}
        with Image.open(moving) as film, Image.open(still) as picture:
            assert film.n_frames > 20
            assert film.info["loop"] == 0
            assert film.size == picture.size == (200, 150)
        assert moving.stat().st_size <= 60_000
        if item["tab"] == "motion":
            assert read_project((FOLDER / item["opens"]).read_text()).poses > 60
        else:
            assert read_log(FOLDER / item["opens"]).script
        if item["character"]:
            assert (Path("assets/characters") / item["character"]).is_file()
    assert {path.name for path in FOLDER.iterdir()} == kept


@pytest.mark.browser
def test_pictures_stand_still_fold_away_and_open_in_their_tabs(open_page):
    page = open_page(reduced_motion="reduce")
    shown = "[...document.querySelectorAll('.ll img')].every((i) => i.currentSrc.includes('still'))"
    pause = page.get_by_role("button", name="Pause gallery")
    assert page.evaluate(shown)
    expect(pause).to_have_attribute("aria-pressed", "true")
    pause.press("Enter")
    page.wait_for_function(f"!{shown}")
    page.get_by_role("button", name="Gallery", exact=True).press("Enter")
    expect(page.locator(".ll-gallery")).to_be_hidden()

    new = page.get_by_role("button", name="What is new")
    expect(new.get_by_label("not read yet")).to_be_visible()
    new.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(
        len(news(CHANGELOG.read_text()))
    )
    page.keyboard.press("Escape")
    page.reload()
    page.wait_for_function(f"{PAGE}?.model.state === 'ready'")
    expect(page.locator(".ll-gallery")).to_be_hidden()
    expect(page.locator(".ll-dot")).to_be_hidden()
    page.get_by_role("button", name="Gallery", exact=True).click()

    motion = next(item for item in ITEMS if item["name"] == "path")
    project = read_project((FOLDER / motion["opens"]).read_text())
    page.get_by_role("button", name=motion["title"], exact=True).press("Enter")
    expect(page.get_by_label("What should the body do?")).to_have_value(project.prompts[-1].text)
    page.wait_for_function(f"{PAGE}.player.take.end >= {project.poses}")
    expect(page.get_by_role("radio", name="Path")).to_be_checked()

    world = next(item for item in ITEMS if item["tab"] == "world")
    log = {"checkpoint": "video", "seed": 5, "start": 2, "script": "W:20,D:10"}
    page.route(f"**/gallery/{world['opens']}", lambda route: route.fulfill(json=log))
    page.evaluate("history.replaceState(null, '', '#motion?seed=3')")
    page.get_by_role("button", name=world["title"], exact=True).click()
    assert "#" not in page.url
    expect(page.get_by_role("tab", name="World")).to_have_attribute("aria-selected", "true")
    page.wait_for_function(f"{WORLD}?.frames >= 20")
    assert page.evaluate(f"[{WORLD}.settings.used.seed, {WORLD}.scripted]") == [5, 30]


@pytest.mark.browser
def test_what_the_gallery_lends_goes_with_it_and_what_visitors_chose_stays(open_page):
    page = open_page()
    shown, toast = f"{PAGE}.character.brought?.file.name", page.locator(".ls-toast").first
    expect(page.get_by_role("button", name="Save project")).to_be_disabled()  # there is nothing yet

    def click(title: str) -> None:
        page.get_by_role("button", name=title, exact=True).click()

    click("Bolt dances")
    page.wait_for_function(f"{shown} === 'bolt.glb'")
    expect(toast).not_to_contain_text("project")  # nobody asked for one
    expect(page.get_by_role("button", name="Save project")).to_be_enabled()
    click("Jumps twice")
    page.wait_for_function(f"!{shown} && {PAGE}.player.take.length")
    click("Bolt dances")
    click("Stilt steps back")  # the last one counts
    page.wait_for_function(f"{shown} === 'stilt.vrm'")
    page.evaluate("location.hash = '#motion?body=male&prompt=a+person+waves'")
    page.wait_for_function(f"!{shown}")
    assert page.evaluate("document.activeElement.closest('.ll-gallery')") is None

    page.locator("[data-borrow='bolt.glb']").first.click()
    page.wait_for_function(f"{shown} === 'bolt.glb'")
    click("Jumps twice")
    expect(page.get_by_label("What should the body do?")).to_have_value(re.compile("jump"))
    assert page.evaluate(shown) == "bolt.glb"


@pytest.mark.browser
def test_links_fill_in_the_form_and_nonsense_gets_a_sentence(open_page, monkeypatch):
    prompt = "walks & \u8df3 <b>100%</b>"
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    points = [{"place": [0.5, -1.25], "at": 2.5, "facing": 90, "stop": True}]
    page.evaluate(f"{PAGE}.steering.reopen({{waypoints: {json.dumps(points)}, keys: []}})")
    page.get_by_label("Seed").first.fill("77")
    page.get_by_label("What should the body do?").fill(prompt)
    page.get_by_role("button", name="Copy link").first.click()
    expect(page.locator(".ls-toast").first).to_contain_text("Link copied")
    here, _, link = page.evaluate("navigator.clipboard.readText()").partition("#")
    assert here == page.url.partition("#")[0]
    assert link.startswith("motion?prompt=walks+%26+")

    page = open_page(f"#{link}")
    page.wait_for_function(f"{PAGE}?.player.live >= 4")
    expect(page.get_by_label("What should the body do?")).to_have_value(prompt)
    assert page.evaluate(f"{PAGE}.controls.used.seed") == 77
    assert page.evaluate(f"{PAGE}.steering.plan.wishes.waypoints") == points
    take = page.evaluate(f"{PAGE}.player.take.number")
    generate(page, "a person jumps")
    page.reload()  # keeps what has become of it
    reach(page, 4)
    assert page.evaluate(f"{PAGE}.player.take.number") == take

    monkeypatch.setattr("app.exports.files.writer", lambda *_, **__: write_little)
    page.evaluate(PHONE)
    page.get_by_role("button", name="WEBP").first.click()
    page.get_by_role("button", name="Share").click()
    assert page.evaluate("shared") == ["livestep-walks-b-100-b.webp", "image/webp", 4]

    note = page.locator(".ll-note")
    for fragment, sentence in (
        ("#moon?x=1", "This link names no tab of this page"),
        ("#motion?seed=-1", "cannot be read at \u201cseed\u201d"),
        ("#motion?seed=1&seed=2", "cannot be read at \u201cseed\u201d"),
        ("#motion?guidance=NaN", "cannot be read at \u201cguidance\u201d"),
        ("#motion?guidance=99", "asks for Guidance 99; here it goes from 1 to 7"),
        ("#motion?body=nobody&prompt=x", "asks for the body nobody, which is not here"),
        ("#motion?checkpoint=moon", "asks for the model moon, which is not here"),
        ("#motion?<img src=x>=1", "cannot be read at \u201c<img src"),
        ("#motion?path=1_2_3", "cannot be read at \u201cpath\u201d"),
        ("#motion?prompt=" + "a" * 5000, "longer than 4000 characters"),
        ("#world?start=99&seed=3", "begins at picture 99; here there are"),
    ):
        page.evaluate("(fragment) => (location.hash = fragment)", fragment)
        expect(note).to_contain_text(sentence, timeout=20_000)
    assert note.locator("*").count() == 0
    assert page.evaluate(f"{PAGE}.player.take.number") == take

    page.evaluate("location.hash = '#world?checkpoint=video&seed=9&start=1&script=W:12,-:3'")
    page.wait_for_function(f"{WORLD}?.frames >= 10")
    expect(note).to_have_text("")
    assert page.evaluate(f"[{WORLD}.settings.used.seed, {WORLD}.gallery.start]") == [9, 1]
    page.get_by_role("button", name="Copy link").last.click()
    expect(page.locator(".lw .ls-toast")).to_contain_text("Link copied")
    assert re.search(r"#world\?checkpoint=video&seed=9&start=1\S*&script=W%3A", page.url)
