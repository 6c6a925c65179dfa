"""Files of large models are made where ZeroGPU lends a GPU, and are what they are without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import zero

ROOT = Path(__file__).parents[2]


def test_without_zerogpu_nothing_is_lent(engine):
    def make():
        return 1

    assert zero.lent(make) is make
    assert not zero.worth_it(engine, "motion")


def test_small_and_unknown_models_stay_here(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(zero, "ON_ZERO", True)
    engine.checkpoints = tmp_path
    for name, size in (("motion", zero.LARGE), ("motion-styles", zero.LARGE - 1), ("x", 1 << 30)):
        (tmp_path / name).mkdir()
        with (tmp_path / name / "model.safetensors").open("wb") as file:
            file.truncate(size)
    assert zero.worth_it(engine, "motion")
    assert not zero.worth_it(engine, "motion-styles")
    assert not zero.worth_it(engine, "x")
    assert not zero.worth_it(engine, "../motion")


CODE = """if True:
    from types import SimpleNamespace as Some

    import gradio as gr
    import numpy as np
    import pytest
    import spaces
    import torch

    from app import zero
    from app.live.sharing import Turnstile
    from app.motion.tab import generate
    from app.protocol import Start, World
    from app.world.tab import generate as film
    from core.engine import Engine

    assert len(spaces.decorated) == 2  # a Space without any is not started
    torch.set_num_threads(1)
    engine = Engine(device="cpu")
    lobby = Some(loader=Some(engine=lambda: engine), turnstile=Turnstile())
    walk, play = Start(id=0, prompt="a person walks"), World(script="W:3,-:1", seed=2)
    take, recording = generate(lobby, "", walk, poses=8), film(lobby, "", play)
    assert not spaces.processes

    zero.LARGE, zero.DEVICE = 0, "cpu"
    with lobby.turnstile.turn():  # whoever computes here keeps nobody there waiting
        lent_take, lent_recording = generate(lobby, "", walk, poses=8), film(lobby, "", play)
    assert len(spaces.processes) == 2
    assert np.array_equal(lent_take.rotations, take.rotations)
    assert lent_take.prompts == take.prompts
    frames = list(recording.frames(4))
    assert all(map(np.array_equal, lent_recording.frames(4), frames))
    assert lent_recording.log.play(4) == recording.log.play(4)
    with pytest.raises(gr.Error, match="Ö"):
        film(lobby, "", World(script="Ö:5"))
"""


@pytest.mark.slow
def test_what_is_made_on_a_lent_gpu_is_the_same():
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests/support/zero_gpu")])
    env = {**os.environ, "SPACES_ZERO_GPU": "true", "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    told = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr[-3000:]
