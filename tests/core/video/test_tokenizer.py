"""The frame tokenizer: shapes, inverse pairs, unit variance, a decoder that learns."""

from __future__ import annotations

import copy

import pytest
import torch
from pydantic import ValidationError

from core import checkpoint
from core.video import decoding
from core.video.model import FrameDiT
from core.video.tokenizer import FrameTokenizer, TokenizerConfig
from tests.support.tiny import TOKENIZER, tiny_world
from train import tokenizer as training


@pytest.fixture
def tokenizer() -> FrameTokenizer:
    return tiny_world().tokenizer


def pictures(count: int, seed: int = 0, cfg: TokenizerConfig = TOKENIZER) -> torch.Tensor:
    """Smooth pictures (count, H, W, 3) uint8: a few colors blended over the frame."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 2, 3, generator=generator) * 255
    size = (cfg.height, cfg.width)
    smooth = torch.nn.functional.interpolate(coarse, size, mode="bilinear", align_corners=True)
    return smooth.round().to(torch.uint8).permute(0, 2, 3, 1)


def test_shapes(tokenizer):
    frames = pictures(5)
    assert frames.shape == (5, 16, 32, 3)
    tokens = tokenizer.encode(tokenizer.to_pixels(frames))
    assert tokenizer.cfg.grid == (2, 4)
    assert tokens.shape == (5, 8, 4)
    pixels = tokenizer.decode(tokens)
    assert pixels.shape == (5, 3, 16, 32)
    assert tokenizer.to_frames(pixels).shape == frames.shape
    assert tokenizer.to_frames(pixels).dtype == torch.uint8


def test_tokens_are_numbered_row_by_row():
    """Change one corner: the tokens of the other corners, far enough away, stay as they are."""
    cfg = TokenizerConfig(
        height=96, width=128, encoder=(8, 8, 8), decoder=(8, 8, 8), blocks=(1, 1, 1), channels=4
    )
    torch.manual_seed(0)
    model = FrameTokenizer(cfg).eval().requires_grad_(False)
    x = torch.zeros(1, 3, 96, 128)
    changed = x.clone()
    changed[..., :16, 112:] = 1.0  # top right
    for block in model.modules():
        if isinstance(block, torch.nn.GroupNorm):  # its statistics are the whole picture's
            block.forward = lambda x: x
    moved = (model.encode(x) != model.encode(changed)).any(-1)[0].unflatten(0, cfg.grid)
    assert moved[0, 7]
    assert not moved[3:].any()
    assert not moved[:, :5].any()


def test_every_level_survives_the_way_to_pixels_and_back(tokenizer):
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16, 1).expand(-1, -1, -1, 3)
    pixels = tokenizer.to_pixels(levels)
    assert (pixels.min(), pixels.max()) == (-1, 1)
    assert torch.equal(tokenizer.to_frames(pixels), levels)
    assert torch.equal(tokenizer.to_frames(3 * pixels)[..., 0] == 0, levels[..., 0] < 86)


def test_frames_are_coded_one_by_one(tokenizer):
    x = tokenizer.to_pixels(pictures(6))
    tokens = tokenizer.encode(x)
    alone = torch.cat([tokenizer.encode(x[i : i + 1]) for i in range(6)])
    assert torch.allclose(tokens, alone, atol=1e-5)
    pixels = torch.cat([tokenizer.decode(tokens[i : i + 1]) for i in range(6)])
    assert torch.allclose(tokenizer.decode(tokens), pixels, atol=1e-5)


def test_latents_have_unit_variance_once_the_buffers_have_seen_pictures(tokenizer):
    x = tokenizer.to_pixels(pictures(256))
    raw = tokenizer.encode(x)
    assert not torch.allclose(raw.std((0, 1)), torch.ones(4), atol=0.1)
    tokenizer.train()
    for part in x.split(32) * 40:
        tokenizer.encode(part)
    tokens = tokenizer.eval().encode(tokenizer.to_pixels(pictures(256, seed=1)))
    assert torch.allclose(tokens.mean((0, 1)), torch.zeros(4), atol=0.15)
    assert torch.allclose(tokens.std((0, 1)), torch.ones(4), atol=0.15)


@pytest.mark.parametrize("size", [{"height": 20}, {"width": 30}, {"patch": 3}])
def test_sizes_that_do_not_divide_are_refused(size):
    with pytest.raises(ValueError, match="pictures do not divide by"):
        FrameTokenizer(TOKENIZER.model_copy(update=size))


def test_unknown_settings_are_refused():
    with pytest.raises(ValidationError, match="depth"):
        TokenizerConfig(depth=3)


def test_a_checkpoint_brings_the_same_tokens_and_pictures(tokenizer, tmp_path):
    tokenizer.train()
    tokenizer.encode(tokenizer.to_pixels(pictures(16)))  # buffers that are not the defaults
    with torch.no_grad():
        for tensor in (*tokenizer.parameters(), *tokenizer.unit.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(tensor.half())  # as stored
    tokenizer.eval()
    checkpoint.save(tokenizer, tmp_path / "t", about={})
    again = checkpoint.load(tmp_path / "t", FrameTokenizer)
    assert again.cfg == tokenizer.cfg
    assert not again.training
    x = tokenizer.to_pixels(pictures(3))
    assert torch.equal(again.encode(x), tokenizer.encode(x))
    assert torch.equal(again.decode(again.encode(x)), tokenizer.decode(tokenizer.encode(x)))
    with pytest.raises(ValueError, match="holds a 'frame-tokenizer', expected a 'frame-dit'"):
        checkpoint.load(tmp_path / "t", FrameDiT)


def test_peak_signal_to_noise():
    x = pictures(2)
    assert training.psnr(x, x).min() > 70  # identical: large, but finite
    off = x.clone().clamp(max=245) + 10
    assert training.psnr(off, x.clamp(max=245)).tolist() == pytest.approx([28.13] * 2, abs=0.01)


def test_training_improves_what_is_held_out():
    torch.manual_seed(0)
    model = FrameTokenizer(TOKENIZER)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    first = training.held_out(model.eval(), pictures(32, seed=1))
    model.train()
    for step in range(40):
        losses = training.loss_fn(model, pictures(16, seed=2 + step), step)
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
    last = training.held_out(model.eval(), pictures(32, seed=1))
    assert last["psnr"] > first["psnr"] + 4
    assert last["psnr_noisy"] > first["psnr_noisy"] + 4
    assert last["score"] == -last["psnr"]


@pytest.mark.parametrize(
    ("kind", "precision", "most"),
    [(torch.float32, "fp32", 1e-5), (torch.bfloat16, "fp32", 1e-2), (torch.bfloat16, "int8", 3e-2)],
)
def test_a_prepared_decoder_makes_the_same_pictures(kind, precision, most):
    """At sizes below and above the one where norms are computed otherwise, one frame and more."""
    cfg = TokenizerConfig(
        height=96, width=128, encoder=(8, 8, 8), decoder=(32, 32, 16), blocks=(1, 1, 1), channels=4
    )
    torch.manual_seed(0)
    plain = FrameTokenizer(cfg).eval().requires_grad_(False)
    for weight in plain.decoder.parameters():
        weight.add_(0.1 * torch.randn_like(weight))
    prepared = copy.deepcopy(plain)
    for model in (plain, prepared):
        for part in model.decoder.modules():
            if isinstance(part, torch.nn.Conv2d):
                part.to(kind)
    decoding.prepare(prepared, precision)
    tokens = torch.randn(3, 48, 4)
    with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16):
        for some in (tokens[:1], tokens):
            expected, made = plain.decode(some).float(), prepared.decode(some).float()
            assert (made - expected).norm() < most * expected.norm()


@pytest.mark.parametrize("size", [0, 0.01, 1, 20])
def test_a_rounded_convolution_is_right_for_numbers_of_any_size(size):
    conv = torch.nn.Conv2d(16, 24, 3, padding=1).requires_grad_(False)
    conv.to(memory_format=torch.channels_last)
    rounded = decoding.RoundedConvolution(conv)
    for wide in (1, size):  # weights are laid out for the first
        x = torch.nn.functional.silu(wide * torch.randn(2, 16, 12, 16))
        x = x.contiguous(memory_format=torch.channels_last)
        expected = conv(x)
        assert (rounded(x) - expected).norm() < 0.02 * expected.norm()
