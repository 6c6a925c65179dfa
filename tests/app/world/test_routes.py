"""The world tab over HTTP and WebSocket, in process: frames, films, pictures, refusals."""

from __future__ import annotations

import io
import json
import uuid
from dataclasses import replace

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect

from app.protocol import (
    DreamState,
    Drive,
    Frame,
    Keys,
    Poses,
    Problem,
    Shown,
    Tally,
    Tune,
    Worlds,
    pack,
)
from app.world.pictures import MOST_BYTES, decode, png
from app.world.protocol import RECORDED
from tests.support.server import LIVE, PLAY, hello, receive, refusal, wait_for
from tests.support.visitors import START, WORLD

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)


def play(socket, frames: int) -> list[Frame]:
    """Draw this many frames."""
    drawn = []
    while len(drawn) < frames:
        drawn.append(receive(socket, Frame))
        socket.send_bytes(pack(Shown(index=drawn[-1].index)))
    return drawn


@pytest.fixture(scope="module")
def session(client):
    """A session that has a recording of 15 frames or so."""
    greeting = hello()
    with client.websocket_connect(PLAY) as socket:
        socket.send_bytes(pack(greeting))
        socket.send_bytes(pack(WORLD))
        socket.send_bytes(pack(Keys(mask=1, seq=1)))
        play(socket, 3)
        socket.send_bytes(pack(Drive(do="record")))
        play(socket, 15)
        socket.send_bytes(pack(Drive(do="keep")))
        receive(socket, Tally, lambda item: item.script)
        socket.send_bytes(pack(Drive(do="stop")))
        receive(socket, DreamState, lambda item: item.state == "stopped")
    return greeting.session


def test_a_world_answers_keys(client):
    with client.websocket_connect(PLAY) as socket:
        socket.send_bytes(pack(hello()))
        worlds = receive(socket, Worlds)
        assert [world.name for world in worlds.worlds] == ["video", "video-teacher", "blocks"]
        assert [world.ground is None for world in worlds.worlds] == [True, True, False]
        assert worlds.worlds[0].keys[4].codes == ("ArrowLeft",)
        assert receive(socket, DreamState).state == "idle"
        socket.send_bytes(pack(WORLD))
        assert receive(socket, Frame).index == 0
        socket.send_bytes(pack(Keys(mask=17, seq=9)))
        socket.send_bytes(pack(Drive(do="record")))
        frames = play(socket, 12)
        assert (frames[-1].mask, frames[-1].seq) == (17, 9)
        assert frames[-1].flags & RECORDED
        assert decode(frames[-1].jpeg).shape == (96, 128, 3)
        socket.send_bytes(pack(Drive(do="pause")))
        assert receive(socket, DreamState, lambda item: item.state == "paused").world > 0


def test_a_second_tab_takes_over_and_sees_the_newest_frame(client):
    greeting = hello()
    with client.websocket_connect(PLAY) as first:
        first.send_bytes(pack(greeting))
        first.send_bytes(pack(WORLD))
        newest = play(first, 5)[-1].index
        with client.websocket_connect(PLAY) as second:
            second.send_bytes(pack(greeting))
            assert receive(second, DreamState).state == "playing"
            assert receive(second, Frame).index >= newest
            assert "another tab" in receive(first, Problem).message
            with pytest.raises(WebSocketDisconnect) as caught:
                first.receive_bytes()
            assert caught.value.code == 4001


def test_one_page_holds_both_tabs(client):
    greeting = hello()
    with client.websocket_connect(LIVE) as motion, client.websocket_connect(PLAY) as world:
        for socket in (motion, world):
            socket.send_bytes(pack(greeting))
        motion.send_bytes(pack(START))
        world.send_bytes(pack(WORLD))
        receive(motion, Poses)
        play(world, 3)


def test_nonsense_is_answered_and_survived(client):
    with client.websocket_connect(PLAY) as socket:
        socket.send_bytes(pack(hello()))
        for junk in (b"\x03{", b"\x01\x00", b"\xff", b"", b"\x03" + b"x" * 300_000):
            socket.send_bytes(junk)
            assert receive(socket, Problem).about == "connection"
        socket.send_bytes(b'\x03{"tag":"world","context_noise":NaN}')
        assert "context_noise" in receive(socket, Problem).message
        for early in (Drive(do="play"), Drive(do="record"), Tune(steps=2)):
            socket.send_bytes(pack(early))
            assert "no world yet" in receive(socket, Problem).message
        socket.send_bytes(pack(START))  # the other tab's: nobody minds
        socket.send_bytes(pack(WORLD))
        play(socket, 2)
        socket.send_bytes(pack(Keys(mask=64, seq=1)))
        assert "6 keys" in receive(socket, Problem).message
        socket.send_bytes(pack(Shown(index=2**32 - 1)))
        play(socket, 3)
        socket.send_bytes(pack(replace(WORLD, script="Q:1")))
        wrong = receive(socket, DreamState, lambda item: item.reason == "problem")
        assert wrong.message.startswith("Unknown key 'Q'")


