"""ViZDoom as a world of frames: what is held goes in, a small picture comes out.

The engine has inertia, which a picture does not show. Here every frame's thrust is chosen so that
the walker moves the wanted way at once, whatever was left of the last frame's speed; walls, corners
and sliding along them stay the engine's.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from train.worlds.blocks import wad

TICS = 2
"""Engine ticks a frame; the engine's own time has 35 a second, the page plays 30 frames."""
SIZE = (96, 128)
WAKE = 12
"""Ticks after which someone new in the world obeys."""
TURN = 2.0
"""Degrees a tick."""
FORWARD, BACKWARD, ASIDE = 64 / 6, 64 / 7.5, 64 / 7.5
"""Units a frame; 64 are one block."""
FRICTION = 0.90625
THRUST = 32.0
"""The engine's command for a thrust of one unit a tick; `turbo` lifts its limit to 127."""
KEYS = 6
"""W S A D L R."""
STATES = ("x", "y", "angle", "velocity_x", "velocity_y")
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
    "+sv_cheats 1 -nomonsters +turbo 255 +movebob 0 +stillbob 0 +cl_run 0 +r_stretchsky 0 "
    "+cl_capfps 1 +r_drawplayersprites 0 +con_notifytime 0 +show_messages 0 +screenblocks 12"
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
    """Where the walker stands: units, degrees, units a tick."""

    x: float
    y: float
    angle: float
    velocity_x: float = 0.0
    velocity_y: float = 0.0

    def row(self) -> np.ndarray:
        """Return the numbers in the order of STATES."""
        return np.asarray([getattr(self, name) for name in STATES], np.float32)


def new_game(vizdoom: Any, scenario: Path, settings: Path) -> Any:
    """Make a silent, bare engine whose pictures hold nothing but the world."""
    game = vizdoom.DoomGame()
    game.set_doom_config_path(str(settings))  # else the engine writes one where one happens to be
    if scenario.suffix == ".cfg":
        game.load_config(str(scenario))
    else:
        game.set_doom_scenario_path(str(scenario))
    game.set_screen_resolution(vizdoom.ScreenResolution.RES_256X192)
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.set_mode(vizdoom.Mode.PLAYER)
    game.set_depth_buffer_enabled(False)
    game.set_labels_buffer_enabled(False)
    game.set_automap_buffer_enabled(False)
    for part in HIDDEN:
        getattr(game, f"set_render_{part}")(False)
    game.add_game_args(ARGUMENTS)
    button, variable = vizdoom.Button, vizdoom.GameVariable
    game.set_available_buttons(
        [
            button.MOVE_FORWARD_BACKWARD_DELTA,
            button.MOVE_LEFT_RIGHT_DELTA,
            button.TURN_LEFT_RIGHT_DELTA,
        ]
    )
    game.set_available_game_variables(
        [
            variable.POSITION_X,
            variable.POSITION_Y,
            variable.ANGLE,
            variable.VELOCITY_X,
            variable.VELOCITY_Y,
        ]
    )
    game.set_episode_timeout(0)
    return game


def small(picture: np.ndarray) -> np.ndarray:
    """Shrink a picture to a frame by averaging areas."""
    import cv2

    return cv2.resize(picture, SIZE[::-1], interpolation=cv2.INTER_AREA)


def wanted(keys: Sequence[int]) -> tuple[float, float, float]:
    """Return units ahead and to the right a frame, degrees to the right a tick, for W S A D L R."""
    w, s, a, d, left, right = map(int, keys)
    forward = (w and not s) * FORWARD - (s and not w) * BACKWARD
    return forward, (d - a) * ASIDE, (right - left) * TURN


