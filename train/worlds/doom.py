"""ViZDoom as a world of frames: what is held goes in, a small picture comes out.

The engine has inertia, which a picture does not show. Here a player of our own walks, who stops at
the end of every tick: place and keys alone decide the next place. Walls, corners and sliding along
them stay the engine's.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from train.worlds.blocks import BLOCKS
from train.worlds.rooms import ROOMS
from train.worlds.wad import pack

TICS = 2
"""Engine ticks a frame; the engine's own time has 35 a second, the page plays 30 frames."""
SIZE = (192, 256)
"""Height and width of a frame; the engine draws twice that."""
FOV = 90.0
"""Degrees between the left and the right edge of a picture."""
WAKE = 12
"""Ticks after which someone new in the world obeys."""
TURN = 364 * 360 / 65536
"""Degrees a tick; the engine turns by whole 65536ths."""
FORWARD, BACKWARD, ASIDE = 64 / 6, 64 / 7.5, 64 / 7.5
"""Units a frame; 64 are one block."""
STEP = 4 / 75
"""Units a tick for a thrust of 1; the engine's thrusts are whole, up to 127 with `turbo`."""
KEYS = 6
"""W S A D L R."""
STATES = ("x", "y", "angle")
LITTER = Path("_vizdoom")
"""An empty folder that the engine leaves where one is."""
MAPS = {land.name: land for land in (BLOCKS, ROOMS)}
"""Places of our own."""
# in no state but this one: running would stop the thrust that begins it, and pain comes back to the
# engine's own player. The factor is STEP * 32 and the .03 % that the engine loses to rounding
WALKER = """actor Walker : DoomPlayer
{
  Player.ForwardMove 1.7071, 1.7071
  Player.SideMove 1.7071, 1.7071
  States
  {
  Spawn:
    PLAY A 1 A_ChangeVelocity(0, 0, velz, CVF_REPLACE)
    loop
  See:
  Pain:
    stop
  }
}
"""
HIDDEN = (
    "hud",
    "minimal_hud",
    "crosshair",
    "weapon",
    "decals",
    "particles",
    "effects_sprites",
    "messages",
    "corpses",
    "screen_flashes",
)
ARGUMENTS = (
    "+sv_cheats 1 +sv_aircontrol 1 -nomonsters +turbo 255 +movebob 0 +stillbob 0 +cl_run 0 "
    "+r_stretchsky 0 +cl_capfps 1 +r_drawplayersprites 0 +con_notifytime 0 +show_messages 0 "
    "+screenblocks 12"
)


def import_vizdoom() -> Any:
    """Return the module, or say in a sentence how to get it."""
    try:
        import vizdoom
    except ImportError as error:
        raise ValueError("this needs the ViZDoom engine: pip install vizdoom") from error
    return vizdoom


@dataclass(frozen=True)
class Place:
    """Where the walker stands: units, degrees."""

    x: float
    y: float
    angle: float

    def row(self) -> np.ndarray:
        """Return the numbers in the order of STATES."""
        return np.asarray([getattr(self, name) for name in STATES], np.float32)


def resolution(vizdoom: Any, size: tuple[int, int]) -> Any:
    """Return twice a size as the engine names it; raise ValueError where it has no such screen."""
    height, width = size
    screen = getattr(vizdoom.ScreenResolution, f"RES_{2 * width}X{2 * height}", None)
    # of another shape, a picture would show more than FOV
    if screen is None or 4 * height != 3 * width:
        raise ValueError(
            f"the engine draws no frames of {width}x{height}: try 128x96, 256x192 or 320x240"
        )
    return screen


def new_game(vizdoom: Any, scenario: Path, size: tuple[int, int], folder: Path) -> Any:
    """Make a silent, bare engine, its own files in a folder, that shows nothing but the world."""
    walker = folder / "walker.wad"
    player = b'gameinfo { PlayerClasses = "Walker" }'
    walker.write_bytes(pack([("DECORATE", WALKER.encode()), ("MAPINFO", player)]))
    game = vizdoom.DoomGame()
    # else the engine writes its settings where some happen to be
    game.set_doom_config_path(str(folder / "engine.ini"))
    if scenario.suffix == ".cfg":
        game.load_config(str(scenario))
    else:
        game.set_doom_scenario_path(str(scenario))
    game.set_screen_resolution(resolution(vizdoom, size))
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.set_mode(vizdoom.Mode.PLAYER)
    game.set_depth_buffer_enabled(False)
    game.set_labels_buffer_enabled(False)
    game.set_automap_buffer_enabled(False)
    for part in HIDDEN:
        getattr(game, f"set_render_{part}")(False)
    game.add_game_args(f"{ARGUMENTS} -file {walker}")
    button, variable = vizdoom.Button, vizdoom.GameVariable
    game.set_available_buttons(
        [
            button.MOVE_FORWARD_BACKWARD_DELTA,
            button.MOVE_LEFT_RIGHT_DELTA,
            button.TURN_LEFT_RIGHT_DELTA,
        ]
    )
    game.set_available_game_variables([variable.POSITION_X, variable.POSITION_Y, variable.ANGLE])
    game.set_episode_timeout(0)
    return game


