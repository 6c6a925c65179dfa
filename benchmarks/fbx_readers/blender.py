"""What Blender makes of an FBX file: `python blender.py IN OUT SECOND...`, by a Python with bpy."""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path


def main() -> None:
    """Write its takes, bones and bent vertices in meters, Y up, at the times asked for."""
    import bpy
    from mathutils import Matrix

    upright = Matrix(((1, 0, 0, 0), (0, 0, 1, 0), (0, -1, 0, 0), (0, 0, 0, 1)))

    def flat(matrix: Matrix) -> list[float]:
        return [value for row in upright @ matrix for value in row]

    path, out, *seconds = sys.argv[1:]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=path)
    scene = bpy.context.scene
    (armature,) = [one for one in bpy.data.objects if one.type == "ARMATURE"]
    meshes = [one for one in bpy.data.objects if one.type == "MESH"]
    first = armature.animation_data.action.frame_range[0]
    bones = {bone.name: [] for bone in armature.pose.bones}
    vertices = []
    for second in map(float, seconds):
        frame = first + second * scene.render.fps / scene.render.fps_base
        scene.frame_set(int(frame), subframe=frame % 1)
        graph = bpy.context.evaluated_depsgraph_get()
        for bone in armature.pose.bones:
            bones[bone.name].append(flat(armature.matrix_world @ bone.matrix))
        points = []
        for mesh in meshes:
            bent = mesh.evaluated_get(graph)
            points += [list(upright @ bent.matrix_world @ one.co) for one in bent.data.vertices]
        vertices.append(points)
    rest = {b.name: flat(armature.matrix_world @ b.matrix_local) for b in armature.data.bones}
    told = {
        "takes": [action.name for action in bpy.data.actions],
        "materials": [material.name for material in bpy.data.materials],
        "pictures": [[image.name, *image.size] for image in bpy.data.images],
        "rest": rest,
        "bones": bones,
        "vertices": vertices,
    }
    Path(out).write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()
