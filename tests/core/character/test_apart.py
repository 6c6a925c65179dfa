"""Visitors' characters are read and written in a process of their own."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.capture import apart as process
from core.capture.source import MatchError
from core.character import export
from core.character.apart import dress_apart, rig_apart
from core.character.character import read_character
from core.character.export import write_character
from core.character.wire import rig_to_json
from core.settings import ExportSettings
from tests.core.character.conftest import OURS


def test_what_is_done_there_is_as_if_it_were_done_here(take, tmp_path):
    path = OURS / "bolt.glb"
    character = read_character(path)
    assert json.loads(rig_apart(path)) == json.loads(json.dumps(rig_to_json(character)))
    settings = ExportSettings(root="in-place")
    for suffix in ("glb", "bvh"):
        here, there = (tmp_path / f"{name}.{suffix}" for name in ("here", "there"))
        write_character(take, here, character, fps=30, settings=settings)
        made = dress_apart(take, path, there, fps=30, settings=settings)
        assert made == here.read_bytes()


def test_sentences_come_back(spoiled, take, tmp_path):
    with pytest.raises(MatchError, match=r"^odd\.glb cannot be moved"):
        rig_apart(spoiled(lambda told: told["nodes"][0].update(scale=[1e-300] * 3)))
    path = spoiled(lambda told: None)
    with pytest.raises(ValueError, match="a character goes home as"):
        dress_apart(take, path, tmp_path / "a.mp4", fps=20, settings=ExportSettings())


def test_what_takes_too_long_becomes_a_sentence(monkeypatch):
    monkeypatch.setattr(process, "PATIENCE", 0.0)
    with pytest.raises(ValueError, match=r"^bolt\.glb takes too long .*; make its meshes simpler$"):
        rig_apart(OURS / "bolt.glb")


def test_what_fills_memory_becomes_a_sentence(monkeypatch, take, tmp_path):
    def fill(*_, **__):
        raise MemoryError

    character, told = read_character(OURS / "bolt.glb"), r"^bolt\.glb needs more memory"
    monkeypatch.setattr(export, "write_fbx", fill)
    with pytest.raises(ValueError, match=told):
        write_character(take, tmp_path / "a.fbx", character)
    monkeypatch.setattr(np, "isfinite", fill)
    with pytest.raises(ValueError, match=told):
        read_character(OURS / "bolt.glb")
