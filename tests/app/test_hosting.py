"""Whom requests come from, what proxies say of them, who may show the page. No port, no browser."""

from __future__ import annotations

import copy
import re
import uuid

import pytest
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app.hosting import Doorway, Hosting
from app.protocol import Model, pack
from tests.support.server import LIVE, hello, make_app, receive

PROXY = "10.0.0.2"


@pytest.fixture(scope="module")
def ask(lobby, exports):
    """Make clients of a server that is hosted like this."""
    app = make_app(lobby, exports)

    def make(peer: str = PROXY, **told: str) -> TestClient:
        hosting = Hosting.read(**told)
        app.root_path = hosting.root  # as `launch` does
        hosted = copy.copy(app)
        doorway = Middleware(Doorway, hosting=hosting)
        hosted.user_middleware = [doorway if m.cls is Doorway else m for m in app.user_middleware]
        return TestClient(hosted, client=(peer, 50000))

    return make


def welcome(client, origin: str, **headers: str) -> bool:
    """Whether a page of this origin may do things: the same for its socket and its requests."""
    headers = {"origin": origin} | {name.replace("_", "-"): to for name, to in headers.items()}
    reply = client.post(f"/livestep/export/{uuid.uuid4()}", content=b"{}", headers=headers)
    try:
        with client.websocket_connect(LIVE, headers=headers) as socket:
            socket.send_bytes(pack(hello()))
            receive(socket, Model)
            assert reply.status_code == 400  # it knows of no take
            return True
    except WebSocketDisconnect:
        assert reply.status_code == 403
        return False


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://demo.example:8888", "demo.example"),
        ("https://demo.example", "demo.example:443"),
        ("http://demo.example", "demo.example:80"),
        ("https://demo.example", "demo.example:7860"),
        ("https://demo.example", "DEMO.Example"),
        ("http://[::1]:7860", "[::1]:7860"),
    ],
)
def test_the_same_host_is_the_same_host(ask, origin, host):
    assert welcome(ask(), origin, host=host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "demo.example"),
        ("https://demo.example.evil.example", "demo.example"),
        ("https://evil-demo.example", "demo.example"),
        ("null", "demo.example"),
        ("null", ""),
        ("", ""),
        ("http://[", "["),
    ],
)
def test_another_host_is_another_site(ask, origin, host):
    assert not welcome(ask(), origin, host=host)


def test_forwarded_hosts_count_only_from_proxies_that_were_named(ask):
    for peer in (PROXY, "127.0.0.1"):
        forged = {"host": "demo.example", "x_forwarded_host": "evil.example"}
        assert not welcome(ask(peer), "https://evil.example", **forged)
        assert welcome(ask(peer), "https://demo.example", **forged)
    inside = {"host": "10.0.0.3:7860", "x_forwarded_host": "demo.example, 10.0.0.9"}
    for proxies in (PROXY, "10.0.0.0/8", "192.0.2.1, ::1, 10.0.0.2", "*"):
        assert welcome(ask(proxies=proxies), "https://demo.example", **inside)
        assert not welcome(ask(proxies=proxies), "https://evil.example", **inside)
    assert not welcome(ask("10.0.0.4", proxies=PROXY), "https://demo.example", **inside)
    page = ask(proxies=PROXY).get(
        "/",
        headers={
            "host": "10.0.0.3",
            "x-forwarded-host": "demo.example",
            "x-forwarded-proto": "https",
        },
    )
    assert '"root":"https://demo.example"' in page.text


def test_the_machine_itself_may_say_who_asks_over_what(ask, lobby):
    for peer, address in (("127.0.0.1", "198.51.100.7"), ("192.0.2.1", "192.0.2.1")):
        greeting = hello()
        headers = {"x-forwarded-for": "6.6.6.6, 198.51.100.7", "x-forwarded-proto": "https"}
        with ask(peer).websocket_connect(LIVE, headers=headers) as socket:
            socket.send_bytes(pack(greeting))
            receive(socket, Model)
            assert lobby.motion_visitors.find(greeting.session).feed.address == address


def test_sites_that_were_named_may_use_the_page(ask):
    named = ask(sites="https://Blog.example/, http://localhost:3000")
    assert welcome(named, "https://blog.example", host="demo.example")
    assert welcome(named, "http://localhost:3000", host="demo.example")
    assert not welcome(named, "http://localhost:3001", host="demo.example")
    assert not welcome(named, "http://blog.example", host="demo.example")
    assert welcome(ask(sites="*"), "null", host="demo.example")
    policy = named.get("/").headers["content-security-policy"]
    assert "frame-ancestors 'self' https://blog.example http://localhost:3000;" in policy


