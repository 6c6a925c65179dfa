"""Checkpoints: what is saved is what is loaded, and anything else is an error in a sentence."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from pydantic import ValidationError

from core import checkpoint
from core.motion.features import NUM_FEATURES
from core.motion.vae import MotionVAE, VAEConfig
from tests.tiny import VAE, tiny_vae


@pytest.fixture
def folder(tmp_path):
    checkpoint.save(tiny_vae(), tmp_path / "vae", kind="motion-vae", about={"data": {"a": "CC0"}})
    return tmp_path / "vae"


def edit(folder, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_save_load_forward(folder):
    model, loaded = tiny_vae(), checkpoint.load(folder, kind="motion-vae")
    assert loaded.cfg == model.cfg
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    x = torch.randn(1, 8, NUM_FEATURES)
    with torch.no_grad():
        assert torch.allclose(loaded.encode(x), model.encode(x), rtol=1e-2, atol=1e-2)  # fp16
    assert checkpoint.describe(folder)["about"] == {"data": {"a": "CC0"}}


def test_a_second_save_changes_no_byte(folder, tmp_path):
    loaded = checkpoint.load(folder, kind="motion-vae")
    checkpoint.save(loaded, tmp_path / "again", kind="motion-vae", about={"data": {"a": "CC0"}})
    for name in ("model.safetensors", "config.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_config_survives_json():
    assert VAEConfig(**json.loads(VAE.model_dump_json())) == VAE


def test_unknown_config_key(folder):
    config = checkpoint.describe(folder)["config"]
    edit(folder, config={**config, "colour": "blue"})
    with pytest.raises(ValueError, match="colour"):
        checkpoint.load(folder, kind="motion-vae")


def test_configs_are_frozen():
    with pytest.raises(ValidationError):
        VAE.width = 3


def test_wrong_and_unknown_kinds(folder):
    with pytest.raises(ValueError, match="holds a 'motion-vae', expected a 'motion-dit'"):
        checkpoint.load(folder, kind="motion-dit")
    with pytest.raises(ValueError, match="kind must be one of"):
        checkpoint.save(MotionVAE(VAE), folder, kind="dance", about={})


def test_weights_that_do_not_fit(folder):
    edit(folder, config={**checkpoint.describe(folder)["config"], "width": 32})
    with pytest.raises(ValueError, match="do not fit their config"):
        checkpoint.load(folder, kind="motion-vae")


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", ""])
def test_missing_files(folder, name):
    shutil.rmtree(folder) if not name else (folder / name).unlink()
    with pytest.raises(ValueError, match="no checkpoint at"):
        checkpoint.load(folder, kind="motion-vae")


def test_broken_config(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match="not valid JSON"):
        checkpoint.load(folder, kind="motion-vae")
