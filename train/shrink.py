"""Store a fine-tuned checkpoint as its base plus a small difference: `python -m train.shrink DIR`.

Fine-tuning moves a matrix mostly along a few directions (LoRA), so of each difference only the
largest singular directions are kept; whatever is smaller in full, such as a bias, is stored so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from core import checkpoint

SAMPLING = {
    *("steps", "stagger", "steered_steps", "multistep"),
    *("guidance", "context_noise", "shift"),
}
"""Settings that may differ from the base's: they are how a model is sampled, not what it is."""


def factors(difference: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Return up (out, rank) and down (rank, in), whose product is nearest to a matrix (out, in)."""
    u, s, vh = torch.linalg.svd(difference, full_matrices=False)
    root = s[:rank].sqrt()  # half in each factor keeps both well within fp16
    return u[:, :rank] * root, root[:, None] * vh[:rank]


def differences(
    tensors: dict[str, Tensor], base: dict[str, Tensor], rank: int
) -> dict[str, Tensor]:
    """Return what `core.checkpoint` adds to a base to have these tensors, matrices to a rank."""
    stored: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if torch.equal(value, base[name]):
            continue
        rows, columns = value.shape[:1].numel(), value.shape[1:].numel()
        if rank * (rows + columns) < rows * columns:
            up, down = factors((value - base[name]).flatten(1), rank)
            stored |= {f"{name}.up": up, f"{name}.down": down}
        else:
            stored[name] = value
    return stored


def shrink(folder: Path, base: Path, out: Path, rank: int) -> dict[str, float]:
    """Write a checkpoint as a difference; return the relative error of each weight that differs.

    Raises ValueError where the base is unfit: another kind or config, or not beside `out`.
    """
    entry = checkpoint.describe(folder)
    about = {**entry["about"], "base": base.name, "rank": rank}
    entry = {"kind": entry["kind"], "base": base.name, "config": entry["config"], "about": about}
    found, origin = checkpoint.describe_base(out, entry)
    if found.resolve() != base.resolve() or out.resolve() == base.resolve():
        raise ValueError(f"{out} must be a folder of its own beside its base {base}")
    sizes, needed = (
        {k: v for k, v in c.items() if k not in SAMPLING}
        for c in (entry["config"], origin["config"])
    )
    if sizes != needed:
        raise ValueError(f"{folder} and {base} have different configs")
    tensors, before = checkpoint.weights(folder), checkpoint.weights(base)
    entry["base_weights"] = checkpoint.fingerprint(base)
    checkpoint.write(out, entry, differences(tensors, before, rank))
    after = checkpoint.weights(out)
    return {
        name: ((after[name] - value).norm() / value.norm().clamp(min=1e-12)).item()
        for name, value in tensors.items()
        if not torch.equal(value, before[name])
    }


def main(
    folder: Annotated[Path, typer.Argument(help="The fine-tuned checkpoint.")],
    base: Annotated[Path, typer.Option(help="The checkpoint that it was tuned from.")],
    rank: Annotated[int, typer.Option(min=1, help="Directions kept of each matrix.")] = 32,
    out: Annotated[Path | None, typer.Option(help="Where to write; default: in place.")] = None,
) -> None:
    """Store a fine-tuned checkpoint as its base plus a small difference."""
    out = out or folder
    try:
        size = _megabytes(folder)
        errors = shrink(folder, base, out, rank)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    print(f"{folder}: {size:.2f} MB -> {out}: {_megabytes(out):.2f} MB")
    if errors:
        worst = max(errors, key=lambda name: errors[name])
        mean = sum(errors.values()) / len(errors)
        print(
            f"relative error of {len(errors)} weights: mean {mean:.2%},"
            f" worst {errors[worst]:.2%} in {worst}"
        )


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


if __name__ == "__main__":
    typer.run(main)