class Doom:
    """The engine on any map, walked with W S A D L R."""

    def __init__(self, scenario: Path, seed: int = 0) -> None:
        """Start the engine with a .wad or a ViZDoom .cfg."""
        vizdoom = import_vizdoom()
        if scenario.suffix not in (".cfg", ".wad") or not scenario.is_file():
            raise ValueError(f"{scenario} is no ViZDoom map: expected a .cfg or .wad file")
        self.folder = tempfile.TemporaryDirectory(prefix="world-")
        self.game = new_game(vizdoom, scenario, Path(self.folder.name) / "engine.ini")
        self.game.set_seed(seed)
        self.game.init()
        with contextlib.suppress(OSError):  # the engine leaves an empty folder where one is
            Path("_vizdoom").rmdir()

    @property
    def ended(self) -> bool:
        """Tell whether the map has ended the game: an exit, a goal, a death."""
        return self.game.is_episode_finished()

    def place(self) -> Place:
        """Tell where the walker is."""
        return Place(*map(float, self.game.get_state().game_variables))

    def frame(self) -> np.ndarray:
        """Return the picture, (96, 128, 3) uint8 RGB."""
        return small(self.game.get_state().screen_buffer)

    def restart(self) -> None:
        """Begin at the start of the map."""
        self.game.new_episode()
        self.game.make_action([0, 0, 0], WAKE)

    def step(self, keys: Sequence[int]) -> None:
        """Hold keys (W S A D L R, 0 or 1 each) for a frame."""
        forward, right, turn = wanted(keys)
        here = self.place()
        # the walker turns before it moves, in both ticks: one and a half turns on the average
        angle = math.radians(here.angle - 1.5 * turn)
        ahead, aside = (math.cos(angle), math.sin(angle)), (math.sin(angle), -math.cos(angle))
        # a tick adds the thrust T, moves, and brakes by f: two move by v (1 + f) + T (2 + f)
        thrusts = [
            (d - (here.velocity_x * ux + here.velocity_y * uy) * (1 + FRICTION)) / (2 + FRICTION)
            for d, (ux, uy) in ((forward, ahead), (right, aside))
        ]
        if not forward and not right and math.hypot(here.velocity_x, here.velocity_y) < 0.1:
            thrusts = [0.0, 0.0]
        self.game.make_action([thrusts[0] * THRUST, thrusts[1] * THRUST, turn], TICS)

    def close(self) -> None:
        """Stop the engine."""
        self.game.close()
        self.folder.cleanup()


class Blocks(Doom):
    """The engine on the `blocks` map, where one can stand anywhere."""

    def __init__(self, seed: int = 0) -> None:
        """Draw the map and start the engine."""
        with tempfile.TemporaryDirectory(prefix="blocks-") as folder:
            path = Path(folder) / "blocks.wad"
            path.write_bytes(wad())
            super().__init__(path, seed)

    def reset(self, place: Place) -> None:
        """Stand at a place, at rest, looking along its angle."""
        self.restart()
        self.game.send_game_command(f"warp {place.x:.3f} {place.y:.3f}")
        self.game.make_action([0, 0, 0], 1)
        turn = (self.place().angle - place.angle + 180) % 360 - 180
        self.game.make_action([0, 0, turn], 1)
        self.game.make_action([0, 0, 0], TICS)


class Truth:
    """What the `blocks` world would have shown for the same keys: `reset`, then `step` by step."""

    def __init__(self, seed: int = 0) -> None:
        """Start the engine; raise ValueError where ViZDoom is not installed."""
        self.world = Blocks(seed)

    def reset(self, state: Sequence[float]) -> np.ndarray:
        """Stand where a recorded state says (x, y, angle, ...), at rest, and return the frame."""
        if len(state) < 3:
            raise ValueError(f"a state holds {', '.join(STATES)}; got {len(state)} numbers")
        self.world.reset(Place(*map(float, state[:3])))
        return self.world.frame()

    def step(self, mask: int) -> np.ndarray:
        """Hold the keys of a bit mask (W S A D L R) for a frame; return (96, 128, 3) uint8 RGB."""
        if not 0 <= mask < 1 << KEYS:
            raise ValueError(f"an action must be in 0..{(1 << KEYS) - 1}, got {mask}")
        self.world.step([mask >> i & 1 for i in range(KEYS)])
        return self.world.frame()

    def close(self) -> None:
        """Stop the engine."""
        self.world.close()
