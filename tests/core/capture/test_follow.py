"""Films drawn by the project are followed back to the motion that they show."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.capture_figures import compare, jitter
from core.body.skeleton import BONE_LENGTHS, INDEX, PARENTS
from core.capture.follow import adjust, follow
from core.capture.track import LONGEST_GAP, NETWORKS, find_candidates
from core.capture.video import open_video
from core.settings import CaptureSettings
from tests.support import drawn_films as made

CLIPS = Path(os.environ.get("LIVESTEP_CLIPS", Path(__file__).parents[4] / "shared/pose"))
BLACK = np.zeros((240, 320, 3), np.uint8)


def follow_pictures(name: str, pictures):
    return follow(made.write(name, pictures), threads=1)


def moved(pictures: np.ndarray, pixels: int) -> np.ndarray:
    """The walker somewhere else in the same room."""
    shift = np.roll(pictures, pixels, axis=2)
    edge = slice(0, pixels) if pixels > 0 else slice(pixels, None)
    shift[:, :, edge] = pictures[:, :, :1] if pixels > 0 else pictures[:, :, -1:]
    return shift


def test_the_walk_is_found_again():
    found, truth = made.followed(), made.walker().joints
    figures = compare(found.joints, truth)
    assert figures["pa_mpjpe_mm"] < 65
    assert figures["mpjpe_mm"] < 90
    assert figures["root_path_cm"] < 15
    assert figures["flipped"] == 0
    assert 0.3 < figures["jitter_ratio"] < 2
    assert found.gaps == ()
    assert found.notes == ()
    assert len(found.take) == made.POSES
    assert found.kept == pytest.approx((0, 1.75))
    assert found.seconds == pytest.approx(1.8)


def test_it_is_a_take_like_all_others():
    take, joints = made.followed().take, made.followed().joints
    assert take.features.shape == (len(take), 263)
    assert all(np.isfinite(a).all() for a in (take.root, take.rotations, joints, take.features))
    bones = np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)
    assert np.abs(bones - BONE_LENGTHS[1:]).max() < 1e-3
    # over the origin, facing Z, on the floor
    assert np.abs(joints[0, 0, [0, 2]]).max() < 0.05
    across = joints[0, INDEX["left_hip"]] - joints[0, INDEX["right_hip"]]
    assert across[0] > 0.9 * np.linalg.norm(across)
    toes = joints[:, [INDEX["left_foot"], INDEX["right_foot"]], 1].min(axis=1)
    assert np.abs(np.median(toes) - 0.02) < 0.04
    assert take.info["reference"] == "walk.mp4"


def test_the_same_film_gives_the_same_bytes():
    again = follow(made.film(), threads=1)
    assert again.joints.tobytes() == made.followed().joints.tobytes()


def test_faster_film_same_motion():
    double = np.repeat(made.pictures(), 2, axis=0)
    found = follow(made.write("double.mp4", double, rate=59.94), threads=1)
    assert found.track is not None
    assert found.track.rate == pytest.approx(29.97, abs=0.01)
    assert found.seconds == pytest.approx(72 / 59.94, abs=0.04)
    assert len(found.take) == pytest.approx(20 * 72 / 59.94, abs=2)


def test_a_phone_on_its_side():
    lying = made.write("side.mp4", np.rot90(made.pictures(), axes=(1, 2)))
    turned = made.folder() / "side-turned.mp4"
    made.ffmpeg("-display_rotation", "-90", "-i", lying, "-c", "copy", turned)
    found = follow(turned, threads=1)
    assert compare(found.joints, made.walker().joints)["pa_mpjpe_mm"] < 70


def test_a_leaning_camera_is_followed_and_levelled():
    """Regions turn with the person; 15 degrees of roll are seen and mostly taken back."""
    import cv2

    turn = cv2.getRotationMatrix2D((160, 120), 15, 1)
    lean = [cv2.warpAffine(p, turn, (320, 240), borderMode=1) for p in made.pictures()]
    found = follow_pictures("lean.mp4", lean)
    assert found.track is not None
    assert np.degrees(found.track.tracked[-1].region.angle) == pytest.approx(-15, abs=8)
    up = (found.joints[:, INDEX["neck"]] - found.joints[:, [7, 8]].mean(axis=1)).mean(axis=0)
    assert np.degrees(np.arccos(up[1] / np.linalg.norm(up))) < 8
    assert compare(found.joints, made.walker().joints)["pa_mpjpe_mm"] < 75


def test_what_is_covered_for_a_moment_is_filled_in_and_marked():
    pictures = made.pictures().copy()
    pictures[14:19] = BLACK
    found = follow_pictures("gap.mp4", pictures)
    ((start, end),) = found.gaps
    assert (start, end) == pytest.approx((14, 19), abs=1)
    assert any("filled in" in note for note in found.notes)
    assert jitter(found.joints) < 2.5 * jitter(made.walker().joints)
    assert compare(found.joints, made.walker().joints)["pa_mpjpe_mm"] < 75


def test_nobody_at_the_ends_is_cut_off():
    pictures = np.concatenate([[BLACK] * 10, made.pictures()[:24], [BLACK] * 8])
    found = follow_pictures("ends.mp4", pictures)
    assert found.kept == pytest.approx((0.5, 1.65), abs=0.11)
    assert any("only that is kept" in note for note in found.notes)


def test_when_somebody_else_comes_the_longest_stretch_is_kept():
    room = made.pictures()
    cut = np.concatenate([moved(room, -90)[:12], moved(room, 90)[:30]])
    found = follow_pictures("cut.mp4", cut)
    assert found.track is not None
    assert found.track.tracks == 2
    assert found.kept[0] == pytest.approx(0.6 + 0.5, abs=0.6)
    assert found.kept[1] == pytest.approx(2.05, abs=0.06)
    assert any("longest is kept" in note for note in found.notes)


def test_another_scene_begins_another_stretch():
    """Somebody in the same place in another room: nothing in the track itself tells."""
    pictures = made.pictures()
    scene = [*pictures[:26], *(255 - made.pictures(made.View("back", 160, 6))[:14])]
    found = follow_pictures("scene.mp4", scene)
    assert found.kept == pytest.approx((0.0, 1.25), abs=0.06)
    assert found.track is not None
    # a flash alone is no cut
    flash = pictures.copy()
    flash[20] = np.minimum(flash[20].astype(int) + 60, 255).astype(np.uint8)
    found = follow_pictures("flash.mp4", flash)
    assert found.track is not None
    assert found.track.tracks == 1
    assert len(found.take) == made.POSES


def test_networks_are_where_one_says(tmp_path):
    shutil.copy(NETWORKS / "detector.onnx.gz", tmp_path)
    with pytest.raises(ValueError, match=r"landmarks\.onnx is missing in .*" + tmp_path.name):
        follow(made.film(), threads=1, networks=tmp_path)
    shutil.copy(NETWORKS / "landmarks.onnx", tmp_path)
    found = follow(made.film(), CaptureSettings(person=1), threads=1, networks=tmp_path)
    assert len(found.take) == made.POSES


def test_nobody_gets_a_sentence():
    import cv2

    noise = np.random.default_rng(0).integers(0, 256, (20, 12, 16, 3), dtype=np.uint8)
    room = [cv2.resize(picture, (320, 240)) for picture in noise]
    with pytest.raises(ValueError, match=r"no person was found in nobody\.mp4"):
        follow_pictures("nobody.mp4", room)


def test_a_glance_is_too_little():
    pictures = np.concatenate([[BLACK] * 12, made.pictures()[:5], [BLACK] * 12])
    with pytest.raises(ValueError, match=r"a person was seen in glance\.mp4 for 0\.\d+ s"):
        follow_pictures("glance.mp4", pictures)


def test_a_picture_shown_for_long_is_told():
    found = follow_pictures("statue.mp4", [made.pictures()[10]] * 20)
    assert any("Hardly anything moves" in note for note in found.notes)
    assert np.ptp(found.joints, axis=0).max() < 0.05


def test_few_pictures_a_second_are_told():
    found = follow(made.write("choppy.mp4", made.pictures()[::2], rate=10), threads=1)
    assert any("10 pictures a second" in note for note in found.notes)
    assert len(found.take) == pytest.approx(made.POSES - 1, abs=1)
    assert compare(found.joints, made.walker().joints)["pa_mpjpe_mm"] < 75


def test_ten_people():
    crowd = made.side_by_side(10, made.pictures()[:14])
    path = made.write("crowd.mp4", crowd)
    found = follow(path, threads=1)
    assert any("10 people are in the picture" in note for note in found.notes)
    seen = find_candidates(open_video(path), threads=1)
    assert len(seen.people) == 10
    places = [person.place for person in seen.people]
    assert [p[0] for p in places] == sorted(p[0] for p in places)
    for number in (1, 10):
        one = follow(path, CaptureSettings(person=number), threads=1)
        assert one.track is not None
        region = one.track.tracked[0].region
        assert np.abs(places[number - 1] - [region.x, region.y]).max() < 12
        assert not any("people" in note for note in one.notes)
    with pytest.raises(ValueError, match="a number from 1 to 10"):
        follow(path, CaptureSettings(person=11), threads=1)


def test_tilt_lens_and_turning_are_changed_without_the_film():
    found = made.followed()
    tilted = adjust(found, tilt=20)
    lean = [j[:, INDEX["neck"]] - j[:, 0] for j in (found.joints, tilted.joints)]
    angles = [np.degrees(np.arctan2(v[:, 2].mean(), v[:, 1].mean())) for v in lean]
    assert abs(angles[1] - angles[0]) == pytest.approx(20, abs=6)
    assert tilted.take.info["tilt"] == "20"
    long = adjust(found, lens=1.8)
    assert long.settings.lens == 1.8
    assert long.settings.tilt == 0
    turned = adjust(found, turned=True)
    assert compare(turned.joints, made.walker().joints)["pa_mpjpe_mm"] > 60
    assert adjust(turned, turned=False).joints.tobytes() == found.joints.tobytes()
    for wrong in ({"tilt": 80}, {"lens": 0.1}, {"lens": float("nan")}):
        with pytest.raises(ValueError, match=r"must be in"):
            adjust(found, **wrong)


def test_progress_grows_and_can_end_the_work():
    told = []
    follow(made.film(), threads=1, progress=lambda share, _: told.append(share))
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1, abs=0.05)

    class EnoughError(Exception):
        pass

    def stop(share: float, _: str) -> None:
        if share > 0.2:
            raise EnoughError

    with pytest.raises(EnoughError):
        follow(made.film(), threads=1, progress=stop)


def test_a_lost_person_is_not_guessed_for_long():
    pause = round((LONGEST_GAP + 0.3) * made.RATE)
    pictures = made.pictures()
    film = np.concatenate([pictures[:12], [BLACK] * pause, pictures[12:32]])
    found = follow_pictures("pause.mp4", film)
    assert found.gaps == ()
    assert found.kept[0] == pytest.approx((12 + pause) / made.RATE, abs=0.11)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["jumping_jacks", "walk_side", "side_lunge"])
def test_real_people(name):
    path = CLIPS / f"{name}.mp4"
    if not path.is_file():
        pytest.skip(f"{path.name} is not in {CLIPS}; set LIVESTEP_CLIPS to its folder")
    found = follow(path, threads=1)
    assert found.track is not None
    seen = len(found.track.tracked) + found.track.trimmed
    assert seen / found.track.frames > 0.93
    assert (found.track.trimmed > 0) == (name == "walk_side")  # she walks out of the picture
    assert found.track.tracks == 1
    assert jitter(found.joints) < 16
    assert 0 <= np.median(found.joints[:, [10, 11], 1].min(axis=1)) < 0.12
