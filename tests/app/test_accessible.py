"""The page for those who see little, use no mouse, read from right to left or want no motion."""

from importlib.resources import files

import pytest

from tests.support.browsing import (  # noqa: F401
    PAGE,
    address,
    browser,
    generate,
    open_page,
    page_engine,
    reach,
    state,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FINDINGS = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .filter(({impact}) => ['serious', 'critical'].includes(impact))
    .map(({id, nodes}) => [id, nodes.map(({target}) => target.join(' '))])"""
MOVING = """() => [...document.querySelectorAll('.ls, .ls *')].flatMap((element) =>
    [null, '::before', '::after'].filter((part) => {
        const {transitionDuration, animationName} = getComputedStyle(element, part);
        return animationName !== 'none' || transitionDuration.split(', ').some(parseFloat);
    }).map((part) => element.className + part))"""
UNFOLD = """() => document.querySelectorAll('details:not([open]) > summary, .label-wrap:not(.open)')
    .forEach((folded) => folded.offsetParent && folded.click())"""
NOTE_CAMERA = f"""() => {{
    const {{position}} = {PAGE}.stage.camera;
    window.seen = new Set();
    const note = () => {{ seen.add(position.toArray().join()); requestAnimationFrame(note); }};
    note();
}}"""
WIDER = "document.documentElement.scrollWidth - innerWidth"
LOOKS = {"light": (1280, 800), "dark": (1280, 800), "phone": (390, 844)}


def test_axe_finds_nothing_serious(open_page):  # noqa: F811
    axe = pytest.importorskip("axe_playwright_python", reason="see requirements-dev.txt")
    page = open_page()
    page.evaluate(files(axe).joinpath("axe.min.js").read_text(encoding="utf-8"))
    generate(page)
    reach(page, 10)
    page.get_by_role("button", name="Stop", exact=True).click()  # drawing by software is slow
    found = {}
    for tab in page.get_by_role("tab").all():
        tab.click()
        unfold(page)
        for look, (width, height) in LOOKS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate("on => document.body.classList.toggle('dark', on)", look == "dark")
            found[tab.inner_text(), look] = page.evaluate(FINDINGS)
    assert {where: what for where, what in found.items() if what} == {}


def unfold(page) -> None:
    """Open what is folded on the tab that is shown, and wait until its form is there."""
    page.evaluate(UNFOLD)
    page.get_by_role("button", name="Make the").filter(visible=True).wait_for()


def test_reduced_motion_is_obeyed(open_page):  # noqa: F811
    page = open_page(reduced_motion="reduce")
    assert page.evaluate(MOVING) == []
    generate(page)
    reach(page, 30)
    # a camera that follows jumps now and then, it never glides
    page.evaluate(NOTE_CAMERA)
    reach(page, 60)
    assert page.evaluate("seen.size") <= 3


def test_a_path_is_made_without_a_mouse(open_page):  # noqa: F811
    page = open_page()
    generate(page)
    reach(page, 5)
    page.get_by_role("radio", name="Path").press("Space")
    stage = page.locator(".ls-stage")
    stage.press("Enter")
    stage.press("Enter")
    page.wait_for_function(f"{PAGE}.steering.plan.value.points.length === 2")
    (x, z), (ahead_x, ahead_z) = [
        point["place"] for point in state(page, "steering.plan.value.points")
    ]
    assert (ahead_x - x) ** 2 + (ahead_z - z) ** 2 == pytest.approx(1)
    page.get_by_role("button", name="Way-point 2").press("ArrowRight")
    assert state(page, "steering.plan.value.points[1].place") != [ahead_x, ahead_z]


@pytest.mark.parametrize("look", ["light", "phone"])
def test_right_to_left_nothing_sticks_out(open_page, look):  # noqa: F811
    width, height = LOOKS[look]
    page = open_page(viewport={"width": width, "height": height})
    page.evaluate("document.documentElement.dir = 'rtl'")
    for tab in page.get_by_role("tab").all():
        tab.click()
        assert page.evaluate(WIDER) == 0
