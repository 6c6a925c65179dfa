"""GLB: a skinned mesh in vertex colors, with or without an animation, in one binary glTF file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.body.mesh import Body
from core.body.rotations import normalize
from core.body.skeleton import JOINTS, PARENTS
from core.body.take import Take
from core.export.gltf import Builder
from core.export.metadata import BONES, ROOT, describe, titled
from core.export.root import tracks
from core.settings import ExportSettings

_VERTICES, _INDICES = 34962, 34963


def body_glb(body: Body) -> bytes:
    """The body at rest, skinned to 22 joints that carry the names and order of JOINTS."""
    return _build(body, JOINTS, {"body": body.name, "credit": body.credit}).to_bytes()


def write_glb(take: Take, path: Path, *, body: Body, settings: ExportSettings) -> None:
    """Write the take, or one for each prompt, as animations of the body, a key for each pose."""
    about = describe(take, body, root=settings.root)
    builder = _build(body, BONES, about, rooted=settings.root == "floor")
    for name, one in titled(take, settings.takes).items():
        moved = tracks(one, body, settings.root)
        builder.animate(name, one.fps, moved, root=builder.gltf.skins[0].skeleton or 0)
    path.write_bytes(builder.to_bytes())


def _build(
    body: Body, names: tuple[str, ...], extras: dict[str, str], *, rooted: bool = False
) -> Builder:
    """Mesh, skin and skeleton; nodes 0-21 are the joints, node 22 is the mesh.

    `rooted` adds node 23, a root bone on the floor, which moves no vertex.
    """
    import pygltflib as gl

    from core.export.render.scene import face_spread, vertex_normals

    builder = Builder(extras)
    gltf = builder.gltf
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
