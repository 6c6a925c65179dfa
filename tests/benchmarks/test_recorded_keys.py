"""Who pushes in vain is counted, and nobody else."""

from __future__ import annotations

import numpy as np

from benchmarks.recorded_keys import in_vain


def test_who_wants_to_walk_and_hardly_does_pushes_in_vain():
    keys = {"-": 0, "W": 1, "WS": 3, "A": 4, "L": 16}
    rows = [
        ("-", 0.0),  # an episode begins
        ("W", 10.0),
        ("W", 11.0),  # in vain
        ("WS", 11.0),  # cancels itself
        ("L", 11.0),  # turns
        ("A", 11.5),  # in vain
        ("W", 11.5),  # another episode begins
        ("-", 11.5),
    ]
    actions = np.array([[keys[name] >> bit & 1 for bit in range(6)] for name, _ in rows], np.uint8)
    states = np.array([[x, 0, 90] for _, x in rows], np.float32)
    assert in_vain(actions, states, np.array([0, 6])) == 2 / 8
