"""Write the page's copy of the wire format's numbers and tags: python -m app.generate_protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

from app import protocol
from app.world.protocol import DRAFTED, RECORDED, TRUTH

TARGET = Path(__file__).parent / "web/src/live/constants.js"
HEAD = "// Written by `python -m app.generate_protocol` from app/protocol.py.\n\n"


def constants() -> dict[str, object]:
    """Return what the page has to know of the wire format, by its name there."""
    return {
        "VERSION": protocol.VERSION,
        "KEYS": protocol.KEYS,
        "ACK": protocol.ACK,
        "SHOWN": protocol.SHOWN,
        "FRAME": protocol.FRAME,
        "POSES": protocol.POSES,
        "JSON_MESSAGE": protocol.JSON,  # JSON is JavaScript's own
        "KEYS_BYTES": protocol.KEYS_LAYOUT.size,
        "ACK_BYTES": protocol.ACK_LAYOUT.size,
        "SHOWN_BYTES": protocol.SHOWN_LAYOUT.size,
        "FRAME_HEADER_BYTES": protocol.FRAME_LAYOUT.size,
        "POSES_HEADER_BYTES": protocol.POSES_LAYOUT.size,
        "DRAFTED": DRAFTED,
        "RECORDED": RECORDED,
        "TRUTH": TRUTH,
        "UPLOADED": protocol.UPLOADED,
        "MOST_UPLOAD": protocol.MOST_UPLOAD,
        "MOST_ONWARD": int(protocol.MOST_ONWARD),
        "PAGE_TAGS": [kind.tag for kind in get_args(protocol.FromPage)],
        "SERVER_TAGS": [kind.tag for kind in get_args(protocol.FromServer)],
    }


def script() -> str:
    """Return the text of the page's constants.js."""
    lines = [f"export const {name} = {json.dumps(value)};" for name, value in constants().items()]
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(script(), encoding="utf-8")
