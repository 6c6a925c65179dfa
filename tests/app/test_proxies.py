"""Behind real nginx and Caddy, where they are installed: paths, slashes, TLS, sockets, lines."""

from __future__ import annotations

import re
import ssl
import subprocess
import uuid
from functools import partial
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from app.hosting import Hosting
from app.live.line import LENGTH
from app.protocol import Model, Poses, Start, TakeInfo, pack
from app.protocol import unpack_from_server as unpack
from tests.support.browsing import serving
from tests.support.fakes import FakeEngine
from tests.support.proxies import CADDY, caddy, location, nginx
from tests.support.server import LIVE, hello

pytestmark = pytest.mark.slow
DOCS = Path(__file__).parents[2] / "docs/hosting.md"


def shown(language: str) -> str:
    """Return the block that docs/hosting.md shows, of a Caddyfile with the site around it."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert "127.0.0.1:7860" in block
    return block


def shown_to(language: str, upstream: int) -> str:
    """The same, as it stands in a site, for a page at this port."""
    block = shown(language)
    if language == "caddy":
        block = block.partition("{")[2].rpartition("}")[0]
    return block.replace("7860", str(upstream))


WAYS = {
    "nginx strips": (nginx, "http", lambda x: location(x, "/x/", "/") + location(x, "= /x", "/")),
    "nginx keeps": (nginx, "http", lambda x: location(x, "/x")),
    "nginx with TLS": (
        nginx,
        "https",
        lambda x: location(x, "/x/", "/") + location(x, "= /x", "/"),
    ),
    "Caddy strips": (caddy, "http", "handle_path /x* {{\n reverse_proxy 127.0.0.1:{}\n}}".format),
    "Caddy keeps": (caddy, "http", "reverse_proxy /x* 127.0.0.1:{}".format),
    "Caddy with TLS": (
        caddy,
        "https",
        "handle_path /x* {{\n reverse_proxy 127.0.0.1:{}\n}}".format,
    ),
    "nginx as shown": (nginx, "http", partial(shown_to, "nginx")),
    "Caddy as shown": (caddy, "http", partial(shown_to, "caddy")),
}


@pytest.fixture(scope="module")
def under_x():
    with serving(FakeEngine(), Hosting.read(root="/x/")) as port:
        yield port


@pytest.fixture(scope="module", params=WAYS)
def address(request, under_x, tmp_path_factory):
    """Where the page is, without its slash."""
    proxy, scheme, told = WAYS[request.param]
    with proxy(tmp_path_factory.mktemp("proxy"), told(under_x), scheme) as host:
        yield f"{host}/x"


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def test_the_page_and_its_files_are_there(address):
    with httpx.Client(verify=False, follow_redirects=True) as client:
        for slash in ("", "/"):
            page = client.get(f"{address}{slash}")
            assert page.status_code == 200
            root = re.search('"root":"(.*?)"', page.text)
            assert root is not None
            assert root[1] == address
            assert "frame-ancestors" in page.headers["content-security-policy"]
        for file in ("livestep/static/livestep.js", "livestep/health", "config", "theme.css"):
            assert client.get(f"{address}/{file}").status_code == 200, file


def test_a_socket_is_for_our_page(address):
    secure = {"ssl": trusting()} if address.startswith("https") else {}
    where = address.replace("http", "ws", 1) + LIVE
    with connect(where, origin=address.removesuffix("/x"), **secure) as socket:
        socket.send(pack(hello()))
        assert isinstance(unpack(socket.recv(10)), Model)
    with pytest.raises(InvalidStatus):
        connect(where, origin="https://evil.example", **secure)


def test_a_line_is_not_held_back(address):
    with httpx.Client(verify=False, timeout=15) as client:
        check_line(client, address)


def check_line(client: httpx.Client, address: str) -> None:
    """Read a take as it is made, over plain requests."""
    line, origin = f"{address}{LIVE}/{uuid.uuid4()}", address.removesuffix("/x")

    def say(*messages: bytes, origin: str = origin) -> int:
        body = b"".join(LENGTH.pack(len(message)) + message for message in messages)
        return client.post(line, content=body, headers={"origin": origin}).status_code

    with client.stream("GET", line) as reply:
        data, parts = b"", reply.iter_raw()
        assert next(parts) == LENGTH.pack(0)
        assert say(pack(hello()), origin="https://evil.example") == 403
        assert say(pack(hello()), pack(Start(id=1, prompt="a person walks"))) == 204
        kinds = set()
        for part in parts:
            data += part
            while len(data) >= 4 and len(data) >= 4 + LENGTH.unpack_from(data)[0]:
                length = LENGTH.unpack_from(data)[0]
                if length:
                    kinds.add(type(unpack(data[4 : 4 + length])))
                data = data[4 + length :]
            if Poses in kinds:
                break
    assert {Model, TakeInfo} < kinds


def test_without_upgrade_there_is_the_line(under_x, tmp_path):
    with nginx(tmp_path, location(under_x, "/x/", "/", upgrade=False)) as host:
        with pytest.raises(InvalidStatus):
            connect(f"{host.replace('http', 'ws')}/x{LIVE}", origin=host)
        with httpx.Client(timeout=15) as client:
            check_line(client, f"{host}/x")


@pytest.mark.skipif(not CADDY, reason="Caddy is not installed")
def test_the_caddyfile_that_is_shown_is_one(tmp_path):
    (tmp_path / "Caddyfile").write_text(shown("caddy"))
    command = [CADDY, "adapt", "--config", str(tmp_path / "Caddyfile"), "--validate"]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
