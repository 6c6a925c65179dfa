"""A rig as plain numbers, for the page, which moves characters itself and is told how they are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from core.character.character import Character

DIGITS = 7
"""Behind the point; legs of a rig are 0.8 long."""


def rig_to_json(character: Character) -> dict[str, Any]:
    """Return a character's rig with the names of its fields, and beside it, for each row, the
    number of its `node` in the file; for each of our `joints` that was found, that of its node;
    whose it is and what its licence `forbids`.
    """
    told, nodes = character.licence, character.nodes
    return {
        "rig": _plain(asdict(character.rig)),
        "nodes": [nodes[row.column] for row in character.rig.rows],
        "joints": {joint: nodes[column] for joint, column in character.match.joints.items()},
        "notes": [*character.notes],
        "credit": character.credit,
        "forbids": told.forbids if told else "",
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.ndarray):
        return (np.round(value, DIGITS) + 0).tolist()  # no minus zeros
    return round(value, DIGITS) if isinstance(value, float) else value
