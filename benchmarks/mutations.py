"""Motion files, valid ones and what chance makes of them, for `benchmarks.fuzz_files`."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.body.features import encode_all
from core.body.mesh import Body
from core.body.rotations import quat_from_axis_angle, quat_to_axis_angle, quat_to_matrix
from core.body.skeleton import FPS, INDEX, JOINTS, PARENTS, REST_JOINTS, forward
from core.body.take import Take
from core.capture import fbx_file
from core.export import fbx_file as fbx_writer
from core.export import write
from core.export.metadata import BONES

Mutation = Callable[[np.random.Generator, bytes], bytes]
POSES = 24
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORDS = (
    *(b"1e308", b"-1e308", b"1e10", b"1e-308", b"nan", b"inf", b"-1", b"0", b"", b"x", b"0x10"),
    *(b"2147483648", b"4294967295", b"99999999999999999999", b"1" * 5000),
)
_BINARY = (
    *(struct.pack("<f", value) for value in (np.nan, np.inf, 3e38, -1, 1e-45)),
    *(struct.pack("<d", value) for value in (np.nan, 1e308)),
    *(struct.pack("<I", value) for value in (0, 1, 2**31, 2**32 - 1)),
    *(struct.pack("<Q", value) for value in (2**63, 2**64 - 1)),
)
_VALUES = (
    *(None, True, -1, 0, 1, 2**31, 2**63, 1e308, 1e-9, 0.5, "x", "a" * 5000, [], {}, [[]]),
    *([0] * 4, [1e308] * 3, {"a": {}}),
)
_FBX = (
    *(
        -1,
        0,
        1,
        7,
        2**31,
        2**62,
        -(2**62),
        1e308,
        1e-300,
        float("nan"),
        float("inf"),
        True,
        "",
        "x",
    ),
    *("d|X", "Lcl Rotation", "LimbNode", "AnimationCurve", "a" * 5000, "Hips\0\x01Model"),
)
_DEEP = (b"[", b"{", b'{"a":', b"(", b"JOINT a\n{\nOFFSET 0 1 0\nCHANNELS 3 Zrotation Xrotation\n")
_KINDS = ("<f4", ">f8", "<f2", "|i1", "<u8", "|b1", "|O", "<U9", "|V8", "<M8[s]", "<c16", "<f16")


def take() -> Take:
    """A person who walks and swings an arm."""
    angles = np.zeros((POSES, len(JOINTS), 3))
    phase = np.arange(POSES) / 4
    for side, sign in (("left", 1), ("right", -1)):
        angles[:, INDEX[f"{side}_hip"], 0] = 0.4 * sign * np.sin(phase)
        angles[:, INDEX[f"{side}_knee"], 0] = 0.4 + 0.4 * sign * np.cos(phase)
        angles[:, INDEX[f"{side}_shoulder"], 2] = -sign
    root = np.array([0, 0.93, 0]) + np.linspace(0, 1, POSES)[:, None] * [0, 0, 1]
    rotations = quat_from_axis_angle(angles)
    joints = forward(root, rotations)[0]
    root, rotations, joints = (a.astype(np.float32) for a in (root, rotations, joints))
    return Take(root=root, rotations=rotations, joints=joints, features=encode_all(joints))


def samples() -> dict[str, list[bytes]]:
    """Valid files of every reader, by suffix."""
    motion = take()
    vectors = quat_to_axis_angle(motion.rotations).reshape(POSES, -1)
    matrices = quat_to_matrix(motion.rotations)
    bvh, own = (_exported(motion, suffix) for suffix in (".bvh", ".npz"))
    document, binary = gltf(motion)
    apart = {**document, "buffers": [{"byteLength": len(binary), "uri": "walk.bin"}]}
    inline = "data:application/octet-stream;base64," + base64.b64encode(binary).decode()
    whole = {**document, "buffers": [{"byteLength": len(binary), "uri": inline}]}
    arrays = [
        {"poses": np.pad(vectors, ((0, 0), (0, 90))), "trans": motion.root, "fps": np.array(30)},
        {
            "global_orient": matrices[:, :1],
            "body_pose": matrices[:, 1:],
            "smpl/transl": motion.root,
            "mocap_frame_rate": np.array([30.0]),
        },
        {
            "posed_joints": motion.joints,
            "global_rot_mats": quat_to_matrix(forward(motion.root, motion.rotations)[1]),
        },
    ]
    return {
        "bvh": [bvh, re.sub(rb"\n", b"\r\n", bvh), bvh.replace(b"Hips", b"mixamorig:Hips")],
        "glb": [pack_glb(json.dumps(document).encode(), binary)],
        "gltf": [json.dumps(whole).encode()],
        "fbx": [_exported(motion, ".fbx", body=_little(), fps=fps) for fps in (20, 60)],
        "npz": [
            pack_zip(unpack_zip(data))
            for data in (own, *(_saved(np.savez_compressed, **named) for named in arrays))
        ],
        "npy": [_saved(np.save, array) for array in (motion.joints, motion.features)],
        "pt": [_tensors(motion)],
        "zip": [
            pack_zip({"walk/walk.bvh": bvh, "__MACOSX/._walk.bvh": b"\0" * 80}),
            pack_zip({"walk.gltf": json.dumps(apart).encode(), "walk.bin": binary}),
        ],
    }


def gltf(motion: Take) -> tuple[dict[str, Any], bytes]:
    """Describe a take as a skeleton without a body; return its numbers apart."""
    bones = REST_JOINTS - np.where(np.array(PARENTS)[:, None] < 0, 0, REST_JOINTS[list(PARENTS)])
    turns = motion.rotations[..., [1, 2, 3, 0]]
    times = (np.arange(len(motion)) / FPS).astype(np.float32)
    arrays = [times, motion.root, *np.moveaxis(turns, 1, 0)]
    places = [sum(a.nbytes for a in arrays[:i]) for i in range(len(arrays))]
    kinds = ["SCALAR", "VEC3", *["VEC4"] * len(JOINTS)]
    targets = [(0, "translation"), *((node, "rotation") for node in range(len(JOINTS)))]
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [
            {
                "name": name,
                "translation": bone.tolist(),
                "children": [child for child, parent in enumerate(PARENTS) if parent == i],
            }
            for i, (name, bone) in enumerate(zip(BONES, bones, strict=True))
        ],
        "skins": [{"joints": list(range(len(JOINTS)))}],
        "buffers": [{"byteLength": sum(a.nbytes for a in arrays)}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": at, "byteLength": a.nbytes}
            for at, a in zip(places, arrays, strict=True)
        ],
        "accessors": [
            {"bufferView": i, "componentType": 5126, "count": len(motion), "type": kind}
            for i, kind in enumerate(kinds)
        ],
        "animations": [
            {
                "name": "walk",
                "samplers": [{"input": 0, "output": i + 1} for i in range(len(targets))],
                "channels": [
                    {"sampler": i, "target": {"node": node, "path": path}}
                    for i, (node, path) in enumerate(targets)
                ],
            }
        ],
    }
    for node in document["nodes"]:
        if not node["children"]:
            del node["children"]
    return document, b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)


def _little() -> Body:
    """A body of a few triangles."""
    body, kept = Body.load(), slice(0, 30)
    skin = {name: getattr(body, name)[kept] for name in ("skin_joints", "skin_weights", "colors")}
    faces = np.arange(30, dtype=np.int32).reshape(-1, 3)
    return replace(body, vertices=body.vertices[kept], faces=faces, **skin)


def _exported(motion: Take, suffix: str, **how: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"walk{suffix}"
        write(motion, path, **how)
        return path.read_bytes()


def _saved(save: Callable[..., None], *arrays: np.ndarray, **named: np.ndarray) -> bytes:
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


def _tensors(motion: Take) -> bytes:
    """What GVHMR saves."""
    import torch

    vectors = torch.tensor(quat_to_axis_angle(motion.rotations)).flatten(1)
    told = {"global_orient": vectors[:, :3], "body_pose": vectors[:, 3:]}
    file = io.BytesIO()
    torch.save({"smpl_params_global": {**told, "transl": torch.tensor(motion.root)}}, file)
    return file.getvalue()


def pack_glb(text: bytes, binary: bytes) -> bytes:
    text = text.ljust(-(-len(text) // 4) * 4)
    parts = struct.pack("<II", len(text), 0x4E4F534A) + text
    parts += struct.pack("<II", len(binary), 0x004E4942) + binary
    return b"glTF" + struct.pack("<II", 2, 12 + len(parts)) + parts


def pack_zip(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries.items():
            told = zipfile.ZipInfo(name)  # of 1980, so that files are the same again
            archive.writestr(told, data, method)
    return file.getvalue()


def unpack_zip(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def mutate(reader: str, data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file with one to three faults."""
    for _ in range(rng.integers(1, 4)):
        data = pick(rng, MUTATIONS[reader])(rng, data)
    return data


