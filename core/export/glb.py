"""GLB: a skinned mesh in vertex colors, with or without an animation, in one binary glTF file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.body.mesh import Body
from core.body.rotations import normalize
from core.body.skeleton import JOINTS, PARENTS
from core.body.take import Take
from core.export.metadata import BONES, ROOT, describe
from core.export.root import Tracks, tracks
from core.settings import ExportSettings

_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_FORMATS = {"uint8": 5121, "uint16": 5123, "uint32": 5125, "float32": 5126}
_LONGEST_NAME = 60
"""Characters; Blender cuts names after 63 bytes."""
_VERTICES, _INDICES = 34962, 34963


class _Builder:
    """Collects arrays into one buffer and hands out accessor numbers."""

    def __init__(self, gltf) -> None:
        self.gltf = gltf
        self.blob = bytearray()

    def add(
        self,
        array: np.ndarray,
        *,
        target: int | None = None,
        bounds: bool = False,
        normalized: bool = False,
    ) -> int:
        from pygltflib import Accessor, BufferView

        array = np.ascontiguousarray(array)
        flat = array.reshape(len(array), -1)
        self.gltf.bufferViews.append(
            BufferView(buffer=0, byteOffset=len(self.blob), byteLength=array.nbytes, target=target)
        )
        self.blob += array.tobytes()
        self.blob += bytes(-len(self.blob) % 4)
        self.gltf.accessors.append(
            Accessor(
                bufferView=len(self.gltf.bufferViews) - 1,
                componentType=_FORMATS[str(array.dtype)],
                normalized=normalized,
                count=len(array),
                type=_TYPES[flat.shape[1]],
                min=flat.min(axis=0).tolist() if bounds else None,
                max=flat.max(axis=0).tolist() if bounds else None,
            )
        )
        return len(self.gltf.accessors) - 1

    def to_bytes(self) -> bytes:
        from pygltflib import Buffer

        self.gltf.buffers = [Buffer(byteLength=len(self.blob))]
        self.gltf.set_binary_blob(bytes(self.blob))
        return b"".join(self.gltf.save_to_bytes())


def body_glb(body: Body) -> bytes:
    """The body at rest, skinned to 22 joints that carry the names and order of JOINTS."""
    return _build(body, JOINTS, {"body": body.name, "credit": body.credit}).to_bytes()


def write_glb(take: Take, path: Path, *, body: Body, settings: ExportSettings) -> None:
    """Write the take as an animation of the body, one key for each pose."""
    moved = tracks(take, body, settings.root)
    about = describe(take, body, root=settings.root)
    builder = _build(body, BONES, about, rooted=bool(moved.root))
    _animate(builder, take, moved)
    path.write_bytes(builder.to_bytes())


def _build(
    body: Body, names: tuple[str, ...], extras: dict[str, str], *, rooted: bool = False
) -> _Builder:
    """Mesh, skin and skeleton; nodes 0-21 are the joints, node 22 is the mesh.

    `rooted` adds node 23, a root bone on the floor, which moves no vertex.
    """
    import pygltflib as gl

    from core.export.render.scene import face_spread, vertex_normals

    gltf = gl.GLTF2()
    builder = _Builder(gltf)
    licence = extras.get("licence", "")
    gltf.asset = gl.Asset(
        version="2.0", generator="Livestep", copyright=licence or None, extras=extras
    )
    rest = body.rest_joints
    for i, name in enumerate(names):
        bone = rest[i] if PARENTS[i] < 0 else rest[i] - rest[PARENTS[i]]
        children = [c for c, parent in enumerate(PARENTS) if parent == i]
        gltf.nodes.append(gl.Node(name=name, translation=bone.tolist(), children=children))
    mesh_node = len(gltf.nodes)
    gltf.nodes.append(gl.Node(name="Body", mesh=0, skin=0))
    joints, top = list(range(len(names))), 0
    if rooted:
        top = len(gltf.nodes)
        gltf.nodes.append(gl.Node(name=ROOT, children=[0]))
        joints.append(top)
    gltf.scenes, gltf.scene = [gl.Scene(name="Livestep", nodes=[top, mesh_node])], 0

    spread = face_spread(body.faces, len(body.vertices))
    normals = normalize(vertex_normals(body.vertices.astype(np.float64), body.faces, spread))
    index_type = np.uint16 if len(body.vertices) < 65535 else np.uint32
    attributes = gl.Attributes(
        POSITION=builder.add(body.vertices.astype(np.float32), target=_VERTICES, bounds=True),
        NORMAL=builder.add(normals.astype(np.float32), target=_VERTICES),
        COLOR_0=builder.add(_linear_colors(body.colors), target=_VERTICES, normalized=True),
        JOINTS_0=builder.add(body.skin_joints, target=_VERTICES),
        WEIGHTS_0=builder.add(body.skin_weights.astype(np.float32), target=_VERTICES),
    )
    indices = builder.add(body.faces.reshape(-1, 1).astype(index_type), target=_INDICES)
    gltf.materials = [
        gl.Material(
            name="Outfit",
            pbrMetallicRoughness=gl.PbrMetallicRoughness(metallicFactor=0.0, roughnessFactor=0.8),
        )
    ]
    primitive = gl.Primitive(attributes=attributes, indices=indices, material=0)
    gltf.meshes = [gl.Mesh(name="Body", primitives=[primitive])]

    inverse_bind = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    inverse_bind[: len(rest), 3, :3] = -rest  # glTF stores matrices column by column
    gltf.skins = [
        gl.Skin(
            name="Skeleton",
            joints=joints,
            skeleton=top,
            inverseBindMatrices=builder.add(inverse_bind),
        )
    ]
    return builder


def _linear_colors(colors: np.ndarray) -> np.ndarray:
    """Colors (V, 3) sRGB bytes -> (V, 4) linear, as normalized uint16, opaque."""
    share = colors / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    opaque = np.concatenate([linear, np.ones((len(linear), 1))], axis=1)
    return np.round(opaque * 65535).astype(np.uint16)


def _animate(builder: _Builder, take: Take, moved: Tracks) -> None:
    import pygltflib as gl

    seconds = (np.arange(len(take)) / take.fps).astype(np.float32)[:, None]
    times = builder.add(seconds, bounds=True)
    animation = gl.Animation(name=title(take))

    def drive(node: int, path: str, values: np.ndarray) -> None:
        output = builder.add(values.astype(np.float32))
        animation.samplers.append(gl.AnimationSampler(input=times, output=output))
        target = gl.AnimationChannelTarget(node=node, path=path)
        animation.channels.append(
            gl.AnimationChannel(sampler=len(animation.samplers) - 1, target=target)
        )

    drive(0, "translation", moved.hips)
    rotations = _as_xyzw(moved.rotations)
    for joint in range(len(JOINTS)):
        drive(joint, "rotation", rotations[:, joint])
    if moved.root:
        top = builder.gltf.skins[0].skeleton
        drive(top, "translation", moved.root.path)
        drive(top, "rotation", _as_xyzw(moved.root.turns))
    builder.gltf.animations = [animation]


def _as_xyzw(rotations: np.ndarray) -> np.ndarray:
    """Unit quaternions (..., 4) as glTF stores them."""
    return normalize(rotations.astype(np.float64))[..., [1, 2, 3, 0]]


def title(take: Take) -> str:
    """Return all prompts of a take, shortened, as the name that tools show for its animation."""
    text = "; ".join(dict.fromkeys(mark.text for mark in take.prompts)) or "Take"
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 3].rstrip()}..."
