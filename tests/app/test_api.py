"""What docs/api.md shows is run as it stands, against a page that is up."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import httpx
import pytest
from gradio.queueing import Queue

from app.live.sharing import Turnstile
from tests.support.fake_capture import fake_film

pytest_plugins = ["tests.support.browsing"]
PAGE = Path(__file__).parents[2] / "docs/api.md"


def shown(language: str, address: str) -> str:
    """Return the example in a language, for a page at this address."""
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert "http://127.0.0.1:7860" in code
    return code.replace("http://127.0.0.1:7860", address)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the video of the examples, to work in."""
    (tmp_path / "dance.mp4").write_bytes(fake_film(30))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_python(address, here):
    said = StringIO()
    with redirect_stdout(said):
        exec(shown("python", address), {})
    begins = [Path(path).read_bytes()[:9] for path in said.getvalue().split()[-3:]]
    assert [begins[0][:4], begins[1], begins[2][4:8]] == [b"glTF", b"HIERARCHY", b"ftyp"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_curl(address, here):
    done = subprocess.run(["bash", "-euc", shown("bash", address)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    begins = [(here / name).read_bytes()[:9] for name in ("walk.bvh", "dance.bvh", "film.mp4")]
    assert [*begins[:2], begins[2][4:8]] == [b"HIERARCHY", b"HIERARCHY", b"ftyp"]


def test_programs_have_fair_shares_by_address(address, monkeypatch):
    served, accounts = [], set()
    turn = Turnstile.turn
    monkeypatch.setattr(
        Turnstile, "turn", lambda self, who, **how: (accounts.add(who), turn(self, who, **how))[1]
    )
    call = f"{address}/gradio_api/call/v2/text_to_motion"

    def ask(whose: str) -> str:
        told = {"x-forwarded-for": whose}
        reply = httpx.post(call, json={"prompt": "walks", "seconds": 30}, headers=told)
        return f"{call}/{reply.json()['event_id']}"

    def wait(event: str, whose: str) -> None:
        assert "event: complete" in httpx.get(event, timeout=30).text
        served.append(whose)

    greedy, other = "192.0.2.1", "2001:db8:1:2::3"
    with ThreadPoolExecutor() as pool:
        for whose in [*3 * [greedy], other]:
            pool.submit(wait, ask(whose), whose)
    assert len(served) == 4
    assert other in served[:2]
    assert accounts == {greedy, "2001:db8:1:2::/64"}


@pytest.mark.parametrize("where", ["http://169.254.169.254/a.bvh", "https://a.example/b.mp4"])
@pytest.mark.parametrize("argument", ["clip", "then"])
def test_no_file_is_fetched(address, where, argument):
    file = {"path": where, "meta": {"_type": "gradio.FileData"}}
    given = {"clip": None} | {argument: file}
    call = f"{address}/gradio_api/call/v2/video_to_motion"
    event = httpx.post(call, json=given).json()["event_id"]
    told = httpx.get(f"{call}/{event}").text
    kind, said = re.findall(r"^(?:event|data): (.*)$", told, re.MULTILINE)[-2:]
    assert kind == "error"
    assert json.loads(said)["error"] == "Files are uploaded; none is fetched from other addresses."


def test_what_is_not_understood_is_told(address, monkeypatch):
    said = []
    monkeypatch.setattr(Queue, "log_message", lambda _, log, **how: said.append(log))
    call = f"{address}/gradio_api/call/v2/text_to_motion"
    event = httpx.post(call, json={"prompt": "asdf <qwer>"}).json()["event_id"]
    assert "event: complete" in httpx.get(f"{call}/{event}").text
    # it is shown as HTML
    assert said == ["'asdf &lt;qwer&gt;' is not understood: the person stands still."]


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ('{"prompt": "walks", "seconds": 500}', "Seconds must be a number in 1..120, got 500."),
        ('{"prompt": "walks", "speed": 2}', "Parameter 'speed' is not a valid key-word argument;"),
    ],
)
def test_curl_shows_why_there_is_no_file(address, here, asked, said):
    script = shown("bash", address).partition("\nmake text")[0]
    script += f"\nmake text_to_motion '{asked}' walk.bvh"
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True)
    assert said in done.stderr
    assert "curl:" not in done.stderr
    assert not (here / "walk.bvh").exists()


@pytest.mark.parametrize(
    ("endpoint", "asked", "status", "said"),
    [
        ("text_to_motion", {"prompt": "a", "speed": 2}, 400, "Parameter 'speed' is not a valid"),
        ("text_to_motion", {"prompt": "a", "x" * 5000: 2}, 400, "Parameter 'xxxxxxx"),
        ("text_to_motion", {}, 400, "No value provided for required argument: prompt;"),
        ("text_to_nothing", {"prompt": "a"}, 404, "There is nothing here."),
    ],
)
def test_what_no_endpoint_knows_is_said(address, endpoint, asked, status, said, caplog):
    reply = httpx.post(f"{address}/gradio_api/call/v2/{endpoint}", json=asked)
    assert reply.status_code == status
    assert reply.json()["message"].startswith(said)
    assert len(reply.text) < 300
    assert "Traceback" not in caplog.text