def pick(rng: np.random.Generator, things: Sequence[Any]) -> Any:
    return things[int(rng.integers(len(things)))]


def flip(rng: np.random.Generator, data: bytes) -> bytes:
    out = bytearray(data)
    for at in rng.integers(len(data), size=rng.integers(1, 17)) if data else ():
        out[at] = rng.integers(256)
    return bytes(out)


def overwrite(rng: np.random.Generator, data: bytes) -> bytes:
    """Put a number that is none, or far too large, where one may lie."""
    at, number = int(rng.integers(len(data) + 1)) // 4 * 4, pick(rng, _BINARY)
    return data[:at] + number + data[at + len(number) :]


def cut(rng: np.random.Generator, data: bytes) -> bytes:
    start, end = sorted(rng.integers(len(data) + 1, size=2))
    return data[:start] if rng.random() < 0.5 else data[:start] + data[end:]


def double(rng: np.random.Generator, data: bytes) -> bytes:
    start = int(rng.integers(len(data) + 1))
    part = data[start : start + int(rng.integers(1, 5000))]
    return data[:start] + part * int(rng.integers(2, 200)) + data[start:]


def swap_numbers(rng: np.random.Generator, data: bytes) -> bytes:
    found = list(_NUMBER.finditer(data[:200_000]))
    for i in sorted(
        rng.integers(len(found), size=rng.integers(1, 4)) if found else (), reverse=True
    ):
        data = data[: found[i].start()] + pick(rng, _WORDS) + data[found[i].end() :]
    return data


