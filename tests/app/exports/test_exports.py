"""Exports over HTTP, in process: what was shown comes out, and nothing else does."""

from __future__ import annotations

import threading
import time
import uuid
from pathlib import Path

import pytest

from app.exports import files as take_files
from app.exports import store
from app.exports.files import check, file_stem
from app.exports.store import Exports
from app.motion.tab import generate
from app.protocol import Start
from tests.support.server import record, refusal, wait_for


@pytest.fixture(scope="module")
def session(client):
    return record(client)


@pytest.mark.parametrize("format", ["bvh", "glb", "fbx", "vrma", "npz"])
def test_exports_of_what_was_shown(client, session, format):
    wishes = {"format": format, "fps": 30, "body": "female", "start": 4, "end": 20}
    reply = client.post(f"/livestep/export/{session}", json=wishes)
    assert reply.status_code == 202, reply.text
    job = wait_for(client, session, reply.json())
    assert job["state"] == "done", job["message"]
    assert job["file"] == f"livestep-a-person-walks-10-b-faster-b.{format}"
    address = f"/livestep/export/{session}/{job['job']}/file"
    file = client.get(address)
    assert "attachment" in file.headers["content-disposition"]
    assert file.headers["x-content-type-options"] == "nosniff"
    assert len(file.content) == job["bytes"]
    starts = {
        "bvh": b"HIERARCHY",
        "glb": b"glTF",
        "vrma": b"glTF",
        "fbx": b"Kaydara FBX",
        "npz": b"PK",
    }
    assert file.content.startswith(starts[format])
    other = address.replace(session, str(uuid.uuid4()))
    assert client.get(other).status_code == 404  # nobody else's session opens it


@pytest.mark.parametrize(
    ("wishes", "word"),
    [
        ({"format": "exe"}, "format"),
        ({"format": "bvh", "fps": 25}, "rate"),
        ({"format": "bvh", "body": "../x"}, "body"),
        ({"format": "bvh", "start": 20, "end": 4}, "range"),
        ({"format": "bvh", "root": "feet"}, "Root must be one of hips, floor, in-place"),
        ({"format": "fbx", "takes": "two"}, "Takes must be one of one, prompts"),
        ({"format": "bvh", "offset": ["zero"]}, "Offset"),
        ({"format": "npz", "convention": "smpl"}, "one of livestep, amass, smplx"),
        ({"format": "bvh", "start": 0, "end": 8, "loop": True}, "loop is looked for in 0.5"),
        ({"format": "bvh", "start": "x"}, "read"),
        ({"format": "bvh", "part": True, "end": 10**400}, "read"),
        ({"format": "bvh", "part": True, "end": 10**300}, "The end must be a pose's number"),
        ({"format": "bvh", "part": True, "start": -(10**300)}, "The start must be a pose's number"),
        ({"format": "bvh", "start": -1}, "The start must be a pose's number"),
        ({"format": "bvh", "start": 0.5}, "The start must be a pose's number"),
        ({"format": "bvh", "fps": 20.9}, "rate must be one of 20"),
        ({}, "read"),
        ([], "read"),
        ({"format": "b" * 3000}, "long"),
    ],
)
def test_bad_exports_are_refused_in_sentences(client, session, wishes, word):
    assert word in refusal(client, f"/livestep/export/{session}", wishes)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("what", ["fps", "start", "end"])
def test_what_is_not_finite_is_refused(client, session, what, value):
    data = f'{{"format": "bvh", "part": true, "{what}": {value}}}'
    reply = client.post(f"/livestep/export/{session}", content=data)
    assert reply.status_code == 400
    assert reply.json()["message"].startswith("The ")


def test_exports_say_how_they_hold_the_take(client, session):
    wishes = {"format": "glb", "start": 4, "end": 24, "part": True, "root": "floor"}
    job = wait_for(client, session, client.post(f"/livestep/export/{session}", json=wishes).json())
    file = client.get(f"/livestep/export/{session}/{job['job']}/file").content
    assert b'"trim":"0.2 s to 1.2 s of the take"' in file
    assert b'"root":"floor"' in file


@pytest.mark.parametrize("what", ["export", "followed", "film"])
def test_requests_without_an_end_are_refused_in_a_sentence(client, session, what):
    reply = client.post(f"/livestep/{what}/{session}", content=b"[" * 2000)
    assert reply.status_code == 400
    assert reply.json()["message"] == "The export request is nested too deeply."


def test_unknown_sessions_have_nothing_to_export(client):
    message = refusal(client, f"/livestep/export/{uuid.uuid4()}", {"format": "bvh"})
    assert message.startswith("The server does not know")


