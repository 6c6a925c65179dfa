"""States of a prompt: the same alone and in company, so that cached ones serve at run time."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from core.motion.text import DISTILBERT, MAX_TOKENS, DistilBERT, bert_tokenizer, load_text_encoder

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


class Small(DistilBERT):
    width, depth, heads, hidden = 24, 2, 2, 48


def published_weights() -> dict[str, torch.Tensor]:
    """Return random weights under the names of distilbert-base-uncased, of Small's size."""
    torch.manual_seed(0)
    width, hidden = Small.width, Small.hidden
    made = {
        "embeddings.word_embeddings.weight": torch.randn(30522, width),
        "embeddings.position_embeddings.weight": torch.randn(512, width),
        "vocab_transform.weight": torch.randn(width, width),
    }
    shapes = {f"attention.{x}_lin": (width, width) for x in ("q", "k", "v", "out")}
    shapes |= {"ffn.lin1": (hidden, width), "ffn.lin2": (width, hidden)}
    for i in range(Small.depth):
        for name, shape in shapes.items():
            made[f"transformer.layer.{i}.{name}.weight"] = torch.randn(shape) * shape[1] ** -0.5
            made[f"transformer.layer.{i}.{name}.bias"] = torch.randn(shape[0])
    norms = [
        f"transformer.layer.{i}.{x}_layer_norm"
        for i in range(Small.depth)
        for x in ("sa", "output")
    ]
    for name in ("embeddings.LayerNorm", *norms):
        made[f"{name}.weight"], made[f"{name}.bias"] = torch.rand(width) + 0.5, torch.randn(width)
    return {f"distilbert.{name}": weight for name, weight in made.items()}


def by_formula(w: dict[str, torch.Tensor], ids: torch.Tensor) -> torch.Tensor:
    """Return states (L, width) of one prompt's tokens (L,), written down from the paper."""
    w = {name.removeprefix("distilbert."): weight for name, weight in w.items()}

    def linear(name: str, x: torch.Tensor) -> torch.Tensor:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        x = x - x.mean(-1, keepdim=True)
        x = x / (x.square().mean(-1, keepdim=True) + 1e-12).sqrt()
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    words, places = (w[f"embeddings.{x}_embeddings.weight"] for x in ("word", "position"))
    x = norm("embeddings.LayerNorm", words[ids] + places[: len(ids)])
    for i in range(Small.depth):
        at = f"transformer.layer.{i}."
        q, k, v = (linear(f"{at}attention.{n}_lin", x).unflatten(-1, (2, -1)) for n in "qkv")
        scores = torch.einsum("qhk,shk->hqs", q, k) / (Small.width / 2) ** 0.5
        seen = torch.einsum("hqs,shk->qhk", scores.softmax(-1), v).flatten(1)
        x = norm(f"{at}sa_layer_norm", x + linear(f"{at}attention.out_lin", seen))
        h = torch.nn.functional.gelu(linear(f"{at}ffn.lin1", x))
        x = norm(f"{at}output_layer_norm", x + linear(f"{at}ffn.lin2", h))
    return x


def test_distilbert_is_that_of_its_formulas_with_padding_or_without(tmp_path):
    weights = published_weights()
    save_file(weights, tmp_path / DISTILBERT.name)
    prompts = "A person walks.", "someone waves at a friend"
    states, mask = Small(tmp_path / DISTILBERT.name)(prompts)
    assert mask.sum(1).tolist() == [6, 7]
    tokens = bert_tokenizer(512)
    for row, prompt in enumerate(prompts):
        ids = torch.tensor(tokens.encode(prompt.lower()).ids)
        assert torch.allclose(states[row, : len(ids)], by_formula(weights, ids), atol=1e-4)


def test_weights_of_another_network_are_named(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"other.safetensors does not hold the weights of distil"):
        Small(tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"save the model.safetensors of distilbert"):
        load_text_encoder("distilbert", tmp_path)