def swap_lines(rng: np.random.Generator, data: bytes) -> bytes:
    lines = data.split(b"\n")
    # of a BVH, the skeleton is more likely to break than the poses below it
    a, b = rng.integers(min(len(lines), 200), size=2)
    match rng.integers(4):
        case 0:
            lines[a], lines[b] = lines[b], lines[a]
        case 1:
            del lines[a]
        case 2:
            lines.insert(a, lines[b])
        case _:
            lines[a : a + 1] = lines[a : a + 1] * int(rng.integers(2, 3000))
    return b"\n".join(lines)


def nest(rng: np.random.Generator, data: bytes) -> bytes:
    at = int(rng.integers(len(data) + 1))
    return data[:at] + pick(rng, _DEEP) * int(10 ** rng.uniform(1, 5)) + data[at:]


def change_json(rng: np.random.Generator, data: bytes) -> bytes:
    """Change, drop or repeat a value somewhere in the tree."""
    try:
        node = whole = json.loads(data)
    except (ValueError, RecursionError):  # an earlier fault
        return flip(rng, data)
    while isinstance(node, dict | list) and node:
        key = pick(rng, list(node)) if isinstance(node, dict) else int(rng.integers(len(node)))
        if isinstance(node[key], dict | list) and node[key] and rng.random() < 0.8:
            node = node[key]
            continue
        match rng.integers(4):
            case 0:
                del node[key]
            case 1 if isinstance(node, list):
                node *= int(rng.integers(2, 300))
            case 2:
                for _ in range(int(10 ** rng.uniform(0, 2.5))):
                    node[key] = [node[key]]
            case _:
                node[key] = pick(rng, _VALUES)
        break
    return json.dumps(whole).encode()


def change_glb(rng: np.random.Generator, data: bytes) -> bytes:
    """Change one of the two parts, in a file that is whole."""
    length = int.from_bytes(data[12:16], "little")
    text, binary = data[20 : 20 + length], data[28 + length :]
    if rng.random() < 0.7:
        text = pick(rng, (*[change_json] * 8, swap_numbers, nest))(rng, text)
    else:
        binary = pick(rng, (overwrite, cut, flip))(rng, binary)
    return pack_glb(text, binary)


