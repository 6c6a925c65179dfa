"""What all glTF files are written with: arrays in one buffer, and animations made of them."""

from __future__ import annotations

import numpy as np

from core.body.rotations import normalize
from core.body.skeleton import JOINTS
from core.export.root import Tracks

_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_FORMATS = {"uint8": 5121, "uint16": 5123, "uint32": 5125, "float32": 5126}


class Builder:
    """Collects arrays into one buffer and hands out accessor numbers."""

    def __init__(self, about: dict[str, str]) -> None:
        """Begin a file about which `about` tells what is known."""
        import pygltflib as gl

        self.gltf = gl.GLTF2()
        licence = about.get("licence")
        self.gltf.asset = gl.Asset(
            version="2.0", generator="Livestep", copyright=licence or None, extras=about
        )
        self.blob = bytearray()

    def add(
        self,
        array: np.ndarray,
        *,
        target: int | None = None,
        bounds: bool = False,
        normalized: bool = False,
    ) -> int:
        """Add an array, (K,) or (K, width) or matrices; return its accessor's number."""
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
        """Return the file."""
        from pygltflib import Buffer

        self.gltf.buffers = [Buffer(byteLength=len(self.blob))]
        self.gltf.set_binary_blob(bytes(self.blob))
        return b"".join(self.gltf.save_to_bytes())

    def animate(self, name: str, fps: float, moved: Tracks, *, root: int = -1) -> None:
        """Add an animation of nodes 0-21, our joints, and of the root bone where there is one."""
        import pygltflib as gl

        seconds = (np.arange(len(moved.hips)) / fps).astype(np.float32)[:, None]
        times = self.add(seconds, bounds=True)
        animation = gl.Animation(name=name)

        def drive(node: int, path: str, values: np.ndarray) -> None:
            output = self.add(values.astype(np.float32))
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
            drive(root, "translation", moved.root.path)
            drive(root, "rotation", _as_xyzw(moved.root.turns))
        self.gltf.animations.append(animation)


def _as_xyzw(rotations: np.ndarray) -> np.ndarray:
    """Unit quaternions (..., 4) as glTF stores them."""
    return normalize(rotations.astype(np.float64))[..., [1, 2, 3, 0]]
