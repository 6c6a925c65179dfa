"""Checkpoints: `<name>/{model.safetensors, config.json, README.md}`; strict, typed, never pickled.

Weights are stored as fp16 and computed in fp32. `config.json` holds the kind of model, its config
and what is known of its training; `kind` picks the class from the table below.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

KINDS = {
    "motion-vae": ("core.motion.vae", "VAEConfig", "MotionVAE"),
    "motion-dit": ("core.motion.model", "MotionConfig", "MotionDiT"),
    "motion-aligner": ("core.motion.align", "AlignerConfig", "Aligner"),
    "motion-evaluator": ("core.motion.evaluator", "EvaluatorConfig", "Evaluator"),
    "frame-tokenizer": ("core.video.tokenizer", "TokenizerConfig", "FrameTokenizer"),
    "frame-dit": ("core.video.model", "FrameConfig", "FrameDiT"),
}
"""Kind -> module, config class, model class."""


def _classes(kind: str) -> tuple[Any, Any]:
    if kind not in KINDS:
        raise ValueError(f"checkpoint kind must be one of {', '.join(KINDS)}, got {kind!r}")
    module, config, model = KINDS[kind]
    return getattr(importlib.import_module(module), config), getattr(
        importlib.import_module(module), model
    )


def save(model: nn.Module, folder: Path, *, kind: str, about: dict[str, Any]) -> None:
    """Write weights and config; `about` (data, licence, figures, ...) is kept beside them."""
    from safetensors.torch import save_file

    _classes(kind)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in model.state_dict().items()
    }
    save_file(tensors, str(folder / "model.safetensors"))
    entry = {"kind": kind, "config": model.cfg.model_dump(mode="json"), "about": about}
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


def load(folder: Path, *, kind: str, device: str | torch.device = "cpu") -> Any:
    """Return the model of a checkpoint in evaluation mode, fp32.

    Raises ValueError where files are missing, the kind is another, or a weight does not fit.
    """
    from safetensors.torch import load_file

    entry = describe(folder)
    if entry.get("kind") != kind:
        raise ValueError(f"{folder} holds a {entry.get('kind')!r}, expected a {kind!r}")
    config_class, model_class = _classes(kind)
    model = model_class(config_class(**entry["config"]))
    tensors = load_file(str(folder / "model.safetensors"))
    tensors = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    try:
        model.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise ValueError(f"the weights in {folder} do not fit their config: {error}") from error
    return model.to(device).eval().requires_grad_(False)
