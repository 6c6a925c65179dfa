"""From landmarks to a motion in the world: camera, gravity, time, skeleton and floor."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.capture_figures import compare
from core.body.rotations import quat_from_axis_angle, quat_rotate
from core.body.skeleton import BONE_LENGTHS, FEET, PARENTS
from core.capture import ground
from core.capture.detector import whole
from core.capture.joints import landmarks_to_joints
from core.capture.lift import depths, face_forward, lift, lowpass, place, rays, upright
from core.capture.resample import resample
from core.settings import LENS, CaptureSettings
from tests.support import drawn_films as made
from tests.support.fake_capture import track_of


def some(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def test_the_depth_of_what_a_pinhole_sees():
    world = some(20, 33, 3) * 0.4
    way = np.stack([np.linspace(-1, 1, 20), np.full(20, 0.2), np.linspace(3, 5, 20)], axis=-1)
    seen = world + way[:, None]
    slopes = seen[..., :2] / seen[..., 2:]
    assert depths(world, slopes, np.ones((20, 33))) == pytest.approx(way[:, 2])
    pixels = slopes * LENS * 640 + [320, 240]
    assert rays(pixels, (640, 480), LENS) == pytest.approx(slopes)
    assert place(slopes, seen[..., 2]) == pytest.approx(seen)


@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (20, 0), (-15, 0), (0, 25), (10, -20)])
def test_gravity_is_told_by_who_stands(pitch, roll):
    straight = made.person()
    dip, lean = (
        quat_from_axis_angle(np.radians(angle) * np.array(axis))
        for angle, axis in ((pitch, [1.0, 0, 0]), (roll, [0, 0, 1.0]))
    )
    level = upright(quat_rotate(dip, quat_rotate(lean, straight)), 0.0)
    found = quat_rotate(level, quat_rotate(dip, quat_rotate(lean, np.array([0.0, 1, 0]))))
    assert np.degrees(np.arccos(found[1])) < 11


def test_who_lies_tells_nothing():
    lying = quat_from_axis_angle(np.array([-np.pi / 2, 0, 0]))
    assert upright(made.person(lying), 0.0) == pytest.approx([1, 0, 0, 0])


def test_smoothing_does_not_lag():
    time = np.arange(120) / 30
    slow, shake = np.sin(2 * np.pi * time), 0.2 * np.sin(2 * np.pi * 12 * time)
    smooth = lowpass((slow + shake)[:, None], 30, 4.5)[:, 0]
    assert np.abs(smooth - slow)[15:-15].max() < 0.04
    assert np.argmax(np.correlate(smooth, slow, "full")) == len(time) - 1
    assert np.isfinite(lowpass(np.zeros((3, 2)), 30, 1.2)).all()


@pytest.mark.parametrize("rate", [7.0, 12.5, 23.976, 29.97, 60.0])
def test_any_rate_becomes_twenty_a_second(rate):
    time = np.arange(round(3 * rate)) / rate
    found = resample(np.sin(time)[:, None], rate)[:, 0]
    assert found == pytest.approx(np.sin(np.arange(len(found)) / 20), abs=2e-3)
    assert len(found) / 20 == pytest.approx(time[-1], abs=0.06)


def test_the_joints_have_the_skeletons_bones():
    joints = landmarks_to_joints(made.person() * 1.3)  # of somebody taller
    bones = np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)
    assert np.abs(bones - BONE_LENGTHS[1:]).max() < 1e-5
    truth = made.walker().joints - made.walker().root[:, None]
    off = (joints - joints[:, :1]) - (truth - truth[:, :1])
    assert np.linalg.norm(off, axis=-1).mean() < 0.05


def test_standing_feet_carry_the_body():
    """The camera thinks that somebody who stands slides about; the feet know better."""
    still = np.tile(made.walker().joints[:1].astype(float), (60, 1, 1))
    joints = still - still[:, :1]
    joints = joints - [0, joints[..., 1].min() - 0.02, 0]
    drift = np.zeros((60, 3))
    drift[:, 2] = 0.05 * np.sin(np.arange(60) / 6)
    drift[:, 1] = -0.2
    away = np.array([0, -1.5, -4])
    root, contacts = ground.place_on_floor(joints, drift + away, joints[:, FEET] + away)
    assert np.ptp(root[:, 2]) < 0.03
    assert contacts.max() > 0.9
    lowest = (joints + root[:, None])[:, FEET, 1] - ground.SOLES
    assert np.abs(lowest.min(axis=1)).max() < 0.02


def test_everybody_starts_at_the_origin_facing_ahead():
    joints = made.walker().joints.astype(float)
    turned = quat_rotate(quat_from_axis_angle(np.array([0, 2.0, 0])), joints)
    turned += np.array([3, 0, 1])
    assert face_forward(turned) == pytest.approx(face_forward(joints), abs=1e-9)
    assert np.abs(face_forward(turned)[0, 0, [0, 2]]).max() < 1e-9


def test_lifting_a_made_up_person():
    """Two readings that agree, four meters away, lifted to the walk that they were made of."""
    truth = made.walker().joints
    lifted = lift(track_of(truth, unseen=range(10, 13)), CaptureSettings())
    figures = compare(lifted.joints, truth[: len(lifted.joints)])
    assert figures["pa_mpjpe_mm"] < 60
    assert lifted.gaps == ((10, 13),)
    assert np.isfinite(lifted.joints).all()
    assert whole(np.zeros((4, 6, 3))).side == 6
