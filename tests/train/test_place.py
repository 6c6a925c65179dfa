"""Training of a world that knows its place: what a batch asks for, the stages, the command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import typer

from core import checkpoint
from core.video.finder import Finder, FinderConfig, Guesses
from core.video.model import FrameConfig, FrameDiT
from core.video.mover import Mover, MoverConfig
from core.video.place import PlaceConfig
from core.video.world import VideoModel
from tests.support.toy_place import KEYS, SIDE, write_walks
from train.loop import LoopSettings, make_optimizers
from train.place import __main__ as place
from train.place import finder, lesson, mover, stage, tokenizer, transformer
from train.place.walks import Walk
from train.video import CONTEXT_NOISE

TINY = FrameConfig(
    keys=KEYS,
    grid=(1, 2),
    channels=4,
    width=32,
    depth=2,
    heads=2,
    hidden=64,
    prefix=0,
    context=6,
    max_frames=8,
    place=PlaceConfig(high=(SIDE, SIDE)),
    predicts="data",
)


def walk(rows: int, frames: int = 8) -> Walk:
    """Walks whose tokens tell where they are."""
    where = torch.rand(rows, frames, 3) * torch.tensor([SIDE, SIDE, 360])
    tokens = torch.stack([(where[..., 0] / 20).sin(), torch.deg2rad(where[..., 2]).cos()], -1)
    return Walk(tokens.repeat(1, 1, 4).unflatten(2, (2, 4)), torch.zeros(rows, frames, 6), where)


def test_rows_of_a_lesson():
    torch.manual_seed(0)
    given = walk(4000)
    made = lesson.lesson(given)
    alone = made.alone[:, 0]
    misled = (made.seen != made.data).any(3).any(2).any(1)
    lost = made.where.isnan().any(2).all(1)
    share = [x.float().mean().item() for x in (alone, misled, lost)]
    assert share == pytest.approx([0.3, 0.2, 0.5 * 0.1], abs=0.02)
    assert not (alone & (misled | lost)).any()
    assert not (misled & lost).any()
    assert torch.equal(made.data, given.tokens)
    # what is not clean is shown and placed as it was; there is always something to be drawn
    assert torch.equal(made.seen[~made.clean], given.tokens[~made.clean])
    assert not made.clean[alone].any()
    assert made.clean[~alone].sum(1).min() == 1
    assert made.clean[~alone].sum(1).max() == 7
    told = ~lost[:, None] & ~made.clean
    assert torch.equal(made.where[told], given.where[told])
    off = (made.where - given.where)[made.clean & ~lost[:, None]].abs()
    assert 0.3 < off[:, 0].mean() < 0.5  # of a normal of 1 unit at most
    assert off[:, 2].mean() < 0.2


def test_times_of_a_lesson():
    torch.manual_seed(0)
    clean = torch.arange(8).expand(4000, 8) < 3
    t = lesson.draw_times(clean)
    assert (t[:, :1] == t[:, :3]).all()  # a row's clean frames are equally noisy
    assert t[clean].min() >= 1 - CONTEXT_NOISE
    drawn = t[~clean]
    assert drawn.max() <= 1 - CONTEXT_NOISE
    shares = [(drawn == x).float().mean().item() for x in (0.0, 0.2)]
    assert shares == pytest.approx([0.5, 0.25], abs=0.02)


def test_a_place_is_likely_where_a_guess_says():
    where = torch.tensor([[[10.0, 20.0, 90.0], [70.0, 20.0, 0.0]]])
    direction = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    guesses = Guesses(where, direction, torch.tensor([[[2.0, 0.1], [2.0, 0.1]]]), torch.zeros(1, 2))
    there, between = torch.tensor([[10.0, 20.0, 90.0]]), torch.tensor([[40.0, 20.0, 45.0]])
    best = finder.log_likelihood(guesses, there)
    other = finder.log_likelihood(guesses, torch.tensor([[70.0, 20.0, 360.0]]))
    torch.testing.assert_close(best, other, atol=1e-4, rtol=0)
    assert best > finder.log_likelihood(guesses, between) + 10
    # the surer one is likelier, and a sharper scale where it is right
    surer = guesses._replace(weight=torch.tensor([[2.0, 0.0]]))
    assert finder.log_likelihood(surer, there) > best
    model = Finder(FinderConfig(tokens=2, channels=4, map_width=32))
    model.forward = lambda _: surer
    seen = Walk(torch.zeros(1, 1, 2, 4), there, there[:, None])
    figures = finder.held_out(model, seen, place_map=FrameDiT(TINY).place_map)
    assert figures["units50"] == figures["degrees50"] == figures["nearest99"] == 0


def falls(model: torch.nn.Module, loss, settings: LoopSettings) -> float:
    """Return by what the loss of one batch is divided."""
    optimizers = make_optimizers(model, settings)
    losses = []
    for step in range(settings.steps):
        torch.manual_seed(step % 5)
        losses.append(loss(step).total)
        losses[-1].backward()
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * group.get("lr_factor", 1.0)
            optimizer.step()
            optimizer.zero_grad()
    return (sum(losses[:5]) / sum(losses[-5:])).item()


@pytest.mark.slow
def test_the_finders_loss_falls(tmp_path):
    torch.manual_seed(0)
    cfg = FinderConfig(
        high=(SIDE, SIDE), tokens=2, channels=4, width=16, depth=1, guesses=2, map_width=32
    )
    model, batch, place_map = Finder(cfg), walk(64), FrameDiT(TINY).place_map
    batch = Walk(batch.tokens[:, :1], batch.actions[:, :1], batch.where[:, :1])
    before = finder.held_out(model, batch, place_map=place_map)
    settings = LoopSettings(run=tmp_path, steps=150, lr=3e-3)
    falls(model, lambda step: finder.loss_fn(model, batch, step, place_map=place_map), settings)
    after = finder.held_out(model, batch, place_map=place_map)
    assert after["score"] < before["score"] - 2
    assert after["sketch"] < 0.7 * before["sketch"]
    assert after["nearest50"] < 0.6 * before["nearest50"]


@pytest.mark.slow
@pytest.mark.parametrize("progress", [0.0, 1.0])
def test_the_transformers_loss_falls_and_places_are_learnt(tmp_path, progress):
    torch.manual_seed(0)
    model, batch = FrameDiT(TINY), walk(32)
    loss = transformer.PlaceLoss(lambda: progress)
    settings = LoopSettings(
        run=tmp_path, steps=80, lr=5e-3, muon=True, lr_factors={"place_map.map": 5.0}
    )
    first = transformer.held_out(model, batch)
    assert falls(model, lambda step: loss(model, lesson.lesson(batch), step), settings) > 1.5
    last = transformer.held_out(model, batch)
    assert last["alone"] < 0.5 * first["alone"]
    assert last["nowhere"] > 1.5 * last["alone"]


def test_frames_alone_see_no_other():
    torch.manual_seed(0)
    model = FrameDiT(TINY)
    for p in model.parameters():
        p.data.normal_(std=0.2)
    batch = lesson.lesson(walk(64))
    only = lesson.Lesson(*(x[batch.alone[:, 0]] for x in batch))
    seen: list[torch.Tensor] = []
    network = model.denoise

    def spy(x, t, actions, **said):
        seen.append(network(x, t, actions, **said))
        return seen[-1]

    model.denoise = spy
    loss = transformer.PlaceLoss(lambda: 0.0)
    torch.manual_seed(1)
    loss(model, only, 0)
    torch.manual_seed(1)
    moved = only.where.clone()
    moved[:, 0] += 20  # another first frame changes nothing in the others
    loss(model, only._replace(where=moved), 0)
    assert not torch.allclose(seen[0][:, 0], seen[1][:, 0])
    torch.testing.assert_close(seen[0][:, 1:], seen[1][:, 1:])


def test_the_map_learns_faster(tmp_path):
    model = FrameDiT(TINY)
    settings = LoopSettings(run=tmp_path, steps=1, muon=True, lr_factors={"place_map.map": 5.0})
    adam, muon = make_optimizers(model, settings)
    faster = [g["params"] for g in adam.param_groups if g.get("lr_factor") == 5.0]
    assert [p is model.place_map.map for p in faster[0]] == [True]
    rows = [id(p) for o in (adam, muon) for g in o.param_groups for p in g["params"]]
    assert len(rows) == len(set(rows)) == len(list(model.parameters()))


# ---- the whole command


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Two worlds, one on the base of the other, each of a few steps."""
    root = tmp_path_factory.mktemp("place")
    poor = {tokenizer: 0.0, mover: 1e9, finder: 1e9, transformer: 1e9}
    with pytest.MonkeyPatch.context() as patch:
        for module, value in poor.items():
            patch.setattr(module, "POOR", value)
        for number, (name, base) in enumerate((("world-toy", None), ("world-two", "world-toy"))):
            place.main(
                minutes=0.04,
                data=write_walks(root / name, seed=number),
                out=root / "checkpoints" / name,
                run=root / "runs" / name,
                base=base,
                precision="no",
            )
    return root


