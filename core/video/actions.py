"""Keys and actions: which keys a world knows, and what a script of held keys means."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from core.config import Config

NOTHING = "-"
"""How a script says that no key is held."""
MOST_FRAMES = 108_000
"""Frames of the longest script: an hour at 30 a second."""


class Key(Config):
    """One key of a world; its place in the table is its bit in a mask."""

    name: str
    """One letter, as scripts and logs write it."""
    codes: tuple[str, ...]
    """The browser's `KeyboardEvent.code`s that press it."""
    label: str = ""
    """What it does, for people."""


def to_mask(names: str, keys: Sequence[Key]) -> int:
    """Return the bit mask of keys such as "WD"; raise ValueError for an unknown one."""
    mask = 0
    for name in "" if names == NOTHING else names:
        bits = [1 << i for i, key in enumerate(keys) if key.name == name]
        if not bits:
            known = " ".join(key.name for key in keys)
            raise ValueError(f"unknown key {name!r}; this world knows {known} and - for nothing")
        mask |= bits[0]
    return mask


def to_names(mask: int, keys: Sequence[Key]) -> str:
    """Undo `to_mask`: the letters of a mask, or "-"."""
    return "".join(key.name for i, key in enumerate(keys) if mask >> i & 1) or NOTHING


def to_bits(mask: int, keys: Sequence[Key]) -> list[int]:
    """Return 0 or 1 per key; raise ValueError for a mask with bits beyond the table."""
    if not 0 <= mask < 1 << len(keys):
        raise ValueError(f"an action must be in 0..{(1 << len(keys)) - 1}, got {mask}")
    return [mask >> i & 1 for i in range(len(keys))]


def to_masks(bits: np.ndarray) -> np.ndarray:
    """Undo `to_bits` for many: bit masks (N,) of rows (N, K) with 1 where a key is held."""
    return ((bits > 0) << np.arange(bits.shape[1])).sum(1)


def parse_script(text: str, keys: Sequence[Key]) -> list[int]:
    """Return one mask per frame of a script such as "W:40,WD:20,-:10".

    Raises ValueError for an unknown key, a part that is not KEYS:FRAMES, or more than an hour.
    """
    masks: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([A-Za-z]+|-)\s*:\s*(\d{1,6})\s*", part)
        if not match or not int(match[2]):
            raise ValueError(
                f"cannot read {part.strip()!r} in the key script; expected KEYS:FRAMES, such as"
                ' "W:40,WD:20,-:10"'
            )
        masks += [to_mask(match[1].upper(), keys)] * int(match[2])
        if len(masks) > MOST_FRAMES:
            raise ValueError(f"the key script is longer than {MOST_FRAMES} frames (an hour)")
    return masks


def write_script(masks: Sequence[int], keys: Sequence[Key]) -> str:
    """Undo `parse_script`: equal neighbors share a part."""
    parts: list[list[int]] = []
    for mask in masks:
        if parts and parts[-1][0] == mask:
            parts[-1][1] += 1
        else:
            parts.append([mask, 1])
    return ",".join(f"{to_names(mask, keys)}:{count}" for mask, count in parts)
