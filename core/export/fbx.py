"""FBX: a skinned body with its animations, as Unity, Unreal, Maya and Blender read it.

Centimeters, Y up, facing +Z, T-pose at rest, Mixamo's bone names. Bones point along their Y axis
to the next joint, with Z as far ahead as it can be: rotations about X, then Y, then Z are then far
from the poles, where Euler angles have two ways to say the same. Provenance is in properties of
the body, which programs show as attributes of a user's own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.body.mesh import Body
from core.body.rotations import cross, matrix_to_quat, normalize
from core.body.skeleton import AIMS, PARENTS
from core.body.take import Take
from core.export.fbx_file import save
from core.export.fbx_mesh import Surface, add_paint, add_surface
from core.export.fbx_rig import BEHIND, Rig, add_animation, add_bind_pose, add_bones
from core.export.fbx_scene import Scene
from core.export.metadata import BONES, ROOT, describe, titled
from core.export.root import tracks
from core.settings import ExportSettings

_CM = 100


def write_fbx(take: Take, path: Path, *, body: Body, settings: ExportSettings) -> None:
    """Write the take, or one for each prompt, as animations of the body."""
    scene, rig = Scene(), _rig(body, rooted=settings.root == "floor")
    bones = add_bones(scene, rig)
    about = describe(take, body, root=settings.root)
    mesh = add_surface(scene, rig, bones, _surface(scene, body, rig), about)
    add_bind_pose(scene, rig, bones, [mesh])
    for name, one in titled(take, settings.takes).items():
        moved = tracks(one, body, settings.root)
        turns, places = moved.rotations, {rig.names.index(BONES[0]): moved.hips * _CM}
        if moved.root:
            turns = np.concatenate([moved.root.turns[:, None], turns], axis=1)
            places[0] = moved.root.path * _CM
        add_animation(
            scene, name, one.fps, bones, rig.local(normalize(turns.astype(np.float64))), places
        )
    save(scene.document(take.fps), path)


def _rig(body: Body, *, rooted: bool) -> Rig:
    """Return a body's skeleton, which stands on the floor; `rooted` has a root bone there."""
    rest = body.rest_joints.astype(np.float64)
    along = np.array([rest[aim] - rest[i] for i, aim in enumerate(AIMS)])
    ends = [i for i, aim in enumerate(AIMS) if aim < 0]
    along[ends] = along[[PARENTS[i] for i in ends]]
    y = normalize(along)
    z = normalize([0, 0, 1] - y[:, 2:] * y)
    frames = matrix_to_quat(np.stack([cross(y, z), y, z], axis=-1))
    places = (rest - [0, body.ground, 0]) * _CM
    if not rooted:
        return Rig(names=BONES, parents=PARENTS, places=places, frames=frames)
    return Rig(
        names=(ROOT, *BONES),
        parents=(-1, *(parent + 1 for parent in PARENTS)),
        places=np.concatenate([[[0, 0, -BEHIND]], places]),
        frames=np.concatenate([[[1, 0, 0, 0]], frames]),
    )


def _surface(scene: Scene, body: Body, rig: Rig) -> Surface:
    """A body that stands on the floor, in one paint and colors of its own."""
    from core.export.render.scene import face_spread, vertex_normals

    vertices = body.vertices.astype(np.float64)
    normals = vertex_normals(vertices, body.faces, face_spread(body.faces, len(vertices)))
    return Surface(
        name="Body",
        vertices=(vertices - [0, body.ground, 0]) * _CM,
        normals=normalize(normals),
        faces=body.faces,
        bones=body.skin_joints.astype(np.int64) + rig.names.index(BONES[0]),
        weights=body.skin_weights,
        paints=(add_paint(scene, "Outfit", (0.8, 0.8, 0.8)),),
        colors=body.colors / 255,
    )
