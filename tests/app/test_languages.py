"""The page's languages: each has every string and no other, and the browser gets its own."""

import json
import re
import shutil
import subprocess

import pytest

from app.metrics import FIGURES
from app.routes import LANGUAGES
from app.ui import build
from core.body.skeleton import JOINTS
from core.capture.kinds import _ELSEWHERE as ELSEWHERE
from core.words.languages import translate
from tests.support import strings
from tests.support.browsing import address, browser, open_page, page_engine  # noqa: F401

SOURCE = LANGUAGES.parent / "src/languages.js"
FILES = {path.stem: path for path in sorted(LANGUAGES.glob("*.json"))}
SERVER = (
    "app/**/*.py",
    "core/words/*.py",
    "core/export/part.py",
    *(f"core/capture/{name}.py" for name in "apart doubts follow read scene standing".split()),
)
"""What speaks to visitors; what else the core says of files is translated where that is known."""
NAMES = set("AMASS (SMPL-H)|AMASS (SMPL-X)|BVH|CMU|FBX|GLB|JSON|Livestep|MP4".split("|"))
NAMES |= set(
    "Mixamo|NPZ|WEBP|SMPL|Unreal|VRM|VRMA|cm/s|ms|s|world-blocks|{0} cm|· {0} ms".split("|")
)
NAMES |= {"W:40,WD:20,L:15,-:10"}
HOSTS = re.compile(
    r"^--keep|^a (Space|proxy|site) is|the Hub|a Space (of|at)|^\{0\} cannot be rea"
    r"|Ray cluster|^the cluster"
)
"""Told in a terminal, to whoever starts the app."""
CODE = set("Backspace|Draco|Enter|Escape|Home|Meta|KTX2 textures|Unfit|not all".split("|"))
CODE |= set("unknown message {0}|{0} arrow|{0} place|{0}: {1}|{0} {1}".split("|"))
CODE |= {
    "another one knew that",
    "it is gone",
    "it was stuck",
    "500 12px {0}",
    "script, style, textarea, {0}",
}
LANGUAGES_READ = "German French Spanish Italian Portuguese Russian Japanese Chinese Korean"
WINDS = "north-east|east|south-east|south|south-west|west|north-west|north|middle"
LETTERS = (
    "north (N)|north-east (NE)|east (E)|south-east (SE)"
    "|south (S)|south-west (SW)|west (W)|north-west (NW)"
)
WALKING = "forward|back|step left|step right|turn left|turn right"
GRADIO = (
    "Use via API|Drop File Here|- or -|Click to Upload|Click to upload or drop files"
    "|Gradio footer navigation|Stop Recording|Reset to default value"
    "|number input for {0}|range slider for {0}"
)
PARTS = (
    "Files given or made here lie in memory and are deleted within {0} minutes."
    "|has no room for files|cannot keep files now|This server|Your network|{0}: open it"
    "|is|are|In the {0}, looking {1}|left|right"
    "|{0}, {1}, is in your downloads.|{0}, {1}, is ready."
    "|{0} and two like {1}|legs|arms|legs below|arms above a trunk"
    "|model|seed|response|guidance"
    "|Recording ...|Looking \u2026|A person balances on one leg"
    "|{0} ...|{0} ... {1} s"
    "|{0} (without memory)|{0} (non-commercial)|{0} (non-commercial, without memory)"
)
BONES = {re.sub(r"(\d)$", r" \1", joint.replace("_", " ")) for joint in JOINTS}
COMPOSED = {
    *LANGUAGES_READ.split(),
    *BONES,
    *(bone.split()[-1] for bone in BONES if bone[-1] > "9"),
}
COMPOSED |= set("|".join((WINDS, LETTERS, WALKING, GRADIO, PARTS)).split("|"))
COMPOSED |= {text for kind in ELSEWHERE.values() for text in kind}
"""What no string of a source is as it is shown: parts of sentences, and what Gradio says."""


@pytest.fixture(scope="module")
def used(lobby, exports):
    page = strings.of_templates() | strings.of_forms(build(lobby, exports)) | strings.of_scripts()
    said = {text for text in strings.of_server(*SERVER) if not HOSTS.search(text)}
    titles = {text for text in page if text.endswith(": open it")}
    metrics = {about for about, _ in FIGURES.values()}
    return (page | said | COMPOSED) - titles - NAMES - CODE - metrics


