"""Wherever people put the page: under a path, behind proxies, in frames of other sites.

What `Doorway` decides holds for Gradio's routes and ours alike: whom a request comes from, whether
it comes from our own page, and who may show that page in a frame.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app import preview
from app.live.replies import problem
from core.faults import Brief

ANY = "*"
LOOPBACK = ("127.0.0.0/8", "::1/128")
"""Proxies that are believed without being named, but for the host: many pass on what they get."""
READING = ("GET", "HEAD", "OPTIONS")
OURS, THEIRS = "/livestep", ("", "livestep", "gradio_api", "assets", "config", "theme.css")
"""Where our routes begin: may be the page's path, too; and what else may follow it there."""
BASE, SCRIPTS = b'<base href="./" />', b"<script data-gradio-mode>"
"""In Gradio's page: where its files are looked for; its scripts, behind what they are told."""
PLACE = b"""<script>{
    const base = document.querySelector("base");
    if (base.getAttribute("href") === "./") base.href = location.pathname.replace(/[/]?$/, "/");
    gradio_config.root = base.href.slice(0, -1);
}</script>"""
"""Tells the page where it is, since no server knows that behind every proxy."""


def brief_logs() -> None:
    """Have errors of the server, which strangers can cause, logged briefly and without words."""
    logging.getLogger("uvicorn.error").addFilter(Brief())


def whole(path: str, root: str) -> str:
    """A request's path with the root that a proxy may have stripped."""
    if path == root:
        return f"{root}/"
    kept = path.startswith(f"{root}/")
    if kept and root == OURS:
        kept = path.split("/")[2] in THEIRS
    return path if kept else root + path


def listed(names: str) -> list[str]:
    """Split at commas and spaces."""
    return names.replace(",", " ").split()


def site(name: str) -> str:
    """Check a site's origin; raise ValueError with a sentence for what is none."""
    name = name.rstrip("/").lower()
    if name != ANY and not re.fullmatch(r"https?://[\w.\[\]:-]+", name, re.ASCII):
        raise ValueError(f"a site is called https://demo.example, or * for all, not {name}")
    return name


def network(name: str) -> str:
    """Check a proxy's address; raise ValueError with a sentence for what is none."""
    try:
        return str(ipaddress.ip_network(name))
    except ValueError:
        raise ValueError(f"a proxy is called 10.0.0.2 or 10.0.0.0/8, not {name}") from None


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """What the page's host knows of the way there."""

    root: str = ""
    """Path, or whole address, under which proxies show the page; it begins with a slash or http."""
    sites: tuple[str, ...] = ()
    """Origins whose pages may show ours in a frame and use our routes; `ANY` for all."""
    proxies: tuple[str, ...] = ()
    """Networks of those whose X-Forwarded-Host counts: they set it themselves."""
    tools: bool = False
    """Whether language models may call tools."""
    metrics_token: str = ""
    """What those who read the metrics know; empty for no metrics."""

    @classmethod
    def read(cls, *, root: str = "", sites: str = "", proxies: str = "", **more: Any) -> Hosting:
        """Read what was given as text; raise ValueError with a sentence. `more` is as it is."""
        root = root.strip().strip("/")
        if root and "://" not in root:
            root = f"/{root}"
        everybody = proxies.replace(ANY, "0.0.0.0/0 ::/0")
        return cls(
            root=root,
            sites=tuple(map(site, listed(sites))),
            proxies=tuple(map(network, listed(everybody))),
            **more,
        )

    @property
    def path(self) -> str:
        """Where the page is on its host: "" or "/name"."""
        return urlsplit(self.root).path

    def address(self, scheme: str, host: str) -> str:
        """The page's whole address for whoever asked for `host`; it ends with a slash."""
        return f"{self.root if '://' in self.root else f'{scheme}://{host}{self.path}'}/"

    @property
    def policy(self) -> str:
        """The Content-Security-Policy; Gradio makes functions of text, so scripts are not in it."""
        frames = " ".join(("'self'", *self.sites))
        return f"frame-ancestors {frames}; base-uri 'self'; object-src 'none'; form-action 'self'"

    def names(self, address: str) -> bool:
        """Whether this is the address of a proxy that was named."""
        with suppress(ValueError):
            place = ipaddress.ip_address(address)
            return any(place in ipaddress.ip_network(proxy) for proxy in self.proxies)
        return False

    def admits(self, origin: str | None, host: str) -> bool:
        """Whether a page of this origin (browsers always say) may do things on our `host`."""
        if origin is None or ANY in self.sites or origin.lower() in self.sites:
            return True
        with suppress(ValueError):
            # proxies drop or change the port: who has the host has all its ports
            name = urlsplit(origin).hostname
            own = (urlsplit(f"//{host}").hostname, urlsplit(self.root).hostname)
            return name is not None and name in own
        return False


class Doorway:
    """The way in, for every request.

    X-Forwarded-For and -Proto count where they come from this machine or a named proxy, if uvicorn
    is told (FORWARDED_ALLOW_IPS) to leave that to us; X-Forwarded-Host only from a named one.
    """

    def __init__(self, app: ASGIApp, hosting: Hosting):
        self._app, self._hosting, self._policy = app, hosting, hosting.policy
        self._inner = ProxyHeadersMiddleware(self._enter, [*LOOPBACK, *hosting.proxies])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read what proxies say."""
        if scope["type"] in ("http", "websocket"):
            headers = MutableHeaders(raw=list(scope["headers"]))
            asked = headers.get("x-forwarded-host", "").split(",")[0].strip()
            del headers["x-forwarded-host"]
            if asked and self._hosting.names((scope.get("client") or ("",))[0]):
                headers["host"] = asked
            root = self._hosting.path
            scope = {**scope, "headers": headers.raw, "root_path": root}
            scope["path"] = whole(scope["path"], root)
        await self._inner(scope, receive, send)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin, host = headers.get("origin"), headers.get("host", "")
        reply = send
        if scope["type"] == "http":
            address = self._hosting.address(scope["scheme"], host)
            reply = Reply(send, self._policy, self._hosting.path, address)
        if scope.get("method") in READING or self._hosting.admits(origin, host):
            await self._app(scope, receive, reply)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            message = (
                f"This page is shown as {str(origin)[:200]}, but its server is asked for"
                f" {host[:200]}: whoever runs it should let the proxy pass on the Host header, or"
                " start the server with --sites and the page's address."
            )
            await problem(message, 403)(scope, receive, reply)


class Reply:
    """Sends an answer, with what browsers are to know of it; tells Gradio's page where it is."""

    def __init__(self, send: Send, policy: str, path: str, address: str):
        self._send, self._policy, self._path, self._address = send, policy, path, address
        self._start: Message | None = None
        """Of a page, which is held back until its length is known."""

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["content-security-policy"] = self._policy
            headers["x-content-type-options"] = "nosniff"
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
        elif self._start:
            start, self._start = self._start, None
            body = message.get("body", b"")
            if not message.get("more_body"):
                body = preview.tell(body.replace(SCRIPTS, PLACE + SCRIPTS, 1), self._address)
                if self._path:
                    body = body.replace(BASE, BASE.replace(b".", self._path.encode()), 1)
                MutableHeaders(scope=start)["content-length"] = str(len(body))
            await self._send(start)
            message = {**message, "body": body}
        await self._send(message)
