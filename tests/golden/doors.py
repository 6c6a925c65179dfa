"""The only imports of our code that golden rows make: what is renamed is renamed here."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

TESTS = Path(__file__).parents[1]
ROOT, FIXTURES = TESTS.parent, TESTS / "fixtures"
if str(TESTS) not in sys.path:  # helpers of the tests import each other as pytest lets them
    sys.path.append(str(TESTS))

from app import protocol as protocol  # noqa: E402
from core import checkpoint as checkpoint  # noqa: E402
from core.__main__ import app as command_line  # noqa: E402
from core.body.take import PromptMark, Take  # noqa: E402
from core.engine import Engine  # noqa: E402
from core.export import write as write_take  # noqa: E402
from core.motion.align import Aligner  # noqa: E402
from core.motion.model import MotionDiT  # noqa: E402
from core.motion.text import load_text_encoder  # noqa: E402
from core.motion.vae import MotionVAE  # noqa: E402
from core.retrieval.index import MotionIndex as MotionIndex  # noqa: E402
from core.video.actions import parse_script as parse_script  # noqa: E402
from core.video.finder import Finder  # noqa: E402
from core.video.model import FrameDiT  # noqa: E402
from core.video.mover import Mover  # noqa: E402
from core.video.tokenizer import FrameTokenizer  # noqa: E402
from train.evaluator import Evaluator  # noqa: E402

MODELS: dict[str, Any] = {
    model.kind: model
    for model in (MotionVAE, MotionDiT, Aligner, Evaluator, FrameTokenizer, FrameDiT, Mover, Finder)
}


@cache
def engine(folder: Path = ROOT / "checkpoints") -> Engine:
    torch.set_num_threads(1)
    return Engine.load(folder, device="cpu")


@cache
def take() -> Take:
    """Return a take that was made once and is kept: 28 poses, two prompts."""
    marks = PromptMark(start=0, text="a person walks"), PromptMark(start=14, text="a person jumps")
    info = {"checkpoint": "motion", "licence": "Apache-2.0", "seed": "5"}
    with np.load(FIXTURES / "take.npz") as data:
        return Take(**{name: data[name] for name in data.files}, prompts=marks, info=info)


def join(chunks: list[Any]) -> Take:
    return Take.from_chunks(chunks)


def arrays(motion: Any) -> dict[str, np.ndarray]:
    """Name the arrays of a take or chunk."""
    return {name: getattr(motion, name) for name in ("root", "rotations", "joints", "features")}


def body_bytes(name: str) -> bytes:
    from core.body.mesh import Body
    from core.export.glb import body_glb

    return body_glb(Body.load(name))


def export(path: Path, **options: Any) -> bytes:
    write_take(take(), path, **options)
    return path.read_bytes()


def embeddings(name: str, folder: Path, features: np.ndarray, text: str) -> dict[str, np.ndarray]:
    """Return what an aligner or evaluator makes of a motion (T, 263) and of a text."""
    model = checkpoint.load(folder / name, MODELS[name])
    states, mask = load_text_encoder("minilm")([text])
    motion = torch.from_numpy(features)[None]
    told = model.embed_motion(motion, torch.ones(motion.shape[:2], dtype=torch.bool))
    return {"motion": told.numpy(), "text": model.embed_text(states, mask).numpy()}


def tokens(folder: Path, frames: np.ndarray) -> dict[str, np.ndarray]:
    """Return a tokenizer's tokens of frames (n, H, W, 3), and the frames made of them."""
    model = checkpoint.load(folder, FrameTokenizer)
    found = model.encode(model.to_pixels(torch.from_numpy(frames)))
    return {"tokens": found.numpy(), "frames": model.to_frames(model.decode(found)).numpy()}


@cache
def server() -> Any:
    """Return a client of a whole server in this process, with the tests' fake engine."""
    from app.exports.store import Exports
    from tests.support.server import make_client, new_lobby

    return make_client(new_lobby(), Exports())


def film(path: Path) -> np.ndarray:
    """Decode a film to frames (n, H, W, 3)."""
    import imageio_ffmpeg

    reader = imageio_ffmpeg.read_frames(str(path))
    width, height = next(reader)["size"]
    return np.stack([np.frombuffer(f, np.uint8).reshape(height, width, 3) for f in reader])


def run(*words: object) -> str:
    """Run `python -m core` in this process; return what it prints to stdout."""
    from typer.testing import CliRunner

    result = CliRunner().invoke(command_line, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


def untimed(figures: Any) -> Any:
    """Take from what `--json` prints whatever differs from run to run, or with the version."""
    if isinstance(figures, list):
        return [untimed(value) for value in figures]
    if not isinstance(figures, dict):
        return figures
    return {
        name: untimed(value)
        for name, value in figures.items()
        if not name.endswith(("_ms", "_per_s")) and name != "generator_version"
    }


def run_json(*words: object) -> Any:
    return untimed(json.loads(run(*words, "--json")))
