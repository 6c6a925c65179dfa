"""The Hub's side of a deployment: as much of its HTTP API as making and filling a Space asks for.

It refuses what the Hub refuses: strangers, names of others, and binary files that are neither LFS
nor Xet. Written after what huggingface_hub sends.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN, USER = "hf_of_somebody", "somebody"


class Hub(ThreadingHTTPServer):
    """Spaces by name, each a dict of files; large files by their SHA-256."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.spaces: dict[str, dict[str, bytes]] = {}
        self.made: list[dict[str, Any]] = []
        """What was asked for with each new Space."""
        self.large: dict[str, bytes] = {}
        self.commits = 0


@contextmanager
def hub_here() -> Iterator[Hub]:
    hub = Hub()
    thread = Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield hub
    hub.shutdown()
    hub.server_close()


def binary(content: bytes) -> bool:
    try:  # the sample of a text may end within a letter
        return "\0" in getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return True


class Refused(Exception):
    """Status and why."""


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            status, told = 200, self._route(self.path.split("?")[0], body)
        except Refused as refused:
            status, told = refused.args[0], {"error": refused.args[1]}
        data = json.dumps(told).encode()
        self.send_response(status)
        if "error" in told:
            self.send_header("x-error-message", told["error"])
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = _answer

    def _route(self, path: str, body: bytes) -> Any:
        hub = self.server
        if match := re.fullmatch(r"/storage/(\w+)", path):
            assert hashlib.sha256(body).hexdigest() == match[1]
            hub.large[match[1]] = body
            return {}
        if path == "/api/validate-yaml":
            front = json.loads(body)["content"].split("---\n")
            return {"errors": [], "warnings": [] if len(front) > 2 else [{"message": "empty"}]}
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refused(401, "Invalid username or password.")
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        match = re.fullmatch(r"(?:/api)?/spaces/([\w-]+/[\w.-]+?)(?:\.git)?(/.*)?", path)
        if not match or match[1] not in hub.spaces:
            raise Refused(404, "Repository not found")
        files, what = hub.spaces[match[1]], match[2] or ""
        if what.startswith("/tree/"):
            return [
                {"type": "file", "path": name, "size": len(content), "oid": "0" * 40}
                for name, content in files.items()
            ]
        if what.startswith("/preupload/"):
            return {"files": [self._mode(file) for file in json.loads(body)["files"]]}
        if what == "/info/lfs/objects/batch":
            return {
                "transfer": "basic",
                "objects": [*map(self._place, json.loads(body)["objects"])],
            }
        if what.startswith("/commit/"):
            return self._commit(match[1], files, [*map(json.loads, body.splitlines())])
        return {"id": match[1], "sha": "1" * 40, "siblings": [{"rfilename": f} for f in files]}

    def _create(self, asked: dict[str, Any]) -> Any:
        owner, hub = asked["organization"], self.server
        name = f"{owner}/{asked['name']}"
        if owner == "nobody-pays":
            raise Refused(402, "CPU Spaces of this kind need a PRO subscription")
        if owner != USER:
            raise Refused(403, "You don't have the rights to create a space under this namespace")
        if name in hub.spaces:
            raise Refused(409, "You already created this space repo")
        hub.made.append(asked)
        hub.spaces[name] = {".gitattributes": b"", "README.md": b"---\nsdk: gradio\n---\n"}
        return {"url": f"{hub.address}/spaces/{name}"}

    def _mode(self, file: dict[str, Any]) -> dict[str, Any]:
        large = file["size"] > 10e6 or binary(base64.b64decode(file["sample"]))
        mode = "lfs" if large else "regular"
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}

    def _place(self, file: dict[str, Any]) -> dict[str, Any]:
        if file["oid"] in self.server.large:
            return file
        return {
            **file,
            "actions": {"upload": {"href": f"{self.server.address}/storage/{file['oid']}"}},
        }

    def _commit(self, name: str, files: dict[str, bytes], lines: list[dict[str, Any]]) -> Any:
        after = dict(files)
        for key, value in ((line["key"], line["value"]) for line in lines):
            if key == "file":
                after[value["path"]] = content = base64.b64decode(value["content"])
                if binary(content):
                    raise Refused(400, f"{value['path']} is binary: it has to be LFS or Xet")
            elif key == "lfsFile":
                after[value["path"]] = self.server.large[value["oid"]]
            elif key == "deletedFile":
                del after[value["path"]]
        self.server.spaces[name] = after
        self.server.commits += 1
        sha = f"{self.server.commits:040}"
        return {"success": True, "commitOid": sha, "commitUrl": f"/spaces/{name}/commit/{sha}"}
