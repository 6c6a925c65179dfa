"""Packs and HumanML3D folders give the same joints and texts back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.body.skeleton import BONE_LENGTHS, INDEX, PARENTS
from train import sources
from train.sources import humanml3d, packs


def walk(frames: int) -> np.ndarray:
    """A stiff figure gliding along +z at 1 m/s, (T, 22, 3) float32 meters."""
    rng = np.random.default_rng(0)
    rest = np.zeros((22, 3))
    for joint, parent in enumerate(PARENTS[1:], start=1):
        away = rng.normal(size=3)
        rest[joint] = rest[parent] + BONE_LENGTHS[joint] * away / np.linalg.norm(away)
    rest[INDEX["left_hip"]], rest[INDEX["right_hip"]] = (0.1, 0, 0), (-0.1, 0, 0)
    ahead = np.arange(frames)[:, None, None] / 20 * np.array([0, 0, 1.0])
    return (rest + ahead).astype(np.float32)


def test_packs(tmp_path):
    joints = walk(30)
    np.savez(tmp_path / "free.npz", a=joints, b=joints)
    row = {"id": "a", "pack": "free", "captions": ["a person walks", " "], "label": "walk"}
    row |= {"quality": "K (by hand)", "crop_ok": False, "licence": "CC0 1.0"}
    row |= {"segments": [{"start": 0.2, "end": 1.0, "captions": ["steps"]}]}
    rows = [row, {"id": "b", "pack": "free", "captions": ["x"]}]
    (tmp_path / "clips.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    first, second = sources.read(tmp_path)
    assert [(t.start, t.end, t.captions) for t in first.texts] == [
        (0.0, 1.5, ("a person walks",)),
        (0.2, 1.0, ("steps",)),
    ]
    assert (first.quality, first.crop_ok, first.licence) == ("K", False, "CC0 1.0")
    assert (second.quality, second.crop_ok, second.licence) == ("A", True, "unknown")
    np.testing.assert_array_equal(first.joints, joints)
    with pytest.raises(ValueError, match="has no pack"):
        list(packs.read(tmp_path, packs=("gone",)))
    (tmp_path / "clips.jsonl").write_text(json.dumps(row | {"id": "z"}))
    with pytest.raises(ValueError, match="clip 'z' is not in free"):
        list(packs.read(tmp_path))


def test_humanml3d(tmp_path):
    for name in ("new_joints", "texts"):
        (tmp_path / name).mkdir()
    for name in ("000001", "M000001", "000002", "000003"):
        np.save(tmp_path / "new_joints" / f"{name}.npy", walk(40))
        (tmp_path / "texts" / f"{name}.txt").write_text(
            "a man walks.#a/DET man/NOUN walk/VERB#0.0#0.0\nhe stops#he/PRON stop/VERB#1.0#1.5\n"
            "someone walks#someone/PRON walk/VERB#nan#nan\n"
        )
    (tmp_path / "train.txt").write_text("000001\nM000001\n")
    (tmp_path / "val.txt").write_text("000002\n")
    clips = list(sources.read(tmp_path))
    assert [(c.id, c.split, c.label) for c in clips] == [
        ("000001", "train", "walk"),
        ("000002", "val", "walk"),
    ]
    assert [(t.start, t.end, t.captions) for t in clips[0].texts] == [
        (0.0, 2.0, ("a man walks.", "someone walks")),
        (1.0, 1.5, ("he stops",)),
    ]
    (tmp_path / "texts" / "000001.txt").write_text("no hashes here\n")
    with pytest.raises(ValueError, match=r"000001\.txt:1: expected"):
        list(humanml3d.read(tmp_path))


def test_humanml3d_features_alone(tmp_path):
    from core.body import features

    for name in ("new_joint_vecs", "texts"):
        (tmp_path / name).mkdir()
    encoded = features.encode(features.make_uniform(walk(40)))
    np.save(tmp_path / "new_joint_vecs" / "000001.npy", encoded)
    (tmp_path / "texts" / "000001.txt").write_text("a man walks#walk/VERB#0.0#0.0\n")
    (clip,) = humanml3d.read(tmp_path)
    assert clip.joints.shape == (len(encoded), 22, 3)
