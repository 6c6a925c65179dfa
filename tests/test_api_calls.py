"""Calls as users write them today, with every keyword: they must be understood for good."""

from __future__ import annotations

import json
import re
import struct
from contextlib import redirect_stdout
from io import StringIO
from itertools import islice, repeat
from pathlib import Path

import numpy as np
import pytest

from core.body.mesh import Body
from core.engine import Engine
from core.words.reading import read
from tests.support.server import wait_for

pytest_plugins = ["tests.support.browsing"]

FIXTURES = Path(__file__).parent / "fixtures"
SESSION = "0b9f6a1e-3c57-4d1c-9d0a-5f6c7b8a9e01"
SAMPLING = {
    "checkpoint": "motion",
    "seed": 3,
    "steps": 4,
    "stagger": 2,
    "guidance": 1.5,
    "foot_contacts": True,
}
STYLED = {
    "checkpoint": "motion-styles",
    "seed": 7,
    "stagger": 4,
    "guidance": 1.5,
    "foot_contacts": False,
}
PLAYED = {"seed": 3, "steps": 2, "context_noise": 0.1, "together": 1}


@pytest.fixture(scope="module")
def small() -> Engine:
    return Engine.load(FIXTURES / "checkpoints", device="cpu")


@pytest.fixture(scope="module")
def take(small):
    from core.body.take import Take

    return Take.from_chunks(list(small.motion(["a person walks"] * 3)), {"licence": "CC0 1.0"})


def test_loading(small):
    assert small.names == ("motion", "motion-styles")
    assert small.worlds == ("video", "video-teacher")
    assert small.has_index
    assert small.model("motion") is small.model("motion")
    card = small.card("motion-styles")
    told = {"steps", "stagger", "guidance", "licence", "non_commercial", "data", "precision"}
    assert set(card) == told
    with pytest.raises(ValueError, match="checkpoint must be one of motion, motion-styles"):
        small.model("nothing")


def test_motion(small, take):
    (chunk,) = islice(small.motion(repeat("a person walks")), 1)
    assert (chunk.first, chunk.prompt) == (0, "a person walks")
    manner = small.manner(take, "a person waves", weight=0.5, count=2, checkpoint="motion")
    stream = small.motion(
        repeat("a person jumps"), **(SAMPLING | {"stagger": None}), after=take, manner=manner
    )
    chunk = next(iter(stream))
    assert chunk.first == len(take)
    assert chunk.root.shape == (len(chunk), 3)
    assert chunk.rotations.shape == (len(chunk), 22, 4)
    assert chunk.joints.shape == (len(chunk), 22, 3)
    assert chunk.features.shape == (len(chunk), 263)


def test_sampling_and_real_motions(small, take):
    (features,) = small.sample(["a person walks"], 8, **SAMPLING)
    assert features.shape == (8, 263)
    one, other = small.sample([[("a", 8), ("b", 4)], [("c", 8), ("d", 4)]])
    assert len(one) == len(other) == 12
    steps = read("salta, luego corre").steps
    (both,) = small.sample([[(step.text, 8) for step in steps]])
    assert ([step.text for step in steps], len(both)) == (["a person jumps", "a person runs"], 16)
    assert small.reconstruct(features, checkpoint="motion").shape == (8, 263)
    assert len(small.similar(take, 2, checkpoint="motion")) == 2
    best = small.similar("a person waves", count=1)[0]
    assert {"id", "caption", "licence", "score"} <= set(vars(best))
    assert len(best.take()) == len(best.features)
    assert small.manner(None, "a person waves", weight=0.3).matches


def test_worlds(small):
    card = small.world_card("video")
    assert set(card) == {
        "name",
        "width",
        "height",
        "fps",
        "keys",
        "steps",
        "context_noise",
        "context",
        "most_together",
        "seeds",
        "ground",
        "licence",
        "data",
    }
    picture = small.seed_picture("video", 0)
    assert picture.shape == (16, 16, 3)
    made = list(small.video([1, 0], checkpoint="video", start=picture, **PLAYED))
    dream = small.play("video", start=picture, ahead=0, **PLAYED)
    assert [frame.index for frame in made] == [0, 1]
    np.testing.assert_array_equal(dream.step(1).frame, made[0].frame)
    dream.tune(steps=3, context_noise=0.0, ahead=1, together=1)
    assert dream.settings == {"steps": 3, "context_noise": 0.0, "ahead": 1, "together": 1}
    assert dream.draft()
    assert dream.step(1).drafted
    assert (dream.fps, len(dream.keys), dream.tally.accepted) == (30, 2, 1)
    assert dream.context().shape[1:] == (16, 16, 3)


def test_following(small, take, tmp_path):
    from core.export import check, write

    for name, options in (("a.bvh", {}), ("a.glb", {}), ("a.npz", {}), ("b.bvh", {"fps": 60})):
        check(tmp_path / name, **options)
        write(take, tmp_path / name, body="female", **options)
    shares = []
    found = small.follow(
        tmp_path / "a.bvh",
        tilt=0.0,
        lens=0.9,
        turned=False,
        person=None,
        joint_map="mixamo",
        threads=1,
        progress=lambda share, _: shares.append(share),
    )
    assert len(found.take) == len(found.joints) == len(found.features) == len(take)
    assert (found.gaps, found.notes, found.kept[0]) == ((), (), 0.0)
    assert len(small.follow(str(tmp_path / "b.bvh")).take) == len(take)


