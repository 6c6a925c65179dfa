"""What the gallery at the top of the page shows: motions in words and wishes, worlds under keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Item:
    """A picture, and what it opens."""

    name: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Motion(Item):
    """A motion in words and wishes."""

    prompts: Sequence[tuple[str, float]]
    """Each with its seconds."""
    seed: int = 1
    character: str = ""
    path: Sequence[dict[str, Any]] = ()
    drive: str = ""
    key: tuple[str, float, float] | None = None
    """A prompt, and the second at which a body that does it is in the pose that is wanted, at
    another second."""
    yaw: float = 30.0
    """Degrees from the front at which the camera stands."""


@dataclass(frozen=True, kw_only=True)
class World(Item):
    """A world under keys."""

    keys: str
    start: int = 0
    seed: int = 0
    checkpoint: str = "world-blocks"
    every: int = 3
    """Of its frames are shown."""


def _way(*points: tuple[float, float, float]) -> list[dict[str, Any]]:
    return [{"place": (x, z), "at": at} for x, z, at in points]


ITEMS: Sequence[Motion | World] = (
    Motion(
        name="path",
        title="Along a path",
        prompts=[("a person walks forward", 6.5)],
        path=_way((0.8, 0.8, 1.5), (0, 1.7, 2.7), (-0.8, 0.8, 4.0), (0, 0, 5.4)),
    ),
    Motion(
        name="dance", title="Bolt dances", prompts=[("a person dances", 6.0)], character="bolt.glb"
    ),
    Motion(
        name="jumps",
        title="Jumps twice",
        prompts=[("a person jumps twice and then stands still", 4.8)],
    ),
    World(name="meadow", title="A world", keys="W:38,R:30", start=8),
    Motion(
        name="drive",
        title="Keys, a pose",
        prompts=[("a person walks forward", 6.0)],
        drive="0 D\n1.4 W\n2.4 A\n3.6 -",
        key=("a person waves with the right hand", 2.2, 5.2),
    ),
    Motion(name="sits", title="Sits down", prompts=[("a person sits down", 4.5)]),
    World(name="pond", title="Looks around", keys="W:20,L:50", start=2),
    Motion(
        name="kicks",
        title="Three kicks",
        prompts=[("a person kicks three times and then waves with the right hand", 6.5)],
    ),
    Motion(
        name="stilt",
        title="Stilt steps back",
        prompts=[("a person walks backwards", 4.5)],
        character="stilt.vrm",
    ),
    Motion(
        name="prompts",
        title="Wave, punch",
        prompts=[
            ("a person waves with the right hand", 2.5),
            ("a person punches with both fists", 3.0),
        ],
    ),
    World(name="small", title="A smaller world", keys="W:46", start=2, checkpoint="video", every=2),
)
