"""The tab of videos over HTTP and its socket, in process: strangers, limits, two visitors."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import uuid

import numpy as np
import pytest

from app.capture import uploads
from app.capture.uploads import Uploads, as_upload, file_name
from app.protocol import (
    Ack,
    Follow,
    Model,
    Onward,
    Poses,
    Problem,
    Reference,
    State,
    TakeInfo,
    pack,
    unpack_from_server,
)
from tests.support.fake_capture import fake_film
from tests.support.server import hello, receive, wait_for

FOLLOW = "/livestep/follow"


@contextlib.contextmanager
def page(client):
    """A page of the tab: its socket and its session."""
    greeting = hello()
    with client.websocket_connect(FOLLOW) as socket:
        socket.send_bytes(pack(greeting))
        receive(socket, Model)
        yield socket, greeting.session


def upload(client, session: str, data: bytes, name: str = "clip.mp4", **headers):
    address = f"/livestep/clip/{session}"
    return client.post(address, params={"name": name}, content=data, headers=headers)


def follow(client, socket, session: str, **about) -> Reference:
    assert upload(client, session, fake_film(20, **about)).json()["ok"]
    socket.send_bytes(pack(Follow()))
    return receive(socket, Reference)


def finish(socket) -> State:
    return receive(socket, State, lambda item: item.state == "stopped" and item.work)


def test_a_file_goes_in_and_an_export_comes_out(client):
    with page(client) as (socket, session):
        reply = upload(client, session, fake_film(20), "C:\\films\\Aunt Emma's dance.MP4")
        assert reply.json() == {
            "ok": True,
            "name": "Aunt Emma's dance.MP4",
            "kind": "video",
            "bytes": len(fake_film(20)),
        }
        socket.send_bytes(pack(Follow()))
        number = receive(socket, TakeInfo).take
        assert receive(socket, Reference).take == number
        assert receive(socket, Poses).first == 0
        socket.send_bytes(pack(Onward(id=1, prompt="and then jumps", seconds=1)))
        assert receive(socket, Poses, lambda poses: poses.prompt == 1).first == 20
        assert finish(socket).reason == ""
        socket.send_bytes(pack(Ack(lead=4, take=number, received=40, shown=1)))
        reply = client.post(f"/livestep/followed/{session}", json={"format": "npz", "fps": 20})
        job = wait_for(client, session, reply.json(), "followed")
        assert job["state"] == "done", job["message"]
        assert job["file"] == "livestep-aunt-emma-s-dance.npz"
        address = f"/livestep/followed/{session}/{job['job']}/file"
        assert client.get(address).content[:2] == b"PK"
        assert client.get(address.replace(session, str(uuid.uuid4()))).status_code == 404
        # the motion tab's take of the same session is another one
        reply = client.post(f"/livestep/export/{session}", json={"format": "npz"})
        assert reply.status_code == 400


def test_adjusting_and_similar_motions(client):
    with page(client) as (socket, session):
        follow(client, socket, session)
        reply = client.post(f"/livestep/adjust/{session}", json={"tilt": 12, "lens": 1.1})
        assert reply.json() == {"ok": True}
        assert receive(socket, Reference).tilt == 12
        for text in ("", "somebody limps"):
            reply = client.post(f"/livestep/similar/{session}", json={"text": text})
            matches = reply.json()["matches"]
            assert len(matches) == 5
            assert matches[0].keys() == {
                "label",
                "caption",
                "licence",
                "pack",
                "score",
                "seconds",
                "mirrored",
            }
        assert matches[0]["caption"].startswith("somebody limps")
        reply = client.get(f"/livestep/match/{session}/similar/4")
        poses = unpack_from_server(reply.content)
        assert poses.rotations.shape == (40, 22, 4)
        assert np.isfinite(poses.root).all()
        for address in ("similar/5", "manner/0", "../../x/0", "x/" + "9" * 4400):
            assert client.get(f"/livestep/match/{session}/{address}").status_code == 404


def test_two_visitors_have_nothing_in_common(client):
    with page(client) as (one, first), page(client) as (other, second):
        follow(client, one, first)
        for path, data in (
            ("adjust", {"tilt": 1}),
            ("similar", {}),
            ("followed", {"format": "bvh"}),
        ):
            reply = client.post(f"/livestep/{path}/{second}", json=data)
            assert reply.status_code == 400
            assert "choose a file first" in reply.json()["message"]
        other.send_bytes(pack(Follow()))
        assert "choose it again" in receive(other, Problem).message
        other.send_bytes(pack(Onward(id=1, prompt="jumps")))
        assert "choose a file first" in receive(other, Problem).message
        follow(client, other, second, people=3)


@pytest.mark.parametrize("path", ["clip", "adjust", "similar", "followed"])
def test_strangers_and_other_sites_are_refused(client, path):
    address = f"/livestep/{path}/{uuid.uuid4()}"
    data = {"format": "bvh"} if path == "followed" else {}
    reply = client.post(address, json=data)
    assert reply.status_code == 400
    assert "choose the file again" in reply.json()["message"]
    assert (
        client.post(address, json=data, headers={"origin": "https://evil.example"}).status_code
        == 403
    )


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("adjust", b"{"),
        ("adjust", b'{"tilt": 900}'),
        ("adjust", b'{"tilt": NaN}'),
        ("adjust", b'{"lens": "wide"}'),
        ("similar", b'{"text": 7}'),
        ("similar", b'{"text": "' + b"x" * 301 + b'"}'),
        ("similar", b"x" * 5000),
        ("adjust", b'{"path": "/etc/passwd"}'),
    ],
)
def test_nonsense_gets_a_sentence(client, path, data):
    reply = client.post(f"/livestep/{path}/{uuid.uuid4()}", content=data)
    assert reply.status_code == 400
    assert reply.json()["message"].startswith("The request")


def test_files_are_measured_while_they_come_in(client, lobby, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_UPLOAD", 1000)

    def parts():
        for _ in range(100):
            sent.append(1)
            yield b"x" * 500

    sent: list[int] = []
    with page(client) as (_, session):
        before = lobby.uploads.kept
        reply = upload(client, session, parts())  # nobody says how long it is
        assert reply.status_code == 413
        assert "MB at most" in reply.json()["message"]
        reply = upload(client, session, b"x", **{"content-length": str(2**40)})
        assert reply.status_code == 413
        assert "empty" in upload(client, session, b"").json()["message"]
        assert lobby.uploads.kept == before  # nothing of it stays
        assert not lobby.uploads._coming


def test_a_file_cannot_be_replaced_while_it_is_followed(client):
    with page(client) as (socket, session):
        upload(client, session, fake_film(4000, cost=0.01))
        socket.send_bytes(pack(Follow()))
        receive(socket, State, lambda item: item.share > 0)
        assert "cancel it first" in upload(client, session, b"x").json()["message"]
        socket.send_bytes(b'\x03{"tag":"stop"}')
        assert finish(socket).reason == "asked"
        assert upload(client, session, b"x").json()["ok"]


def test_a_file_that_comes_while_another_is_followed_is_refused(client, lobby):
    def parts():
        yield b"x"
        lobby.capture_visitors.find(session).follow(Follow())
        yield b"x"

    with page(client) as (socket, session):
        upload(client, session, fake_film(4000, cost=0.01))
        kept = lobby.uploads.kept
        reply = upload(client, session, parts())
        assert (reply.status_code, "cancel it first" in reply.json()["message"]) == (400, True)
        assert lobby.uploads.kept == kept
        socket.send_bytes(b'\x03{"tag":"stop"}')
        assert finish(socket).reason == "asked"


def test_files_come_again_once_their_folder_is_gone_or_full(client, lobby, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "/tmp/somewhere")

    with page(client) as (_, session):
        assert upload(client, session, b"x").json()["ok"]
        shutil.rmtree(lobby.uploads._folder.name)
        with monkeypatch.context() as patched:
            patched.setattr(uploads.tempfile, "TemporaryDirectory", full)
            reply = upload(client, session, b"x")
            assert reply.status_code == 400
            assert reply.json()["message"].startswith("The server has no room")
        assert upload(client, session, b"x").json()["ok"]
        with monkeypatch.context() as patched:
            patched.setattr(uploads, "_write", full)
            assert "no room" in upload(client, session, b"x").json()["message"]
        assert upload(client, session, b"x").json()["ok"]
        assert not lobby.uploads._coming


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("dance.MOV", "dance.MOV"),
        ("Walking.fbx", "Walking.fbx"),
        ("walk--01 (take 2), Emma's.bvh", "walk--01 (take 2), Emma's.bvh"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("..", "clip"),
        (".htaccess", "clip.htaccess"),
        ("a/b\0c%d.mp4", "b-c-d.mp4"),
        ("-rf *.mp4;rm.sh", "rf -.mp4-rm.sh"),
        ("a.m p4", "a.m p4"),
        ("a.mp4\u202e", "a.mp4"),
        ("\u0442\u0430\u043d\u0435\u0446.mp4", "\u0442\u0430\u043d\u0435\u0446.mp4"),
        ("\u0928\u0943\u0924\u094d\u092f 1.bvh", "\u0928\u0943\u0924\u094d\u092f 1.bvh"),
        ("\U0001f483.glb", "clip.glb"),
        ("", "clip"),
        ("x" * 300 + ".webm", "x" * 60 + ".webm"),
        ("\U00020000" * 300 + ".webm", "\U00020000" * 60 + ".webm"),
    ],
)
def test_names_are_made_harmless_and_are_known_again(tmp_path, name, made):
    assert file_name(name) == made
    (tmp_path / made).touch()


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("walk.mp4", b"\xef\xbb\xbf  HIERARCHY\r\nROOT", "motion"),
        ("walk.exe", b"glTF\x02", "motion"),
        ("walk.bvh", b"PK\x03\x04", "motion"),
        ("walk.bvh", b"\x1aE\xdf\xa3", "video"),
        ("Walking.fbx", b"Kaydara FBX Binary", "motion"),
        ("Walking.dae", b"<COLLADA>", "video"),
        ("a.npz", b"garbage", "motion"),
    ],
)
def test_what_a_file_is_comes_from_the_content(tmp_path, name, head, kind):
    (tmp_path / "incoming").write_bytes(head)
    upload = as_upload(tmp_path / "incoming", name)
    assert (upload.path.name, upload.kind) == (name, kind)
    upload = as_upload(upload.path, name + "!")  # the sign goes, and the kind is that of the rest
    assert (upload.path.name, upload.kind) == (name, kind)


def test_what_comes_is_counted_once_and_nobodys_file_goes_in_vain(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_KEPT", 1000)
    store = Uploads()

    async def parts():
        yield bytes(300)

    kept = [asyncio.run(store.receive(parts(), "a.mp4", size=300)) for _ in range(2)]
    for when, one in enumerate(kept):
        one.left = float(when)
    folders = [store._enter(str(i), str(i), 100) for i in range(4)]
    assert [size for _, _, size in store._coming.values()] == [100] * 4
    with pytest.raises(ValueError, match="too many files"):
        store._enter("x", "x", 700)
    assert all(one.path.exists() for one in kept)
    store._enter("x", "x", 200)
    assert [one.path.exists() for one in kept] == [False, True]
    assert len({*folders}) == 4
    store.close()


def test_uploads_lie_apart_and_go(monkeypatch):
    store = Uploads()

    async def parts():
        yield b"abc"

    async def broken():
        yield b"abc"
        raise ConnectionError

    first, second = (asyncio.run(store.receive(parts(), "a.mp4")) for _ in range(2))
    assert first.path.parent != second.path.parent
    assert first.path.parent.stat().st_mode & 0o077 == 0
    with pytest.raises(ConnectionError):
        asyncio.run(store.receive(broken(), "a.mp4"))
    assert store.kept == 6
    first.delete()
    assert store.kept == 3
    monkeypatch.setattr(uploads, "MOST_KEPT", 2)
    with pytest.raises(ValueError, match="too many files"):
        asyncio.run(store.receive(parts(), "a.mp4"))
    store.close()
    assert not second.path.exists()
