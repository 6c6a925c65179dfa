"""Look: a start's place from its frames alone, by drawing what one would see from there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.engine import Engine
from core.settings import CHECKPOINTS
from core.video.finder import Guesses
from core.video.look import GOOD, Look
from core.video.mover import difference
from tests.support.tiny import PLACE_WORLD, tiny_world

MODEL = tiny_world(PLACE_WORLD)
W, L = 1, 16
MASKS = np.array([-1, W, W, L])
TRUE = MODEL.look.carry(np.array([[10.0, 50.0, 300.0]]), MASKS)[0]


NOISE = torch.randn(1, 1, *MODEL.dit.frame_shape, generator=torch.Generator().manual_seed(0))
"""Tiny weights see noise as well as places, so it is the look's own."""


class Guess(torch.nn.Module):
    """A finder that is off by as much as it is told."""

    def __init__(self, *off: float):
        super().__init__()
        self.off = torch.tensor(off)

    def forward(self, tokens):
        where = torch.from_numpy(TRUE).float()[:, None] + self.off
        ones = torch.ones(len(tokens), 1, 2)
        return Guesses(where, ones, ones, torch.zeros(len(tokens), 1))


class Patient(Look):
    """A look that draws where others sketch: tiny weights never learned to."""

    def sketch(self, places):
        return self.draw(places, NOISE)


def drawn() -> torch.Tensor:
    """What one sees along the TRUE path."""
    return MODEL.look.draw(TRUE, NOISE)


def look(*off: float) -> Look:
    return Patient(MODEL.dit, MODEL.mover, Guess(*off), "cpu")


def test_paths_are_carried_along_the_keys():
    places = np.array([[10.0, 50.0, 300.0], [50.0, 40.0, 10.0]])
    path = MODEL.look.carry(places, MASKS)
    assert path.shape == (2, 4, 3)
    assert np.array_equal(path[:, 0], places)  # what led to the first is unknown
    assert np.array_equal(path[:, 3, 2], [306, 16])


def test_drawings_do_not_see_each_other():
    noise = torch.zeros(1, 1, *MODEL.dit.frame_shape)
    many = MODEL.look.draw(np.repeat(TRUE, 20, axis=0), noise)
    assert many.shape == (80, *MODEL.dit.frame_shape)
    assert torch.allclose(many[60], MODEL.look.draw(TRUE[3:], noise)[0], atol=1e-5)


def test_a_rough_guess_is_made_better():
    found = look(0.5, -0.4, 0.5)(drawn(), MASKS)
    assert np.hypot(*(found.path[0] - TRUE[0])[:2]) < 0.4 < np.hypot(0.5, 0.4)
    assert found.fit < GOOD
    assert np.array_equal(found.path, MODEL.look.carry(found.path[:1], MASKS)[0])
    assert np.linalg.eigvalsh(found.covariance).min() > 0


def test_the_same_frames_are_found_at_the_same_place():
    tokens = drawn()
    one, other = (look(3.0, 2.0, 5.0)(tokens, MASKS) for _ in range(2))
    assert np.array_equal(one.path, other.path)
    assert one.fit == other.fit


def test_a_start_without_a_path_is_looked_for():
    seed = MODEL.seeds[0]._replace(path=np.empty((0, 3)))
    tokens = MODEL.encode(seed.frames)
    begun = MODEL.begin(seed, tokens)
    assert begun.fit > 0
    assert MODEL.mover.can_stand(begun.conditions[-1].course[:, :2]).all()
    assert MODEL.begin(MODEL.seeds[0], tokens).fit is None


# ---- with the weights that are shipped

ENGINE = Engine(CHECKPOINTS, "cpu")
REMEMBERING = [
    name for name in ENGINE.worlds if ENGINE.video_models.describe(name)["config"].get("place")
]


@pytest.mark.slow
@pytest.mark.parametrize("name", REMEMBERING)
def test_shipped_starts_are_found_from_their_frames_alone(name):
    model = ENGINE.world(name)
    missed = []
    for seed in model.seeds[:3]:
        assert np.allclose(seed.path[-1], seed.state, atol=5)
        begun = model.begin(seed._replace(path=np.empty((0, 3))), model.encode(seed.frames))
        place = begun.conditions[-1].place
        x, y, degrees = seed.path[-1]
        off = np.hypot(place.x - x, place.y - y)
        turned = abs(difference(np.array(place.degrees), degrees))
        missed.append(begun.fit > GOOD or off > 3 or turned > 2)
    assert not any(missed)
