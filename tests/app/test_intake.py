"""What Gradio's routes are given, and bodies that never end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import uuid

import pytest

from app import intake
from app.intake import Body, Folder, Refused
from tests.support.server import make_client

BOUNDARY = {"content-type": "multipart/form-data; boundary=x"}
UPLOAD = "/gradio_api/upload"


@pytest.fixture
def gradios(tmp_path, monkeypatch, lobby, exports):
    """A server whose Gradio has a folder of its own."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with make_client(lobby, exports) as client:
        yield client


def send(client, size: int, count: int = 1) -> list[int]:
    files = [{"files": (f"{i}.bin", bytes([i]) * size)} for i in range(count)]
    return [client.post(UPLOAD, files=file).status_code for file in files]


def test_gradios_folder_fills_up_and_is_swept(gradios, tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "MOST_KEPT", 3 * intake.LEAST_FILE + 1000)
    assert send(gradios, 100, 5) == [200, 200, 200, 503, 503]
    reply = gradios.post(UPLOAD, files={"files": ("a.bin", b"a")})
    assert reply.json()["message"] == "The server has too many files; try again in a minute."
    now = [0.0]
    monkeypatch.setattr(intake, "lived", lambda: now[0])
    folder = Folder(tmp_path)
    folder.sweep()
    now[0] = intake.SPARE + 1
    folder.sweep()
    assert len(folder._files()) == 1  # less than half is left
    now[0] = intake.KEEP + 1
    folder.sweep()
    assert not folder._files()
    assert send(gradios, 100) == [200]


def test_what_is_too_long_is_not_read(gradios, monkeypatch):
    monkeypatch.setattr(intake, "MOST_UPLOAD", 1000)
    monkeypatch.setattr(intake, "MOST_ASKED", 1000)
    monkeypatch.setattr(intake, "MOST_AROUND", 1000)
    assert send(gradios, intake.MOST_AROUND + 2000) == [413]

    def endless():
        for _ in range(100):
            yield b"x" * 1000

    reply = gradios.post(UPLOAD, content=endless(), headers=BOUNDARY)
    assert (reply.status_code, reply.json()["message"][:16]) == (413, "This is too long")
    for path in ("queue/join", "call/text_to_motion", "run/text_to_motion"):
        reply = gradios.post(f"/gradio_api/{path}", content=b"[" * 3000)
        assert reply.status_code == 413
        assert gradios.post(f"/gradio_api/{path}", content=endless()).status_code == 400


def test_what_does_not_arrive_leaves_nothing(gradios, tmp_path, monkeypatch):
    from starlette.requests import ClientDisconnect

    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
    there: list[int] = []

    def parts(end: BaseException):
        yield head
        yield b"x" * 1000
        there.append(len(list(tmp_path.iterdir())))
        raise end

    for end in (OSError(errno.ENOSPC, "No space left on device"), ClientDisconnect()):
        left = parts(end)

        async def part(self, left=left):
            return {"type": "http.request", "body": next(left), "more_body": True}

        with monkeypatch.context() as patched:
            patched.setattr(Body, "__call__", part)
            with contextlib.suppress(AssertionError):  # nobody is answered who is gone
                gradios.post(UPLOAD, content=b"", headers=BOUNDARY)
        assert not list(tmp_path.rglob("*"))
    assert there == [1, 1]


def test_a_full_disk_is_said(gradios, monkeypatch):
    from gradio import route_utils

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/somewhere")

    with monkeypatch.context() as patched:
        patched.setattr(route_utils, "NamedTemporaryFile", full)
        reply = gradios.post(UPLOAD, files={"files": ("a.bin", b"a")})
    message = "The server has no room for files; try again later."
    assert (reply.status_code, reply.json()["message"]) == (507, message)
    assert send(gradios, 100) == [200]


@pytest.mark.parametrize("name", ["component_server", "process_recording", "stream/x/close"])
def test_routes_that_nobody_uses_are_closed(client, name):
    assert client.post(f"/gradio_api/{name}", files={"video": b"x"}).status_code == 404
    assert client.get(f"/gradio_api/deep_link?session_hash={uuid.uuid4()}").status_code == 404
    assert client.get("/gradio_api/startup-events").status_code == 200


def test_who_sends_slowly_is_waited_for_by_the_byte(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(intake, "lived", lambda: now[0])

    async def part(seconds: float, size: int, more: bool = True):
        now[0] += seconds
        return {"type": "http.request", "body": bytes(size), "more_body": more}

    async def read(*parts) -> int:
        left = [part(*one) for one in parts]
        body = Body(lambda: left.pop(0), float("inf"))
        try:
            return sum([len((await body())["body"]) for _ in parts])
        finally:
            for one in left:
                one.close()

    assert asyncio.run(read((19, 10), (0.9, 10, False))) == 20
    assert asyncio.run(read(*[(1, 2**15)] * 60)) == 60 * 2**15
    with pytest.raises(Refused, match="too slowly"):
        asyncio.run(read(*[(1, 10)] * 60))
    with pytest.raises(Refused, match="too slowly"):
        asyncio.run(read((30, 10), (1, 1)))


def test_who_says_nothing_more_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(intake, "PATIENCE", 0.05)
    never = asyncio.Event()

    async def silent():
        await never.wait()

    with pytest.raises(Refused, match="too slowly"):
        asyncio.run(Body(silent, 1)())  # pyright: ignore[reportArgumentType]


def test_who_vanishes_leaves_no_traceback(gradios, caplog):
    """What the server's own log says of an upload that is cut off."""
    app, told = gradios.app, []

    async def gone():
        return {"type": "http.disconnect"}

    async def send(message):
        told.append(message)

    length = (b"content-length", b"5000")
    headers = [(k.encode(), v.encode()) for k, v in BOUNDARY.items()] + [length]
    scope = {"type": "http", "method": "POST", "path": UPLOAD, "headers": headers}
    scope |= {"query_string": b"", "client": ("127.0.0.1", 1), "server": ("x", 1), "scheme": "http"}
    with caplog.at_level(logging.ERROR):
        asyncio.run(app(scope, gone, send))
    assert not told
    assert not caplog.text