def wanted(keys: Sequence[int]) -> tuple[float, float, float]:
    """Return units ahead and to the right a frame, degrees to the right a tick, for W S A D L R."""
    w, s, a, d, left, right = map(int, keys)
    forward = (w and not s) * FORWARD - (s and not w) * BACKWARD
    return forward, (d - a) * ASIDE, (right - left) * TURN


class Doom:
    """The engine on any map, walked with W S A D L R."""

    def __init__(self, scenario: Path, size: tuple[int, int] = SIZE, seed: int = 0) -> None:
        """Start the engine with a .wad or a ViZDoom .cfg."""
        vizdoom = import_vizdoom()
        if scenario.suffix not in (".cfg", ".wad") or not scenario.is_file():
            raise ValueError(f"{scenario} is no ViZDoom map: expected a .cfg or .wad file")
        self.size = size
        self.folder = tempfile.TemporaryDirectory(prefix="world-")
        self.game = new_game(vizdoom, scenario, size, Path(self.folder.name))
        self.game.set_seed(seed)
        LITTER.mkdir(exist_ok=True)  # the engine fails where another one makes it meanwhile
        self.game.init()

    @property
    def ended(self) -> bool:
        """Tell whether the map has ended the game: an exit, a goal, a death."""
        return self.game.is_episode_finished()

    def place(self) -> Place:
        """Tell where the walker is."""
        return Place(*map(float, self.game.get_state().game_variables))

    def frame(self) -> np.ndarray:
        """Return the picture, (H, W, 3) uint8 RGB: what the engine drew, areas averaged."""
        import cv2

        drawn = self.game.get_state().screen_buffer
        return cv2.resize(drawn, self.size[::-1], interpolation=cv2.INTER_AREA)

    def restart(self) -> None:
        """Begin at the start of the map."""
        self.game.new_episode()
        self.game.make_action([0, 0, 0], WAKE)

    def step(self, keys: Sequence[int]) -> None:
        """Hold keys (W S A D L R, 0 or 1 each) for a frame."""
        forward, right, turn = wanted(keys)
        self.act(forward / TICS, right / TICS, turn, TICS)

    def act(self, forward: float, right: float, turn: float, ticks: int = 1) -> None:
        """Turn right by degrees, then move by units ahead and to the right, every tick."""
        self.game.make_action([round(forward / STEP), round(right / STEP), turn], ticks)

    def close(self) -> None:
        """Stop the engine."""
        self.game.close()
        self.folder.cleanup()
        if multiprocessing.parent_process() is None:  # others of a pool may be starting
            with contextlib.suppress(OSError):
                LITTER.rmdir()


class Drawn(Doom):
    """The engine on a map of our own, where one can stand anywhere."""

    def __init__(self, land: str, size: tuple[int, int] = SIZE, seed: int = 0) -> None:
        """Draw the map of a name and start the engine."""
        if land not in MAPS:
            raise ValueError(f"no map is called {land!r}: choose from {', '.join(MAPS)}")
        self.map = MAPS[land]
        with tempfile.TemporaryDirectory(prefix=f"{land}-") as folder:
            path = Path(folder) / f"{land}.wad"
            path.write_bytes(self.map.wad())
            super().__init__(path, size, seed)

    def reset(self, place: Place) -> None:
        """Stand at a place, looking along its angle."""
        self.restart()
        self.game.send_game_command(f"warp {place.x:.3f} {place.y:.3f}")
        self.game.make_action([0, 0, 0], 1)
        here = self.place()  # in whole units: the rest is walked
        x, y, angle = place.x - here.x, place.y - here.y, math.radians(place.angle)
        ahead, right = (math.cos(angle), math.sin(angle)), (math.sin(angle), -math.cos(angle))
        turn = (here.angle - place.angle + 180) % 360 - 180
        self.act(x * ahead[0] + y * ahead[1], x * right[0] + y * right[1], turn)
        self.game.make_action([0, 0, 0], TICS)


class Truth:
    """What a world of our own would have shown for the same keys: `reset`, then `step` by step."""

    def __init__(
        self, size: tuple[int, int] = SIZE, *, land: str = "blocks", seed: int = 0
    ) -> None:
        """Start the engine for frames of (H, W); raise ValueError where that cannot be."""
        self.world = Drawn(land, size, seed)

    def reset(self, state: Sequence[float]) -> np.ndarray:
        """Stand where a recorded state says (x, y, angle, ...) and return the frame."""
        if len(state) < len(STATES):
            raise ValueError(f"a state holds {', '.join(STATES)}; got {len(state)} numbers")
        self.world.reset(Place(*map(float, state[: len(STATES)])))
        return self.world.frame()

    def step(self, mask: int) -> np.ndarray:
        """Hold the keys of a bit mask (W S A D L R) for a frame; return (H, W, 3) uint8 RGB."""
        if not 0 <= mask < 1 << KEYS:
            raise ValueError(f"an action must be in 0..{(1 << KEYS) - 1}, got {mask}")
        self.world.step([mask >> i & 1 for i in range(KEYS)])
        return self.world.frame()

    def place(self) -> Place:
        """Tell where the frame is seen from."""
        return self.world.place()

    def close(self) -> None:
        """Stop the engine."""
        self.world.close()