@pytest.mark.slow
def test_what_was_trained_can_be_played(root):
    for name in ("world-toy", "world-two"):
        world = VideoModel.load(root / "checkpoints" / name, "cpu")
        assert world.size == (32, 64)
        seed = world.moment(0)
        begun = world.begin(seed, world.encode(seed.frames))
        states = np.load(root / name / "states.npy")
        assert begun.fit is None  # its places are stored
        np.testing.assert_allclose(begun.conditions[-1].course[0], seed.path[-1])
        assert (states == seed.path[-1].astype(np.float32)).all(1).any()
        done = json.loads((root / "runs" / name / "stages.json").read_text())["done"]
        assert list(done)[-3:] == ["mover", "transformer", "finder"]
        assert checkpoint.describe(root / "checkpoints" / name / "finder")["kind"] == "place-finder"


@pytest.mark.slow
def test_a_world_on_a_base_is_small_and_its_own(root):
    toy, two = (root / "checkpoints" / name for name in ("world-toy", "world-two"))
    assert checkpoint.describe(two)["base"] == "world-toy"
    assert checkpoint.describe(two)["config"]["tokenizer"] == "world-toy/tokenizer"
    assert not (two / "tokenizer").exists()
    assert sum(path.stat().st_size for path in two.rglob("*") if path.is_file()) < 8e6
    ours, theirs = checkpoint.weights(two), checkpoint.weights(toy)
    same = {name for name, value in ours.items() if torch.equal(value, theirs[name])}
    matrices = {n for n in ours if ".blocks." in n and n.endswith("weight") and ours[n].ndim == 2}
    assert matrices
    assert matrices <= same
    assert {"place_map.map", "transformer.modulation.bias"}.isdisjoint(same)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["world-toy", "world-two"])
