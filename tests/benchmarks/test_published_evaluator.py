"""HumanML3D's own evaluator: it computes what its formulas say, on motions as it has them."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.published_evaluator import PublishedEvaluator, Words, load_evaluator
from benchmarks.published_quality import PublishedItems, PublishedQuality
from core.body import features
from tests.benchmarks.test_quality import Echo
from tests.support.fakes import FakeEngine

Weights = dict[str, dict[str, Tensor]]
KNOWN = ["unk", "sos", "eos", "a", "man", "walk", "left"]


def random_weights() -> Weights:
    """Return weights of the release's names and shapes."""
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * math.prod(shape[1:]) ** -0.5

    def layer(name: str, *shape: int) -> dict[str, Tensor]:
        return {f"{name}.weight": draw(*shape), f"{name}.bias": draw(shape[0]) * 0.1}

    def recurrent(inputs: int, hidden: int) -> dict[str, Tensor]:
        found = {"hidden": draw(2, 1, hidden)} | layer("input_emb", hidden, inputs)
        for way in ("", "_reverse"):
            for part in ("ih", "hh"):
                found[f"gru.weight_{part}_l0{way}"] = draw(3 * hidden, hidden)
                found[f"gru.bias_{part}_l0{way}"] = draw(3 * hidden) * 0.1
        found |= layer("output_net.0", hidden, 2 * hidden) | layer("output_net.3", 512, hidden)
        return found | {"output_net.1.weight": draw(hidden), "output_net.1.bias": draw(hidden)}

    movement = layer("main.0", 512, 259, 4) | layer("main.3", 512, 512, 4)
    return {
        "movement_encoder": movement | layer("out_net", 512, 512),
        "motion_encoder": recurrent(512, 1024),
        "text_encoder": recurrent(300, 512) | layer("pos_emb", 300, 15),
    }


def linear(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def gru(w: dict[str, Tensor], x: Tensor, h: Tensor, way: str) -> Tensor:
    """Return the last state (H,) over x (L, H)."""
    for step in x:
        told, kept = (
            w[f"gru.weight_{p}_l0{way}"] @ v + w[f"gru.bias_{p}_l0{way}"]
            for p, v in (("ih", step), ("hh", h))
        )
        (r, z, n), (hr, hz, hn) = told.chunk(3), kept.chunk(3)
        z = torch.sigmoid(z + hz)
        h = (1 - z) * torch.tanh(n + torch.sigmoid(r + hr) * hn) + z * h
    return h


def recurrent(w: dict[str, Tensor], x: Tensor) -> Tensor:
    """Return the embedding (512,) of x (L, C)."""
    x = linear(w, "input_emb", x)
    ways = ((x, ""), (x.flip(0), "_reverse"))
    h = torch.cat([gru(w, y, w["hidden"][i, 0], way) for i, (y, way) in enumerate(ways)])
    h = linear(w, "output_net.0", h)
    h = (h - h.mean()) / (h.var(correction=0) + 1e-5).sqrt()
    return linear(w, "output_net.3", leaky(h * w["output_net.1.weight"] + w["output_net.1.bias"]))


def motion_formula(weights: Weights, x: Tensor) -> Tensor:
    """Return the embedding of normalized features (T, 263), in a batch padded to 196 poses."""
    w = weights["movement_encoder"]
    h = torch.cat([x, x.new_zeros(196 - len(x), 263)])[:, :259].T[None]
    for name in ("main.0", "main.3"):
        h = leaky(F.conv1d(h, w[f"{name}.weight"], w[f"{name}.bias"], stride=2, padding=1))
    movements = linear(w, "out_net", h[0].T)[: len(x) // 4]
    return recurrent(weights["motion_encoder"], movements)


def text_formula(weights: Weights, words: Tensor, kinds: Tensor) -> Tensor:
    w = weights["text_encoder"]
    return recurrent(w, words + linear(w, "pos_emb", kinds))


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights()


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(len(KNOWN), 300))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, weights, vectors) -> Path:
    """A download as its archives unpack: other networks have files of the same name."""
    path = tmp_path_factory.mktemp("t2m")
    for name in ("Comp_v6_KLD01/model", "Comp_v6_KLD01/meta", "text_mot_match/model", "glove"):
        (path / name).mkdir(parents=True)
    torch.save({"text_enc": {}}, path / "Comp_v6_KLD01/model/finest.tar")
    torch.save(weights | {"epoch": 7}, path / "text_mot_match/model/finest.tar")
    rng = np.random.default_rng(2)
    np.save(path / "Comp_v6_KLD01/meta/mean.npy", rng.normal(size=263))
    std = np.append(rng.uniform(0.1, 1, 262), 0.003)
    np.save(path / "Comp_v6_KLD01/meta/std.npy", std)
    np.save(path / "glove/our_vab_data.npy", vectors)
    (path / "glove/our_vab_words.pkl").write_bytes(pickle.dumps(KNOWN))
    places = {word: i for i, word in enumerate(KNOWN)}
    (path / "glove/our_vab_idx.pkl").write_bytes(pickle.dumps(places))
    return path