@pytest.mark.parametrize("name", FILES)
def test_every_string_is_translated(name, used):
    assert sorted(used - set(words(name))) == []


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_translated_that_nobody_says(name, used):
    assert sorted(set(words(name)) - used - strings.of_server("core/**/*.py", every=True)) == []


@pytest.mark.parametrize("name", FILES)
def test_what_varies_is_kept(name):
    for text, said in words(name).items():
        varies = re.findall(r"\{\d\}", text.replace("export{1}", "exports"))
        assert sorted(varies) == sorted(re.findall(r"\{\d\}", said)), said


@pytest.mark.parametrize("name", FILES)
def test_prompts_to_click_are_understood_in_every_language(name):
    for text, said in words(name).items():
        if re.match(r"(a person|and then) [a-z ]+$", text) and said != text:
            told = translate(said, strange=9)
            assert told
            assert told.english
            assert text.replace("and then", "a person").startswith(told.english), said


@pytest.mark.skipif(not shutil.which("node"), reason="no Node here")
def test_sentences_are_translated_whole_or_not_at_all():
    source = SOURCE.read_text(encoding="utf-8").replace("export ", "")
    run = "for (const one of asked) console.log(new Words(strings, 'de').say(one));"
    asked = [
        "Motion cannot be moved: two like legs and two like arms were not found in it.",
        "World cannot be moved: its left wing is on fire.",
        "model.bvh is a damaged ZIP.",
        "a: b: c: d, e and f. G h. " * 70,
    ]
    given = f"const asked = {json.dumps(asked)}, strings = {json.dumps(words('de'))};"
    command = ["node", "--input-type=module", "-"]
    script = f"{source}\n{given}\n{run}"
    told = subprocess.run(command, input=script, capture_output=True, text=True, timeout=20)
    whole, none, name, long = told.stdout.splitlines()
    assert whole.startswith("Motion kann nicht bewegt werden: zwei wie Beine und zwei wie Arme")
    assert (none, long) == (asked[1], asked[3])
    assert name.startswith("model.bvh ist")


@pytest.mark.parametrize("name", FILES)
def test_winds_have_their_letters(name):
    for wind in LETTERS.split("|"):
        said = words(name)[wind]
        assert re.fullmatch(r".+ \([^()]+\)", said)  # the page takes them from it
        assert said.split(" (")[0] == words(name)[wind.split()[0]]


@pytest.mark.browser
@pytest.mark.slow
def test_the_browsers_language_is_spoken(open_page):  # noqa: F811
    page = open_page(locale="fr-CA")
    assert page.locator("html").get_attribute("lang") == "fr"
    page.get_by_role("tab", name="Mouvement").wait_for()
    page.get_by_role("button", name="Générer").click()
    page.get_by_text("ce que le corps doit faire, par exemple").wait_for()
    page.get_by_role("button", name="marcher", exact=True).click()  # a prompt, too
    page.get_by_text("Lu (français) comme « a person walks forward ».").wait_for()
    page.get_by_label("Que doit faire le corps").fill("Play")
    page.get_by_role("button", name="Modifier").click()
    page.locator(".ls-caption strong", has_text="Play").wait_for()  # what was typed stays
    page.get_by_role("button", name="Nouveautés").click()
    page.keyboard.press("Escape")
    page.reload()
    page.wait_for_function("document.querySelector('.ll')?.livestep")
    assert page.locator(".ll-dot").is_hidden()  # what is read in French is no news any more


@pytest.mark.browser
@pytest.mark.slow
def test_the_language_can_be_asked_for_and_english_fetches_no_list(open_page):  # noqa: F811
    page = open_page("?lang=de", locale="ja-JP")
    page.get_by_role("tab", name="Bewegung").wait_for()
    page = open_page("?lang=en", locale="ja-JP")
    page.get_by_role("tab", name="Motion").wait_for()
    fetched = "performance.getEntriesByType('resource').map(({name}) => name)"
    assert [name for name in page.evaluate(fetched) if "/languages/" in name] == []


def words(name: str) -> dict[str, str]:
    return json.loads(FILES[name].read_text(encoding="utf-8"))
