"""The evaluator: unit embeddings, blind to padding and contacts, and saved as it was."""

from __future__ import annotations

import pytest
import torch

from core import checkpoint
from train.evaluator import INPUTS, Evaluator, EvaluatorConfig

SMALL = EvaluatorConfig(width=16, hidden=8, embed_dim=8, text_dim=12)


@pytest.fixture
def model() -> Evaluator:
    torch.manual_seed(0)
    return Evaluator(SMALL).eval()


def masked(length: int, total: int) -> torch.Tensor:
    return torch.arange(total)[None] < length


@pytest.mark.parametrize("length", [4, 21, 40])
def test_motion_embedding_ignores_padding(model, length):
    x = torch.randn(1, 48, 263)
    padded = model.embed_motion(x, masked(length, 48))
    alone = model.embed_motion(x[:, :length], masked(length, length))
    torch.testing.assert_close(padded, alone)
    torch.testing.assert_close(padded.norm(dim=-1), torch.ones(1))


def test_text_embedding_ignores_padding_but_not_order(model):
    states = torch.randn(1, 9, 12)
    padded = model.embed_text(states, masked(6, 9))
    torch.testing.assert_close(padded, model.embed_text(states[:, :6], masked(6, 6)))
    turned = model.embed_text(states[:, :6].flip(1), masked(6, 6))
    assert (turned - padded).abs().max() > 1e-3


def test_contacts_are_not_seen(model):
    x = torch.randn(1, 20, 263)
    other = x.clone()
    other[..., INPUTS:] = 7
    mask = masked(20, 20)
    torch.testing.assert_close(model.embed_motion(x, mask), model.embed_motion(other, mask))


def test_checkpoint_round_trip(model, tmp_path):
    model.half().float()  # weights are stored as fp16
    checkpoint.save(model, tmp_path / "e", about={})
    again = checkpoint.load(tmp_path / "e", Evaluator)
    x, mask = torch.randn(2, 20, 263), torch.ones(2, 20, dtype=torch.bool)
    torch.testing.assert_close(model.embed_motion(x, mask), again.embed_motion(x, mask))


def test_default_size_fits_five_megabytes():
    model = Evaluator(EvaluatorConfig())
    assert 2 * sum(p.numel() for p in model.parameters()) < 5e6