def test_films_say_how_far_they_are_and_end_when_nobody_waits(client, session):
    wishes = {"format": "mp4", "fps": 60, "start": 0, "end": 24}
    address = f"/livestep/export/{session}"
    job = client.post(address, json=wishes).json()
    mine = f"{address}/{job['job']}"
    assert client.delete(mine.replace(session, str(uuid.uuid4()))).status_code == 404
    shares = [job["share"]]
    while shares[-1] == 0:
        time.sleep(0.02)
        shares.append(client.get(mine).json()["share"])
    assert 0 < shares[-1] < 1
    assert client.delete(mine, headers={"origin": "https://evil.example"}).status_code == 403
    assert client.delete(mine).status_code == 200
    job = wait_for(client, session, job)
    assert (job["state"], job["message"]) == ("failed", "This export was canceled.")
    assert client.get(f"{mine}/file").status_code == 404


def test_who_cancels_in_line_gives_the_place_away_at_once(client, session):
    address, film = f"/livestep/export/{session}", {"format": "mp4", "fps": 60}
    first, *queued = [client.post(address, json=film | {"end": 24}).json() for _ in range(3)]
    assert client.post(address, json=film).status_code == 400
    for job in queued:
        reply = client.delete(f"{address}/{job['job']}").json()
        assert (reply["state"], reply["message"]) == ("failed", "This export was canceled.")
    again = client.post(address, json=film | {"end": 4})
    assert (again.status_code, again.json()["ahead"]) == (202, 1)
    short = client.post(address, json={"format": "bvh"}).json()
    assert wait_for(client, session, short)["state"] == "done"  # no film is waited for
    client.delete(f"{address}/{first['job']}")
    assert wait_for(client, session, again.json())["state"] == "done"


def test_a_file_that_is_no_longer_wanted_goes(client, session):
    address = f"/livestep/export/{session}"
    job = wait_for(client, session, client.post(address, json={"format": "bvh"}).json())
    mine = f"{address}/{job['job']}"
    reply = client.delete(mine).json()
    assert (reply["state"], reply["bytes"]) == ("gone", 0)
    assert [client.get(f"{mine}{file}").status_code for file in ("", "/file")] == [404, 404]
    assert client.delete(mine).status_code == 404


def test_long_exports_and_long_lines_are_refused(lobby, tmp_path, monkeypatch):
    take = generate(lobby, "", Start(id=1, prompt="a person walks"), poses=40)
    monkeypatch.setattr(take_files, "MOST_FRAMES", {"mp4": 60})
    with pytest.raises(ValueError, match="1 s long at most, this is 2 s"):
        check(take, format="mp4", body="neutral", fps=60)
    assert file_stem(take) == "livestep-a-person-walks"
    assert file_stem(take, "My Robot (v2)") == "livestep-my-robot-v2-a-person-walks"
    exports = Exports(most_jobs=3, own_jobs=2, keep_seconds=0.1)

    def submit(owner: str):
        return exports.submit(owner, "file.bvh", lambda path, tell: (time.sleep(0.2), path.touch()))

    first = submit("a")
    submit("a")
    with pytest.raises(ValueError, match="Too many"):
        submit("a")
    last = submit("b")
    assert exports.position(last) >= 1
    with pytest.raises(ValueError, match="Too many"):
        submit("c")
    exports.wait(last, 10)
    time.sleep(0.15)
    with pytest.raises(ValueError, match="no longer kept"):
        exports.find("a", first.name)
    assert not first.path.parent.exists()
    exports.close()


def test_addresses_and_then_visitors_take_turns():
    exports, go, written = Exports(address_jobs=4), threading.Event(), []

    def submit(owner: str, address: str):
        def write(path: Path, _):
            go.wait(10)
            written.append(owner)
            path.touch()

        return exports.submit(owner, "file.mp4", write, address=address)

    jobs = [submit("a", "near") for _ in range(3)] + [submit("b", "near"), submit("c", "far")]
    with pytest.raises(ValueError, match="Too many"):
        submit("d", "near")
    while jobs[0].state == "queued":
        time.sleep(0.01)
    assert [exports.position(job) for job in jobs] == [0, 3, 4, 2, 1]
    go.set()
    for job in jobs:
        exports.wait(job, 10)
    assert written == ["a", "c", "b", "a", "a"]
    exports.close()


def test_the_end_waits_for_no_writer_that_tells_nothing(monkeypatch):
    monkeypatch.setattr(store, "CLOSE_SECONDS", 0.05)
    exports, go = Exports(), threading.Event()
    running, queued = (exports.submit("a", "file.bvh", lambda *_: go.wait(10)) for _ in "ab")
    while running.state == "queued":
        time.sleep(0.01)
    began = time.monotonic()
    exports.close()
    assert time.monotonic() - began < 2
    with pytest.raises(ValueError, match="canceled"):
        exports.wait(queued, 1)
    go.set()
    with pytest.raises(ValueError, match="cannot keep files now"):
        exports.wait(running, 10)


def test_files_go_also_where_nobody_comes_any_more():
    exports = Exports(keep_seconds=0.1)
    job = exports.submit("a", "file.bvh", lambda path, tell: path.write_text("motion"))
    assert exports.wait(job, 10).is_file()
    deadline = time.monotonic() + 10
    while job.path.parent.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not job.path.parent.exists()
    exports.close()
