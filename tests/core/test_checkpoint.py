"""Checkpoints: what is saved is what is loaded, and anything else is an error in a sentence."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from pydantic import ValidationError

from core import checkpoint
from core.body.features import NUM_FEATURES
from core.motion.model import MotionDiT
from core.motion.vae import MotionVAE, VAEConfig
from tests.support.tiny import VAE, tiny_vae

W, B = "encoder.0.conv.weight", "encoder.0.conv.bias"
UP, DOWN = f"{W}.up", f"{W}.down"


@pytest.fixture
def folder(tmp_path):
    checkpoint.save(tiny_vae(), tmp_path / "vae", about={"data": {"a": "CC0"}})
    return tmp_path / "vae"


def edit(folder, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_save_load_forward(folder):
    model, loaded = tiny_vae(), checkpoint.load(folder, MotionVAE)
    assert loaded.cfg == model.cfg
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    x = torch.randn(1, 8, NUM_FEATURES)
    with torch.no_grad():
        assert torch.allclose(loaded.encode(x), model.encode(x), rtol=1e-2, atol=1e-2)  # fp16
    assert checkpoint.describe(folder)["about"] == {"data": {"a": "CC0"}}


def test_a_second_save_changes_no_byte(folder, tmp_path):
    loaded = checkpoint.load(folder, MotionVAE)
    checkpoint.save(loaded, tmp_path / "again", about={"data": {"a": "CC0"}})
    for name in ("model.safetensors", "config.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_config_survives_json():
    assert VAEConfig(**json.loads(VAE.model_dump_json())) == VAE


def test_unknown_config_key(folder):
    config = checkpoint.describe(folder)["config"]
    edit(folder, config={**config, "color": "blue"})
    with pytest.raises(ValueError, match="color"):
        checkpoint.load(folder, MotionVAE)


def test_configs_are_frozen():
    with pytest.raises(ValidationError):
        VAE.width = 3


def test_another_kind(folder):
    with pytest.raises(ValueError, match="holds a 'motion-vae', expected a 'motion-dit'"):
        checkpoint.load(folder, MotionDiT)


def test_weights_that_do_not_fit(folder):
    edit(folder, config={**checkpoint.describe(folder)["config"], "width": 32})
    with pytest.raises(ValueError, match="do not fit their config"):
        checkpoint.load(folder, MotionVAE)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", ""])
def test_missing_files(folder, name):
    shutil.rmtree(folder) if not name else (folder / name).unlink()
    with pytest.raises(ValueError, match="no checkpoint at"):
        checkpoint.load(folder, MotionVAE)


def test_broken_config(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match="not valid JSON"):
        checkpoint.load(folder, MotionVAE)


def test_broken_weights(folder):
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:100])
    with pytest.raises(ValueError, match="cannot be read"):
        checkpoint.load(folder, MotionVAE)


@pytest.fixture
def tuned(folder):
    """A checkpoint that stores what differs from the base `vae`: a convolution and a bias."""
    entry = {**checkpoint.describe(folder), "base": "vae"}
    checkpoint.write(folder.parent / "tuned", entry, stored(folder))
    return folder.parent / "tuned"


def stored(folder, rank: int = 2) -> dict[str, torch.Tensor]:
    bias, weight = (checkpoint.load(folder, MotionVAE).get_parameter(n) for n in (B, W))
    generator = torch.Generator().manual_seed(0)
    up = torch.randn(len(weight), rank, generator=generator)
    down = torch.randn(rank, weight[0].numel(), generator=generator)
    return {B: bias + 1, UP: up, DOWN: down}


def test_a_difference_is_added_to_its_base(folder, tuned):
    base, loaded = (checkpoint.load(f, MotionVAE).state_dict() for f in (folder, tuned))
    difference = {name: tensor.half().float() for name, tensor in stored(folder).items()}
    added = (difference[UP] @ difference[DOWN]).view_as(base[W])
    assert base[W].ndim == 3
    assert torch.equal(loaded[W], base[W] + added)
    assert torch.equal(loaded[B], difference[B])
    assert all(torch.equal(loaded[name], base[name]) for name in base if name not in (B, W))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"color": torch.zeros(3)}, "holds color, which its base cannot place"),
        ({UP: None}, rf"holds {W}\.down, which its base cannot place"),
        ({W: torch.zeros(16, 263, 3)}, rf"holds {W}\.\w+, {W}\.\w+, which its base cannot place"),
        ({UP: torch.zeros(2, 2)}, rf"\(2, 2\) @ \(2, \d+\) does not fit {W}, .* shape \(16, "),
        ({DOWN: torch.zeros(3, 2)}, rf"@ \(3, 2\) does not fit {W}"),
        ({DOWN: torch.zeros(())}, rf"@ \(\) does not fit {W}"),
        (
            {B: None, f"{B}.up": torch.ones(16, 1), f"{B}.down": torch.ones(1, 1)},
            rf"@ \(1, 1\) does not fit {B}",
        ),
        ({B: torch.zeros(3)}, "do not fit their config"),
    ],
)
def test_differences_that_do_not_fit(tuned, changes, sentence):
    tensors = {**stored(tuned.parent / "vae"), **changes}
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    checkpoint.write(tuned, checkpoint.describe(tuned), kept)
    with pytest.raises(ValueError, match=sentence):
        checkpoint.load(tuned, MotionVAE)


@pytest.mark.parametrize(
    ("base", "sentence"),
    [
        ("nowhere", "stands on the base 'nowhere': no checkpoint at"),
        ("tuned", "has a base itself; only one is allowed"),
        ("other", "is a 'motion-vae', but its base a 'motion-dit'"),
    ],
)
def test_unfit_bases(folder, tuned, base, sentence):
    shutil.copytree(folder, folder.parent / "other")
    edit(folder.parent / "other", kind="motion-dit")
    edit(tuned, base=base)
    with pytest.raises(ValueError, match=sentence):
        checkpoint.load(tuned, MotionVAE)
