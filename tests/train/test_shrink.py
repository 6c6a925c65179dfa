"""A fine-tuned checkpoint as a difference from its base: how near, how small, what is refused."""

from __future__ import annotations

import json
import shutil
from itertools import islice, repeat

import numpy as np
import pytest
import torch
from safetensors import safe_open
from typer import Typer
from typer.testing import CliRunner

from core import checkpoint
from core.engine import Engine
from core.motion.model import MotionDiT
from tests.support.tiny import write_checkpoints
from train.shrink import factors, main, shrink

RANK = 3


@pytest.fixture
def folder(tmp_path):
    """`motion`, and `motion-styles` that differs from it by matrices of rank RANK and biases."""
    write_checkpoints(tmp_path, motion="CC0 1.0", motion_styles="CC BY-NC 4.0")
    model = checkpoint.load(tmp_path / "motion", MotionDiT)
    generator = torch.Generator().manual_seed(0)
    for weight in model.parameters():
        rows, columns = len(weight), weight[0].numel()
        up = torch.randn(rows, RANK, generator=generator)
        change = up @ torch.randn(RANK, columns, generator=generator)
        weight += 0.01 * change.view_as(weight)
    about = checkpoint.describe(tmp_path / "motion-styles")["about"]
    checkpoint.save(model, tmp_path / "motion-styles", about=about)
    return tmp_path


def weights(path) -> dict[str, torch.Tensor]:
    return checkpoint.load(path, MotionDiT).state_dict()


def size(path) -> int:
    return (path / "model.safetensors").stat().st_size


def motion(folder, name: str) -> np.ndarray:
    engine = Engine.load(folder, device="cpu")
    chunks = islice(engine.motion(repeat("walk"), checkpoint=name), 4)
    return np.concatenate([chunk.features for chunk in chunks])


def test_factors_of_full_rank_multiply_to_the_matrix():
    matrix = torch.randn(6, 9, generator=torch.Generator().manual_seed(0))
    up, down = factors(matrix, 6)
    assert torch.allclose(up @ down, matrix, atol=1e-5)
    up, down = factors(matrix, 2)
    assert (up.shape, down.shape) == ((6, 2), (2, 9))
    error = torch.linalg.svdvals(matrix)[2:].norm()  # Eckart-Young: no product of rank 2 is nearer
    assert torch.allclose((matrix - up @ down).norm(), error, atol=1e-5)


def test_full_rank_changes_no_weight(folder):
    before = weights(folder / "motion-styles")
    errors = shrink(folder / "motion-styles", folder / "motion", folder / "motion-styles", 1000)
    after = weights(folder / "motion-styles")
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert set(errors.values()) == {0.0}


def test_a_difference_of_low_rank_is_kept_to_fp16_accuracy(folder):
    small = folder / "small"
    errors = shrink(folder / "motion-styles", folder / "motion", small, RANK)
    before, after = weights(folder / "motion-styles"), weights(small)
    assert max(errors.values()) < 1e-3
    assert all(torch.allclose(after[name], before[name], atol=2e-3) for name in before)
    assert size(small) < size(folder / "motion-styles") / 2
    full = motion(folder, "motion-styles")
    assert np.allclose(motion(folder, "small"), full, atol=5e-5)
    assert not np.allclose(motion(folder, "motion"), full, atol=5e-4)
    with safe_open(str(small / "model.safetensors"), "pt") as file:
        names = set(file.keys())
    assert {"embed.weight.up", "embed.weight.down", "embed.bias"} <= names
    assert not {"embed.weight", "latent_mean"} & names  # equal ones are not stored


def test_lower_rank_is_smaller_and_further_off(folder):
    tuned, base = folder / "motion-styles", folder / "motion"
    errors = [max(shrink(tuned, base, folder / f"r{r}", r).values()) for r in (1, 2, RANK)]
    assert errors == sorted(errors, reverse=True)
    sizes = [size(folder / f"r{r}") for r in (1, 2, RANK)]
    assert sizes == sorted(sizes)


