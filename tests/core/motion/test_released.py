"""CMDM's released weights: what they compute here is what its formulas say, streamed or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from core.diffusion.sampler import StreamSampler
from core.motion import model as motion_model
from core.motion import vae as motion_vae
from core.motion.model import MotionDiT, Prompt
from core.motion.released import STREAMED, convert_dit, convert_vae, read_part, read_statistics
from tests.support import published
from tests.support.published import random_dit, random_vae

WIDTH, HEADS, TEXT = 32, 2, 12
DIT = STREAMED.model_copy(
    update={"width": WIDTH, "depth": 3, "heads": HEADS, "hidden": 2 * WIDTH, "text_dim": TEXT}
    | {"context": 12, "max_blocks": 24}
)
VAE = motion_vae.PUBLISHED.model_copy(update={"width": WIDTH})
SIZES = {"heads": HEADS, "block": 3}


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def double(weights: published.Weights) -> published.Weights:
    return {name: weight.double() for name, weight in weights.items()}


def apart(found: Tensor, expected: Tensor) -> float:
    """Return how far apart two results are, relative to the size of the expected one."""
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.fixture
def dit() -> tuple[published.Weights, MotionDiT]:
    weights = double(random_dit(WIDTH, 3, TEXT))
    return weights, convert_dit(weights, DIT).double()


def told(dit: MotionDiT, seed: int = 5) -> tuple[Tensor, Prompt]:
    states = torch.randn(1, 7, TEXT, generator=torch.Generator().manual_seed(seed))
    return states, dit.prompt(states, torch.ones(1, 7, dtype=torch.bool))


def sampler(dit: MotionDiT, steps: int, stagger: int) -> StreamSampler[Prompt]:
    return StreamSampler(
        dit,
        (1, *dit.frame_shape),
        dit.new_cache(),
        steps=steps,
        stagger=stagger,
        guidance=3.0,
        generator=torch.Generator().manual_seed(1),
        conditioned=dit.cfg.context,
    )


def noise(blocks: int) -> Tensor:
    """Return what a sampler of that seed draws, (1, 3 * blocks, 64)."""
    generator = torch.Generator().manual_seed(1)
    return torch.cat([torch.randn(1, 3, 64, generator=generator) for _ in range(blocks)], dim=1)


def test_encode_and_decode_are_those_of_the_formulas():
    weights = double(random_vae(WIDTH))
    vae = convert_vae(weights, torch.zeros(263), torch.ones(263), VAE).double()
    x = torch.randn(2, 24, 263) * 8
    assert apart(vae.encode(vae.normalize(x)), published.encode(weights, x)) < 1e-6
    z = torch.randn(2, 6, 64)
    expected, state = published.decode(weights, z), {}
    assert apart(vae.decode(z), expected) < 1e-6
    streamed = torch.cat([vae.decode(part, state) for part in z.split([1, 3, 2], dim=1)], dim=1)
    assert apart(streamed, expected) < 1e-6


def test_velocity_is_that_of_the_formulas_with_text_and_without(dit):
    weights, ours = dit
    states, prompt = told(ours)
    x, t = torch.randn(1, 12, 64), torch.rand(1, 4)
    t[0, 0] = 1.0  # clean history attends to text, too
    each = t.repeat_interleave(3, dim=1)
    blocks = x.unflatten(1, (4, 3))
    for condition, text in ((prompt, states), (motion_model.UNASKED, torch.zeros_like(states))):
        expected = published.velocity(weights, x, each, text, **SIZES)
        assert apart(ours(blocks, t, [condition]).flatten(1, 2), expected) < 1e-6


@pytest.mark.parametrize(("steps", "stagger"), [(6, 2), (4, 4), (5, 1)])
def test_sampling_is_that_of_the_formulas(dit, steps, stagger):
    weights, ours = dit
    states, prompt = told(ours)
    made = [s.x for s in sampler(ours, steps, stagger).stream([prompt] * 6)]
    how = {"steps": steps, "stagger": stagger, "guidance": 3.0}
    expected = published.sample(weights, noise(6), states, **how, **SIZES)
    assert apart(torch.cat(made, dim=1), expected) < 1e-6


def test_committed_history_is_seen_by_both_halves_of_guidance(dit):
    weights, ours = dit
    states, prompt = told(ours)
    past = torch.randn(1, 9, 64)
    stream = sampler(ours, 4, 2)
    stream.commit(past.unflatten(1, (3, 3)), [prompt])
    made = [s.x for s in stream.stream([prompt] * 3)]
    how = {"steps": 4, "stagger": 2, "guidance": 3.0, "clean": 3}
    whole = torch.cat([past, noise(3)], dim=1)
    expected = published.sample(weights, whole, states, **how, **SIZES)[:, 9:]
    assert apart(torch.cat(made, dim=1), expected) < 1e-6


def test_another_prompt_sees_the_past_as_if_it_had_been_made_for_it(dit):
    weights, ours = dit
    _, first = told(ours)
    states, second = told(ours, 6)
    stream = sampler(ours, 4, 4)
    made = [s.x for s in stream.stream([first] * 3 + [second] * 2)]
    # with one block in the window, nothing is made twice: draws of noise are by block
    whole = torch.cat([*made[:3], noise(5)[:, 9:]], dim=1)
    how = {"steps": 4, "stagger": 4, "guidance": 3.0, "clean": 3}
    expected = published.sample(weights, whole, states, **how, **SIZES)[:, 9:]
    assert apart(torch.cat(made[3:], dim=1), expected) < 1e-6


def test_streamed_in_single_precision_it_is_the_same_to_rounding():
    torch.set_default_dtype(torch.float32)
    weights = random_dit(WIDTH, 3, TEXT)
    ours = convert_dit(weights, DIT)
    states, prompt = told(ours)
    made = [s.x for s in sampler(ours, 6, 2).stream([prompt] * 6)]
    how = {"steps": 6, "stagger": 2, "guidance": 3.0}
    expected = published.sample(weights, noise(6), states, **how, **SIZES)
    assert apart(torch.cat(made, dim=1), expected) < 1e-4


def test_published_counts():
    with torch.device("meta"):
        counts = [
            sum(p.numel() for p in network.parameters())
            for network in (
                motion_vae.MotionVAE(motion_vae.PUBLISHED),
                MotionDiT(motion_model.PUBLISHED),
            )
        ]
    nulls = 8 * 512  # ours stand for what theirs computes
    align = 256  # a bias that serves training only
    assert counts == [76_312_199 - align, 38_697_024 + nulls]


def write(path: Path, held: object) -> Path:
    torch.save(held, path)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.write_bytes(b"version https://git-lfs.github.com/spec/v1\n"), "LFS pointer"),
        (lambda p: p.write_bytes(b"\n<!DOCTYPE html><html>"), "is a web page"),
        (lambda p: p.write_bytes(b""), "cut short or damaged"),
        (lambda p: p.write_bytes(write(p, {"ae": {}}).read_bytes()[:200]), "cut short or damaged"),
        (lambda p: write(p, {"ae": Path("x")}), "holds more than numbers"),
        (lambda p: write(p, {"ema_model": {}}), "the transformer's file; were the two exchanged"),
        (lambda p: write(p, {"model": {}}), "has no 'ae'"),
        (lambda p: write(p, [1]), "has no 'ae'"),
    ],
)
def test_a_file_that_is_something_else_is_called_by_its_name(tmp_path, make, message):
    path = tmp_path / "net_best_fid.tar"
    make(path)
    with pytest.raises(ValueError, match=message):
        read_part(path, "ae")


def test_a_file_of_an_old_pytorch_is_read(tmp_path):
    path, held = tmp_path / "net_best_fid.tar", {"ae": {"x": torch.ones(3)}}
    torch.save(held, path, _use_new_zipfile_serialization=False)
    assert torch.equal(read_part(path, "ae")["x"], torch.ones(3))


def test_layers_that_do_not_fit_are_named():
    weights = random_dit(WIDTH, 3, TEXT)
    for change, message in (
        ({"x_embedder.weight": torch.zeros(8, 64)}, r"x_embedder.weight is \(8, 64\), expected"),
        (
            {"final_layer.bias": torch.full_like(weights["final_layer.bias"], torch.nan)},
            "no number",
        ),
        ({"final_layer.bias": weights["final_layer.bias"].to("meta")}, "no plain numbers"),
        ({"more.weight": torch.zeros(1)}, "1 layers are not CMDM's, such as more.weight"),
    ):
        with pytest.raises(ValueError, match=message):
            convert_dit({**weights, **change}, DIT)
    del weights["final_layer.bias"]
    with pytest.raises(ValueError, match=r"final_layer.bias is missing"):
        convert_dit(weights, DIT)


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (np.zeros(251), np.ones(251), r"Mean.npy must have 263 numbers.*KIT's has 251"),
        (np.full(263, np.nan), np.ones(263), "Mean.npy must hold numbers alone"),
        (np.zeros(263), -np.ones(263), "Std.npy must be deviations, all of them more than 0"),
        (np.full(263, "x"), np.ones(263), "Mean.npy must hold numbers alone"),
        (np.zeros(263), np.full(263, 1e-3), "evaluator"),
        (np.zeros(263), np.array([{}]), "Std.npy is no file of NumPy"),
        (np.zeros(263), None, "there is no Std.npy"),
    ],
)
def test_other_statistics_are_refused(tmp_path, mean, std, message):
    np.save(tmp_path / "Mean.npy", mean)
    if std is not None:
        np.save(tmp_path / "Std.npy", std, allow_pickle=True)
    with pytest.raises(ValueError, match=message):
        read_statistics(tmp_path)