def test_all_answers_say_who_may_show_them_and_what_they_are(ask, client):
    for path in ("/", "/livestep/health", "/livestep/static/livestep.js", "/config", "/nothing"):
        headers = client.get(path).headers
        assert headers.get_list("x-content-type-options") == ["nosniff"]
        assert headers["content-security-policy"].startswith("frame-ancestors 'self';")


def test_the_refusal_names_the_setting(ask):
    reply = ask().post(
        "/livestep/rig", headers={"origin": "https://demo.example", "host": "10.0.0.3:7860"}
    )
    said = reply.json()["message"]
    assert "shown as https://demo.example, but its server is asked for 10.0.0.3:7860" in said
    assert "Host header" in said
    assert "--sites" in said
    assert said.count(". ") == 0
    long = ask().post("/livestep/rig", headers={"origin": "https://" + "x" * 5000})
    assert len(long.text) < 700


def test_gradios_own_routes_are_for_our_page_too(ask):
    reply = ask().post("/gradio_api/queue/join", headers={"origin": "https://evil.example"})
    assert reply.status_code == 403
    reply = ask().post("/gradio_api/queue/join", headers={"origin": "http://testserver"})
    assert reply.status_code == 422


@pytest.mark.parametrize("root", ["x", "/x/", "https://demo.example/a/b/", "/livestep"])
def test_the_page_under_a_path(ask, root):
    client = ask(root=root)
    path = Hosting.read(root=root).path
    for before in ("", path):  # stripped by the proxy or not
        page = client.get(f"{before}/", headers={"host": "demo.example"})
        assert page.status_code == 200
        assert re.search(f'"root":"https?://demo.example{path}"', page.text)
        for name in ("livestep/static/livestep.js", "livestep/health", "config"):
            assert client.get(f"{before}/{name}").status_code == 200, name
        with client.websocket_connect(f"{before}{LIVE}") as socket:
            socket.send_bytes(pack(hello()))
            receive(socket, Model)
    assert client.get(path, follow_redirects=False).status_code == 200
    assert client.get(f"{path}x/livestep/health").status_code == 404


def test_the_page_is_told_where_it_is_before_its_scripts_look(client):
    page = client.get("/")
    config, told, script = map(
        page.text.index, ("gradio_config =", "gradio_config.root", "./assets")
    )
    assert config < told < script
    assert page.text.count("<base") == 1
    assert page.headers["content-length"] == str(len(page.content))
    assert client.head("/").status_code == 200


@pytest.mark.parametrize(
    ("root", "address"),
    [
        ("", "http://demo.example:8888/"),
        ("x", "http://demo.example:8888/x/"),
        ("https://other.example/x", "https://other.example/x/"),
    ],
)
def test_links_to_the_page_show_what_it_is(ask, root, address):
    client = ask(root=root)
    page = client.get("/", headers={"host": "demo.example:8888"})
    tags = re.findall(r'<meta (?:property|name)="([\w:]+)" content="([^"]*)" />', page.text)
    told = dict(tags)
    assert len(tags) == len(told)  # each once
    assert page.text.lower().count('"og:title"') == page.text.count('"twitter:title"') == 1
    assert told["og:title"] == told["twitter:title"] == "Livestep"
    assert told["og:url"] == address
    assert told["og:image"] == told["twitter:image"]
    assert told["og:image"].startswith(f"{address}livestep/static/")
    assert "Gradio" not in " ".join(told.values())
    [icon] = re.findall(r'<link rel="icon" [^>]*href="([^"]+)"', page.text)
    for path in (icon, told["og:image"].removeprefix(address)):
        assert client.get(f"/{path}").status_code == 200
    assert page.headers["content-length"] == str(len(page.content))


def test_whoever_asks_writes_nothing_into_the_page(ask):
    page = ask().get("/", headers={"host": 'a"><script>alert(1)</script>'})
    assert "><script>alert(1)" not in page.text.partition("<style>")[0]


def test_the_address_of_the_host_may_be_told_whole(ask):
    client = ask(root="https://demo.example/x")
    assert welcome(client, "https://demo.example", host="10.0.0.3")
    assert not welcome(client, "https://evil.example", host="10.0.0.3")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"sites": "demo.example"}, "a site is called https://demo.example"),
        ({"sites": "https://a.example;script-src"}, "a site is called"),
        ({"sites": "https://a.example/path"}, "a site is called"),
        ({"proxies": "proxy.local"}, "a proxy is called 10.0.0.2"),
        ({"proxies": "10.0.0.300"}, "a proxy is called"),
    ],
)
def test_what_cannot_be_read_is_said(told, said):
    with pytest.raises(ValueError, match=said):
        Hosting.read(**told)
