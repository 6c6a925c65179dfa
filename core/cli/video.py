"""`python -m core video --keys "W:40,WD:20,A:10" --seed 3 --out play.mp4`: frames from keys.

A log, written by `--out log.json` or by the page, replays with `--log`: same seed, same bytes.
`--what-if 30:L` films it from frame 30 on beside what another key would have made of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.performing import parse_place, parse_what_if, perform, side_by_side, timed, where
from core.cli.shared import Checkpoints, Device, Timings, ms_since, print_json, sentences
from core.settings import CHECKPOINTS, FILMS
from core.video.log import UPLOADED, PlayLog, describe, picture_of, read_log, to_text, write_log

if TYPE_CHECKING:
    import numpy as np

    from core.engine import Engine
    from core.video.dream import Dream

SUFFIXES = (*FILMS, ".json")
SCALE = 4


def check_files(out: Sequence[Path]) -> None:
    """Raise ValueError for files that cannot be written, before anything is computed."""
    for path in out:
        if path.suffix.lower() not in SUFFIXES:
            raise ValueError(f"files end in {', '.join(SUFFIXES)}; {path.name!r} does not")
        if not path.parent.is_dir():
            raise ValueError(f"there is no folder {path.parent}")
    for suffixes in (FILMS, (".json",)):
        if sum(path.suffix.lower() in suffixes for path in out) > 1:
            raise ValueError(f"give --out once for a {' or '.join(suffixes)} file")


def what_to_play(
    keys: str | None, log: Path | None, said: dict[str, Any], place: str | None
) -> PlayLog:
    """Return a log's play or that of a key script, changed by whatever options were given."""
    if (keys is None) == (log is None):
        raise ValueError('give the keys to hold, as in --keys "W:40,WD:20", or a --log to replay')
    given = {name: value for name, value in said.items() if value is not None}
    play = read_log(log) if log is not None else PlayLog(script=keys or "")
    if place is not None:  # after what else was changed at the beginning
        changes = sorted([*play.changes, parse_place(place)], key=lambda change: change.frame)
        given["changes"] = tuple(changes)
    return play.model_copy(update=given)


def read_picture(path: Path) -> np.ndarray:
    """Return the picture (H, W, 3) uint8 in a file."""
    import numpy as np
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
        return np.asarray(upright.convert("RGB"))


def starting_picture(play: PlayLog, file: Path | None) -> np.ndarray | None:
    """Return the picture (H, W, 3) to begin from, None for one of the gallery."""
    if file is not None:
        return read_picture(file)
    return picture_of(play) if play.start == UPLOADED else None


def begin(engine: Engine, play: PlayLog, picture: np.ndarray | None) -> tuple[PlayLog, Dream]:
    """Return a world that is about to be played, and its log, complete."""
    from core.export.render.media import png

    name = engine.video_models.pick(play.checkpoint)
    known: dict[str, Any] = {"checkpoint": name, "world": engine.world_card(name)["data"]}
    if picture is not None:
        picture = engine.world(name).fit(picture)  # as small as it is seen
        known |= {"start": UPLOADED, "picture": to_text(png(picture))}
    for change in play.changes:
        if change.place is not None:
            engine.world(name).check_place(*change.place)
    play = play.model_copy(update=known)
    start = play.start if picture is None else picture
    return play, engine.play(name, start=start, settings=play.settings)


@sentences()
def video(
    keys: Annotated[
        str | None, typer.Option(help='Keys and for how many frames: "W:40,WD:20,-:10".')
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Replay a log of play, from here or the page.")
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(help="File to write: .mp4 or .webp, or .json for the log; repeatable."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same frames. [0]")] = None,
    start: Annotated[int | None, typer.Option(help="Number of the first picture. [0]")] = None,
    start_picture: Annotated[
        Path | None, typer.Option(help="Begin from a picture file of any size instead.")
    ] = None,
    checkpoint: Annotated[str | None, typer.Option(help="Which world; see `list`.")] = None,
    checkpoints: Checkpoints = CHECKPOINTS,
    place: Annotated[
        str | None, typer.Option(help="X,Y,DEGREES to stand at before the first frame.")
    ] = None,
    what_if: Annotated[
        str | None,
        typer.Option(help="FRAME:KEYS; film it from there on beside the same with KEYS held."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Sampling steps a frame.")] = None,
    context_noise: Annotated[
        float | None, typer.Option(help="Noise on the frames that it looks back on.")
    ] = None,
    ahead: Annotated[
        int | None, typer.Option(help="Frames drafted in idle time; -1 chooses, 0 none. [-1]")
    ] = None,
    together: Annotated[
        int | None, typer.Option(help="Frames denoised jointly; `list --json` tells the most. [1]")
    ] = None,
    scale: Annotated[int, typer.Option(help="How many times larger the film is.")] = SCALE,
    device: Device = None,
    as_json: Timings = False,
) -> None:
    """Play a world by keys and write what was seen to a film."""
    import torch

    from core.engine import Engine
    from core.export.films import check_scale, write_film
    from core.export.render.media import check_webp
    from core.video.actions import parse_script

    if not out and not as_json:
        raise ValueError("nothing to do: give --out FILE, or --json for timings")
    check_files(out or [])
    check_scale(scale)
    said = {
        "seed": seed,
        "start": start,
        "checkpoint": checkpoint,
        "steps": steps,
        "context_noise": context_noise,
        "ahead": ahead,
        "together": together,
    }
    play = what_to_play(keys, log, said, place)
    begun = time.perf_counter()
    engine = Engine(checkpoints, device)  # no motion is needed beside it
    torch.set_num_threads(1)  # as the page computes, so that its logs replay to the same bytes
    play, dream = begin(engine, play, starting_picture(play, start_picture))
    masks, card = parse_script(play.script, dream.keys), engine.world_card(play.checkpoint)
    other = parse_what_if(what_if, dream.keys, len(masks)) if what_if is not None else None
    figures: dict[str, Any] = {"load_ms": ms_since(begun)}
    found, branch = where(dream.place), dream
    if other is None:
        made, count = perform(dream, masks, play.changes), len(masks)
    else:
        for _ in timed(perform(dream, masks[: other.frame], play.changes), other.frame, []):
            pass
        branch, count = dream.branch(other.frame), len(masks) - other.frame
        made = side_by_side(dream, branch, masks, play.changes, other)
    if any(path.suffix.lower() == ".webp" for path in out or []):
        width, height = scale * card["width"], scale * card["height"]
        check_webp(count, width=width * (1 + (other is not None)), height=height, fps=dream.fps)
    times: list[float] = []
    frames, about = timed(made, count, times), describe(play, card)
    if other is not None:
        about["what_if"] = f"{other.frame}:{other.names}"
    for path in out or []:
        if path.suffix.lower() == ".json":
            write_log(play, path)
        else:
            write_film(frames, path, fps=dream.fps, scale=scale, metadata=about)
        typer.echo(f"{path}: {round(count / dream.fps, 2):g} s, {card['licence']}", err=True)
    for _ in frames:  # where there was no film to make them for
        pass
    if as_json:
        figures |= {
            "frames": len(times),
            "first_frame_ms": round(1000 * times[0], 1),
            "frames_per_s": round(len(times) / times[-1], 1),
            "log": play.model_dump(exclude={"picture"}),
        }
        if found is not None:
            figures |= {"place": found, "fit": dream.fit, "ended": where(dream.place)}
        if other is not None:
            ended = {} if found is None else {"ended": where(branch.place)}
            figures["what_if"] = {"frame": other.frame, "keys": other.names, **ended}
        print_json(figures)
