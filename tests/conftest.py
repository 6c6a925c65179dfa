"""One thread a process: two test processes with two threads each would fight over two cores."""

import copy
import os
import tempfile

import pytest
import torch

from app.exports.store import Exports
from app.live.loader import Loader
from app.live.lobby import Lobby
from app.live.sharing import Limits
from core.diffusion import calibration
from core.motion.model import MotionConfig, MotionDiT
from core.video.model import FrameDiT
from tests.support.tiny import SIX_DEEP, tiny_world

torch.set_num_threads(1)
_cache = tempfile.TemporaryDirectory(prefix="cache-")
os.environ["XDG_CACHE_HOME"] = _cache.name  # of commands that tests run, too
_usual = {kind: calibration.usual_precision(kind) for kind in calibration.ROWS}
calibration.remember({calibration.machine(): _usual})
# fixtures that tests also import from
pytest.register_assert_rewrite("tests.support.browsing", "tests.support.playing")


@pytest.fixture
def tiny_dit() -> MotionDiT:
    """A motion transformer with random numbers in every matrix: nothing is zero by chance."""
    torch.manual_seed(0)
    cfg = MotionConfig(
        width=32,
        depth=2,
        heads=2,
        hidden=48,
        text_dim=12,
        latent_dim=6,
        block=2,
        context=12,
        max_blocks=24,
        steps=4,
        stagger=2,
    )
    model = MotionDiT(cfg).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.2)
    return model


@pytest.fixture
def engine():
    """A fake engine that is fast."""
    from tests.support.fakes import FakeEngine

    return FakeEngine(milliseconds_per_pose=0.2, milliseconds_per_frame=1)


@pytest.fixture
def make_lobby(engine):
    """Make lobbies without a server; whatever moves in them is stopped in the end."""
    lobbies = []

    def make(load=None, *, truth=None, **limits) -> Lobby:
        loader = Loader(load or (lambda: engine), truth=truth).start()
        lobbies.append(Lobby(loader, Limits(**limits)))
        if load is None:
            loader.worlds_known.result(10)
        return lobbies[-1]

    yield make
    for lobby in lobbies:
        for table in (lobby.motion_visitors, lobby.world_visitors, lobby.capture_visitors):
            for visitor in table.everybody():
                visitor.close()
        lobby.close()


@pytest.fixture(scope="module")
def exports():
    exports = Exports()
    yield exports
    exports.close()


@pytest.fixture(scope="module")
def lobby():
    from tests.support.server import new_lobby

    return new_lobby()


@pytest.fixture(scope="module")
def client(lobby, exports):
    """A whole server in this process."""
    from tests.support.server import make_client

    with make_client(lobby, exports) as client:
        yield client


@pytest.fixture
def pair() -> tuple[FrameDiT, FrameDiT]:
    """Return a frozen teacher of worlds and a student that begins as its copy."""
    torch.manual_seed(0)
    teacher = tiny_world(SIX_DEEP).dit
    for parameter in teacher.parameters():
        parameter.mul_(0.5)
    return teacher, copy.deepcopy(teacher).requires_grad_(True).train()
