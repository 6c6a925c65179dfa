"""Read a user's own SMPL, SMPL-H or SMPL-X file without trusting it.

Such files are pickles or archives with pickles inside, and a pickle can run any code. Ours are
read by an unpickler that knows NumPy arrays, SciPy's sparse matrices and an empty stand-in for
chumpy, which old files were made with; whatever else a file asks for is refused.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from core.body.arrays import open_arrays
from core.body.skeleton import FEET, JOINTS, PARENTS

MOST_BYTES = 256_000_000
"""Of the arrays that are needed, when unpacked; SMPL-X has 10 million."""
_NEEDED = ("v_template", "f", "J_regressor", "weights", "kintree_table")
_SPARSE = ("csc_matrix", "csr_matrix", "coo_matrix", "csc_array", "csr_array", "coo_array")
_ALLOWED = {
    *(
        (f"numpy.{core}.multiarray", name)
        for core in ("core", "_core")
        for name in ("_reconstruct", "scalar")
    ),
    *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
    ("copy_reg", "_reconstructor"),
    ("copyreg", "_reconstructor"),
    ("__builtin__", "object"),
    ("builtins", "object"),
}
_SKIN, _SHOES = (196, 154, 128), (232, 232, 236)


class _Chumpy:
    """Stand-in for any chumpy class: keeps the state and computes nothing."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class _SafeUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "chumpy":
            return _Chumpy
        if module.startswith("scipy.sparse") and name in _SPARSE:
            import scipy.sparse

            return getattr(scipy.sparse, name)
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise ValueError(f"the file asks for {module}.{name}, which no SMPL body needs; refused")


def safe_unpickle(data: bytes) -> Any:
    """Unpickle arrays; raise ValueError for anything that is not one or not a pickle."""
    try:
        return _SafeUnpickler(io.BytesIO(data), encoding="latin1").load()
    except ValueError:
        raise
    except Exception as error:  # a broken pickle can raise nearly anything
        raise ValueError(f"the file is not a pickle that can be read: {error}") from error


def _dense(value: Any) -> np.ndarray:
    """The array behind a chumpy object or a sparse matrix."""
    if isinstance(value, _Chumpy):
        value = value.__dict__.get("x")
    if hasattr(value, "toarray"):
        value = value.toarray()
    return np.asarray(value)


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise ValueError(f"there is no file {path.name}")
    if path.suffix == ".npz":
        try:
            with open_arrays(path, _NEEDED, most_bytes=MOST_BYTES) as archive:
                return {name: archive.read(name) for name in archive.shapes}
        except ValueError as error:
            raise ValueError(f"{path.name} is no SMPL archive that can be read: {error}") from error
    if path.suffix != ".pkl":
        raise ValueError(f"a SMPL body comes as .pkl or .npz, got {path.name}")
    content = safe_unpickle(path.read_bytes())
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} holds a {type(content).__name__}, not a SMPL body")
    return {name: _dense(content[name]) for name in _NEEDED if name in content}


def _check(arrays: dict[str, np.ndarray], name: str) -> None:
    missing = [key for key in _NEEDED if key not in arrays]
    if missing:
        raise ValueError(f"{name} is not a SMPL body: it lacks {', '.join(missing)}")
    for key, array in arrays.items():
        if array.ndim != 2 or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise ValueError(f"{name} is not a SMPL body: {key} is no table of finite numbers")
    vertices, joints = len(arrays["v_template"]), arrays["J_regressor"].shape[0]
    shapes = {
        "v_template": (vertices, 3),
        "f": (len(arrays["f"]), 3),
        "J_regressor": (joints, vertices),
        "weights": (vertices, joints),
        "kintree_table": (2, joints),
    }
    for key, shape in shapes.items():
        if arrays[key].shape != shape:
            raise ValueError(f"{name}: {key} should be {shape}, is {arrays[key].shape}")
    if arrays["f"].min() < 0 or arrays["f"].max() >= vertices:
        raise ValueError(f"{name}: its faces name vertices that it does not have")
    tree = arrays["kintree_table"][0].astype(np.int64)  # the root's parent is -1 as any integer
    parents = [-1, *tree[1:].tolist()]
    if tuple(parents[: len(JOINTS)]) != PARENTS or any(p >= i for i, p in enumerate(parents)):
        raise ValueError(f"{name}: its first {len(JOINTS)} joints are not those of SMPL")


def read_smpl(path: Path) -> dict[str, Any]:
    """Fields of a Body out of a SMPL (24 joints), SMPL-H (52) or SMPL-X (55) file.

    Hands, jaw and eyes move with the joint above them; the four largest weights of each vertex
    are kept and the sole is put on the floor. Raises ValueError with a sentence for files that
    are missing, broken, unsafe or of another kind.
    """
    import smplx
    from smplx.lbs import vertices2joints
    from smplx.utils import Struct

    arrays = _read_arrays(path)
    _check(arrays, path.name)
    count = len(arrays["v_template"])
    # shape and pose corrections are not used; zeros of a full shape space keep smplx quiet
    none = {
        "shapedirs": np.broadcast_to(np.float32(0), (count, 3, smplx.SMPL.SHAPE_SPACE_DIM)),
        "posedirs": np.zeros((count, 3, 1), np.float32),
    }
    model = smplx.SMPL(str(path), data_struct=Struct(**arrays, **none))
    joints = vertices2joints(model.J_regressor, model.v_template[None])[0, : len(JOINTS)].numpy()
    vertices = model.v_template.numpy()

    folded = model.lbs_weights.numpy().copy()
    parents = model.parents.tolist()
    for extra in range(folded.shape[1] - 1, len(JOINTS) - 1, -1):
        folded[:, parents[extra]] += folded[:, extra]
    top = np.argsort(-folded[:, : len(JOINTS)], axis=1)[:, :4]
    weights = np.take_along_axis(folded, top, axis=1)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-8)

    floor = np.array([0, vertices[:, 1].min(), 0], np.float32)
    colors = np.full((count, 3), _SKIN, np.uint8)
    colors[np.isin(top[:, 0], FEET)] = _SHOES
    return {
        "name": path.stem,
        "rest_joints": joints - floor,
        "vertices": vertices - floor,
        "faces": arrays["f"].astype(np.int32),
        "skin_joints": np.where(weights > 0, top, 0).astype(np.uint8),
        "skin_weights": weights.astype(np.float32),
        "colors": colors,
        "credit": f"the user's own file {path.name}",
        "origin": joints[0],
    }
