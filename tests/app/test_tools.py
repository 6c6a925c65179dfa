"""`--mcp`: the tools, called by the protocol's own client; what is hostile gets a sentence."""

from __future__ import annotations

import ast
import asyncio
import base64
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import httpx
import pytest

import app.tools
from app.exports.files import FORMATS
from app.hosting import Hosting
from app.tools import Format, given
from core.export.metadata import VERSION
from tests.support.browsing import serving
from tests.support.fakes import FakeEngine

pytest.importorskip("mcp", reason="gradio[mcp] is not installed")

from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

NO_FILE = (
    "There is no such file: upload it to /gradio_api/upload and give what that answers;"
    " nothing is fetched from other addresses."
)


@pytest.fixture(scope="module")
def address():
    """A server under a path, which its proxy may strip."""
    with serving(FakeEngine(), Hosting.read(root="/x", tools=True)) as port:
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def session(address: str, path: str = "/x/gradio_api/mcp/"):
    async with (
        streamable_http_client(address + path) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        begun = await session.initialize()
        assert (begun.serverInfo.name, begun.serverInfo.version) == ("Livestep", VERSION)
        yield session


def call(address: str, tool: str, **asked) -> tuple[bool, str, str]:
    """Call a tool; return whether that went wrong, what was answered, and a sentence on it."""

    async def calling():
        async with session(address) as talk:
            return await talk.call_tool(tool, asked)

    reply = asyncio.run(calling())
    said = [content.text for content in reply.content]
    assert "/tmp" not in " ".join(said)  # no path of the server
    return reply.isError, said[0], said[1] if said[1:] else ""


def written(name: str) -> str:
    """All that the source says of a tool's arguments."""
    nodes = ast.walk(ast.parse(Path(app.tools.__file__).read_text()))
    (tool,) = (n for n in nodes if isinstance(n, ast.AsyncFunctionDef) and n.name == name)
    arguments = (ast.get_docstring(tool) or "").partition("Args:")[2].partition("Returns:")[0]
    return " ".join(arguments.split())


@pytest.mark.parametrize("path", ["/x/gradio_api/mcp/", "/gradio_api/mcp"])
def test_there_are_three_that_need_little(address, path):
    async def listing():
        async with session(address, path) as talk:
            return (await talk.list_tools()).tools

    tools = asyncio.run(listing())
    needed = {tool.name: tool.inputSchema["required"] for tool in tools}
    assert needed == {
        "text_to_motion": ["prompt"],
        "video_to_motion": ["video"],
        "play_world": ["keys"],
    }
    for tool in tools:
        assert len(tool.description) > 80
        said = [
            f"{n}: {about['description']}" for n, about in tool.inputSchema["properties"].items()
        ]
        assert " ".join(said) == written(tool.name)
    schema = httpx.get(f"{address}/x/gradio_api/mcp/schema").json()
    assert [tool["name"] for tool in schema] == list(needed)
    assert get_args(Format) == FORMATS


def test_a_file_comes_out_and_goes_in_again(address, exports, tmp_path):
    wrong, made, about = call(address, "text_to_motion", prompt="walks", seconds=3, loop=True)
    assert not wrong
    assert made.startswith(f"{address}/x/livestep/export/")
    assert about.startswith("livestep-walks.bvh can be fetched from there for 15 minutes. The loop")
    walk = httpx.get(made).content
    assert walk.startswith(b"HIERARCHY")
    files = {"files": ("walk.bvh", walk)}
    (uploaded,) = httpx.post(f"{address}/gradio_api/upload", files=files).json()
    assert given(exports, uploaded, tmp_path).read_bytes() == walk
    inside = f"data:application/octet-stream;base64,{base64.b64encode(walk).decode()}"
    for video in (made, inside):
        wrong, again, about = call(address, "video_to_motion", video=video, format="npz")
        assert about.startswith("livestep-")
        assert not wrong
        assert httpx.get(again).content.startswith(b"PK")


def test_what_is_not_understood_is_said(address):
    *_, about = call(address, "text_to_motion", prompt="asdf qwer")
    assert about.endswith("minutes. 'asdf qwer' is not understood: the person stands still.")
    walk, nothing = (
        call(address, "text_to_motion", prompt=text)[1:] for text in ("a person walks", "walks")
    )
    assert walk[1].endswith("minutes.")
    assert nothing[1].endswith("minutes.")
    *_, about = call(address, "video_to_motion", video=walk[0], then="asdf qwer")
    assert about.startswith("livestep-a-person-walks.bvh can be")
    assert about.endswith("'asdf qwer' is not understood: the person stands still.")


def test_a_world_is_played(address):
    wrong, film, _ = call(address, "play_world", keys="W:4,-:2")
    assert not wrong
    assert httpx.get(film).content[4:8] == b"ftyp"
    assert call(address, "play_world", keys="Z:4")[1].startswith(
        "Unknown key 'Z'; this world knows"
    )


@pytest.mark.parametrize(
    "video",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/gradio_api/file=/etc/passwd",
        "https://a.example/gradio_api/file=../../../etc/passwd",
        "https://a.example/livestep/export/../../file",
        "\0",
        "",
        "x" * 10_000,
    ],
)
def test_no_file_of_the_server_is_read_and_none_is_fetched(address, video):
    assert call(address, "video_to_motion", video=video) == (True, NO_FILE, "")


@pytest.mark.parametrize(
    ("tool", "asked", "said"),
    [
        ("text_to_motion", {"prompt": "a" * 10_000}, "Prompt must have at most"),
        ("text_to_motion", {"prompt": "a", "seconds": 1e308}, "The motion can be up to 120 sec"),
        ("text_to_motion", {"prompt": "a", "seed": 10**40}, "Seed must be a whole number, got 1"),
        ("text_to_motion", {"prompt": "a", "format": "exe"}, "Input validation error: 'exe' is no"),
        ("play_world", {"keys": "W:999999"}, "The key script is longer than 108000 frames"),
        ("play_world", {"keys": "W:1", "start": -(10**20)}, "Start must be a whole number, got"),
        ("video_to_motion", {"video": "data:;base64,?"}, "The data: URL holds no base64."),
        ("video_to_motion", {"video": {"path": "/etc/passwd"}}, "Input validation error: {'path'"),
        ("keys_to_video", {"keys": "W:1"}, "Unknown tool"),
        ("tool_video_to_motion", {"video": "/etc/passwd"}, "Unknown tool"),
    ],
)
def test_what_cannot_be_done_is_said(address, tool, asked, said):
    wrong, answer, _ = call(address, tool, **asked)
    assert wrong
    assert answer.startswith(said)
    assert len(answer) < 300


def test_pages_of_other_sites_call_nothing(address):
    foreign = {"origin": "https://evil.example", "accept": "application/json, text/event-stream"}
    order = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    reply = httpx.post(f"{address}/x/gradio_api/mcp/", json=order, headers=foreign)
    assert reply.status_code == 403
    own = foreign | {"origin": address}
    reply = httpx.post(f"{address}/x/gradio_api/mcp/", json=order, headers=own)
    assert reply.headers["content-security-policy"].startswith("frame-ancestors")
    assert len(json.loads(reply.text.partition("data: ")[2])["result"]["tools"]) == 3
