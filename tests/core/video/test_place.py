"""PlaceMap: what lies along a ray, nothing where nobody knows; FrameDiT that predicts data."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from core.video.model import LATEST, Action, FrameDiT
from core.video.place import NOWHERE, PlaceMap
from tests.support.tiny import PLACE, PLACE_WORLD, tiny_world

WIDTH = 12


@pytest.fixture
def place_map() -> PlaceMap:
    torch.manual_seed(0)
    place_map = PlaceMap(PLACE, (2, 4), WIDTH, taps=2)
    for parameter in place_map.parameters():
        parameter.data.normal_(std=0.3)
    return place_map


def places(*rows: tuple[float, float, float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32)[None]


WHERE = places((8, 8, 0), (30, 40, 100), (60, 20, 275))


def parts(place_map: PlaceMap, where: Tensor) -> list[Tensor]:
    h, e, taps = place_map(where)
    return [h, e, *taps]


def test_shapes(place_map):
    h, e, taps = place_map(WHERE)
    assert h.shape == (1, 3, 8, WIDTH)
    assert e.shape == (1, 3, WIDTH)
    assert [tap.shape for tap in taps] == [h.shape] * 2
    wide = PLACE.model_copy(update={"high": (100.0, 40.0)})
    assert PlaceMap(wide, (2, 4), WIDTH, 0).map.shape == (1, 3, 3, 7)
    assert wide.span == 100


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_of_nowhere_nothing_is_known(place_map, lost):
    where = WHERE.clone()
    where[0, 1, lost] = NOWHERE
    h, e, _ = place_map(where)
    assert torch.equal(h[0, 1], place_map.nowhere.expand(8, WIDTH))
    assert not e[0, 1].any()
    for found, known in zip(parts(place_map, where), parts(place_map, WHERE), strict=True):
        assert torch.equal(found[:, [0, 2]], known[:, [0, 2]])


def test_rows_and_frames_do_not_see_each_other(place_map):
    rows = WHERE[0][:, None]
    for all_, one in zip(parts(place_map, rows), parts(place_map, rows[1:2]), strict=True):
        assert torch.allclose(all_[1:2], one, atol=1e-6)


def test_a_whole_turn_changes_nothing(place_map):
    turned = WHERE + torch.tensor([0.0, 0.0, 360.0])
    for one, other in zip(parts(place_map, WHERE), parts(place_map, turned), strict=True):
        assert torch.allclose(one, other, atol=1e-4)


def test_gradient_reaches_the_map_along_the_rays_only(place_map):
    where = torch.cat([places((8, 8, 0)), places((8, 8, NOWHERE))], dim=1)
    place_map(where)[0].square().sum().backward()
    reached = place_map.map.grad[0].abs().sum(0)
    assert torch.isfinite(reached).all()
    assert reached[0].all()  # the row of cells to the east
    assert reached[3, 0] == 0  # straight to the north, beyond 45 degrees
    assert place_map.nowhere.grad.any()


def test_the_first_column_sees_what_lies_to_the_left(place_map):
    place_map.map.data.zero_()
    place_map.map.data[0, :, 3] = 1  # all along the north
    columns, _ = place_map.look(places((8, 8, 0), (56, 8, 180)))
    features = columns[0, :, :, : PLACE.samples * PLACE.channels].abs().sum(-1)
    assert (features > 0).tolist() == [[True, False, False, False], [False, False, False, True]]
    azimuth = place_map.azimuth
    assert (azimuth.diff() < 0).all()
    assert float(azimuth[0]) < math.radians(PLACE.field_of_view / 2)


# ---- the transformer that it is part of


def place_dit(**changes) -> FrameDiT:
    return tiny_world(PLACE_WORLD.model_copy(update=changes)).dit


def frames(model: FrameDiT, count: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, count, *model.frame_shape, generator=generator)
    keys = torch.randint(0, 2, (1, count, 6), generator=generator).float()
    return x, torch.linspace(0, 0.9, count)[None], keys


def test_data_are_predicted_where_a_velocity_leads():
    data, velocity = place_dit(), place_dit(predicts="velocity")
    x, t, keys = frames(data, 3)
    told = velocity.denoise(x, t, keys, where=WHERE)
    v = data.denoise(x, t, keys, where=WHERE)
    rest = 1 - t[..., None, None]
    assert torch.allclose(x + rest * v, told, atol=1e-5)
    late = torch.full_like(t, 1.0)  # nearly clean: a velocity of bounded size all the same
    expected = (velocity.denoise(x, late, keys, where=WHERE) - x) / (1 - LATEST)
    assert torch.allclose(data.denoise(x, late, keys, where=WHERE), expected, atol=1e-4)


def test_a_place_is_felt_from_its_frame_on():
    model = place_dit()
    x, t, keys = frames(model, 3)
    moved = WHERE.clone()
    moved[0, 1, 0] += 3
    base, other = (model.denoise(x, t, keys, where=where) for where in (WHERE, moved))
    assert torch.equal(base[:, 0], other[:, 0])
    assert not torch.allclose(base[:, 1], other[:, 1])
    assert not torch.allclose(base[:, 2], other[:, 2])


def test_the_place_is_shown_again_between_the_blocks():
    model = place_dit()
    x, t, keys = frames(model, 3)
    base = model.denoise(x, t, keys, where=WHERE)
    model.place_map.taps[0].weight.data.zero_()
    assert not torch.allclose(model.denoise(x, t, keys, where=WHERE), base)


def test_a_condition_carries_its_place():
    model = place_dit()
    x, t, keys = frames(model, 3)
    asked = [Action(keys[:, i]) for i in range(3)]
    assert torch.equal(model(x, t, asked), model.denoise(x, t, keys))
    nowhere = torch.full((1, 3, 3), NOWHERE)
    assert torch.equal(model(x, t, asked), model.denoise(x, t, keys, where=nowhere))
    others = np.array([[40.0, 40.0, 0.0]])  # where it might be instead is not what is seen
    placed = [
        replace(a, course=np.concatenate([row.numpy()[None], others]))
        for a, row in zip(asked, WHERE[0], strict=True)
    ]
    assert torch.equal(model(x, t, placed), model.denoise(x, t, keys, where=WHERE))


def test_an_action_says_where_and_how_surely():
    keys = torch.zeros(1, 6)
    assert Action(keys).place is None
    course = np.array([[8.0, 9.0, -90.0], [11.0, 13.0, 0.0], [8.0, 9.0, 50.0]])
    place = Action(keys, course=course).place
    assert (place.x, place.y, place.degrees) == (8, 9, 270)
    assert place.spread == pytest.approx(math.sqrt(25 / 2))
    assert Action(keys, course=course[:1]).place.spread == 0