def test_a_run_that_is_done_is_not_done_again(root, monkeypatch, capsys, name):
    weights = root / "checkpoints" / name / "model.safetensors"
    before = weights.read_bytes()
    for module in (tokenizer, mover, finder, transformer):
        monkeypatch.setattr(module, "train", pytest.fail)
    out, run = weights.parent, root / "runs" / name
    place.main(data=root / name, out=out, run=run)  # what it stands on, it knows
    assert weights.read_bytes() == before
    assert "..." not in capsys.readouterr().out


@pytest.mark.slow
def test_a_world_whose_run_is_gone_goes_on_from_its_weights(root, tmp_path, monkeypatch):
    """Its tokens stay, and nothing worse than what was there is kept."""
    shutil.copytree(root / "checkpoints", tmp_path / "checkpoints")
    out = tmp_path / "checkpoints" / "world-toy"
    before = checkpoint.weights(out / "tokenizer")
    for module in (tokenizer, mover, finder, transformer):
        monkeypatch.setattr(module, "POOR", 0.0 if module is tokenizer else 1e9)
    place.main(minutes=0.02, data=root / "world-toy", out=out, run=tmp_path / "run", precision="no")
    coder = checkpoint.weights(out / "tokenizer")
    kept = [name for name in coder if not name.startswith("decoder.")]
    assert all(torch.equal(coder[name], before[name]) for name in kept)
    known = json.loads((tmp_path / "run" / "stages.json").read_text())
    assert known["known"]
    old = json.loads((root / "runs" / "world-toy" / "stages.json").read_text())["done"]
    for name in ("tokenizer", "transformer", "finder"):
        assert known["done"][name]["score"] <= old[name]["score"] + 1e-6


@pytest.mark.slow
def test_a_poor_stage_stops_the_run_with_a_sentence(tmp_path, capsys):
    with pytest.raises(typer.Exit):
        place.main(
            minutes=0.001,
            data=write_walks(tmp_path / "set"),
            out=tmp_path / "world",
            run=tmp_path / "run",
            precision="no",
        )
    assert "the tokenizer is poor" in capsys.readouterr().err
    assert not (tmp_path / "world" / "finder").exists()


def test_a_mover_that_was_there_is_kept_unless_beaten(tmp_path, monkeypatch):
    frames, judged = (stage.FrameSet(write_walks(tmp_path / "set"), s) for s in ("train", "val"))
    first = mover.train(frames, judged, tmp_path / "mover")
    assert first["median32"] < 16
    kept = (tmp_path / "mover" / "model.safetensors").read_bytes()
    monkeypatch.setattr(mover.Mover, "fit", lambda *_, keys: Mover(MoverConfig()))
    assert mover.train(frames, judged, tmp_path / "mover") == first
    assert (tmp_path / "mover" / "model.safetensors").read_bytes() == kept
    with pytest.raises(ValueError, match="the mover is poor"):
        mover.train(frames, judged, tmp_path / "other")


def test_a_set_without_places_is_refused(tmp_path):
    from tests.support.toy_world import write_set

    frames = stage.FrameSet(write_set(tmp_path), "train")
    with pytest.raises(ValueError, match="has no ground"):
        stage.place_of(frames)
    with pytest.raises(ValueError, match="where its frames were seen from"):
        frames.places()


def test_time_is_shared_out():
    shares = place.minutes_of({"finder": 0.1, "transformer": 0.3}, 60)
    assert shares == {"finder": pytest.approx(15), "transformer": pytest.approx(45)}
    assert place.frames_in(1e6, "cpu", 2) == place.MOST_FRAMES
    assert 40_000 < place.frames_in(9, "cpu", 2) < 80_000  # encoding takes the most of it