def change_fbx(rng: np.random.Generator, data: bytes) -> bytes:
    """Change one value of a file, or where one of its nodes is."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "walk.fbx"
            path.write_bytes(data)
            top = fbx_file.Document(path).top
            owners = [top, *_below(top)]
            change = pick(rng, owners[1:])
            if change.values and rng.random() < 0.7:
                others = [value for node in owners for value in node.values]
                new = pick(rng, others) if rng.random() < 0.5 else pick(rng, _FBX)
                change.values[rng.integers(len(change.values))] = new
            else:
                change.below = pick(rng, owners).below[: rng.integers(1, 9)]
            fbx_writer.save([_to_write(node) for node in top.below], path)
            return path.read_bytes()
    except Exception:  # an earlier fault, or nodes within themselves
        return flip(rng, data)


def _below(node: fbx_file.Node) -> list[fbx_file.Node]:
    return [one for below in node.below for one in (below, *_below(below))]


def _to_write(node: fbx_file.Node) -> fbx_writer.Node:
    values = []
    for value in node.values:
        if isinstance(value, fbx_file.Array):
            form = {"f": np.float32, "d": np.float64, "i": np.int32, "l": np.int64}[value.kind]
            value = np.frombuffer(zlib.decompress(value.data), form)
        values.append(np.int64(value) if type(value) is int else value)
    return fbx_writer.Node(node.name, tuple(values), tuple(map(_to_write, node.below)))


def lie(rng: np.random.Generator, data: bytes) -> bytes:
    """Give an NPY file another header."""
    try:
        file = io.BytesIO(data)
        np.lib.format.read_magic(file)
        shape, _, kind = np.lib.format.read_array_header_1_0(file)
        shape, kind = list(shape), kind.str
        match rng.integers(4):
            case 0:
                kind = pick(rng, _KINDS)
            case 1 if shape:
                shape[rng.integers(len(shape))] = int(pick(rng, (0, -1, 1, 3, 2**31, 2**62)))
            case 2:
                shape = shape[:-1] or [5]
            case _:
                shape = [*shape[::-1], 1]
        out = io.BytesIO()
        header = {"descr": kind, "fortran_order": bool(rng.integers(2)), "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(out, header)
        return out.getvalue() + file.read()
    except Exception:  # an earlier fault
        return flip(rng, data)


def change_entry(*mutations: Mutation, method: int = zipfile.ZIP_DEFLATED) -> Mutation:
    """Make a mutation that changes what lies in an archive, which stays whole."""

    def change(rng: np.random.Generator, data: bytes) -> bytes:
        try:
            entries = unpack_zip(data)
        except Exception:  # an earlier fault
            return flip(rng, data)
        name = pick(rng, list(entries))
        entries[name] = pick(rng, mutations)(rng, entries[name])
        if rng.random() < 0.1:
            entries[pick(rng, ("../a", "a" * 3000, "a.npy", "poses.npy", "/"))] = entries.pop(name)
        return pack_zip(entries, zipfile.ZIP_BZIP2 if rng.random() < 0.02 else method)

    return change


_ANY: tuple[Mutation, ...] = (flip, overwrite, cut, double)
_TEXT: tuple[Mutation, ...] = (flip, cut, double, swap_numbers, swap_numbers, swap_lines, nest)
_ARRAY: tuple[Mutation, ...] = (lie, lie, overwrite, overwrite, flip, cut)
MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    "bvh": (*_TEXT, *[swap_numbers] * 7),
    "glb": (*_ANY, *[change_glb] * 8),
    "gltf": (*_TEXT, *[change_json] * 21),
    "fbx": (*_ANY, *[change_fbx] * 20),
    "npz": (*_ANY, *[change_entry(*_ARRAY)] * 8),
    "npy": (*_ANY, *_ARRAY),
    "pt": (*_ANY, *[change_entry(*_ANY, method=zipfile.ZIP_STORED)] * 8),
    "zip": (*_ANY, *[change_entry(*_TEXT, *_ANY, change_json, change_json)] * 8),
}
