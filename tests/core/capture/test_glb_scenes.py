"""glTF as other programs write it: whatever is around a skeleton, motion and rest are true."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from core.body.rotations import (
    matrix_to_quat,
    normalize,
    quat_inverse,
    quat_multiply,
    quat_rotate,
    quat_to_matrix,
)
from core.capture import glb, gltf_file
from core.capture.source import Source
from tests.core.capture.test_glb import join

KEYS = 7
RATE = 30
"""Of the file's own keys."""
BONES = ("Hips", "Spine", "Leg", "Head")
PARENTS = (-1, 0, 0, 1)
OFFSETS = np.array([[0, 1, 0], [0, 0.5, 0.1], [0.2, -0.1, 0], [0, 0.4, 0]])


class Scene:
    """A glTF file in the making."""

    def __init__(self) -> None:
        self.binary = b""
        self.json: dict = {
            "asset": {"version": "2.0"},
            "bufferViews": [],
            "accessors": [],
            "nodes": [],
            "animations": [],
        }

    def store(self, values: np.ndarray, kind: int = 5126) -> int:
        types = {1: "SCALAR", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": values.nbytes}
        self.binary += values.tobytes() + bytes(-values.nbytes % 4)
        self.json["bufferViews"].append(view)
        self.json["accessors"].append(
            {
                "bufferView": len(self.json["bufferViews"]) - 1,
                "componentType": kind,
                "count": len(values),
                "type": types[values.size // len(values)],
            }
        )
        return len(self.json["accessors"]) - 1

    def node(self, parent: int = -1, **fields) -> int:
        nodes = self.json["nodes"]
        nodes.append(fields)
        if parent >= 0:
            nodes[parent].setdefault("children", []).append(len(nodes) - 1)
        return len(nodes) - 1

    def animate(
        self,
        curves: dict[tuple[int, str], np.ndarray],
        times: np.ndarray,
        kind: str = "LINEAR",
        name: str = "",
    ) -> None:
        begin = self.store(times.astype("<f4"))
        ends = [self.store(values.astype("<f4")) for values in curves.values()]
        self.json["animations"].append(
            {
                "samplers": [{"input": begin, "output": i, "interpolation": kind} for i in ends],
                "channels": [
                    {"sampler": i, "target": {"node": node, "path": path}}
                    for i, (node, path) in enumerate(curves)
                ],
                **({"name": name} if name else {}),
            }
        )

    def save(self, path: Path) -> Path:
        self.json["buffers"] = [{"byteLength": len(self.binary)}]
        return join(path, self.json, self.binary)


def turns(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Random rotations (..., 4), x y z w as glTF has them."""
    q = normalize(np.random.default_rng(seed).normal(size=(*shape, 4)))
    return np.where(q[..., 3:] < 0, -q, q)


def rig(
    scene: Scene, *, above: dict | None = None, bound: str = "", skip: tuple[str, ...] = ()
) -> list[int]:
    """Add four joints in a pose that is not their rest, a skin bound in the pose BIND, and motion.

    `bound` is the space of the skin: "world", "parent" or none; `skip` names joints without skin.
    """
    parent = -1 if above is None else scene.node(**above)
    pose = turns(3, (4,))
    joints: list[int] = []
    for i, name in enumerate(BONES):
        up = parent if PARENTS[i] < 0 else joints[PARENTS[i]]
        fields = {"name": name, "translation": OFFSETS[i].tolist(), "rotation": pose[i].tolist()}
        joints.append(scene.node(up, **fields))
    if bound:
        binds = bind()
        if bound == "world":
            binds = outer(above or {}) @ binds
        kept = [i for i, name in enumerate(BONES) if name not in skip]
        inverse = np.linalg.inv(binds[kept]).transpose(0, 2, 1).reshape(-1, 16)
        told = {"inverseBindMatrices": scene.store(inverse.astype("<f4"))}
        scene.json["skins"] = [{"joints": [joints[i] for i in kept], **told}]
        scene.node(mesh=0, skin=0)
    moves = {(joint, "rotation"): turns(joint, (KEYS,)) for joint in joints}
    moves[joints[0], "translation"] = np.random.default_rng(9).normal(size=(KEYS, 3))
    scene.animate(moves, np.arange(KEYS) / RATE)
    return joints


def outer(above: dict) -> np.ndarray:
    matrix = np.eye(4)
    turn = quat_to_matrix(np.array(above.get("rotation", (0, 0, 0, 1)))[[3, 0, 1, 2]])
    matrix[:3, :3] = turn * above.get("scale", (1, 1, 1))
    matrix[:3, 3] = above.get("translation", (0, 0, 0))
    return matrix


def bind() -> np.ndarray:
    """Transforms (4, 4, 4) of the joints as they are bound: each is turned a little."""
    made: list[np.ndarray] = []
    for i, parent in enumerate(PARENTS):
        own = np.eye(4)
        turn = normalize(turns(3, (4,))[i] + 0.1 * turns(50, (4,))[i])  # near the pose
        own[:3, :3] = quat_to_matrix(turn[[3, 0, 1, 2]])
        own[:3, 3] = OFFSETS[i]
        made.append(own if parent < 0 else made[parent] @ own)
    return np.array(made)


def check_rigid(source: Source) -> None:
    """Bones are those of the rest pose, turned by what turned the joint above since."""
    assert source.rest is not None
    assert source.rotations is not None
    assert source.rest_rotations is not None
    ups = list(source.parents)
    for i, up in enumerate(ups):
        if up >= 0 and source.names[up] in BONES:
            since = quat_multiply(source.rotations[:, up], quat_inverse(source.rest_rotations[up]))
            made = quat_rotate(since, source.rest[i] - source.rest[up])
            assert made == pytest.approx(source.positions[:, i] - source.positions[:, up], abs=1e-5)


ARMATURE = {
    "name": "Armature",
    "rotation": [-(0.5**0.5), 0, 0, 0.5**0.5],
    "scale": [0.01] * 3,
    "translation": [1, 2, 3],
}


@pytest.mark.parametrize("above", [None, {"name": "Root"}, ARMATURE])
@pytest.mark.parametrize("bound", ["", "world", "parent"])
def test_rest_and_motion_fit_together(tmp_path, above, bound):
    """Below scaled and turned nodes too, and in whichever space the skin was bound."""
    scene = Scene()
    joints = rig(scene, above=above, bound=bound)
    source = glb.read(scene.save(tmp_path / "a.glb"))
    if not bound and above:  # nobody says what of the scene is the skeleton
        assert source.names == (above["name"], *BONES)
        first = 1
    else:
        assert source.names == BONES
        assert source.parents == PARENTS
        first = 0
    check_rigid(source)
    scale = (above or {}).get("scale", [1])[0]
    assert np.linalg.norm(source.rest[first + 1] - source.rest[first]) == pytest.approx(
        np.linalg.norm(OFFSETS[1]) * scale, rel=1e-4
    )
    own = turns(joints[0], (KEYS,))[0][[3, 0, 1, 2]]
    turn = matrix_to_quat(outer({**(above or {}), "scale": (1, 1, 1)})[:3, :3])
    assert abs(quat_multiply(turn, own) @ source.rotations[0, first]) == pytest.approx(1)
    if bound:
        whole = quat_multiply(turn, matrix_to_quat(bind()[:, :3, :3]))
        assert np.abs((whole * source.rest_rotations).sum(-1)) == pytest.approx(1, abs=1e-6)


def test_keys_are_met_where_they_are_and_the_first_is_the_beginning(tmp_path):
    scene = Scene()
    hips = scene.node(name="Hips")
    scene.node(hips, name="Head", translation=[0, 1, 0])
    places = np.array([[0, 0, 0], [1, 0, 0], [3, 0, 0]])
    scene.animate({(hips, "translation"): places}, np.array([2.0, 2.1, 2.3]))
    source = glb.read(scene.save(tmp_path / "a.glb"))
    assert source.rate == 20
    assert source.positions[:, 0, 0] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5, 3], abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "expected"), [("STEP", [0, 0, 1, 1, 3]), ("CUBICSPLINE", [0, 0.5, 1, 2, 3])]
)
def test_curves_of_every_kind(tmp_path, kind, expected):
    scene = Scene()
    hips = scene.node(name="Hips")
    scene.node(hips, name="Head", translation=[0, 1, 0])
    places = np.array([[0, 0, 0], [1, 0, 0], [3, 0, 0]], float)
    if kind == "CUBICSPLINE":  # with tangents before and behind
        places = np.stack([places + 9, places, places - 9], axis=1).reshape(-1, 3)
    scene.animate({(hips, "translation"): places}, np.array([0, 0.1, 0.2]), kind)
    source = glb.read(scene.save(tmp_path / "a.glb"))
    assert source.positions[:, 0, 0] == pytest.approx(expected, abs=1e-5)


def test_integers_stand_for_shares_of_one(tmp_path):
    scene = Scene()
    hips = scene.node(name="Hips")
    scene.node(hips, name="Head", translation=[0, 1, 0])
    scene.animate({(hips, "rotation"): np.zeros((2, 4))}, np.array([0, 0.1]))
    end = scene.store(np.array([[0, 0, 23170, 23170]] * 2, "<i2"), 5122)
    scene.json["animations"][0]["samplers"][0]["output"] = end
    source = glb.read(scene.save(tmp_path / "a.glb"))
    assert source.positions[1, 1] == pytest.approx([-1, 0, 0], abs=1e-4)


def test_nodes_with_matrices_and_mirrors(tmp_path):
    """Rotations are told without the scale that is in them."""
    scene = Scene()
    turn = quat_to_matrix(np.array([0.5**0.5, 0, 0, 0.5**0.5]))
    matrix = np.eye(4)
    matrix[:3, :3] = turn * 2
    hips = scene.node(name="Hips", matrix=matrix.T.flatten().tolist())
    spine = scene.node(hips, name="Spine", translation=[1, 0, 0], scale=[-1, 1, 1])
    scene.node(spine, name="Head", translation=[1, 0, 0])
    scene.animate({(spine, "translation"): np.array([[1, 0, 0], [1, 0, 0]])}, np.array([0, 0.1]))
    source = glb.read(scene.save(tmp_path / "a.glb"))
    assert source.positions[0] == pytest.approx(np.array([[0, 0, 0], [0, 2, 0], [0, 0, 0]]))
    assert source.rotations[0] == pytest.approx(np.array([[0.5**0.5, 0, 0, 0.5**0.5]] * 3))


def test_what_lies_between_and_above_joints_belongs_to_them(tmp_path):
    """A pelvis without skin, a bone between, ends below; not the meshes, nor what is above all."""
    scene = Scene()
    joints = rig(scene, above=ARMATURE, bound="world", skip=("Hips", "Spine"))
    scene.node(joints[3], name="Crown", translation=[0, 0.2, 0])
    scene.node(joints[3], name="Hat", mesh=0)
    source = glb.read(scene.save(tmp_path / "a.glb"))
    assert source.names == ("Hips", "Spine", "Leg", "Head", "Crown")
    assert source.parents == (-1, 0, 0, 1, 3)
    assert np.linalg.norm(source.rest[4] - source.rest[3]) == pytest.approx(0.002)


def test_the_skin_that_moves_is_read(tmp_path):
    """Not the larger one of hair that hangs still, nor any where only plain nodes move."""
    scene = Scene()
    rig(scene, bound="world")
    hair = scene.node(name="hair")
    locks = [hair, *(scene.node(hair, name=f"lock{i}") for i in range(30))]
    scene.json["skins"].append({"joints": locks})
    assert glb.read(scene.save(tmp_path / "a.glb")).names == BONES
    del scene.json["skins"][0]
    assert len(glb.read(scene.save(tmp_path / "a.glb")).names) == 4 + 1 + 31


@pytest.mark.parametrize("version", ["VRMC_vrm_animation", "VRMC_vrm", "VRM"])
def test_bones_that_vrm_names(tmp_path, version):
    scene = Scene()
    joints = rig(scene)
    told = dict(zip(("hips", "spine", "leftUpperLeg", "head"), joints, strict=True))
    bones: object = {bone: {"node": node} for bone, node in told.items()}
    if version == "VRM":
        bones = [{"bone": bone, "node": node} for bone, node in told.items()]
    scene.json["extensions"] = {version: {"humanoid": {"humanBones": bones}}}
    assert glb.read(scene.save(tmp_path / "a.vrma")).names == tuple(told)


def two_clips() -> Scene:
    scene = Scene()
    hips = scene.node(name="Hips")
    scene.node(hips, name="Head", translation=[0, 1, 0])
    for name, seconds in (("walk", 1), ("idle", 60), ("", 0.5)):
        places = np.array([[0, 0, 0], [seconds, 0, 0]])
        scene.animate({(hips, "translation"): places}, np.array([0, seconds]), name=name)
    return scene


def test_the_longest_animation_is_read_and_others_can_be(tmp_path):
    path = two_clips().save(tmp_path / "a.glb")
    source = glb.read(path)
    assert (source.clip, len(source.positions)) == (1, 1201)
    assert source.clips == ("walk", "idle", "animation 3")
    assert source.notes == (
        "The file has 3 animations: 1 'walk' of 1.0 s, 2 'idle' of 60.0 s, 3 'animation 3' of 0.5"
        " s. The longest, number 2, is read; another can be chosen by its number.",
    )
    source = glb.read(path, clip=1)
    assert (source.clip, len(source.positions), source.notes) == (0, 21, ())
    for clip in (0, 4):
        with pytest.raises(ValueError, match=f"has 3 animations; there is no number {clip}"):
            glb.read(path, clip=clip)


def test_a_clip_that_is_not_asked_for_may_be_too_long(tmp_path):
    scene = two_clips()
    end = scene.json["animations"][1]["samplers"][0]["input"]
    scene.json["accessors"][end] |= {"count": 1}
    times = scene.store(np.array([0, 500], "<f4"))
    scene.json["animations"][1]["samplers"][0]["input"] = times
    path = scene.save(tmp_path / "a.glb")
    with pytest.raises(ValueError, match="lasts 500 s; 120 s are the most"):
        glb.read(path)
    assert len(glb.read(path, clip=1).positions) == 21


def test_animations_of_nothing_are_none(tmp_path):
    scene = two_clips()
    scene.json["animations"] = [{"channels": [], "samplers": []}]
    with pytest.raises(ValueError, match="no animation of a body"):
        glb.read(scene.save(tmp_path / "a.glb"))


@pytest.mark.parametrize("how", ["embedded", "beside", "with a space", "byte order mark"])
def test_gltf_with_its_numbers_in_it_or_beside_it(tmp_path, how):
    scene = Scene()
    rig(scene, bound="world")
    known = glb.read(scene.save(tmp_path / "a.glb"))
    if how in ("embedded", "byte order mark"):
        packed = base64.b64encode(scene.binary).decode()
        uri = f"data:application/octet-stream;base64,{packed}"
    else:
        name = "a b.bin" if how == "with a space" else "a.bin"
        (tmp_path / name).write_bytes(scene.binary)
        uri = name.replace(" ", "%20")
    scene.json["buffers"][0]["uri"] = uri
    path = tmp_path / "a.gltf"
    path.write_text(("\ufeff" if how == "byte order mark" else "\n ") + json.dumps(scene.json))
    source = glb.read(path)
    assert (source.positions == known.positions).all()
    assert (source.rest == known.rest).all()


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("missing.bin", "numbers lie in missing.bin, which is not beside it"),
        ("../a.bin", "in another folder"),
        ("..", "in another folder"),
        ("%2e%2e%2fa.bin", "in another folder"),
        ("/etc/passwd", "in another folder"),
        ("C:\\a.bin", "in another folder"),
        ("https://example.org/a.bin", "in another folder"),
        ("file:a.bin", "in another folder"),
        ("a" * 5000, "in another folder"),
        ("data:text/plain,abc", "packed in no way that is known"),
        ("data:;base64,abc", "cannot be read"),
        ("data:;base64,AAAA", "data are cut off"),
    ],
)
def test_numbers_come_from_the_same_folder_only(tmp_path, uri, told):
    scene = Scene()
    rig(scene)
    (tmp_path / "a.bin").write_bytes(scene.binary)
    scene.save(tmp_path / "b.glb")
    scene.json["buffers"][0]["uri"] = uri
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.gltf").write_text(json.dumps(scene.json))
    with pytest.raises(ValueError, match=told):
        glb.read(folder / "a.gltf")


def test_a_file_beside_it_is_read_once_and_bounded(tmp_path, monkeypatch):
    """Many buffers that point to one file would hold it many times."""
    scene = Scene()
    rig(scene)
    (tmp_path / "a.bin").write_bytes(scene.binary)
    scene.json["buffers"] = [{"uri": "a.bin"} for _ in scene.json["bufferViews"]]
    for i, view in enumerate(scene.json["bufferViews"]):
        view["buffer"] = i
    path = tmp_path / "a.gltf"
    path.write_text(json.dumps(scene.json))
    read, fetch = [], gltf_file.fetch
    monkeypatch.setattr(gltf_file, "fetch", lambda *a: read.append(a[0]) or fetch(*a))
    glb.read(path)
    assert read == ["a.bin"]
    monkeypatch.setattr(gltf_file, "MOST_BUFFER", 100)
    with pytest.raises(ValueError, match=r"a\.bin has more than"):
        glb.read(path)


def damage(scene: Scene, what: str) -> None:
    accessor = scene.json["accessors"][-1]
    match what:
        case "sparse":
            accessor["sparse"] = {}
        case "EXT_meshopt_compression" | "KHR_meshopt_compression":
            scene.json["extensionsUsed"] = [what]
        case "glTF 1":
            scene.json["asset"] = {"version": "1.0"}
        case "width":
            accessor["type"] = "VEC4"
        case "nan":
            scene.binary = scene.binary[:-4] + np.array([np.nan], "<f4").tobytes()
        case "far off":
            scene.binary = scene.binary[:-4] + np.array([1e10], "<f4").tobytes()
        case "huge":
            scene.binary = scene.binary[:-4] + np.array([3e38], "<f4").tobytes()
        case "node":
            scene.json["nodes"][0]["translation"] = [float("nan"), 0, 0]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("sparse", "stored sparsely"),
        ("EXT_meshopt_compression", "packed by meshopt"),
        ("KHR_meshopt_compression", "packed by meshopt"),
        ("glTF 1", "glTF 1; export it as glTF 2"),
        ("width", "do not match|cut off"),
        ("nan", "not finite"),
        ("far off", r"its pose at 0\.2 s lies far off all others"),
        ("huge", r"its pose at 0\.2 s lies far off all others"),
        ("node", "must be 3 numbers"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, what, told):
    scene = Scene()
    rig(scene)
    damage(scene, what)
    with pytest.raises(ValueError, match=told):
        glb.read(scene.save(tmp_path / "a.glb"))


def test_packed_meshes_are_none_of_our_business(tmp_path):
    scene = Scene()
    rig(scene)
    scene.json["extensionsRequired"] = scene.json["extensionsUsed"] = ["KHR_draco_mesh_compression"]
    assert len(glb.read(scene.save(tmp_path / "a.glb")).positions) == 5


@pytest.mark.parametrize("bad", ["nan", "zero", "few", "sparse"])
def test_a_skin_that_cannot_be_used_leaves_the_nodes(tmp_path, bad):
    scene = Scene()
    rig(scene, bound="world")
    inverse = scene.json["skins"][0]["inverseBindMatrices"]
    known = Scene()
    rig(known)
    accessor = scene.json["accessors"][inverse]
    if bad == "few":
        accessor["count"] = 3
    elif bad == "sparse":
        accessor["sparse"] = {}
        with pytest.raises(ValueError, match="sparsely"):
            glb.read(scene.save(tmp_path / "a.glb"))
        return
    else:
        start = scene.json["bufferViews"][accessor["bufferView"]]["byteOffset"]
        odd = np.full(16, np.nan if bad == "nan" else 0, "<f4").tobytes()
        scene.binary = scene.binary[:start] + odd + scene.binary[start + 64 :]
    source = glb.read(scene.save(tmp_path / "a.glb"))
    assert source.rest == pytest.approx(glb.read(known.save(tmp_path / "b.glb")).rest)
