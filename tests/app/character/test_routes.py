"""Characters over HTTP: what is said of bones, and files that go home and are deleted."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
import time
from urllib.parse import urlencode

import pytest
from starlette.requests import ClientDisconnect

from app.character import routes
from app.character.routes import MOST_SKELETON, OURS
from app.exports.store import Exports
from benchmarks.character_files import Look, write
from benchmarks.rigs import RIGS
from core.character.character import read_character
from core.character.glb_file import File
from core.character.wire import rig_to_json
from tests.support.server import make_client, new_lobby, record

BOLT = OURS / "bolt.glb"


@pytest.fixture(scope="module")
def lobby():
    return new_lobby()


@pytest.fixture(scope="module")
def client(lobby):
    exports = Exports()
    with make_client(lobby, exports) as client:
        yield client
    exports.close()


@pytest.fixture(scope="module")
def session(client):
    return record(client)


def dress(client, session, data, name="bolt.glb", what="export", **wishes):
    asked = {"format": "glb", "fps": 20, "end": 24} | wishes
    query = urlencode({"name": name, "wishes": json.dumps(asked)})
    return client.post(f"/livestep/dress/{what}/{session}?{query}", content=data)


def description(glb: bytes) -> dict:
    length = struct.unpack_from("<I", glb, 12)[0]
    return json.loads(glb[20 : 20 + length])


def test_bones_are_understood(client):
    reply = client.post("/livestep/rig?name=bolt.glb", content=BOLT.read_bytes())
    assert reply.json() == json.loads(json.dumps(rig_to_json(read_character(BOLT))))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "odd.vrm cannot be moved: its description is damaged."),
        (
            b'{"asset": {"version": "2.0"}, "nodes": [{}]}',
            "odd.vrm cannot be moved: it has no skin",
        ),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"nodes": 7}', "odd.vrm cannot be moved: its nodes are no list of objects."),
        (bytes(MOST_SKELETON + 1), "The skeleton is too large."),
    ],
)
def test_what_is_no_skeleton_is_refused_in_a_sentence(client, data, says):
    reply = client.post("/livestep/rig?name=../../odd.vrm", content=data)
    assert reply.status_code == 400
    assert says in reply.json()["message"]
    assert "/" not in reply.json()["message"]


def test_absurd_counts_cost_nothing(client):
    file = File.read(BOLT)
    worn = next(node for node in file.json["nodes"] if "skin" in node)
    file.json["meshes"][worn["mesh"]]["primitives"] *= 3000
    file.json["nodes"] += [{"mesh": worn["mesh"], "skin": worn["skin"]}] * 1000
    began = time.monotonic()
    reply = client.post("/livestep/rig?name=odd.glb", content=file.to_bytes())
    assert "more than 1000 parts" in reply.json()["message"]
    file.json["nodes"] += [{}] * 5000
    reply = client.post("/livestep/rig?name=odd.glb", content=file.to_bytes())
    assert "5000 are the most" in reply.json()["message"]
    assert time.monotonic() - began < 5


def test_other_sites_are_refused(client, session):
    headers = {"origin": "https://elsewhere.example"}
    for path in ("rig", f"dress/export/{session}"):
        assert client.post(f"/livestep/{path}", headers=headers).status_code == 403


def test_a_take_goes_home_in_its_file_which_is_deleted(client, lobby, session):
    reply = dress(client, session, BOLT.read_bytes())
    assert reply.status_code == 200
    told = description(reply.content)
    assert told["animations"][0]["channels"]
    assert told["meshes"] == description(BOLT.read_bytes())["meshes"]
    assert 'filename="livestep-bolt-' in reply.headers["content-disposition"]
    assert lobby.uploads.kept == 0


def test_what_the_page_made_of_fbx_keeps_its_name(client, session):
    assert dress(client, session, BOLT.read_bytes(), name="hero.fbx").is_success
    reply = client.post("/livestep/rig?name=hero.fbx", content=b'{"nodes": [{}]}')
    assert reply.json()["message"].startswith("hero.fbx cannot be moved: it has no skin")


def test_bvh_needs_bones_alone(client, lobby, session):
    reply = dress(client, session, BOLT.read_bytes(), format="bvh")
    assert reply.text.startswith("HIERARCHY")
    assert "Frames: 24" in reply.text
    assert lobby.uploads.kept == 0


def test_licences_are_obeyed(client, lobby, session, tmp_path):
    path = tmp_path / "bound.vrm"
    write(RIGS["humanoid"], path, Look(vrm=0, meta={"licenseName": "CC_BY_ND"}))
    reply = dress(client, session, path.read_bytes(), name=path.name)
    assert reply.status_code == 400
    assert "must not be changed" in reply.json()["message"]
    assert dress(client, session, path.read_bytes(), name=path.name, format="bvh").is_success
    assert lobby.uploads.kept == 0


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"format": "mp4"}, 400, "a character goes home as"),
        ({"root": "floor"}, 400, "gets no root bone on the floor"),
        ({"fps": 7}, 400, "frame rate"),
        ({"start": -1}, 400, "start must be"),
        ({"what": "film"}, 404, "no takes of that kind"),
        ({"data": b"no glTF"}, 400, "bolt.glb"),
        ({"data": b""}, 400, "is empty"),
        ({"session": "nobody"}, 400, "does not know this take"),
    ],
)
def test_what_cannot_go_home_is_refused(client, lobby, session, asked, status, says):
    given = {"session": session, "data": BOLT.read_bytes()} | asked
    reply = dress(client, **given)
    assert reply.status_code == status
    assert says.lower() in reply.json()["message"].lower()
    assert lobby.uploads.kept == 0


def test_ours_are_there_to_try(client):
    for path in OURS.glob("*.*"):
        assert client.get(f"/livestep/characters/{path.name}").content == path.read_bytes()


def test_work_ends_with_whoever_asked():
    began, ended = threading.Event(), threading.Event()

    class Gone:
        async def is_disconnected(self) -> bool:
            return began.is_set()

    def work(tell) -> None:
        began.set()
        try:
            while True:
                tell(0.0, "")
                time.sleep(0.02)
        finally:
            ended.set()

    with pytest.raises(ClientDisconnect):
        asyncio.run(routes._waited_for(Gone(), work))  # pyright: ignore[reportArgumentType]
    assert ended.is_set()
