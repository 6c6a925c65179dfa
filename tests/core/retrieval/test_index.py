"""The index of real motions: words, measures, search by both, storage, adding to it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from core import checkpoint
from core.body.features import mirror
from core.body.skeleton import INDEX
from core.engine import Engine
from core.motion.attributes import (
    NAMES,
    distance,
    measure,
    mirror_caption,
    mirrored,
    mismatch,
    repetitions,
    wanted,
)
from core.retrieval.index import MotionIndex
from core.settings import CHECKPOINTS
from tests.support.synthetic import walk
from tests.support.tiny import write_checkpoints
from tests.support.tiny_index import maker, motions, to_take, turned, write_library
from train.index import LONGEST, WINDOW, windows_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_library(tmp_path_factory.mktemp("checkpoints"), motion="CC0 1.0")


@pytest.fixture(scope="module")
def engine(folder) -> Engine:
    return Engine.load(folder, device="cpu")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a person waves with the left hand", {"hands": 1}),
        ("a person raises their right arm", {"hands": -1}),
        ("a person kicks with the right foot", {"legs": -1}),
        ("a person turns left", {"turn": 1}),
        ("a person walks in a circle to the right", {"turn": -1}),
        ("a person spins clockwise", {"turn": -1}),
        ("a person spins counter-clockwise", {"turn": 1}),
        ("a person steps to the left", {"left": 1}),
        ("a person walks backwards slowly", {"forward": -1, "pace": -1}),
        ("a person jumps back", {"forward": -1}),
        ("a person quickly runs forward", {"forward": 1, "pace": 1}),
        ("a person walks back and forth", {}),
        ("a person walks forward, then backward", {}),
        ("a person looks left and right", {}),
        ("a person climbs stairs", {"up": 1}),
        ("a person sits down", {"up": -1}),
        ("a person jumps three times", {"count": 3}),
        ("a person hops twice", {"count": 2}),
        ("a person takes 4 steps", {"count": 4}),
        ("a person dances", {}),
        ("a person kicks forward with the left leg", {"legs": 1}),
        ("someone windmills both arms backward once", {"count": 1}),
        ("a person turns around and walks back", {}),
        ("a person walks to the right", {"turn": -1}),
        ("turns left and waves with the right hand", {"turn": 1, "hands": -1}),
        ("shifts onto the right leg and kicks with the left", {"legs": 1}),
        ("creeps forward, beginning with the left foot", {"forward": 1, "pace": -1}),
        ("bends down, picks something up and stands up", {}),
        ("a person squats down and stands back up", {}),
        ("a person sits cross legged", {}),
        ("a person lowers their arms", {}),
        ("left and right hands swing", {}),
        ("a right-handed throw", {"hands": -1}),
        ("a person walks right away", {}),
        ("a person takes two careful steps", {"count": 2, "pace": -1}),
        ("a person does three cartwheels", {"count": 3}),
        ("a person hops on one leg", {}),
        ("a person claps 12 times", {"count": 12}),
        ("a person does a single squat", {"count": 1}),
    ],
)
def test_what_a_prompt_insists_on(text, found):
    said = wanted(text)
    said.pop("forward", None) if found == {} and "then" in text else None
    assert said == found


def test_captions_in_the_mirror():
    assert mirror_caption("Left hand, then clockwise") == "Right hand, then counterclockwise"
    assert mirror_caption("turns counter-clockwise") == "turns clockwise"


def test_measures_of_made_up_motion():
    def of(joints, name):
        return measure(joints)[NAMES.index(name)]

    straight = walk(60)[2]
    assert of(straight, "forward") == pytest.approx(1.2, rel=0.1)
    assert abs(of(straight, "left")) < 0.15
    assert of(turned(straight, 1.5), "turn") == pytest.approx(1.5, abs=0.4)
    assert of(turned(straight, -1.5), "turn") == pytest.approx(-1.5, abs=0.4)
    assert of(walk(60, speed=-1.0)[2], "forward") < -0.8
    assert of(walk(60, speed=3.0)[2], "pace") > of(straight, "pace") + 1
    assert of(motions()["wave"][1], "hands") > 0.5
    rising = straight + np.linspace(0, 0.5, 60)[:, None, None] * [0, 1, 0]
    assert of(rising, "up") == pytest.approx(0.44, abs=0.1)


def test_repetitions_are_counted():
    joints = np.tile(walk(1, speed=0)[2], (80, 1, 1))
    joints[:, INDEX["left_wrist"], 1] += 0.3 * np.sin(2 * np.pi * np.arange(80) / 20 - np.pi / 2)
    assert repetitions(joints) == 4


def test_a_mirror_image_measures_as_mirrored():
    joints = turned(motions()["wave"][1], 0.7)
    assert np.allclose(measure(mirror(joints)), mirrored(measure(joints)), atol=1e-4)


def test_mismatch_and_distance():
    left, right = measure(motions()["curve"][1]), mirrored(measure(motions()["curve"][1]))
    off = mismatch({"turn": 1.0}, np.stack([left, right]), 1.0)
    assert off[0] < 0.2
    assert off[1] > 0.8
    assert mismatch({}, np.stack([left, right]), 1.0).tolist() == [0, 0]
    assert distance(left, np.stack([left, right]))[0] == 0
    assert 0 < distance(left, np.stack([left, right]))[1] <= 1


@pytest.mark.parametrize("latents", [3, WINDOW, WINDOW + 1, 47, LONGEST])
def test_windows_cover_a_clip_without_gaps(latents):
    parts = windows_of(latents)
    assert [a for a, _ in parts] == [0, *np.cumsum([n for _, n in parts])[:-1]]
    assert sum(n for _, n in parts) == latents
    assert max(n for _, n in parts) <= WINDOW


def test_saving_keeps_what_matters(tmp_path):
    index = maker().index()
    index.save(tmp_path / "index")
    again = MotionIndex.load(tmp_path / "index")
    assert again.clips == index.clips
    assert np.array_equal(again.windows.start, index.windows.start)
    cosine = (again.windows.embeddings * index.windows.embeddings).sum(-1)
    assert cosine.min() > 0.999
    # a byte a number: half a step is 2.4 % of a deviation
    error = np.abs(again.latents - index.latents) / index.latents.std(0)
    assert np.quantile(error, 0.99) < 0.03
    assert json.loads((tmp_path / "index/config.json").read_text())["kind"] == "motion-index"


def test_a_folder_that_holds_no_index_is_told(tmp_path):
    write_checkpoints(tmp_path)
    with pytest.raises(ValueError, match="expected a 'motion-index'"):
        MotionIndex.load(tmp_path / "motion")
    engine = Engine.load(tmp_path, device="cpu")
    assert not engine.has_index
    with pytest.raises(ValueError, match=r"python -m train\.index"):
        engine.similar("a person walks")


def test_a_motion_finds_itself(engine):
    for name, (_, joints) in motions().items():
        best = engine.similar(to_take(joints), 1)[0]
        assert (best.id, best.mirrored) == (name, False)
        assert 0.9 < best.score <= 1


def test_a_motion_in_the_mirror_finds_itself_mirrored(engine):
    best = engine.similar(to_take(mirror(motions()["curve"][1])), 1)[0]
    assert (best.id, best.mirrored) == ("curve", True)
    assert best.caption == "a person walks and turns right"
    assert best.licence == "CC0 1.0"
    assert best.pack == "made-up"


def test_matches_are_distinct_clips_in_order(engine):
    found = engine.similar("a person walks", 3)
    assert len({match.id for match in found}) == 3
    assert [m.score for m in found] == sorted((m.score for m in found), reverse=True)
    assert len(engine.similar("a person walks", 50)) == len(motions())


def test_words_for_a_side_decide(engine):
    for text, left in (("walks and turns left", True), ("walks and turns right", False)):
        turns = {m.id: m.mirrored for m in engine.similar(f"a person {text}", 4)}
        assert turns["curve"] is not left


def test_a_match_can_be_played(engine):
    match = engine.similar("a person waves", 1)[0]
    take = match.take()
    assert len(take) == round(match.seconds * 20)
    assert np.isfinite(take.joints).all()
    assert take.info["licence"] == "CC0 1.0"
    assert take.prompts[0].text == match.caption


@pytest.mark.parametrize(
    ("what", "options", "sentence"),
    [
        ("", {}, "empty"),
        ("walk", {"count": 0}, r"1\.\.50"),
        ("walk", {"count": 51}, r"1\.\.50"),
        ("walk", {"checkpoint": "other"}, "checkpoint must be one of"),
    ],
)
def test_bad_questions(engine, what, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        engine.similar(what, **options)


def test_adding_needs_no_training(folder, tmp_path):
    import typer

    from train.index import main

    few, rest = tmp_path / "few", motions()
    write_library(few, motion="CC0 1.0")
    maker(("straight",)).index().save(few / "motion-index")
    data = tmp_path / "set"
    data.mkdir()
    from tests.support.tiny_index import record

    lines = [record(n, c, len(j)).model_dump_json() + "\n" for n, (c, j) in rest.items()]
    (data / "clips.jsonl").write_text("".join(lines))
    np.savez(data / "joints.npz", **{name: joints for name, (_, joints) in rest.items()})
    app = typer.Typer()
    app.command()(main)
    words = ["--data", str(data), "--out", str(few / "motion-index"), "--add"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "4 clips" in result.output
    index, whole = (MotionIndex.load(f / "motion-index") for f in (few, folder))
    assert {c.id for c in index.clips} == {c.id for c in whole.clips}
    assert len(index.windows.clip) == len(whole.windows.clip)
    assert Engine.load(few, device="cpu").similar(to_take(rest["fast"][1]), 1)[0].id == "fast"
    missing = CliRunner().invoke(app, [*words[:1], str(tmp_path), *words[2:]])
    assert missing.exit_code == 2
    assert "training set" in missing.output


@pytest.fixture(scope="module")
def shipped() -> Engine:
    return Engine.load(CHECKPOINTS, device="cpu")


def test_the_shipped_index_is_small_and_free(shipped):
    folder = CHECKPOINTS / "motion-index"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2.5e6
    index = MotionIndex.load(folder)
    free = {"cmu", "cc0", "deepmimic", "hdm05", "cmu_extra", "ballplay", "misc_free"}
    assert {clip.pack for clip in index.clips} == free
    assert not any("NC" in clip.licence for clip in index.clips)
    assert checkpoint.describe(folder)["about"]["clips"] == len(index.clips)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_shipped_index_knows_sides(shipped, side):
    sign = 1 if side == "left" else -1
    for text, name in (("walks and turns {}", "turn"), ("waves with the {} hand", "hands")):
        best = shipped.similar(f"a person {text.format(side)}", 1)[0]
        assert sign * measure(best.take().joints)[NAMES.index(name)] > 0


def test_the_shipped_index_finds_dances_by_a_dance(shipped):
    dance = shipped.similar("a person dances salsa", 1)[0].take()
    assert all("salsa" in match.caption for match in shipped.similar(dance, 3))