def test_a_flood_is_cut_off(client):
    with client.websocket_connect(PLAY) as socket:
        socket.send_bytes(pack(hello()))
        for _ in range(600):
            socket.send_bytes(pack(Keys(mask=0, seq=1)))
        with pytest.raises(WebSocketDisconnect):
            receive(socket, Frame)


@pytest.mark.parametrize("format", ["mp4", "json"])
def test_films_and_logs(client, session, format):
    reply = client.post(f"/livestep/film/{session}", json={"format": format, "scale": 2})
    assert reply.status_code == 202, reply.text
    job = wait_for(client, session, reply.json())
    assert job["state"] == "done", job["message"]
    assert job["file"] == f"livestep-video-3.{format}"
    address = f"/livestep/film/{session}/{job['job']}"
    assert client.get(address).json() == job
    file = client.get(f"{address}/file").content
    assert len(file) == job["bytes"]
    if format == "json":
        assert "W:" in json.loads(file)["script"]
    else:
        assert file[4:8] == b"ftyp"
    other = address.replace(session, str(uuid.uuid4()))
    assert client.get(other).status_code == 404


@pytest.mark.parametrize(
    ("wishes", "word"),
    [
        ({"format": "exe"}, "format"),
        ({"format": "mp4", "scale": 50}, "scale"),
        ({"format": "mp4", "scale": "big"}, "read"),
        ({}, "read"),
        ({"format": "b" * 3000}, "long"),
    ],
)
def test_bad_films_are_refused_in_sentences(client, session, wishes, word):
    assert word in refusal(client, f"/livestep/film/{session}", wishes).lower()


def test_who_never_played_has_no_film(client):
    message = refusal(client, f"/livestep/film/{uuid.uuid4()}", {"format": "mp4"})
    assert message.startswith("The server does not know this world")


def test_pictures_to_begin_from(client, lobby):
    reply = client.get("/livestep/seed/video/1.png")
    picture = lobby.loader.engine().seed_picture("video", 1)
    np.testing.assert_array_equal(decode(reply.content), picture)
    tag = {"if-none-match": reply.headers["etag"]}
    assert client.get("/livestep/seed/video/1.png", headers=tag).status_code == 304
    for address in ("video/9", "video/" + "9" * 4400, "video/-1", "nothing/0", "..%2fvideo/0"):
        assert client.get(f"/livestep/seed/{address}.png").status_code == 404


def test_an_upload_begins_a_world_and_is_seen_in_the_strip(client, lobby):
    greeting = hello()
    address = f"/livestep/start/{greeting.session}"
    assert client.post(address, content=png(PICTURE)).status_code == 400  # nobody known
    with client.websocket_connect(PLAY) as socket:
        socket.send_bytes(pack(greeting))
        receive(socket, Worlds)
        strip = f"/livestep/strip/{greeting.session}.jpg"
        assert client.get(strip).status_code == 404
        reply = client.post(address, content=png(PICTURE))
        assert reply.json() == {"ok": True, "width": 80, "height": 60}
        socket.send_bytes(pack(replace(WORLD, start=-1)))
        play(socket, 10)
        assert decode(client.get(strip).content).shape == (96, 8 * 128, 3)
        assert lobby.world_visitors.find(greeting.session)._job.log.request.start == -1


def test_bad_uploads_are_refused_in_sentences(client, session):
    address = f"/livestep/start/{session}"
    reply = client.post(address, content=b"MZ" + bytes(100))
    assert reply.status_code == 400
    assert "not a picture" in reply.json()["message"]
    evil = client.post(address, content=png(PICTURE), headers={"origin": "https://evil.example"})
    assert evil.status_code == 403
    for content in (bytes(MOST_BYTES + 1), io.BytesIO(bytes(MOST_BYTES + 1))):
        reply = client.post(address, content=content)
        assert reply.status_code == 413
        assert "8 MB" in reply.json()["message"]


def test_other_sites_are_refused(client):
    headers = {"origin": "https://evil.example"}
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(PLAY, headers=headers) as socket,
    ):
        socket.receive_bytes()
    reply = client.post(f"/livestep/film/{uuid.uuid4()}", content=b"{}", headers=headers)
    assert reply.status_code == 403
