"""The whole server in one process: pages, bodies, the live stream. No port, no browser."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from app.live.sharing import Limits
from app.motion.visitor import MotionVisitor
from app.protocol import Ack, Model, Poses, Problem, Prompt, Start, pack
from tests.support.server import LIVE, hello, make_client, receive


def test_page_and_its_files(client):
    page = client.get("/")
    assert page.status_code == 200
    assert "livestep/static/livestep.js" in page.text
    assert "fonts.googleapis" not in page.text
    for name in ("livestep.js", "livestep.css", "three.LICENSE.txt"):
        assert client.get(f"/livestep/static/{name}").status_code == 200
    for path in ("../app.py", "..%2fprotocol.py", "%2e%2e/protocol.py"):
        assert client.get(f"/livestep/static/{path}").status_code == 404
    assert client.get("/livestep/health").json() == {"model": "ready", "worlds": "ready"}


def test_a_health_check_sees_that_nothing_could_be_loaded(make_lobby, exports):
    def load():
        raise ValueError("the weights cannot be read")

    lobby = make_lobby(load)
    lobby.loader.worlds_known.result(10)
    with make_client(lobby, exports) as client:
        reply = client.get("/livestep/health")
    assert (reply.status_code, reply.json()) == (503, {"model": "failed", "worlds": "failed"})


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
        socket.send_bytes(pack(Start(id=7, prompt="a person walks")))
        poses = receive(socket, Poses)
        assert (poses.first, poses.prompt, poses.rotations.shape[1:]) == (0, 7, (22, 4))
        assert poses.milliseconds > 0


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://testserver.evil.example", "null"]
)
def test_other_sites_are_refused(client, origin):
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(LIVE, headers={"origin": origin}) as socket,
    ):
        socket.receive_bytes()
    address = f"/livestep/export/{uuid.uuid4()}"
    reply = client.post(address, content=b"{}", headers={"origin": origin})
    assert reply.status_code == 403


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
        for _ in range(400):
            socket.send_bytes(pack(Ack(lead=1, take=1, received=1, shown=1)))
        with pytest.raises(WebSocketDisconnect):
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
        patch.setattr(lobby.motion_visitors, "limits", Limits(pages=0))
        patch.setattr(MotionVisitor, "busy", True)  # else idle ones make room
        with client.websocket_connect(LIVE) as socket:
            socket.send_bytes(pack(hello()))
            assert "takes no more" in receive(socket, Problem).message


def test_files_of_the_server_stay_there(client):
    for path in ("/etc/passwd", str(Path("app.py").resolve())):
        assert client.get(f"/gradio_api/file={path}").status_code in (403, 404)
