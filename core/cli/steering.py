"""Where a body is to go, for the command line: files of wishes, held keys in time, projects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.body.mesh import BODIES
from core.body.skeleton import FPS
from core.steering.files import read_drive, read_keys, read_path, read_text
from core.steering.project import SUFFIX, Asked, Project, read_project, remembered
from core.steering.wishes import Drive, Met, Steer, Waypoint, Wishes

if TYPE_CHECKING:
    from core.settings import MotionSettings

PathFile = Annotated[
    Path | None, typer.Option("--path", help="Way-points to pass, JSON: place, at, facing, stop.")
]
KeysFile = Annotated[Path | None, typer.Option("--keys", help="Key poses to be in, JSON.")]
DriveFile = Annotated[
    Path | None, typer.Option("--drive", help='Held keys, lines such as "2.5 shift W D".')
]
Save = Annotated[Path | None, typer.Option(help=f"Project file to write, which ends in {SUFFIX}.")]


@dataclass
class Steering:
    """A `Steer`, told what is driven as the take goes on."""

    steer: Steer
    drives: Sequence[tuple[float, Drive]] = field(default_factory=list)

    def at(self, pose: int) -> None:
        """Wish what is wanted from a pose on."""
        held = [drive for at, drive in self.drives if at * FPS <= pose]
        if held and self.steer.wishes.drive != held[-1]:
            self.steer.wishes = self.steer.wishes.changed(drive=held[-1])


def read_steering(path: Path | None, keys: Path | None, drive: Path | None) -> Steering | None:
    """Return what files ask for, None without any; raise ValueError for what they may not."""
    if path is keys is drive is None:
        return None
    wishes = Wishes(
        waypoints=() if path is None else _read(path, read_path),
        keys=() if keys is None else _read(keys, read_keys),
    )
    return Steering(Steer(wishes), [] if drive is None else _read(drive, read_drive))


def open_project(path: Path) -> Project:
    """Return the project in a file; raise ValueError where there is none."""
    return _read(path, read_project)


def save_project(
    path: Path,
    checkpoint: str,
    settings: MotionSettings,
    body: str,
    prompts: Sequence[Asked],
    poses: int,
    steer: Steer | None,
) -> None:
    """Write what makes a motion again; a body out of a file of one's own is not part of it."""
    project = Project(
        checkpoint=checkpoint,
        settings=settings,
        body=body if body in BODIES else BODIES[0],
        poses=poses,
        prompts=tuple(prompts),
        wishes=remembered(steer.history if steer else ()),
    )
    path.write_text(project.dump(), encoding="utf-8")


def check_save(path: Path | None) -> None:
    """Raise ValueError for a file that could not be a project."""
    if path is None:
        return
    if not path.name.endswith(SUFFIX):
        raise ValueError(f"projects end in {SUFFIX}; {path.name!r} does not")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent}")


def sentence(met: Met) -> str:
    """Say how nearly a wish was met, in the words of the page (`steer/outcome.js`)."""
    told = f"{'point' if isinstance(met.wish, Waypoint) else 'key pose'} at {met.wish.at:g} s:"
    parts = [] if met.missed is None else [_centimeters(met.missed)]
    if met.parts:
        pose = _centimeters(max(met.parts.values()))
        parts.append(f"pose {pose}" if parts else pose)
    parts += [] if met.turned is None else [f"{abs(met.turned):.0f}°"]
    parts += [f"{met.late:.1f} s late"] if met.late >= 0.1 else []
    if not parts:
        return f"{told} met"
    return f"{told} {'met within' if met.good else 'missed by'} {', '.join(parts)}"


def _centimeters(meters: float) -> str:
    told = round(100 * meters, 1)
    return f"{told:.{1 if told < 10 else 0}f} cm"


def figures(met: Met) -> dict[str, Any]:
    """Return what `--json` says of a wish."""
    return {
        "kind": "waypoint" if isinstance(met.wish, Waypoint) else "key",
        "wanted_at": met.wish.at,
        "at": round(met.at, 2),
        "met": met.good,
        "late": round(met.late, 2),
        "missed_m": None if met.missed is None else round(met.missed, 3),
        "turned_degrees": None if met.turned is None else round(met.turned, 1),
        "parts_m": {part: round(missed, 3) for part, missed in met.parts.items()},
    }


def _read(path: Path, read: Any) -> Any:
    if not path.is_file():
        raise ValueError(f"there is no file {path.name}")
    try:
        return read(read_text(path))
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
