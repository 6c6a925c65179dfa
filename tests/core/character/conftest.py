"""Characters of all kinds, made once."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.character_files import Look, write
from benchmarks.rigs import RIGS
from core.character.character import Character, read_character
from core.character.glb_file import File
from tests.support.synthetic import walk_take

OURS = Path(__file__).parents[3] / "assets" / "characters"


@pytest.fixture(scope="session")
def take():
    return walk_take(40)


@pytest.fixture(scope="session")
def dressed(tmp_path_factory) -> Callable[..., Character]:
    """Read the character of a family, made so or so."""
    folder, made = tmp_path_factory.mktemp("characters"), dict[Any, Character]()

    def make(family: str, **look: Any) -> Character:
        key = family, json.dumps(look, sort_keys=True)
        if key not in made:
            path = folder / f"{len(made)}.{'vrm' if 'vrm' in look else 'glb'}"
            write(RIGS[family], path, Look(**look))
            made[key] = read_character(path)
        return made[key]

    return make


@pytest.fixture
def spoiled(tmp_path) -> Callable[..., Path]:
    """Write a character after something was done to its description."""

    def make(change: Callable[[dict[str, Any]], None], name: str = "odd.glb", **look: Any) -> Path:
        path = tmp_path / name
        write(RIGS["humanoid"], path, Look(**look))
        file = File.read(path)
        change(file.json)
        path.write_bytes(file.to_bytes())
        return path

    return make


def description(path: Path) -> tuple[dict[str, Any], bytes]:
    """What a GLB says, and its numbers, by no code of ours."""
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + length]), data[28 + length :]