@pytest.fixture(scope="module")
def evaluator(folder) -> PublishedEvaluator:
    return load_evaluator(folder)


def double(weights: Weights) -> Weights:
    return {part: {name: x.double() for name, x in w.items()} for part, w in weights.items()}


def test_embeddings_are_those_of_the_formulas(evaluator, weights):
    model, exact = evaluator.double(), double(weights)
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, 60, 263, dtype=torch.float64, generator=generator)
    mask = torch.arange(60) < torch.tensor([[60], [44]])
    found = model.embed_motion(x, mask)
    for i, poses in enumerate((60, 44)):
        torch.testing.assert_close(found[i], motion_formula(exact, x[i, :poses]))
    states = torch.randn(2, 9, 315, dtype=torch.float64, generator=generator)
    found = model.embed_text(states, torch.arange(9) < torch.tensor([[4], [9]]))
    for i, words in enumerate((4, 9)):
        expected = text_formula(exact, states[i, :words, :300], states[i, :words, 300:])
        torch.testing.assert_close(found[i], expected)
    evaluator.float()


def test_statistics_are_the_evaluators(evaluator, folder):
    mean, std = (np.load(folder / f"Comp_v6_KLD01/meta/{x}.npy") for x in ("mean", "std"))
    x = torch.ones(1, 263)
    np.testing.assert_allclose(evaluator.normalize(x)[0], (1 - mean) / std, rtol=1e-4)


def test_words_are_read_with_their_kinds(folder, vectors):
    told = {"x": "a/DET man/NOUN walk/VERB left/ADV fast/ADV", "long": "a/ODD " * 30}
    states, mask = Words(folder, told)(["x", "long"])
    assert mask.sum(1).tolist() == [7, 22]  # with the words that begin and end a caption
    kinds = states[..., 300:].argmax(-1)
    # matters more than its part of speech: walk, left; unknown: fast
    assert kinds[0, :7].tolist() == [14, 2, 1, 12, 9, 14, 14]
    assert kinds[1, 1] == 14
    read = [KNOWN.index(w) for w in ("sos", "a", "man", "walk", "left", "unk", "eos")]
    np.testing.assert_allclose(states[0, :7, :300], vectors[read], rtol=1e-6)


def linked(folder: Path, path: Path) -> Path:
    """A copy of the download whose files can be exchanged."""
    for file in folder.rglob("*"):
        if file.is_file():
            target = path / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(file)
    return path


TAR, WORDS = "text_mot_match/model/finest.tar", "glove/our_vab_words.pkl"


class Runs:
    def __reduce__(self):
        return print, ("it ran",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (TAR, b"version https://git-lfs.github.com/spec/v1\n", "finest.tar is a Git LFS pointer"),
        (TAR, b"<!DOCTYPE html><html>", "finest.tar is a web page"),
        (TAR, b"PK", "finest.tar .*(damaged|not opened)"),
        (TAR, None, "has no movement_encoder; take the one of text_mot_match"),
        (
            TAR,
            {"gru.weight_hh_l0": torch.zeros(3, 2)},
            r"motion_encoder.*\(3, 2\), expected \(3072",
        ),
        (TAR, {"gru.bias_hh_l0": None}, "layer motion_encoder.gru.bias_hh_l0 is missing"),
        (TAR, {"more": torch.zeros(1)}, "1 layers are not the evaluator's, such as motion_encoder"),
        ("Comp_v6_KLD01/meta/std.npy", np.full(263, 0.1), "std.npy is that of HumanML3D's motions"),
        ("Comp_v6_KLD01/meta/mean.npy", np.zeros(251), "mean.npy must have 263 numbers.*KIT"),
        (WORDS, b"<html>", "our_vab_words.pkl is a web page"),
        (WORDS, pickle.dumps(Runs()), "holds more than words, so it was not opened"),
        (WORDS, pickle.dumps(KNOWN)[:20], "our_vab_words.pkl is damaged"),
        (WORDS, pickle.dumps([*KNOWN, "gone"]), "our_vab files .*do not belong together"),
        (WORDS, pickle.dumps(["a"]), "our_vab files .*do not belong together"),
        ("glove/our_vab_data.npy", np.zeros((7, 50)), "our_vab files .*do not belong together"),
    ],
)
def test_files_that_are_something_else_are_called_by_name(
    folder, weights, tmp_path, capsys, name, content, message
):
    path = linked(folder, tmp_path)
    (path / name).unlink()
    if isinstance(content, bytes):
        (path / name).write_bytes(content)
    elif isinstance(content, np.ndarray):
        np.save(path / name, content)
    elif content is not None:
        changed = weights["motion_encoder"] | content
        torch.save(weights | {"motion_encoder": changed}, path / name)
    with pytest.raises(ValueError, match=message):
        Words(load_and_go(path), {})
    assert "it ran" not in capsys.readouterr().out


