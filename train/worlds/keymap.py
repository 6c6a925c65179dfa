"""Key maps: which keys a world is played with, and which action a set of held keys stands for.

A JSON file {"keys": [{"name": "L", "codes": ["ArrowLeft"], "label": "left"}, ...], ...} with either
    "actions": {"": 0, "L": 1, "R": 2, "LR": 0}    an action's number per set of held keys, or
    "vectors": {"": [0, 0], "L": [-1, 0], ...}     numbers that add up over the held keys.
A held set that is not listed under "actions" counts as the largest listed set within it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import ValidationError

from core.config import Config
from core.video.actions import Key


class KeyMap(Config):
    """Keys and what they do; exactly one of `actions` and `vectors` is given."""

    keys: tuple[Key, ...]
    actions: dict[str, int] | None = None
    vectors: dict[str, tuple[float, ...]] | None = None

    def held(self, keys: tuple[int, ...]) -> frozenset[str]:
        return frozenset(key.name for key, on in zip(self.keys, keys, strict=True) if on)

    def action(self, keys: tuple[int, ...]) -> int | np.ndarray:
        """Return the action for held keys, 0 or 1 each."""
        held = self.held(keys)
        if self.actions is not None:
            inside = [names for names in self.actions if held >= set(names)]
            return self.actions[max(inside, key=len)]  # of equals, the one listed first
        assert self.vectors is not None
        vector = np.asarray(self.vectors[""], np.float32)
        return sum((np.asarray(self.vectors[name], np.float32) for name in sorted(held)), vector)


def check(keymap: KeyMap) -> None:
    """Raise ValueError for a map that leaves a question open."""
    names = [key.name for key in keymap.keys]
    if not names or len(set(names)) < len(names) or any(len(name) != 1 for name in names):
        raise ValueError("a key map needs keys, each with a name of one letter of its own")
    if (keymap.actions is None) == (keymap.vectors is None):
        raise ValueError('a key map needs either "actions" or "vectors"')
    table = keymap.actions if keymap.actions is not None else keymap.vectors
    assert table is not None
    if "" not in table:
        raise ValueError('a key map must say what nothing held means, under the name ""')
    unknown = sorted(set("".join(table)) - set(names))
    if unknown:
        raise ValueError(f"the key map uses {' '.join(unknown)}, which is none of its keys")
    if keymap.vectors is not None:
        if set(keymap.vectors) != {"", *names}:
            raise ValueError('"vectors" needs "" and every key, and no sets of keys')
        if len({len(vector) for vector in keymap.vectors.values()}) > 1:
            raise ValueError('all "vectors" of a key map must be of one length')


def read_keymap(path: Path) -> KeyMap:
    """Read a key map; raise ValueError, in a sentence, for a bad one."""
    if not path.is_file():
        raise ValueError(f"there is no key map at {path}")
    try:
        keymap = KeyMap.model_validate_json(path.read_text())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ValueError(f"bad key map {path.name}: {where}: {first['msg']}") from None
    check(keymap)
    return keymap
