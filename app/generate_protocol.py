"""Write the page's copy of the wire format and of bounds: python -m app.generate_protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np

from app import protocol
from app.capture.protocol import MOST_MAP
from app.exports.files import MOST_FRAMES
from app.world.pictures import MOST_BYTES
from app.world.protocol import AS_IT_WAS, DRAFTED, PLACE_LAYOUT, PLACED, RECORDED, TRUTH, WHAT_IF
from core.body.legs import FOLDED
from core.body.skeleton import FPS, JOINTS, PARENTS, REST_JOINTS
from core.body.soles import HIGHER, POINTS
from core.capture.joint_maps import NEEDED
from core.character import retarget
from core.export.part import LEAST_PART
from core.settings import AMASS_RATE, KEEP_SECONDS, MAX_PROMPT, MOST_TOGETHER, MOST_VIDEO_SECONDS
from core.steering.aim import START
from core.steering.gait import GAITS, WALK
from core.steering.ways import FAR, STRAIGHT, TIGHT
from core.steering.wishes import LATE, MOST_KEYS, MOST_WAYPOINTS, NEAR, RUNS, TURNED, WALKS

TARGET = Path(__file__).parent / "web/src/live"
MOVES = "SOFT CARRIES FREE UPRIGHT SLANTED FLAT LYING MOST STEP".split()
"""What the page's solver of characters shares with ours."""
HEAD = "// Written by `python -m app.generate_protocol` from {}.\n\n"


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
        "PLACE_BYTES": PLACE_LAYOUT.size,
        "POSES_HEADER_BYTES": protocol.POSES_LAYOUT.size,
        "DRAFTED": DRAFTED,
        "RECORDED": RECORDED,
        "TRUTH": TRUTH,
        "PLACED": PLACED,
        "AS_IT_WAS": AS_IT_WAS,
        "WHAT_IF": WHAT_IF,
        "UPLOADED": protocol.UPLOADED,
        "MOST_UPLOAD": protocol.MOST_UPLOAD,
        "MOST_ONWARD": int(protocol.MOST_ONWARD),
        "PAGE_TAGS": [kind.tag for kind in get_args(protocol.FromPage)],
        "SERVER_TAGS": [kind.tag for kind in get_args(protocol.FromServer)],
    }


def bounds() -> dict[str, object]:
    """Return what the page has to know of the rest, by its name there."""
    return {
        "AMASS_RATE": AMASS_RATE,
        "FPS": FPS,
        "JOINTS": len(JOINTS),
        "JOINT_NAMES": list(JOINTS),
        "JOINT_PARENTS": [int(parent) for parent in PARENTS],
        "REST_JOINTS": [[round(float(x), 7) for x in place] for place in REST_JOINTS],
        "NEEDED_JOINTS": list(NEEDED),
        "KEEP_SECONDS": KEEP_SECONDS,
        "LEAST_PART": LEAST_PART,
        "MAX_PROMPT": MAX_PROMPT,
        "MOST_PICTURE": MOST_BYTES,
        "MOST_MAP": MOST_MAP,
        "MOST_SECONDS": MOST_VIDEO_SECONDS,
        "MOST_FRAMES": MOST_FRAMES,
        "MOST_TOGETHER": MOST_TOGETHER,
        "MOST_WAYPOINTS": MOST_WAYPOINTS,
        "MOST_KEYS": MOST_KEYS,
        "NEAR": NEAR,
        "TURNED": TURNED,
        "LATE": LATE,
        "WALKS": WALKS,
        "RUNS": RUNS,
        "WALKING": GAITS[WALK].pace,
        "SETS_OUT": START,
        "TIGHT": TIGHT,
        "FAR": FAR,
        "STRAIGHT": STRAIGHT,
        "SOLES": np.round(POINTS, 7).tolist(),
        "HIGHER": np.round(HIGHER, 7).tolist(),
        "MOVES": {name: getattr(retarget, name) for name in MOVES} | {"FOLDED": FOLDED},
    }


def scripts() -> dict[Path, str]:
    """Return the text of each file that is written."""
    return {
        TARGET / "constants.js": script("app/protocol.py", constants()),
        TARGET / "bounds.js": script("core and app", bounds()),
    }


def script(source: str, values: dict[str, object]) -> str:
    """Return the text of a file that exports these values."""
    lines = [f"export const {name} = {json.dumps(value)};" for name, value in values.items()]
    return HEAD.format(source) + "\n".join(lines) + "\n"


if __name__ == "__main__":
    for path, text in scripts().items():
        path.write_text(text, encoding="utf-8")
