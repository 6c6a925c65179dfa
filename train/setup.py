"""What the training scripts share: options, what a model starts from, and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import torch
import typer
from torch import nn

from core import checkpoint
from core.device import pick_device

MotionData = Annotated[Path, typer.Option(help="A training set made by train.data.")]
PlayData = Annotated[Path, typer.Option(help="A recorded set made by train.worlds.")]
Out = Annotated[Path, typer.Option(help="Checkpoint folder.")]
Run = Annotated[Path, typer.Option(help="Folder for state and curves.")]
Tokens = Annotated[Path, typer.Option(help="Where train.video keeps tokens.")]
Preset = Annotated[str, typer.Option(help="default or published.")]
Muon = Annotated[bool, typer.Option(help="Muon for the blocks' matrices.")]
Compile = Annotated[
    bool | None, typer.Option(help="Compile the transformer, with g++; default: on a GPU.")
]

CHECKPOINTS = Path("checkpoints")
"""Where training puts weights: below the folder it is started in."""
TOKENIZER = CHECKPOINTS / "video-tokenizer"
TEACHER = CHECKPOINTS / "video-teacher"
"""What train.video makes, and its students learn from."""
STUDENT = CHECKPOINTS / "video"

T = TypeVar("T")
M = TypeVar("M", bound=checkpoint.Model)


def pick(presets: Mapping[str, T], preset: str) -> T:
    """Return the config of a name, or say which names there are."""
    if preset not in presets:
        raise typer.BadParameter(f"preset must be one of {', '.join(presets)}, got {preset!r}")
    return presets[preset]


def fresh_seed(run: Path) -> int:
    """Seed torch and return a seed for a run's data: 0, or another one whenever it is resumed.

    A resumed run that began with the same draws again would see the same few windows twice, and so
    would the processes of one run. Each of those gets a GPU of its own.
    """
    from accelerate import PartialState

    state = run / "state.pt"
    seed = state.stat().st_mtime_ns % 2**31 if state.is_file() else 0
    torch.manual_seed(seed)
    return seed + PartialState(cpu=not torch.cuda.is_available()).process_index


def compiles(wanted: bool | None) -> bool:
    """Whether a transformer is compiled: where that is wanted, or by default on a GPU."""
    return pick_device() == "cuda" if wanted is None else wanted


def trainable(folder: Path, kind: type[M]) -> M:
    """Load a checkpoint to train it further."""
    model = checkpoint.load(folder, kind)
    cast(nn.Module, model).requires_grad_(True).train()
    return model


def warm_start(model: Any, folder: Path) -> bool:
    """Give a model the weights of a checkpoint; False where there is none.

    Layers that the checkpoint does not know begin as they were made. Raises typer.BadParameter
    for one that knows others, such as a student's where a teacher is trained.
    """
    if not (folder / "config.json").is_file():
        return False
    weights, own = checkpoint.weights(folder), model.state_dict()
    if unknown := sorted(weights.keys() - own.keys()):
        raise typer.BadParameter(
            f"{folder} is another kind of model than is trained here (it has {unknown[0]}): a"
            " student, perhaps; begin with what taught it"
        )
    model.load_state_dict({**own, **weights})
    return True
