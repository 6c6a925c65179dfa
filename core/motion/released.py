"""CMDM's released weights, read into checkpoints of our layout: the same function, our streams.

What a user has downloaded are two PyTorch files and HumanML3D's statistics. Files are opened
without running what may be in them, and each that is not what it should be is called by its name.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from core import checkpoint
from core.motion import downloads
from core.motion.downloads import LEAST_STD, Layers, find, read_weights
from core.motion.model import PUBLISHED, MotionConfig, MotionDiT
from core.motion.text import DISTILBERT, DistilBERT
from core.motion.vae import PUBLISHED as PUBLISHED_VAE
from core.motion.vae import MotionVAE, VAEConfig

VAE_FILE, DIT_FILE = "pretrained_vae/model/net_best_fid.tar", "pretrained_dit/model/latest.tar"
"""Where they lie in the download."""
VAE_PART, DIT_PART = "ae", "ema_model"
"""What is wanted of each file."""
STREAMED = PUBLISHED.model_copy(
    update={"vae": "motion-cmdm-vae", "context": 6, "max_blocks": 17, "stagger": 5}
)
"""As PUBLISHED, sampled for ever: context and window stay within the 16 blocks of its training."""
ABOUT = {
    "licence": "Apache-2.0 by its authors; not for commercial use, because of its data",
    "non_commercial": True,
    "imported": True,
    "data": {"HumanML3D": "MIT", "AMASS": "for research only"},
    "source": "Causal Motion Diffusion Models for Autoregressive Motion Generation, its release",
}


def read_part(path: Path, part: str) -> dict[str, Tensor]:
    """Return the weights that a released file holds as `part`; ValueError says what else it is."""
    held = read_weights(path)
    if not isinstance(held.get(part), dict):
        others = {VAE_PART: "the VAE's", DIT_PART: "the transformer's"}
        swapped = next((whose for key, whose in others.items() if key in held), "")
        raise ValueError(
            f"{path.name} has no {part!r}"
            + (f": it is {swapped} file; were the two exchanged?" if swapped else "")
        )
    return held[part]


def _vae_layers() -> Iterator[tuple[str, str]]:
    """Yield what layers with weight and bias are called, theirs and ours."""
    yield "encoder.proj", "moments"
    yield "decode_proj", "unpack"
    yield "encoder.model.0.conv", "encoder.0.conv"
    yield "encoder.model.4.conv", "encoder.10.conv"
    for theirs, ours in ((0, 0), (4, 12), (6, 14)):
        yield f"decoder.model.{theirs}.conv", f"decoder.{ours}.conv"
    for i in range(2):
        yield f"encoder.model.{2 + i}.0.conv", f"encoder.{2 + 4 * i}.conv"
        yield f"decoder.model.{2 + i}.2.conv", f"decoder.{6 + 5 * i}.conv"
        for j in range(3):
            for theirs, ours in (
                (f"encoder.model.{2 + i}.1.model.{j}", f"encoder.{3 + 4 * i + j}"),
                (f"decoder.model.{2 + i}.0.model.{j}", f"decoder.{2 + 5 * i + j}"),
            ):
                yield f"{theirs}.conv1", f"{ours}.conv.conv"
                yield f"{theirs}.conv2", f"{ours}.mix"


def convert_vae(
    held: dict[str, Tensor], mean: Tensor, std: Tensor, cfg: VAEConfig = PUBLISHED_VAE
) -> MotionVAE:
    """Return the VAE of their weights and statistics (263,); ValueError where they do not fit."""
    with torch.device("meta"):  # numbers stay in the file they are in
        vae = MotionVAE(cfg)
    reader = Layers(held, "CMDM")
    ours = vae.state_dict()
    named = {f"{b}.{part}": f"{a}.{part}" for a, b in _vae_layers() for part in ("weight", "bias")}
    named["align.weight"] = "linear_proj_z.weight"
    made = {name: reader.take(theirs, ours[name].shape) for name, theirs in named.items()}
    reader.end(ignored=("linear_proj_z.bias",))  # which serves training only
    vae.load_state_dict({**made, "mean": mean, "std": std}, assign=True)
    return vae.eval().requires_grad_(False)


def _block_layers() -> Iterator[tuple[str, Sequence[str]]]:
    """Yield what the layers of a block are called: ours, and theirs that are stacked in it."""
    yield "attn.qkv", ("self_attn.q", "self_attn.k", "self_attn.v")
    yield "attn.out", ("self_attn.o",)
    yield "norm_c", ("norm3",)
    yield "cross.q", ("cross_attn.q",)
    yield "cross.kv", ("cross_attn.k", "cross_attn.v")
    yield "cross.out", ("cross_attn.o",)
    yield "ffn.0", ("ffn.0",)
    yield "ffn.2", ("ffn.2",)
    yield "modulation", ("adaLN_modulation.1",)


def convert_dit(held: dict[str, Tensor], cfg: MotionConfig = STREAMED) -> MotionDiT:
    """Return the transformer of their weights; raise ValueError where they do not fit."""
    dit, reader = MotionDiT(cfg), Layers(held, "CMDM")
    ours, made = dit.state_dict(), {}

    def take(name: str, theirs: Sequence[str], part: str) -> Tensor:
        rows, *columns = ours[f"{name}.{part}"].shape
        shape = rows // len(theirs), *columns
        return torch.cat([reader.take(f"{layer}.{part}", shape) for layer in theirs])

    named = {"embed": "x_embedder", "refiner.project": "y_embedder", "project": "final_layer"}
    named |= {f"time.mlp.{i}": f"t_embedder.mlp.{i}" for i in (0, 2)}
    layers = [(name, (theirs,)) for name, theirs in named.items()]
    for i in range(cfg.depth):
        ahead = f"transformer.blocks.{i}."
        layers += [
            (ahead + name, tuple(f"blocks.{i}.{layer}" for layer in theirs))
            for name, theirs in _block_layers()
        ]
    for name, theirs in layers:
        made |= {f"{name}.{part}": take(name, theirs, part) for part in ("weight", "bias")}
    for i in range(cfg.depth):
        ahead, norm = f"transformer.blocks.{i}.", f"blocks.{i}.{{}}.norm_{{}}.weight".format
        scale = [reader.take(norm("self_attn", part), (cfg.width,)) for part in "qk"]
        made[ahead + "attn.qk_scale"] = torch.stack(scale).view_as(ours[ahead + "attn.qk_scale"])
        for part in "qk":
            made[f"{ahead}cross.{part}_norm.weight"] = reader.take(
                norm("cross_attn", part), (cfg.width,)
            )
        # without text theirs sees zeros, of which a bias is left everywhere: a constant
        bias = made["refiner.project.bias"]
        value = made[ahead + "cross.kv.weight"][cfg.width :] @ bias
        value = value + made[ahead + "cross.kv.bias"][cfg.width :]
        made[ahead + "cross.null"] = (
            made[ahead + "cross.out.weight"] @ value + made[ahead + "cross.out.bias"]
        )
    reader.end(ignored=("clip_model.",))
    kept = {name: ours[name] for name in ("latent_mean", "latent_std")}
    dit.load_state_dict({**made, **kept})
    return dit.eval().requires_grad_(False)


def write_checkpoints(
    download: Path, stats: Path, folder: Path, *, text: Path | None = None, half: bool = False
) -> None:
    """Write a checkpoint, and its VAE beside it; nothing is written where anything is wrong."""
    mean, std = read_statistics(stats)
    parts = (VAE_FILE, VAE_PART), (DIT_FILE, DIT_PART)
    files = [(find(download, name, "CMDM's release"), part) for name, part in parts]
    if text is not None:
        if not text.is_file():
            raise ValueError(f"there is no file {text}")
        DistilBERT(text)  # raises ValueError for other weights
    of_vae, of_dit = (read_part(*file) for file in files)
    vae, dit = convert_vae(of_vae, mean, std), convert_dit(of_dit)
    checkpoint.save(vae, folder.parent / dit.cfg.vae, about=ABOUT, half=half)
    checkpoint.save(dit, folder, about=ABOUT, half=half)
    if text is not None:
        shutil.copyfile(text, folder / DISTILBERT.name)


def load_vae(checkpoints: Path) -> MotionVAE:
    """Return the VAE that was written there."""
    return checkpoint.load(checkpoints / STREAMED.vae, MotionVAE)


def read_statistics(folder: Path) -> tuple[Tensor, Tensor]:
    """Return HumanML3D's mean and deviation, (263,) each; ValueError for those of others."""
    for name in ("Mean.npy", "Std.npy"):
        if not (folder / name).is_file():
            raise ValueError(f"there is no {name} in {folder}; HumanML3D's repository has it")
    mean, std = downloads.read_statistics(folder / "Mean.npy", folder / "Std.npy")
    if std.min() < LEAST_STD:
        raise ValueError(
            "Std.npy is that of HumanML3D's evaluator; the one that lies beside its motions is"
            " wanted, whose smallest number is 0.0128"
        )
    return mean, std