def test_a_file_in_the_place_of_the_folder_is_told(folder):
    with pytest.raises(ValueError, match="is no folder"):
        load_evaluator(folder / TAR)


def load_and_go(path: Path) -> Path:
    load_evaluator(path)
    return path


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """A HumanML3D folder: seven motions, a copy, one too short and one with a part of its own."""
    path = tmp_path_factory.mktemp("HumanML3D")
    for name in ("new_joint_vecs", "texts"):
        (path / name).mkdir()
    joints = features.normalize_place(FakeEngine().walked("a man walks", 110).joints)
    names = [*(f"00000{i}" for i in range(7)), "M000000", "short", "parts"]
    for i, name in enumerate(names):
        x = features.encode(joints[: 20 if name == "short" else 60 + 4 * i])
        np.save(path / f"new_joint_vecs/{name}.npy", x)
        lines = f"a man walks {name}#a/DET man/NOUN walk/VERB#0.0#0.0\n"
        if name == "parts":
            lines += "left#left/ADV#1.0#3.5\nleft, in short#left/ADV#1.0#1.5\n"
        (path / f"texts/{name}.txt").write_text(lines)
    (path / "test.txt").write_text("\n".join([*names, "gone"]))
    return path


def test_items_are_those_of_the_published_protocol(dataset):
    items = PublishedItems(dataset)
    assert (items.split, len(items.clips)) == ("test", 10)
    drawn = items.draw(np.random.default_rng(0), 100)
    assert sorted(len(i.features) for i in drawn)[0] in (44, 48)  # 50 poses: a second to 3.5
    assert {i.caption for i in drawn} >= {"left", "a man walks M000000", "a man walks parts"}
    lengths = np.array([len(i.features) for i in drawn])
    assert not (lengths % 4).any()
    assert len(items.draw(np.random.default_rng(0), 3)) == 3
    with pytest.raises(ValueError, match="with --evaluator, --data is a HumanML3D folder"):
        PublishedItems(dataset / "texts")
    with pytest.raises(ValueError, match="split must be"):
        PublishedItems(dataset, "best")


class Rehearsed(Echo):
    """A sampler whose features are in our own heading."""

    def reconstruct(self, features, *, checkpoint):
        return features[: len(features) // 4 * 4]


@pytest.mark.parametrize("heading", ["humanml3d", "steady"])
def test_rows(dataset, folder, evaluator, heading):
    items = PublishedItems(dataset)
    motion = items.draw(np.random.default_rng(0), 1)[0].features
    words = Words(folder, items.tokens)
    quality = PublishedQuality(Rehearsed(motion), evaluator, words, items, heading=heading)
    assert len(quality.real) == 10
    row = quality.reconstruction_row()
    # another heading there and back is the same motion, but for the features of its last pose
    assert row["mpjpe_mm"] < 1
    assert row["fid"] < (1e-6 if heading == "humanml3d" else 2)
    embedded = np.zeros((2, 512))
    embedded[0, 0], embedded[1, 0] = 1, 1.2
    text = np.zeros((2, 512))
    text[1, 0] = 1.1
    # the first motion's nearest text is not its own, but each text's nearest motion is
    assert quality.matching(embedded, text)["r_precision"][0] == 1
    assert quality.poses(quality.captions[3]) == len(quality.real[3].features)
