"""What is told to whoever moves characters elsewhere is what they do here."""

from __future__ import annotations

import json

import numpy as np

from core.character.wire import rig_to_json
from tests.support.character_cases import FILE, cases


def near(one, other, where="") -> None:
    """Both are made of the same parts and nearly the same numbers."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            near(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple) and one and not isinstance(one[0], str):
        if isinstance(one[0], dict):
            for i, (a, b) in enumerate(zip(one, other, strict=True)):
                near(a, b, f"{where}[{i}]")
        else:
            np.testing.assert_allclose(one, other, atol=2e-5, err_msg=where)
    elif isinstance(one, float):
        assert abs(one - other) < 2e-5, where
    else:
        assert (list(one) if isinstance(one, tuple) else one) == other, where


def test_the_kept_cases_are_what_is_solved_now():
    near(cases(), json.loads(FILE.read_text()))


def test_a_rig_is_told_in_plain_numbers(dressed):
    character = dressed("unreal", unit=0.01, armature=True)
    told = json.loads(json.dumps(rig_to_json(character)))
    assert told["joints"] == {j: character.nodes[c] for j, c in character.match.joints.items()}
    assert len(told["rig"]["rows"]) == len(told["nodes"]) == len(character.rig.rows)
    np.testing.assert_allclose(told["rig"]["rest"], character.rig.rest, atol=1e-7)
    assert len(json.dumps(told)) < 30_000
