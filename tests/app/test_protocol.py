"""The wire format: round trips, refusals, and the page's copy of its numbers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app import generate_protocol, protocol
from app.capture.protocol import MOST_MAP, MOST_MESSAGE
from app.live.replies import sentence
from app.live_page import markup
from app.protocol import (
    Ack,
    BodyShape,
    Change,
    Checkpoint,
    DreamState,
    Drive,
    Follow,
    Frame,
    Ground,
    Hello,
    KeyInfo,
    Keys,
    MannerInfo,
    Mark,
    MatchInfo,
    Model,
    Onward,
    Outcome,
    Outcomes,
    Poses,
    Problem,
    Prompt,
    Reference,
    Resume,
    Shown,
    SkeletonInfo,
    Stand,
    Start,
    State,
    Steering,
    Stop,
    TakeInfo,
    Tally,
    Tune,
    Unmatched,
    WhatIf,
    World,
    WorldCard,
    Worlds,
    pack,
    unpack_from_page,
    unpack_from_server,
)
from app.world.protocol import PLACED
from core.body.skeleton import JOINTS
from core.capture.joint_maps import MOST_NAME
from core.steering.wishes import Drive as Driven
from core.steering.wishes import KeyPose, Waypoint, Wishes

APP = Path(protocol.__file__).parent
WEB, STATIC = APP / "web", APP / "static"
SESSION = "0b9f6a1e-3c57-4d1c-9d0a-5f6c7b8a9e01"

WISHES = Wishes(
    waypoints=(Waypoint(place=(1.5, -2.25), at=2.4, facing=90, stop=True),),
    keys=(KeyPose(at=3, joints=((0.0, 1.0, 0.5),) * len(JOINTS), parts=("left_hand", "head")),),
    drive=Driven(velocity=(0.0, 1.4)),
)
FROM_PAGE = [
    Hello(version=1, session=SESSION, take=7, have=90),
    Start(id=1, prompt="a person walks", seed=3, stagger=4, guidance=2.5, foot_contacts=False),
    Start(id=2, prompt="a person \u00fcbt"),
    Start(id=3, prompt="a person runs", wishes=WISHES),
    Steering(id=2**32 - 1, wishes=WISHES),
    Prompt(id=65535, text="a person jumps"),
    Resume(),
    Stop(),
    Ack(lead=8, take=2**31, received=120, shown=101.5),
    World(checkpoint="video", seed=3, start=-1, script="W:40,-:2", truth=True),
    World(steps=2, context_noise=0.2, ahead=0, together=2, changes=[Change(frame=9, steps=4)]),
    World(changes=[Change(frame=9, x=80.5, y=333, degrees=63.4), Change(frame=30, x=90, y=90)]),
    Drive(do="single"),
    Tune(steps=2, ahead=-1),
    Stand(x=320.25, y=240, degrees=-90),
    Stand(x=-8, y=0.5),
    WhatIf(frame=2**32 - 1, mask=33),
    Follow(person=2, joint_map="mixamo"),
    Follow(joints={"pelvis": 0, "head": "Head", "neck": [3, "Neck"]}, rate=29.97, clip=2),
    Onward(id=1, prompt="and then jumps", start=80, seconds=2.5, seed=4, manner=0.5),
    Keys(mask=2**16 - 1, seq=2**32 - 1),
    Shown(index=90_000),
]
SKELETON = SkeletonInfo(
    names=["Hips", "EndSiteHips"],
    parents=[-1, 0],
    places=[(0.0, 0.95, 0.0), (0.0, 1.2, 0.001)],
    joints={"pelvis": 0},
    how="tree",
)
FROM_SERVER = [
    Model(
        state="ready",
        checkpoints=[Checkpoint(name="motion", licence="Apache-2.0", stagger=5)],
        bodies={"male": BodyShape(scale=1.02, offset=(0.0, 0.01, 0.0))},
    ),
    TakeInfo(take=9, first=0, seed=1, checkpoint="motion"),
    Mark(id=1, start=12, text="a person walks"),
    State(state="waiting", position=2, message="You are number 2 in line."),
    State(state="running", message="2.0 s of the video seen", share=0.4, work="follow"),
    Reference(
        take=9,
        name="clip.mp4",
        kind="video",
        poses=60,
        seconds=3.2,
        kept=(0.1, 3.05),
        gaps=[(10, 12)],
        notes=["A person is seen."],
        people=2,
        person=1,
        lens=0.9,
    ),
    Reference(
        take=9,
        name="walk.glb",
        kind="motion",
        poses=60,
        seconds=3,
        kept=(0, 3),
        rate=120.0,
        rate_asked=True,
        clips=["Idle", "Walk"],
        clip=2,
        skeleton=SKELETON,
    ),
    Unmatched(name="walk.bvh", message="Two legs were not found.", skeleton=SKELETON),
    MannerInfo(
        weight=0.5,
        matches=[
            MatchInfo(
                label="walk", caption="a walk", licence="CC0", pack="cc0", score=0.8, seconds=3.1
            )
        ],
    ),
    Problem(message="No.", about="prompt"),
    Outcomes(
        id=4,
        start=96,
        outcomes=[
            Outcome(kind="waypoint", at=2.4, met=True, centimeters=6.1, degrees=-3.0),
            Outcome(kind="key", at=3, met=False, late=0.8),
        ],
        late=[(9.5, 1.2)],
    ),
    Worlds(
        state="ready",
        worlds=[
            WorldCard(
                name="video",
                width=128,
                height=96,
                fps=30,
                steps=1,
                context_noise=0.1,
                context=8,
                keys=[KeyInfo(name="W", codes=("KeyW", "ArrowUp"), label="forward")],
                most_together=2,
                seeds=["the pond"],
                licence="CC0-1.0",
                truth=True,
                ground=Ground(low=(80.0, 80.0), texel=16.0, rows=["..#", "#.."]),
            )
        ],
    ),
    DreamState(state="warming", message="Opening the world ...", world=7, checkpoint="video"),
    DreamState(
        state="paused", world=7, fit="This picture fits the place well (97 %).", what_if=True
    ),
    Tally(made_fps=29.9, frame_ms=18.5, accepted=7, dropped=2, recorded=90, script="W:90"),
    Frame(flags=3, mask=9, index=2**31, seq=7, milliseconds=18.5, jpeg=b"\xff\xd8..."),
    Frame(flags=16, mask=9, index=1, seq=0, milliseconds=0, jpeg=b"", place=(320.5, 0, -90, 0.25)),
]


@pytest.mark.parametrize("item", FROM_PAGE, ids=lambda item: item.tag)
def test_page_messages_round_trip(item):
    assert unpack_from_page(pack(item)) == item


@pytest.mark.parametrize("item", FROM_SERVER, ids=lambda item: type(item).__name__)
def test_server_messages_round_trip(item):
    assert unpack_from_server(pack(item)) == item


def test_a_frames_place_lies_behind_its_jpeg():
    bare = Frame(flags=1, mask=9, index=5, seq=7, milliseconds=2, jpeg=b"\xff\xd8...")
    placed = pack(replace(bare, place=(320.5, 100, -90, 0.25)))
    assert placed[1] == 1 | PLACED
    assert placed[2:-16] == pack(bare)[2:]
    np.testing.assert_array_equal(np.frombuffer(placed[-16:], "<f4"), (320.5, 100, -90, 0.25))


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
        b'\x03{"tag":"world","seed":-1}',
        b'\x03{"tag":"world","start":-2}',
        b'\x03{"tag":"world","context_noise":NaN}',
        b'\x03{"tag":"world","changes":[{"frame":1,"steps":0}]}',
        b'\x03{"tag":"world","changes":[{"frame":1,"x":NaN,"y":1}]}',
        b'\x03{"tag":"world","changes":[{"frame":1,"x":8}]}',
        b'\x03{"tag":"world","changes":[{"frame":1,"degrees":90}]}',
        b'\x03{"tag":"drive","do":"fly"}',
        b'\x03{"tag":"stand","x":NaN,"y":1}',
        b'\x03{"tag":"stand","x":1e999,"y":1}',
        b'\x03{"tag":"stand","x":1,"y":1,"degrees":1e9}',
        b'\x03{"tag":"stand","x":1}',
        b'\x03{"tag":"what_if","frame":-1,"mask":0}',
        b'\x03{"tag":"what_if","frame":1,"mask":65536}',
        b'\x03{"tag":"what_if","frame":1.5,"mask":0}',
        b'\x03{"tag":"follow","person":0}',
        b'\x03{"tag":"follow","rate":0}',
        b'\x03{"tag":"follow","rate":NaN}',
        b'\x03{"tag":"follow","clip":0}',
        b'\x03{"tag":"follow","joints":{"pelvis":-1}}',
        b'\x03{"tag":"follow","joints":{"pelvis":1000}}',
        b'\x03{"tag":"follow","joints":{"pelvis":{"name":"Hips"}}}',
        b'\x03{"tag":"follow","joints":{"pelvis":"%s"}}' % (201 * b"x"),
        b'\x03{"tag":"follow","joints":{"pelvis":[%s1]}}' % (32 * b"1,"),
        b'\x03{"tag":"follow","joints":{%s"a":1}}' % b"".join(b'"%d":1,' % i for i in range(22)),
        b'\x03{"tag":"onward","id":1,"prompt":"x","seconds":21}',
        b'\x03{"tag":"onward","id":1,"prompt":"x","manner":NaN}',
        b'\x03{"tag":"tune","together":0}',
        b'\x03{"tag":"tune","context_noise":1e999}',
        b"\x02\x00\x01",
        b"\x01\x00\x01",
        b"\x04\x00\x00\x00\x00\x00\x00\x00\x00",
        pack(Ack(lead=1, take=1, received=1, shown=0))[:-4] + np.float32(np.nan).tobytes(),
        b"\x03" + b" " * protocol.MAX_MESSAGE,
    ],
)
def test_what_is_not_a_message_gets_a_sentence(data):
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$") as caught:
        unpack_from_page(data)
    assert type(caught.value) is ValueError
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ('"joints":{"pelvis":[1.5]}', "joints.pelvis must be a valid string"),
        ('"rate":0', "rate must be greater than or equal to 1"),
        ('"speed":1', "speed is not known"),
        ('"joints":' + 9000 * "[", "it is not JSON"),
    ],
)
def test_what_is_wrong_with_a_message_is_said_in_words(fields, said):
    with pytest.raises(ValueError, match=r"^The message cannot be read") as caught:
        unpack_from_page(b'\x03{"tag":"follow",' + fields.encode() + b"}", MOST_MESSAGE)
    told = str(caught.value)
    assert said in told
    assert "constrained" not in told
    assert "follow" not in told


def test_little_is_repeated_of_what_strangers_gave():
    names = ", ".join(f"joint\u202e{i}" + 200 * "x" for i in range(352))
    told = sentence(ValueError(f"no nodes\n{names}; got {10**300}"))
    assert len(told) <= 600
    assert told.isprintable()
    assert told.startswith("No nodes joint0xxx")
    assert max(map(len, told.split())) <= 42
    assert sentence(ValueError(f"got {10**300}")) == f"Got 1{16 * '0'}..."


def test_a_message_that_no_page_can_read_is_not_packed():
    with pytest.raises(ValueError, match="not JSON"):
        pack(protocol.State(state="running", share=float("nan")))


def test_a_joint_map_fits_into_a_message():
    joints = dict.fromkeys(JOINTS, ["x" * MOST_NAME] * 12)
    assert len(json.dumps(joints)) < MOST_MAP < MOST_MESSAGE - 1000
    data = pack(Follow(joints=joints))
    assert unpack_from_page(data, MOST_MESSAGE) == Follow(joints=joints)


def test_only_the_world_tab_may_be_long():
    long = World(script="W:1," * 10_000)
    assert unpack_from_page(pack(long), protocol.MAX_WORLD_MESSAGE) == long
    with pytest.raises(ValueError, match="8192"):
        unpack_from_page(pack(long))


def test_the_pages_constants_are_fresh():
    for path, text in generate_protocol.scripts().items():
        assert path.read_text() == text, "run `python -m app.generate_protocol`, then build"


def test_bundle_is_built_from_these_sources():
    names = ["package.json"]
    names += [path.name for path in WEB.iterdir() if path.suffix == ".css"]
    names += [path.relative_to(WEB).as_posix() for path in (WEB / "src").rglob("*.js")]
    digest = hashlib.sha256(b"".join((WEB / name).read_bytes() for name in sorted(names)))
    banner = (STATIC / "livestep.js").read_text()[:200]
    assert digest.hexdigest()[:16] in banner, "run `npm run build` in app/web"
    assert "MIT" in (STATIC / "three.LICENSE.txt").read_text()


@pytest.mark.parametrize("name", ["motion.html", "world.html", "capture.html"])
def test_templates_hold_nothing_that_gradio_would_fill_in(name):
    text = markup(name, forget_minutes=30)
    assert "${" not in text
    assert "{{" not in text
