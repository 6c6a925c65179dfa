"""The quality benchmark end to end, with samplers whose answers are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from benchmarks import motion_quality
from benchmarks.motion_items import MotionItems
from benchmarks.quality_rows import Quality
from benchmarks.reporting import over_seeds, quality_table, rounded
from tests.support.fakes import walk
from train.data import in_validation
from train.evaluator import Evaluator, EvaluatorConfig


class Encoder:
    """Token states that are random but the same for the same caption."""

    width = 12

    def __call__(self, prompts):
        seeds = [sum(map(ord, p)) for p in prompts]
        states = [torch.randn(5, 12, generator=torch.Generator().manual_seed(s)) for s in seeds]
        return torch.stack(states), torch.ones(len(prompts), 5, dtype=torch.bool)


class Echo:
    """A sampler that answers with one of the real motions, whatever it is asked for."""

    def __init__(self, motion: np.ndarray) -> None:
        self.answer = motion
        self.calls: list[tuple[list, object, int]] = []

    def sample(self, items, poses=None, *, checkpoint, seed):
        self.calls.append((items, poses, seed))
        if poses is None:
            (poses,) = {sum(n for _, n in segments) for segments in items}
        return [np.resize(self.answer, (poses, 263)) for _ in items]

    def motion(self, prompts, *, checkpoint, seed):
        return iter([walk("stand", 0, np.zeros(3))[0]] * 40)

    def reconstruct(self, features, *, checkpoint):
        return features


@pytest.fixture(scope="module")
def items(tmp_path_factory) -> MotionItems:
    """Packs of smooth random motion."""
    folder, rng = tmp_path_factory.mktemp("set"), np.random.default_rng(0)
    rest = rng.normal(size=(22, 3)) * 0.3 + [0, 1, 0]
    rest[1], rest[2] = rest[0] + [0.1, 0, 0], rest[0] - [0.1, 0, 0]
    rest[16], rest[17] = rest[0] + [0.2, 0.5, 0], rest[0] + [-0.2, 0.5, 0]
    rows, joints = [], {}
    for i in range(10):
        t = np.arange(90)[:, None, None] / 20
        joints[f"c{i}"] = rest + 0.05 * np.sin(t * rng.uniform(1, 3, (22, 3)) + i)
        captions = [f"a person does number {i} with the left hand"]
        rows.append({"id": f"c{i}", "pack": "p", "captions": captions, "label": str(i)})
    np.savez(folder / "p.npz", **joints)
    (folder / "clips.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return MotionItems(folder)


@pytest.fixture(scope="module")
def quality(items) -> Quality:
    torch.manual_seed(0)
    evaluator = Evaluator(EvaluatorConfig(width=16, hidden=8, embed_dim=8, text_dim=12)).eval()
    motion = items.draw(np.random.default_rng(0), 1)[0].features
    return Quality(Echo(motion), evaluator, Encoder(), items, quick=True)


def test_items_are_cut_to_fours_and_mirrored(items):
    drawn = items.draw(np.random.default_rng(0), 100)
    assert len(drawn) == 20
    assert all(len(i.features) % 4 == 0 and 40 <= len(i.features) <= 196 for i in drawn)
    assert sum("right hand" in i.caption for i in drawn) == 10


def test_rows(quality):
    result = rounded(motion_quality.measure(quality))
    assert list(result) == ["real", "reconstruction", "samples", "shuffled", "probes", "about"]
    both = {"r_precision", "fid", "mm_dist", "diversity", "foot_skate", "mean_jerk"}
    assert set(result["real"]) == both | {"peak_jerk", "auj"}
    assert set(result["reconstruction"]) == both | {"mpjpe_mm", "of_real"}
    assert set(result["samples"]) == both | {
        "multimodality",
        "peak_jerk",
        "auj",
        "left_right",
        "forward_back",
        "fast_slow",
        "of_real",
    }
    assert set(result["samples"]["of_real"]) == {"foot_skate", "r_precision_3", "auj"}
    assert set(result["shuffled"]) == {"r_precision", "mm_dist"}
    assert result["reconstruction"]["of_real"]["r_precision_3"] == 1
    assert result["probes"]["side"] == {"n": 20, "share": 0.5}
    # the sampler gives back what it is given, and the same motion for every prompt
    assert result["reconstruction"]["mpjpe_mm"] == 0
    assert result["reconstruction"]["fid"] < 1e-9
    assert result["samples"]["multimodality"] < 1e-3
    assert result["samples"]["left_right"] == 0.5
    assert result["samples"]["fid"] > result["real"]["fid"]
    json.dumps(result, allow_nan=False)
    assert quality_table(result).count("\n") == 6


def test_samples_are_asked_for_by_caption_and_length(quality):
    engine = quality.engine
    engine.calls.clear()
    lengths = [len(i.features) for i in quality.real]
    made = quality.sample(quality.captions, lengths, "x")
    assert [len(x) for x in made] == lengths
    asked = [(p, poses) for prompts, poses, _ in engine.calls for p in prompts]
    assert sorted(p for p, _ in asked) == sorted(quality.captions)
    longest = dict(zip(quality.captions, lengths, strict=True))
    assert all(poses >= longest[p] for p, poses in asked)


def test_packs_are_measured_on_their_validation_split_where_it_is_large_enough(items, tmp_path):
    assert (items.split, len(items.clips)) == ("all", 10)
    joints = items.clips[0][1]
    names = [f"c{i}" for i in range(500)]
    np.savez(tmp_path / "p.npz", **dict.fromkeys(names, joints))
    rows = [{"id": name, "pack": "p", "captions": ["a person sways"]} for name in names]
    (tmp_path / "clips.jsonl").write_text("\n".join(map(json.dumps, rows)))
    held_out = MotionItems(tmp_path)
    assert held_out.split == "val"
    assert {r.id for r, _ in held_out.clips} == {name for name in names if in_validation(name)}
    assert len(MotionItems(tmp_path, split="all", only=("p",)).clips) == 256
    with pytest.raises(ValueError, match="has no pack"):
        MotionItems(tmp_path, only=("other",))
    with pytest.raises(ValueError, match="split must be one of"):
        MotionItems(tmp_path, split="best")


def test_wrong_sets_are_told_in_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        MotionItems(tmp_path)


def test_several_seeds_are_told_by_mean_and_spread():
    one = {"real": {"fid": 1.0, "top": [0.5, 0.75]}, "about": {"seed": 4, "seconds": 1.0, "n": 9}}
    two = {"real": {"fid": 3.0, "top": [0.5, 0.25]}, "about": {"seed": 5, "seconds": 2.0, "n": 9}}
    assert over_seeds([one]) == one
    result = over_seeds([one, two])
    assert result["real"] == {"fid": 2.0, "top": [0.5, 0.5]}
    assert rounded(result["spread"]) == {"real": {"fid": 1.414, "top": [0.0, 0.3536]}}
    assert result["about"] == {"seed": [4, 5], "seconds": [1.0, 2.0], "n": 9}
    assert "| real | 2 +- 1.414 | 0.500 / 0.500 +- 0.000 / 0.354 |" in quality_table(result)
