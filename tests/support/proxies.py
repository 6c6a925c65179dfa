"""Real proxies on free ports, where they are installed: nginx, Caddy, and a plain page's server."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.support.browsing import free_port
from tests.support.visitors import until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CADDY = shutil.which("caddy")

CONF = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_max_body_size 64m;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
    server {{
        listen 127.0.0.1:{port} {listen};
        location = /favicon.ico {{ return 204; }}
        {server}
    }}
}}
"""
LOCATION = """
location {at} {{
    proxy_pass http://127.0.0.1:{upstream}{to};
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    {more}
}}
"""
UPGRADE = """proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;"""


def location(upstream: int, at: str, to: str = "", *, upgrade: bool = True) -> str:
    """What nginx is told to pass on; `to` takes the place of `at` in the path, if given."""
    return LOCATION.format(upstream=upstream, at=at, to=to, more=UPGRADE if upgrade else "")


@contextmanager
def running(command: list[str], address: str):
    """A server, from when it answers until the end of the block."""
    with tempfile.TemporaryFile("w+") as said:
        server = subprocess.Popen(command, stderr=said)
        try:
            until(lambda: server.poll() is not None or answers(address))
            said.seek(0)
            assert server.poll() is None, said.read()
            yield address
        finally:
            server.terminate()
            server.wait(10)


def answers(address: str) -> bool:
    with suppress(httpx.TransportError):
        httpx.get(address, verify=False)
        return True
    return False


@contextmanager
def nginx(folder: Path, server: str, scheme: str = "http"):
    """A proxy whose server block holds this; yields its address."""
    if not NGINX:
        pytest.skip("nginx is not installed")
    port = free_port()
    conf, listen = folder / "nginx.conf", ""
    if scheme == "https":
        listen = "ssl"
        server += f"ssl_certificate {folder}/certificate; ssl_certificate_key {folder}/key;"
        sign(folder)
    conf.write_text(CONF.format(folder=folder, port=port, listen=listen, server=server))
    command = [NGINX, "-e", "stderr", "-p", str(folder), "-c", str(conf)]
    with running(command, f"{scheme}://127.0.0.1:{port}") as address:
        yield address


def sign(folder: Path) -> None:
    """Write a key, and a certificate that nobody trusts."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1".split()
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "certificate")]
    subprocess.run([*command, *files], check=True, capture_output=True)


@contextmanager
def caddy(folder: Path, site: str, scheme: str = "http"):
    """A proxy whose site's block holds this; yields its address."""
    if not CADDY:
        pytest.skip("Caddy is not installed")
    port = free_port()
    file = folder / "Caddyfile"
    site += "\ntls internal" if scheme == "https" else ""
    file.write_text(
        f"{{\n admin off\n skip_install_trust\n auto_https disable_redirects\n"
        f" storage file_system {folder}/caddy\n}}\n{scheme}://127.0.0.1:{port} {{\n{site}\n}}\n"
    )
    command = [CADDY, "run", "--config", str(file), "--adapter", "caddyfile"]
    with running(command, f"{scheme}://127.0.0.1:{port}") as address:
        yield address


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None:
        pass


@contextmanager
def plain_site(folder: Path):
    """Another site, whose pages are the files of a folder; yields its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
