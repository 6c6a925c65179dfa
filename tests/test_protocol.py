"""The wire format: round trips, refusals, and the page's copy of it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from app import protocol
from app.protocol import (
    Ack,
    BodyShape,
    Checkpoint,
    Hello,
    Mark,
    Model,
    Poses,
    Problem,
    Prompt,
    Start,
    State,
    Stop,
    TakeInfo,
    pack,
    unpack_from_page,
    unpack_from_server,
)

WEB = Path(protocol.__file__).parent / "web"
STATIC = Path(protocol.__file__).parent / "static"
SESSION = "0b9f6a1e-3c57-4d1c-9d0a-5f6c7b8a9e01"

FROM_PAGE = [
    Hello(version=1, session=SESSION, take=7, have=90),
    Start(id=1, prompt="a person walks", seed=3, stagger=4, guidance=2.5, foot_contacts=False),
    Start(id=2, prompt="a person \u00fcbt"),
    Prompt(id=65535, text="a person jumps"),
    Stop(),
    Ack(lead=8, take=2**31, received=120, shown=101.5),
]
FROM_SERVER = [
    Model(
        state="ready",
        checkpoints=[Checkpoint(name="motion", licence="Apache-2.0", stagger=5)],
        bodies={"male": BodyShape(scale=1.02, offset=(0.0, 0.01, 0.0))},
    ),
    TakeInfo(take=9, first=0, seed=1, checkpoint="motion"),
    Mark(id=1, start=12, text="a person walks"),
    State(state="waiting", position=2, message="You are number 2 in line."),
    Problem(message="No.", about="prompt"),
]


@pytest.mark.parametrize("item", FROM_PAGE, ids=lambda item: item.tag)
def test_page_messages_round_trip(item):
    assert unpack_from_page(pack(item)) == item


@pytest.mark.parametrize("item", FROM_SERVER, ids=lambda item: item.tag)
def test_server_messages_round_trip(item):
    assert unpack_from_server(pack(item)) == item


def test_poses_round_trip_within_half_precision():
    rng = np.random.default_rng(0)
    rotations = rng.normal(size=(5, 22, 4))
    rotations /= np.linalg.norm(rotations, axis=-1, keepdims=True)
    root = rng.normal(size=(5, 3)).astype(np.float32)
    data = pack(Poses(first=2**20, prompt=3, milliseconds=12.5, root=root, rotations=rotations))
    assert len(data) == 16 + 5 * (12 + 22 * 8)
    back = unpack_from_server(data)
    assert (back.first, back.prompt, back.milliseconds) == (2**20, 3, 12.5)
    np.testing.assert_array_equal(back.root, root)
    np.testing.assert_allclose(back.rotations, rotations, atol=5e-4)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x07hello",
        b"\x03",
        b"\x03not json",
        b'\x03{"tag":"nonsense"}',
        b'\x03{"tag":"start","id":1}',
        b'\x03{"tag":"prompt","id":-1,"text":"x"}',
        b'\x03{"tag":"prompt","id":1,"text":"x","extra":1}',
        b'\x03{"tag":"hello","version":1,"session":"../../etc/passwd"}',
        b'\x03{"tag":"start","id":1,"prompt":"x","guidance":NaN}',
        b"\x02\x00\x01",
        pack(Ack(lead=1, take=1, received=1, shown=0))[:-4] + np.float32(np.nan).tobytes(),
        b"\x03" + b" " * protocol.MAX_MESSAGE,
    ],
)
def test_what_is_not_a_message_gets_a_sentence(data):
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$") as caught:
        unpack_from_page(data)
    assert type(caught.value) is ValueError
    assert len(str(caught.value)) < 300


def js_constants() -> dict[str, object]:
    source = (WEB / "src" / "protocol.js").read_text()
    found = re.findall(r"^export const (\w+) = (.+);$", source, re.MULTILINE)
    return {name: json.loads(value) for name, value in found}


def tags(union) -> list[str]:
    return sorted(kind.tag for kind in get_args(union))


def test_page_and_server_agree():
    js = js_constants()
    assert js["VERSION"] == protocol.VERSION
    assert (js["ACK"], js["POSES"], js["JSON_MESSAGE"]) == (
        protocol.ACK,
        protocol.POSES,
        protocol.JSON,
    )
    assert js["ACK_BYTES"] == protocol.ACK_LAYOUT.size
    assert js["POSES_HEADER_BYTES"] == protocol.POSES_LAYOUT.size
    assert sorted(js["PAGE_TAGS"]) == tags(protocol.FromPage)
    assert sorted(js["SERVER_TAGS"]) == tags(protocol.FromServer)


def test_bundle_is_built_from_these_sources():
    names = ["motion.html", "package.json", "style.css"]
    names += [f"src/{path.name}" for path in (WEB / "src").iterdir()]
    digest = hashlib.sha256(b"".join((WEB / name).read_bytes() for name in sorted(names)))
    banner = (STATIC / "livestep.js").read_text()[:200]
    assert digest.hexdigest()[:16] in banner, "run `npm run build` in app/web"
    assert "MIT" in (STATIC / "three.LICENSE.txt").read_text()
    assert (STATIC / "motion.html").read_text() == (WEB / "motion.html").read_text()


def test_template_holds_nothing_that_gradio_would_fill_in():
    text = (STATIC / "motion.html").read_text()
    assert "${" not in text
    assert "{{" not in text
