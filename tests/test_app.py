"""The whole server in one process: routes, live stream, exports and the API, no port, no browser."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import pytest
from fakes import FakeEngine
from gradio.routes import App
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app.exports import Exports, check, file_stem
from app.loader import Loader
from app.lobby import Lobby
from app.motion_tab import generate
from app.protocol import Ack, Hello, Model, Poses, Problem, Prompt, Start, State, TakeInfo, pack
from app.protocol import unpack_from_server as unpack
from app.sharing import Limits
from app.ui import build, launch_options

LIVE = "/livestep/live"


@pytest.fixture(scope="module")
def exports():
    exports = Exports()
    yield exports
    exports.close()


@pytest.fixture(scope="module")
def lobby():
    loader = Loader(lambda: FakeEngine(milliseconds_per_pose=0.2)).start()
    assert loader.wait(10)
    return Lobby(loader, Limits(pages=8))


@pytest.fixture(scope="module")
def client(lobby, exports):
    options = launch_options(lobby, exports)
    page = build(lobby, exports)
    page.theme, page.head = options["theme"], options["head"]
    with TestClient(App.create_app(page, app_kwargs=options["app_kwargs"])) as client:
        yield client


def hello(**fields) -> Hello:
    return Hello(**{"version": 1, "session": str(uuid.uuid4()), **fields})


def receive(socket, kind, accept=lambda item: True):
    """Read until a message of this kind comes."""
    for _ in range(500):
        item = unpack(socket.receive_bytes())
        if isinstance(item, kind) and accept(item):
            return item
    raise AssertionError(f"no {kind.__name__} came")


def record(client, poses: int = 24) -> str:
    """Make a take of at least this many poses; return its session."""
    greeting = hello()
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(pack(greeting))
        socket.send_bytes(pack(Start(id=1, prompt="a person walks: 10% <b>faster</b>", seed=1)))
        take = receive(socket, TakeInfo).take
        end = 0
        while end < poses:
            item = receive(socket, Poses)
            end = item.first + len(item.root)
            socket.send_bytes(pack(Ack(lead=10, take=take, received=end, shown=end)))
        socket.send_bytes(pack(Prompt(id=2, text="a person jumps")))
        receive(socket, Poses, lambda item: item.prompt == 1)
        socket.send_bytes(b"\x03" + json.dumps({"tag": "stop"}).encode())
        receive(socket, State, lambda item: item.state == "stopped")
    return greeting.session


def test_page_and_its_files(client):
    page = client.get("/")
    assert page.status_code == 200
    assert "livestep/static/livestep.js" in page.text
    assert "fonts.googleapis" not in page.text
    for name in ("livestep.js", "livestep.css", "three.LICENSE.txt"):
        assert client.get(f"/livestep/static/{name}").status_code == 200
    for path in ("../app.py", "..%2fprotocol.py", "%2e%2e/protocol.py"):
        assert client.get(f"/livestep/static/{path}").status_code == 404
    assert client.get("/livestep/health").json() == {"model": "ready"}


def test_bodies(client):
    reply = client.get("/livestep/body/female.glb")
    assert reply.content[:4] == b"glTF"
    assert reply.headers["content-encoding"] == "gzip"
    again = client.get(
        "/livestep/body/female.glb", headers={"if-none-match": reply.headers["etag"]}
    )
    assert again.status_code == 304
    assert client.get("/livestep/body/..%2f..%2fapp.glb").status_code == 404
    assert client.get("/livestep/body/robot.glb").status_code == 404


def test_poses_come_at_once(client):
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(pack(hello()))
        model = receive(socket, Model)
        assert [card.name for card in model.checkpoints] == ["motion", "motion-styles"]
        assert 0.5 < model.bodies["male"].scale < 1.5
        began = time.monotonic()
        socket.send_bytes(pack(Start(id=7, prompt="a person walks")))
        poses = receive(socket, Poses)
        assert time.monotonic() - began < 1.0
        assert (poses.first, poses.prompt, poses.rotations.shape[1:]) == (0, 7, (22, 4))
        assert poses.milliseconds > 0


@pytest.mark.parametrize("origin", ["https://evil.example", "http://testserver.evil.example", "null"])
def test_other_sites_are_refused(client, origin):
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(LIVE, headers={"origin": origin}) as socket,
    ):
        socket.receive_bytes()
    address = f"/livestep/export/{uuid.uuid4()}"
    reply = client.post(address, content=b"{}", headers={"origin": origin})
    assert reply.status_code == 403


def test_own_origin_is_welcome_also_behind_a_proxy(client):
    headers = {"origin": "https://me.hf.space", "x-forwarded-host": "me.hf.space"}
    with client.websocket_connect(LIVE, headers=headers) as socket:
        socket.send_bytes(pack(hello()))
        assert receive(socket, Model).state == "ready"


@pytest.mark.parametrize(
    "first",
    [
        pack(Prompt(id=1, text="hi")),
        pack(hello(version=99)),
        b"\x03{}",
        b"\x03" + b"x" * 9000,
        b'\x03{"tag":"hello","version":1,"session":"short"}',
    ],
)
def test_a_bad_greeting_is_answered_with_a_sentence(client, first):
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(first)
        problem = receive(socket, Problem)
        assert problem.about == "connection"
        assert problem.message.endswith(".")
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive_bytes()
        assert caught.value.code == 4000


def test_garbage_later_is_answered_and_survived(client):
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(pack(hello()))
        for junk in (b"\x03{", b"\x02\x00", b"\xff", b"\x03" + b"x" * 9000):
            socket.send_bytes(junk)
            assert receive(socket, Problem).about == "connection"
        socket.send_bytes(pack(Start(id=1, prompt="a person walks")))
        receive(socket, Poses)


def test_a_flood_is_cut_off(client):
    with client.websocket_connect(LIVE) as socket:
        socket.send_bytes(pack(hello()))
        with pytest.raises((WebSocketDisconnect, AssertionError)):
            for _ in range(400):
                socket.send_bytes(pack(Ack(lead=1, take=1, received=1, shown=1)))
            receive(socket, Poses)


def test_a_second_tab_takes_over(client):
    greeting = hello()
    with client.websocket_connect(LIVE) as first:
        first.send_bytes(pack(greeting))
        receive(first, Model)
        with client.websocket_connect(LIVE) as second:
            second.send_bytes(pack(greeting))
            receive(second, Model)
            assert "another tab" in receive(first, Problem).message
            with pytest.raises(WebSocketDisconnect) as caught:
                first.receive_bytes()
            assert caught.value.code == 4001


def test_a_full_server_says_so(client, lobby):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lobby, "limits", Limits(pages=0))
        patch.setattr(lobby, "_sessions", {})
        with client.websocket_connect(LIVE) as socket:
            socket.send_bytes(pack(hello()))
            assert "takes no more" in receive(socket, Problem).message


def wait_for(client, session: str, job: dict) -> dict:
    deadline = time.monotonic() + 30
    while job["state"] in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.02)
        job = client.get(f"/livestep/export/{session}/{job['job']}").json()
    return job


@pytest.mark.parametrize("format", ["bvh", "glb", "npz"])
def test_exports_of_what_was_shown(client, format):
    session = record(client)
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
    starts = {"bvh": b"HIERARCHY", "glb": b"glTF", "npz": b"PK"}
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
        ({"format": "bvh", "start": "x"}, "read"),
        ({}, "read"),
        ([], "read"),
        ({"format": "b" * 3000}, "long"),
    ],
)
def test_bad_exports_are_refused_in_sentences(client, wishes, word):
    session = test_bad_exports_are_refused_in_sentences.__dict__.setdefault(
        "session", record(client, 24)
    )
    reply = client.post(f"/livestep/export/{session}", json=wishes)
    assert reply.status_code == 400
    assert word in reply.json()["message"]


def test_unknown_sessions_have_nothing_to_export(client):
    reply = client.post(f"/livestep/export/{uuid.uuid4()}", json={"format": "bvh"})
    assert reply.status_code == 400
    assert reply.json()["message"].startswith("The server does not know")


def test_long_exports_and_long_lines_are_refused(lobby, tmp_path, monkeypatch):
    take = generate(lobby, Start(id=1, prompt="a person walks"), poses=40)
    monkeypatch.setattr("app.exports.MOST_FRAMES", {"mp4": 60})
    with pytest.raises(ValueError, match="1 s long at most, this is 2 s"):
        check(take, format="mp4", body="neutral", fps=60)
    assert file_stem(take) == "livestep-a-person-walks"
    monkeypatch.setattr("app.exports.MOST_FRAMES", {"bvh": 6000})
    monkeypatch.setattr("app.exports._write", lambda *_, **__: time.sleep(0.2))
    exports = Exports(most_jobs=3, own_jobs=2, keep_seconds=0.1)
    wishes = {"format": "bvh", "body": "neutral", "fps": 20}
    first = exports.submit("a", take, **wishes)
    exports.submit("a", take, **wishes)
    with pytest.raises(ValueError, match="Too many"):
        exports.submit("a", take, **wishes)
    last = exports.submit("b", take, **wishes)
    assert exports.position(last) >= 1
    with pytest.raises(ValueError, match="Too many"):
        exports.submit("c", take, **wishes)
    while not last.over:
        time.sleep(0.02)
    time.sleep(0.15)
    with pytest.raises(ValueError, match="no longer kept"):
        exports.find("a", first.name)
    assert not first.path.parent.exists()
    exports.close()


def test_files_of_the_server_stay_there(client):
    for path in ("/etc/passwd", str(Path("app.py").resolve())):
        assert client.get(f"/gradio_api/file={path}").status_code in (403, 404)
