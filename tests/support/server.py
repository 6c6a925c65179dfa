"""An in-process server with the fake engine, and a page's side of the talk with it."""

from __future__ import annotations

import json
import time
import uuid

from gradio.routes import App
from starlette.testclient import TestClient

from app.exports.store import Exports
from app.live.loader import Loader
from app.live.lobby import Lobby
from app.live.sharing import Limits
from app.protocol import MOST_UPLOAD, Ack, Hello, Poses, Prompt, Start, State, TakeInfo, pack
from app.protocol import unpack_from_server as unpack
from app.ui import build, launch_options
from tests.support.fakes import FakeEngine

LIVE, PLAY = "/livestep/live", "/livestep/play"


def new_lobby() -> Lobby:
    engine = FakeEngine(milliseconds_per_pose=0.2, milliseconds_per_frame=1)
    loader = Loader(lambda: engine).start()
    loader.worlds_known.result(10)
    return Lobby(loader, Limits(pages=8))


def make_app(lobby: Lobby, exports: Exports) -> App:
    options = launch_options(lobby, exports)
    page = build(lobby, exports)
    page.theme, page.head, page.max_file_size = options["theme"], options["head"], MOST_UPLOAD
    return App.create_app(page, app_kwargs=options["app_kwargs"])


def make_client(lobby: Lobby, exports: Exports) -> TestClient:
    return TestClient(make_app(lobby, exports))


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
        receive(socket, Poses)
        socket.send_bytes(b"\x03" + json.dumps({"tag": "stop"}).encode())
        receive(socket, State, lambda item: item.state == "stopped")
    return greeting.session


def refusal(client, address: str, wishes) -> str:
    """Ask for what cannot be had; return the sentence."""
    reply = client.post(address, json=wishes)
    assert reply.status_code == 400
    return reply.json()["message"]


def wait_for(client, session: str, job: dict, at: str = "export") -> dict:
    """Wait until an export is over."""
    deadline = time.monotonic() + 30
    while job["state"] in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.02)
        job = client.get(f"/livestep/{at}/{session}/{job['job']}").json()
    return job
