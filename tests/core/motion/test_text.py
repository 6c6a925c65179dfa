"""States of a prompt: the same alone and in company, so that cached ones serve at run time."""

from __future__ import annotations

import pytest
import torch

from core.motion.text import MAX_TOKENS, load_text_encoder

PROMPTS = (
    "jump",
    "a person walks",
    "Someone waves with the left hand while turning slowly in a wide circle.",
    "a person walks",
    "walk " * 100,
)


def test_states_of_a_prompt_depend_neither_on_its_batch_nor_on_padding():
    encoder = load_text_encoder("minilm")
    states, mask = encoder(PROMPTS)
    assert states.shape == (*mask.shape, encoder.width)
    assert mask.shape == (len(PROMPTS), MAX_TOKENS)
    for row, prompt in enumerate(PROMPTS):
        alone, all_there = encoder([prompt])
        length = alone.shape[1]
        assert all_there.all()
        assert mask[row, :length].all()
        assert not mask[row, length:].any()
        assert torch.equal(states[row, :length], alone[0])


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ValueError, match="text encoder must be one of minilm, distilbert"):
        load_text_encoder("clip")
