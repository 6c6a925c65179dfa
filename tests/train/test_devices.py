"""Every training script on a GPU: losses and judges keep to the device of their model."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from core.motion.align import Aligner, AlignerConfig
from core.motion.model import MotionDiT
from core.motion.traits import TRAITS
from core.motion.vae import MotionVAE
from core.video.finder import Finder, FinderConfig
from core.video.model import FrameDiT
from core.video.place import PlaceConfig
from tests.support.fake_gpu import fake_gpu, on_gpu
from tests.support.tiny import DIT, VAE, WORLD, tiny_world, window
from train import aligner, distill, motion, rollout, tokenizer, vae, video
from train.dataset import PairBatch
from train.latents import LatentBatch
from train.place import finder, transformer
from train.place.lesson import lesson
from train.place.walks import Walk

pytestmark = [
    pytest.mark.slow,
    # torch's own forward-mode derivatives still use it
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated"),
]
DEEP = WORLD.model_copy(update={"depth": 6})  # heads of the adversary sit on blocks 1, 3 and 5
PLACE = WORLD.model_copy(update={"place": PlaceConfig(), "predicts": "data"})


def pairs() -> PairBatch:
    mask, told = torch.ones(40, 16, dtype=torch.bool), torch.ones(40, 5, dtype=torch.bool)
    same = torch.eye(40, dtype=torch.bool)
    return PairBatch(torch.randn(40, 16, 263), mask, torch.randn(40, 5, 384), told, same, [])


def latents() -> LatentBatch:
    blocks, told = torch.ones(2, 4, dtype=torch.bool), torch.ones(2, 5, dtype=torch.bool)
    text, untold = torch.randn(2, 5, 384), torch.zeros(2, dtype=torch.bool)
    traits = torch.full((2, len(TRAITS)), torch.nan)
    return LatentBatch(torch.randn(2, 8, 64), ~blocks, blocks, text, told, untold, traits)


def walk() -> Walk:
    return Walk(*window(rows=4), 300 * torch.rand(4, 8, 3))


def check_video() -> None:
    model, batch = on_gpu(FrameDiT(WORLD)), on_gpu(window())
    video.loss_fn(model, batch, 0).total.backward()
    video.held_out(model, [batch])


def check_tokenizer() -> None:
    model, frames = on_gpu(tiny_world().tokenizer), on_gpu(torch.zeros(40, 16, 32, 3).byte())
    tokenizer.loss_fn(model, frames, 0)
    tokenizer.held_out(model, frames)


def check_distill() -> None:
    teacher, model, batch = on_gpu(FrameDiT(DEEP)), on_gpu(FrameDiT(WORLD)), window()
    wanted = on_gpu([distill.teach(teacher, batch)])
    distill.Distiller(teacher)(model, on_gpu(batch), 0).total.backward()
    distill.judge(model, (on_gpu([batch]), wanted))


def check_rollout() -> None:
    teacher, model = on_gpu(FrameDiT(DEEP)), on_gpu(FrameDiT(WORLD))
    batch, long = on_gpu(window()), on_gpu(window(frames=38))
    passage = rollout.Passage(batch, 4, True)
    rollout.RolloutLoss(teacher)(model, passage, 0).total.backward()
    rollout.judge(model, ([batch], long))


def check_aligner() -> None:
    model = on_gpu(Aligner(AlignerConfig(width=16, depth=1, embed_dim=8)))
    aligner.loss_fn(model, on_gpu(pairs()), 0).total.backward()
    aligner.retrieval(model, on_gpu(pairs()))


def check_vae() -> None:
    model, teacher = on_gpu(MotionVAE(VAE)), on_gpu(Aligner(AlignerConfig(width=16, depth=1)))
    features = on_gpu(torch.randn(2, vae.WINDOW, 263))
    loss = partial(vae.loss_fn, aligner=teacher, align_weight=vae.AlignWeight(warmup=5))
    loss(model, features, 1).total.backward()
    vae.decoder_loss(model, features, 1).total.backward()
    vae.held_out(model, [features])


def check_motion() -> None:
    model, batch = on_gpu(MotionDiT(DIT)), on_gpu(latents())
    motion.loss_fn(model, batch, 0).total.backward()
    motion.held_out(model, [batch])


def check_finder() -> None:
    cfg = FinderConfig(tokens=8, channels=4, map_width=PLACE.width)
    model, batch = on_gpu(Finder(cfg)), on_gpu(Walk(*(x[:, :1] for x in walk())))
    place_map = on_gpu(FrameDiT(PLACE)).place_map
    finder.loss_fn(model, batch, 0, place_map=place_map).total.backward()
    finder.held_out(model, batch, place_map=place_map)


def check_transformer() -> None:
    model, batch = on_gpu(FrameDiT(PLACE)), on_gpu(walk())
    for step in (0, 1):
        transformer.PlaceLoss(lambda: 1.0)(model, lesson(batch), step).total.backward()
    transformer.held_out(model, batch)


CHECKS = [check for name, check in globals().items() if name.startswith("check_")]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__[6:])
def test_all_that_a_script_computes_is_where_its_model_is(check, monkeypatch):
    monkeypatch.setattr(rollout, "CHUNK", 1)
    monkeypatch.setattr(rollout, "DREAMT", 1)
    with fake_gpu():
        check()


def test_the_fake_gpu_stops_what_is_left_on_the_cpu():
    with fake_gpu(), pytest.raises(RuntimeError, match="same device"):
        video.held_out(on_gpu(FrameDiT(WORLD)), [window()])
