"""Rows of what our code says of itself: help texts, API, messages, configs and their weights."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any, get_args
from unittest.mock import patch

from tests.golden import doors
from tests.golden.record import Text, row
from tests.golden.rows import Parts

WIDE = 4000
"""Columns of a terminal in which no help text is wrapped, however long the path of this folder."""
SCRIPTS = [
    "app.py",
    *(
        path.relative_to(doors.ROOT).as_posix()
        for path in sorted((doors.ROOT / "train").rglob("*.py"))
        if path.name == "__main__.py" or "typer.run(main)" in path.read_text()
    ),
]


def help_of(program: Any, *words: str) -> Text:
    """Return what `--help` prints, but for how it is laid out and where this folder is.

    Typer's releases word it a little differently; what it means is what our code hands to Typer.
    """
    from typer.main import get_command
    from typer.testing import CliRunner

    options = {"prog_name": "it", "terminal_width": WIDE, "max_content_width": WIDE}
    with patch.dict(os.environ, COLUMNS=str(WIDE), TERM="dumb", NO_COLOR="1"):
        result = CliRunner().invoke(program, [*words, "--help"], **options)
    assert result.exit_code == 0, result.output
    text = re.sub(r"[ \u2500-\u257f]+", " ", result.output.replace(str(doors.ROOT), "ROOT"))
    shown = "\n".join(line.strip() for line in text.splitlines() if line.strip())
    command: Any = get_command(program)
    for word in words:
        command = command.commands[word]
    meant = [command.help, sorted(getattr(command, "commands", ()))]
    for parameter in command.params:
        about = [*parameter.opts, *parameter.secondary_opts, parameter.required]
        default = str(parameter.default).replace(str(doors.ROOT), "ROOT")
        if "completion" not in parameter.name:
            meant.append([*about, default, getattr(parameter, "help", None)])
    return Text(shown, meant)


for command in ("", "motion", "video", "follow", "edit", "keys", "list"):

    @row(f"help/core {command}".strip())
    def _(command: str = command) -> Parts:
        yield "text", help_of(doors.command_line, *command.split())


for script in SCRIPTS:

    @row(f"help/{script}")
    def _(script: str = script) -> Parts:
        import typer

        spec = importlib.util.spec_from_file_location("script", doors.ROOT / script)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        program = getattr(module, "app", None)
        if program is None:
            program = typer.Typer()
            program.command()(module.main)
        yield "text", help_of(program)


@row("api/gradio")
def _() -> Parts:
    for name, about in doors.server().get("/gradio_api/info").json()["named_endpoints"].items():
        about.pop("code_snippets", None)  # Gradio's own words
        yield name, about


@row("api/routes")
def _() -> Parts:
    ours = [r for r in doors.server().app.routes if getattr(r, "path", "").startswith("/livestep")]
    yield "routes", sorted([r.path, sorted(getattr(r, "methods", None) or [])] for r in ours)
    health = doors.server().get("/livestep/health")
    yield "health", [sorted(health.json()), health.headers["content-type"]]


def fields(kind: type) -> dict[str, Any]:
    """Return the JSON schema of a message without names of classes and words about them."""
    from pydantic import TypeAdapter

    whole = TypeAdapter(kind).json_schema()
    parts = whole.pop("$defs", {})

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return plain(parts[node["$ref"].rsplit("/", 1)[1]])
        told = {
            k: v
            for k, v in node.items()
            if not (k in ("title", "description") and isinstance(v, str))
        }
        return {name: plain(item) for name, item in told.items()}

    return plain(whole)


@row("protocol/from page")
def _() -> Parts:
    for kind in get_args(doors.protocol.FromPage):
        yield kind.tag, fields(kind)


@row("protocol/from server")
def _() -> Parts:
    for kind in get_args(doors.protocol.FromServer):
        yield kind.tag, fields(kind)


@row("protocol/bytes")
def _() -> Parts:
    page = {
        "keys": "0100ff0001000080",
        "shown": "0400000007010000",
        "ack": "02000800010000807800000000 00cb42",
    }
    server = {
        "frame": "01030900 00000080 07000000 0000c442 ffd8ff",
        "poses": "02000300 10000000 01000100 00004841" + "0000803f" * 3 + "003c" * 4,
    }
    protocol = doors.protocol
    for read, samples in ((protocol.unpack_from_page, page), (protocol.unpack_from_server, server)):
        for name, text in samples.items():
            data = bytes.fromhex(text)
            item = read(data)
            assert protocol.pack(item) == data, name
            yield name, {field: str(value) for field, value in vars(item).items()}


@row("protocol/page's copy")
def _() -> Parts:
    source = (doors.ROOT / "app/web/src/live/constants.js").read_text()
    found = re.findall(r"^export const (\w+) = (.+);$", source, re.MULTILINE)
    yield "constants", {name: json.loads(value) for name, value in found}


SHIPPED = doors.ROOT / "checkpoints"


def folders() -> list[Path]:
    """Return the folders of checkpoints, and those of a world's parts inside its own."""
    return sorted(path.parent for path in SHIPPED.rglob("config.json"))


for folder in folders():

    @row(f"checkpoint/{folder.relative_to(SHIPPED).as_posix()}")
    def _(folder: Path = folder) -> Parts:
        yield from of_checkpoint(folder)


def of_checkpoint(folder: Path) -> Parts:
    """Yield the config of a checkpoint as it would be written, and names and shapes of weights."""
    kind = doors.checkpoint.describe(folder)["kind"]
    with tempfile.TemporaryDirectory() as place:
        written = Path(place) / "again"
        if kind == "motion-index":
            doors.MotionIndex.load(folder).save(written)
            for path in sorted(written.glob("*.json*")):
                yield path.name, path.read_bytes()
            return
        model = doors.checkpoint.load(folder, doors.MODELS[kind])
        doors.checkpoint.save(model, written, about={"data": {"none": {}}})
        yield "config.json", (written / "config.json").read_bytes()
    weights = model.state_dict()
    yield "weights", [[name, list(w.shape), str(w.dtype)] for name, w in weights.items()]
    yield "learnt", sorted(name for name, _ in model.named_parameters())