@pytest.mark.slow
def test_python_in_the_readme_of_its_first_release():
    code = """
from itertools import islice, repeat
from core.engine import Engine

engine = Engine.load()
for chunk in islice(engine.motion(repeat("a person walks")), 10):
    print(chunk.first, chunk.joints.shape)  # (8, 22, 3), meters
for made in engine.video([1] * 60):  # bit 0 is W: two seconds forward
    print(made.index, made.frame.shape)  # then (96, 128, 3) bytes; another world comes first now
"""
    said = StringIO()
    with redirect_stdout(said):
        exec(code, {})
    lines = said.getvalue().splitlines()
    assert lines[1].endswith("(8, 22, 3)")
    assert lines[-1] == "59 (192, 256, 3)"
    assert len(lines) == 70


@pytest.fixture(scope="module")
def page_engine(small):
    return small


@pytest.fixture(scope="module")
def lobby(small):
    from app.live.loader import Loader
    from app.live.lobby import Lobby
    from app.live.sharing import Limits

    loader = Loader(lambda: small).start()
    loader.worlds_known.result(10)
    return Lobby(loader, Limits())


def send(socket, **message) -> None:
    socket.send_bytes(b"\x03" + json.dumps(message).encode())


def receive(socket, first: int, tag: str = "") -> bytes:
    """Read until bytes of this kind come, or a JSON message with this tag."""
    for _ in range(500):
        data = socket.receive_bytes()
        if data[0] == first and (not tag or json.loads(data[1:])["tag"] == tag):
            return data
    raise AssertionError(f"no {tag or first} came")


def test_bytes_of_motion_on_the_wire(client, small):
    with client.websocket_connect("/livestep/live") as socket:
        send(socket, tag="hello", version=1, session=SESSION, take=0, have=0)
        assert json.loads(receive(socket, 3, "model")[1:])["state"] == "ready"
        send(socket, tag="start", id=1, prompt="a person walks", **STYLED)
        take = json.loads(receive(socket, 3, "take")[1:])
        assert (take["first"], take["seed"], take["checkpoint"]) == (0, 7, "motion-styles")
        poses = receive(socket, 2)
        socket.send_bytes(struct.pack("<BxHIIf", 2, 60, take["take"], 0, 0.0))
        send(socket, tag="prompt", id=2, text="a person jumps")
        receive(socket, 2)
        send(socket, tag="stop")
        job = client.post(
            f"/livestep/export/{SESSION}",
            json={"format": "npz", "fps": 30, "body": "male", "start": 0, "end": 4},
        )
        assert job.status_code == 202
        done = wait_for(client, SESSION, job.json())
        file = client.get(f"/livestep/export/{SESSION}/{done['job']}/file")
        assert file.content[:2] == b"PK"
    _, prompt, first, count, joints, _ = struct.unpack_from("<BxHIHHf", poses)
    assert (prompt, first, joints) == (1, 0, 22)
    chunk = next(iter(small.motion(repeat("a person walks"), **STYLED)))
    root, _ = Body.load().fit(chunk.root, chunk.rotations)  # of the body that is shown
    assert poses[16 : 16 + 12 * count] == root[:count].astype(np.float32).tobytes()
    rotations = np.frombuffer(poses[16 + 12 * count :], np.float16).reshape(count, 22, 4)
    assert np.linalg.norm(rotations, axis=-1) == pytest.approx(1, abs=1e-3)


def test_bytes_of_a_world_on_the_wire(client):
    with client.websocket_connect("/livestep/play") as socket:
        send(socket, tag="hello", version=1, session=SESSION)
        (card, _) = json.loads(receive(socket, 3, "worlds")[1:])["worlds"]
        assert (card["name"], card["width"], card["seeds"]) == ("video", 16, ["Start 1", "Start 2"])
        send(
            socket,
            tag="world",
            checkpoint="video",
            start=1,
            ahead=0,
            script="R:3",
            truth=False,
            changes=[{"frame": 1, "steps": 3, "context_noise": None}],
            **PLAYED,
        )
        frame = receive(socket, 1)
        assert (frame[2:8], frame[16:18]) == (b"\x01\x00\x00\x00\x00\x00", b"\xff\xd8")
        socket.send_bytes(struct.pack("<BxHI", 4, 0, 0))
        socket.send_bytes(struct.pack("<BxHI", 1, 1, 1))
        send(socket, tag="tune", steps=2, ahead=-1)
        for what in ("record", "keep", "pause"):
            send(socket, tag="drive", do=what)
        while json.loads(receive(socket, 3, "dream")[1:])["state"] != "paused":
            pass
        assert client.get("/livestep/seed/video/1.png").content[1:4] == b"PNG"


def test_calls_of_gradio(address, small, take, tmp_path):
    from gradio_client import Client, handle_file

    from core.export import write

    client = Client(address, verbose=False)
    made = {"seconds": 1, "seed": 1, "checkpoint": "motion"}
    file = client.predict(
        prompt="a person walks",
        format="bvh",
        body="male",
        fps=30,
        foot_contacts=True,
        **made,
        api_name="/text_to_motion",
    )
    assert re.search(r"Frames: (29|30)", Path(file).read_text())
    film = client.predict(
        keys="R:4,D:3", seed=1, start=1, scale=2, checkpoint="video", api_name="/keys_to_video"
    )
    film = film["video"] if isinstance(film, dict) else film
    assert Path(film).read_bytes()[4:8] == b"ftyp"
    write(take, tmp_path / "walk.bvh")
    file = client.predict(
        clip=handle_file(str(tmp_path / "walk.bvh")),
        then="a person jumps",
        manner=0.5,
        tilt=0,
        lens=0.9,
        turned=False,
        person=0,
        format="npz",
        body="neutral",
        fps=20,
        **made,
        api_name="/video_to_motion",
    )
    with np.load(file) as data:
        assert len(data["joints"]) == len(take) + 20
