"""Checkpoints: `<name>/{model.safetensors, config.json, README.md}`; strict, typed, never pickled.

Weights are computed in fp32; ours are stored as fp16. `config.json` holds the kind of model, its
config and what is known of its training; whoever loads it says which class they expect. Where it
also names a `base`, a checkpoint beside it, only what differs is stored: a matrix as `<name>.up`
(out, r) and `<name>.down` (r, in), whose product is added to the base's, everything else in full.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import torch
from torch import Tensor, nn


class Model(Protocol):
    """A network (an nn.Module) whose class says what its checkpoints hold."""

    kind: str
    Config: Any
    """Class of `cfg`."""
    cfg: Any

    def __init__(self, cfg: Any) -> None: ...


M = TypeVar("M", bound=Model)


def save(model: Model, folder: Path, *, about: dict[str, Any], half: bool = True) -> None:
    """Write weights and config; `about` (data, licence, figures, ...) is kept beside them."""
    entry = {"kind": model.kind, "config": model.cfg.model_dump(mode="json"), "about": about}
    write(folder, entry, cast(nn.Module, model).state_dict(), half=half)


def write(
    folder: Path, entry: dict[str, Any], tensors: dict[str, Tensor], *, half: bool = True
) -> None:
    """Write config.json as it is given and tensors, as fp16 where `half`."""
    from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

    folder.mkdir(parents=True, exist_ok=True)
    stored = {
        name: (value.half() if half and value.is_floating_point() else value).contiguous()
        for name, value in tensors.items()
    }
    save_file(stored, str(folder / "model.safetensors"))
    (folder / "config.json").write_text(json.dumps(entry, indent=2) + "\n")


def describe(folder: Path) -> dict[str, Any]:
    """Return the config.json of a checkpoint; raise ValueError where it is missing or broken."""
    path = folder / "config.json"
    if not path.is_file() or not (folder / "model.safetensors").is_file():
        raise ValueError(
            f"no checkpoint at {folder}: expected model.safetensors and config.json there"
        )
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error


def describe_base(folder: Path, entry: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """Return folder and config.json of the base that an entry names; ValueError if unfit for it."""
    base = folder.parent / entry["base"]
    try:
        found = describe(base)
    except ValueError as error:
        raise ValueError(f"{folder} stands on the base {base.name!r}: {error}") from error
    if found.get("kind") != entry["kind"]:
        raise ValueError(f"{folder} is a {entry['kind']!r}, but its base a {found.get('kind')!r}")
    if "base" in found:
        raise ValueError(f"{base}, the base of {folder}, has a base itself; only one is allowed")
    return base, found


def fingerprint(folder: Path) -> str:
    """Return a short hash of a checkpoint's weights."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:16]


def weights(folder: Path) -> dict[str, Tensor]:
    """Return all weights of a checkpoint as fp32, those of its base included."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    entry = describe(folder)
    try:
        stored = load_file(str(folder / "model.safetensors"))
    except SafetensorError as error:
        raise ValueError(
            f"the weights in {folder} cannot be read ({error}); copy them anew"
        ) from None
    stored = {k: v.float() if v.is_floating_point() else v for k, v in stored.items()}
    if "base" not in entry:
        return stored
    base, _ = describe_base(folder, entry)
    if entry.get("base_weights", fingerprint(base)) != fingerprint(base):
        raise ValueError(
            f"{folder} is a difference from another {base.name!r} than the one beside it; train it"
            " anew, or bring back the checkpoint it was made with"
        )
    tensors = weights(base)
    for name, weight in tensors.items():
        pair = f"{name}.up", f"{name}.down"
        if name in stored:
            tensors[name] = stored.pop(name)
        elif all(part in stored for part in pair):
            up, down = (stored.pop(part) for part in pair)
            rank, columns = down.shape[:1], weight.shape[1:].numel()
            if weight.ndim < 2 or up.shape != (len(weight), *rank) or down.shape[1:] != (columns,):
                raise ValueError(
                    f"{folder}: the difference {tuple(up.shape)} @ {tuple(down.shape)} does not fit"
                    f" {name}, which has the shape {tuple(weight.shape)}"
                )
            tensors[name] = weight + (up @ down).view_as(weight)
    if stored:
        raise ValueError(f"{folder} holds {', '.join(stored)}, which its base cannot place")
    return tensors


def load(folder: Path, model: type[M], *, device: str | torch.device = "cpu") -> M:
    """Return a checkpoint's model, of the class that is expected, in evaluation mode, fp32.

    Raises ValueError where files are missing, the kind is another, or a weight does not fit.
    """
    entry = describe(folder)
    if entry.get("kind") != model.kind:
        raise ValueError(f"{folder} holds a {entry.get('kind')!r}, expected a {model.kind!r}")
    loaded = model(model.Config(**entry["config"]))
    network = cast(nn.Module, loaded)
    try:
        network.load_state_dict(weights(folder), strict=True)
    except RuntimeError as error:
        raise ValueError(f"the weights in {folder} do not fit their config: {error}") from error
    network.to(device).eval().requires_grad_(False)
    return loaded
