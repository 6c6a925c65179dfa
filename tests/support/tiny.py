"""Checkpoints of models so small that a test can stream from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from core import checkpoint
from core.motion.model import MotionConfig, MotionDiT
from core.motion.vae import MotionVAE, VAEConfig
from core.video.finder import Finder, FinderConfig
from core.video.model import FrameConfig, FrameDiT
from core.video.mover import FIXED, Mover, MoverConfig
from core.video.place import PlaceConfig
from core.video.tokenizer import FrameTokenizer, TokenizerConfig
from core.video.world import FINDER, MOVER, SEEDS, Seed, VideoModel, write_seeds
from train.frames import Window
from train.worlds.world import BLOCKS_KEYS as KEYS

VAE = VAEConfig(width=16, dilations=(3, 1))
DIT = MotionConfig(
    width=32, depth=2, heads=2, hidden=48, block=2, context=6, max_blocks=18, steps=4, stagger=2
)
TOKENIZER = TokenizerConfig(
    height=16, width=32, patch=4, encoder=(8, 16), decoder=(16, 8), blocks=(1, 1), channels=4
)
WORLD = FrameConfig(
    keys=KEYS,
    grid=(2, 4),
    channels=4,
    width=32,
    depth=2,
    heads=2,
    hidden=48,
    context=3,
    max_frames=10,
    steps=2,
)

PLACE = PlaceConfig(high=(64.0, 64.0), texel=16.0, channels=3, rays=1, samples=4, far=64.0)
PLACE_WORLD = WORLD.model_copy(
    update={"place": PLACE, "predicts": "data", "prefix": 0, "depth": 3, "max_frames": 9}
)
"""As WORLD, of 64 x 64 units; three blocks, so that one is shown its place once more."""
ROOM = ("....", ".##.", "....", "....")
"""Where one can stand, from the south on: cells of 16 units, round a pillar."""
KEY_STEPS = {
    "W": (5, 0, 0),
    "S": (-4, 0, 0),
    "A": (0, 4, 0),
    "D": (0, -4, 0),
    "L": (0, 0, 6),
    "R": (0, 0, -6),
}
"""Units ahead and to the left, and degrees to the left, that a key stands for."""


def tiny_vae(cfg: VAEConfig = VAE, seed: int = 0) -> MotionVAE:
    """A VAE with random weights whose decoded bodies stand upright at human size."""
    torch.manual_seed(seed)
    vae = MotionVAE(cfg).eval().requires_grad_(False)
    vae.std.fill_(0.01)
    vae.mean.copy_(_standing())
    return vae


def _standing() -> torch.Tensor:
    from core.body.features import encode
    from core.body.skeleton import REST_JOINTS

    return torch.from_numpy(encode(REST_JOINTS[None].repeat(3, 0))[0])


def write_checkpoints(folder: Path, **licences: str) -> Path:
    """Write one motion checkpoint per licence, and the VAE that they share; return the folder."""
    checkpoint.save(tiny_vae(), folder / "motion-vae", about={})
    for seed, (name, licence) in enumerate((licences or {"motion": "CC0 1.0"}).items()):
        torch.manual_seed(seed)
        model = MotionDiT(DIT)
        for parameter in model.parameters():
            parameter.data.normal_(std=0.2)
        about = {
            "licence": licence,
            "non_commercial": "NC" in licence,
            "data": {"made-up": licence},
        }
        name = name.replace("_", "-")
        checkpoint.save(model, folder / name, about=about)
    return folder


def tiny_world(cfg: FrameConfig = WORLD, seed: int = 0) -> VideoModel:
    """A world with random weights, of frames of 32 x 16 pixels, and a gallery of three seeds.

    Where `cfg` has a place, seeds know theirs.
    """
    torch.manual_seed(seed)
    tokenizer = FrameTokenizer(TOKENIZER)
    dit = FrameDiT(cfg)
    for model in (tokenizer, dit):
        for parameter in model.parameters():
            parameter.data.normal_(std=0.2)
        model.eval().requires_grad_(False)
    rng = np.random.default_rng(seed)
    unknown = np.full((1, len(cfg.keys)), -1.0, np.float32)
    seeds = [
        Seed(f"seed {i}", rng.integers(0, 256, (1, 16, 32, 3), np.uint8), unknown, np.zeros(3))
        for i in range(3)
    ]
    if cfg.place is None:
        return VideoModel(dit, tokenizer, "cpu", seeds)
    paths = np.array([[[8.0, 8.0, 0.0]], [[24.0, 8.0, 90.0]], [[56.0, 40.0, 180.0]]])
    seeds = [seed._replace(path=path) for seed, path in zip(seeds, paths, strict=True)]
    finder = FinderConfig(
        high=PLACE.high,
        tokens=8,
        channels=4,
        width=8,
        depth=1,
        heads=2,
        map_width=cfg.width,
        hidden=8,
    )
    return VideoModel(
        dit,
        tokenizer,
        "cpu",
        seeds,
        mover=tiny_mover(),
        finder=Finder(finder).eval().requires_grad_(False),
    )


def tiny_mover() -> Mover:
    """A mover that walks the ROOM by KEY_STEPS, in two ticks."""
    mover = Mover(MoverConfig(shape=(len(ROOM), len(ROOM[0])), texel=16.0, keys=len(KEYS)))
    mover.walkable.copy_(torch.tensor([[cell == "." for cell in row] for row in ROOM]))
    steps = np.array([KEY_STEPS[key.name] for key in KEYS])
    held = np.arange(1 << len(KEYS))[:, None] >> np.arange(len(KEYS)) & 1
    mover.steps.copy_(torch.from_numpy(held @ steps * FIXED))
    return mover


def write_worlds(folder: Path, **licences: str) -> Path:
    """Write one world per licence, and the tokenizer with seeds that they share."""
    for number, (name, licence) in enumerate((licences or {"video": "CC0-1.0"}).items()):
        world = tiny_world(seed=number)
        about = {"licence": licence, "data": {"made-up": {}}}
        checkpoint.save(world.dit, folder / name.replace("_", "-"), about=about)
    world = tiny_world()
    place = folder / "video-tokenizer"
    checkpoint.save(world.tokenizer, place, about={})
    write_seeds(place / SEEDS, world.seeds)
    return folder


def write_place_world(folder: Path, name: str = "world-room") -> Path:
    """Write a world with a place, all its parts in its own folder; return the outer folder."""
    world = tiny_world(PLACE_WORLD.model_copy(update={"tokenizer": f"{name}/tokenizer"}))
    about = {"licence": "CC0-1.0", "data": {"room": {}}}
    assert world.mover is not None
    assert world.look is not None
    checkpoint.save(world.dit, folder / name, about=about)
    checkpoint.save(world.tokenizer, folder / name / "tokenizer", about={})
    checkpoint.save(world.mover, folder / name / MOVER, about={})
    checkpoint.save(world.look.finder, folder / name / FINDER, about={})
    write_seeds(folder / name / SEEDS, world.seeds)
    return folder


SIX_DEEP = WORLD.model_copy(update={"depth": 6, "context": 3, "max_frames": 8})
"""The adversary looks at the first, third and fifth block."""


def window(rows: int = 2, frames: int = 8, seed: int = 0) -> Window:
    generator = torch.Generator().manual_seed(seed)
    shape = (rows, frames, WORLD.grid[0] * WORLD.grid[1], WORLD.channels)
    actions = torch.randint(0, 2, (rows, frames, 6), generator=generator).float()
    actions[:, 0] = -1
    return Window(torch.randn(shape, generator=generator), actions)