def test_shrinking_again_changes_next_to_nothing(folder):
    tuned, base = folder / "motion-styles", folder / "motion"
    shrink(tuned, base, tuned, 2)
    before, length, entry = weights(tuned), size(tuned), checkpoint.describe(tuned)
    assert max(shrink(tuned, base, tuned, 2).values()) < 1e-3
    assert size(tuned) == length
    assert checkpoint.describe(tuned) == entry
    after = weights(tuned)
    assert all(torch.allclose(after[name], before[name], atol=1e-3) for name in before)


def test_what_was_known_is_kept(folder):
    tuned = folder / "motion-styles"
    known = checkpoint.describe(tuned)
    shrink(tuned, folder / "motion", tuned, 2)
    entry = checkpoint.describe(tuned)
    assert entry["base"] == "motion"
    assert entry["about"] == {**known["about"], "base": "motion", "rank": 2}
    assert (entry["kind"], entry["config"]) == (known["kind"], known["config"])


def test_the_engine_lists_it_as_before(folder):
    before = Engine.load(folder, device="cpu")
    cards = [before.card(name) for name in before.names]
    shrink(folder / "motion-styles", folder / "motion", folder / "motion-styles", 2)
    engine = Engine.load(folder, device="cpu")
    assert engine.names == ("motion", "motion-styles")
    assert [engine.card(name) for name in engine.names] == cards


def shrink_by_command(*words: object):
    app = Typer()
    app.command()(main)
    return CliRunner().invoke(app, [str(word) for word in words])


def test_command(folder):
    tuned, base = folder / "motion-styles", folder / "motion"
    result = shrink_by_command(tuned, "--base", base, "--rank", 2, "--out", folder / "small")
    assert result.exit_code == 0, result.output
    assert "MB ->" in result.output
    assert "relative error of" in result.output
    assert "base" not in checkpoint.describe(tuned)
    assert shrink_by_command(tuned, "--base", base, "--rank", 0).exit_code == 2
    assert shrink_by_command(tuned, "--base", folder / "no").exit_code == 2


def test_what_is_refused_leaves_the_files_alone(folder):
    tuned, base, vae = (folder / name for name in ("motion-styles", "motion", "motion-vae"))
    shrink(tuned, base, folder / "small", 2)
    shutil.copytree(base, folder / "other")
    path = folder / "other" / "config.json"
    entry = json.loads(path.read_text())
    path.write_text(json.dumps({**entry, "config": {**entry["config"], "context": 5}}))
    kept = {p: p.read_bytes() for p in folder.rglob("*.*") if p.is_file()}
    for source, origin, out, sentence in (
        (tuned, folder / "nowhere", tuned, "stands on the base 'nowhere': no checkpoint at"),
        (folder / "nowhere", base, tuned, "no checkpoint at"),
        (tuned, vae, tuned, "is a 'motion-dit', but its base a 'motion-vae'"),
        (tuned, folder / "small", tuned, "has a base itself"),
        (tuned, folder / "other", tuned, "have different configs"),
        (tuned, base, base, "must be a folder of its own beside its base"),
        (tuned, base, folder / "runs" / "small", "stands on the base 'motion': no checkpoint at"),
    ):
        with pytest.raises(ValueError, match=sentence):
            shrink(source, origin, out, 2)
    assert {p: p.read_bytes() for p in folder.rglob("*.*") if p.is_file()} == kept


def test_a_difference_knows_its_base(folder):
    small, base = folder / "small", folder / "motion"
    shrink(folder / "motion-styles", base, small, RANK)
    other = checkpoint.load(folder / "motion-styles", MotionDiT)
    checkpoint.save(other, base, about={})
    with pytest.raises(ValueError, match="difference from another 'motion'"):
        weights(small)
