"""A network's place taken by somebody who walks straight on, stands or turns as words say."""

from __future__ import annotations

import numpy as np

from core.body.features import LAYOUT, FeatureDecoder, encode
from core.body.skeleton import FPS
from core.steering import gait
from core.steering.guide import Guide
from core.steering.wishes import Steer
from tests.support.synthetic import walk

BLOCK = 8
TURNS, STEPS = 0.8, 0.8
"""How fast it turns on the spot (rad/s), and goes aside (m/s)."""


def legs(words: str, poses: int, first: int) -> np.ndarray:
    """Features (T, 263) of the next poses by words; all legs here go at 1.2 m/s or not at all."""
    gone = encode(walk(first % 22 + poses + 1)[2])[first % 22 :]
    if words in (gait.WALK, gait.RUN, gait.BACK):
        return gone
    stood = gone[:1].repeat(poses, axis=0)
    stood[:, LAYOUT.turn] = stood[:, LAYOUT.velocity] = stood[:, LAYOUT.velocities] = 0
    stood[:, LAYOUT.contacts] = 1
    if words in (gait.TURN_LEFT, gait.TURN_RIGHT):
        stood[:, LAYOUT.turn] = (-0.5 if words == gait.TURN_LEFT else 0.5) * TURNS / FPS
    if words in (gait.LEFT, gait.RIGHT):
        stood[:, LAYOUT.velocity.start] = (1 if words == gait.LEFT else -1) * STEPS / FPS
    return stood


def steered(steer: Steer, blocks: int, prompt: str = "a person walks", change=None) -> np.ndarray:
    """Joints (T, 22, 3) of somebody steered; `change(pose)` is called before every block."""
    guide, decoder = Guide(steer, BLOCK), FeatureDecoder()
    joints = []
    for first in range(0, blocks * BLOCK, BLOCK):
        if change is not None:
            change(first)
        features = legs(guide.words(prompt), BLOCK, first)
        joints.append(decoder.push(guide.bend(features, first, decoder)))
    return np.concatenate(joints)
