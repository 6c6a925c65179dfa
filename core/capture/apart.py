"""Motion files of strangers are read in a process of their own, with limits of time and memory.

The process is `python -m core.capture.apart`. It answers with arrays and JSON in a folder that is
gone afterwards; nothing that it says is unpickled, so that a file that takes it over has won
nothing but ten seconds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.body.arrays import Archive, open_arrays
from core.capture.joint_maps import well_formed
from core.capture.kinds import FULL, no_room, room_for
from core.capture.source import MatchError, Skeleton
from core.settings import CaptureSettings

if TYPE_CHECKING:
    from core.capture.read import Reading

SECONDS = 10
"""Of a core: what a file costs, whatever else goes on."""
PATIENCE = 30.0
"""Seconds by the clock: on two busy cores a start of half a second was seen to take three."""
MOST_MEMORY = 800_000_000
"""Bytes that it may ask for; with libraries it stays below 1 GB."""
MOST_WRITTEN = 128_000_000
"""Bytes of a file that it may write."""
MOST_ANSWER = 64_000_000
MOST_TEXT = 2_000_000
"""Bytes of its words: the names of 1,000 nodes and whatever else it says."""
MOST_ARRAYS = 32
AT_ONCE = 2
"""Files that are read at the same time; others wait."""
COMMAND = (sys.executable, "-m", "core.capture.apart")
LOOKS = 0.1
"""Seconds between two looks at whether it is done."""
Tell = Callable[[float, str], None]
"""Told the share that is done and what is going on."""
_KEPT = (
    *("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("LANG", "LC_ALL", "LC_CTYPE"),
    *("HOME", "APPDATA", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONUTF8"),
)
"""Variables without which a process does not find Python and its packages, or reads text otherwise.
Whoever runs the page may have secrets in others."""
_FULL = 75
"""Exit status of a process that finds no room for its answer: EX_TEMPFAIL."""
_room = threading.BoundedSemaphore(AT_ONCE)
_FILE, _JSON = "answer.npz", "json"
log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a process says: a reading, or why there is none."""

    reading: Reading | None = None
    refused: str = ""
    skeleton: Skeleton | None = None


def read_apart(
    path: str | Path, settings: CaptureSettings | None = None, *, progress: Tell | None = None
) -> Reading:
    """Do what `core.capture.read.read_motion` does, in a process of its own.

    `progress` is called while it works; what it raises ends it. Raises ValueError with a sentence
    for files that are unfit or take too much time or memory, and MatchError as it comes.
    """
    path, settings = Path(path).absolute(), settings or CaptureSettings()
    tell = progress or (lambda *_: None)
    while not _room.acquire(timeout=LOOKS):
        tell(0.0, "Waiting for other files ...")
    try:
        with room_for(path.name), tempfile.TemporaryDirectory(prefix="livestep-") as folder:
            answer = _run(path, settings, Path(folder), tell)
    finally:
        _room.release()
    if answer.reading is not None:
        return answer.reading
    if answer.skeleton is not None:
        raise MatchError(answer.refused, answer.skeleton)
    raise ValueError(answer.refused)


def _run(path: Path, settings: CaptureSettings, folder: Path, tell: Tell) -> Answer:
    """Let the process work and return what it says; raise ValueError where it ends without that."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    modules = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    modules = {"PYTHONPATH": os.pathsep.join(filter(None, modules))}
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*COMMAND, str(path), str(folder), settings.model_dump_json()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**kept, **threads, **places, **modules},
        )
        try:
            code = _wait(process, path.name, tell)
        finally:
            process.kill()
            process.wait()
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - 2000))
        said = errors.read().decode(errors="replace")
    if code == 0 and (folder / _FILE).is_file():  # no pipe that never ends
        with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
            return _load(folder)
    if code == -24:  # SIGXCPU, which Windows does not know
        raise ValueError(_too_long(path.name))
    if code == _FULL:
        raise ValueError(no_room(path.name))
    log.error("the reader of %s ended with %s: %s", path.name, code, said)
    if code == -9:  # SIGKILL, by the system when its memory is at an end
        raise ValueError(_too_large(path.name))
    raise ValueError(f"{path.name} is damaged in a way that its reader does not know")


def _wait(process: subprocess.Popen[bytes], name: str, tell: Tell) -> int:
    end = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(LOOKS)
        if time.monotonic() > end:
            raise ValueError(_too_long(name))
        tell(0.0, "Reading the file ...")


def _too_long(name: str) -> str:
    return f"{name} takes too long to read; cut out a part"


def _too_large(name: str) -> str:
    return f"{name} needs more memory than {MOST_MEMORY // 10**6} MB to read; cut out a part"


def main() -> None:
    """Read the file that the arguments name, within limits, and save what is to be said of it."""
    path, folder, settings = sys.argv[1:]
    limit()
    try:
        _save(_answer(Path(path), CaptureSettings(**json.loads(settings))), Path(folder))
    except OSError as error:
        if error.errno in FULL:
            sys.exit(_FULL)
        raise


def limit() -> None:
    """Bound what this process may take, where the system can do so."""
    if sys.platform == "win32":
        return
    import resource

    limits = {"RLIMIT_DATA": MOST_MEMORY, "RLIMIT_FSIZE": MOST_WRITTEN, "RLIMIT_CORE": 0}
    for name, most in (limits | {"RLIMIT_CPU": SECONDS}).items():
        hard = most + (name == "RLIMIT_CPU")  # at the hard one, no signal would say which it was
        with contextlib.suppress(ValueError, OSError):  # macOS does not know all of them
            resource.setrlimit(getattr(resource, name), (most, hard))


def _answer(path: Path, settings: CaptureSettings) -> Answer:
    try:
        from core.capture.read import read_motion

        return Answer(read_motion(path, settings))
    except MatchError as error:
        return Answer(refused=str(error), skeleton=error.skeleton)
    except ValueError as error:
        return Answer(refused=str(error))
    except MemoryError:
        return Answer(refused=_too_large(path.name))


def _save(answer: Answer, folder: Path) -> None:
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_pack(answer, arrays), ensure_ascii=False).encode(errors="replace")
    arrays[_JSON] = np.frombuffer(text, np.uint8)
    np.savez(folder / _FILE, **arrays)  # pyright: ignore[reportArgumentType]


def _load(folder: Path) -> Answer:
    from core.capture.read import Reading

    names = (_JSON, *map(str, range(MOST_ARRAYS)))
    with open_arrays(folder / _FILE, names, most_bytes=MOST_ANSWER) as archive:
        text = archive.read(_JSON).tobytes()
        if len(text) > MOST_TEXT:
            raise ValueError("it says too much")
        answer = _unpack(json.loads(text), archive)
    match answer:
        case Answer(reading=Reading(), refused="", skeleton=None):
            return answer
        case Answer(reading=None, refused=str(), skeleton=Skeleton() | None) if answer.refused:
            return answer
    raise ValueError("it is no answer")


def _pack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """Turn dataclasses of arrays and plain values into what JSON can say, without the arrays."""
    if isinstance(value, np.ndarray):
        name = str(len(arrays))
        arrays[name] = value
        return {"array": name}
    if dataclasses.is_dataclass(value):
        told = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {"class": type(value).__name__, **_pack(told, arrays)}
    if isinstance(value, dict):
        return {name: _pack(part, arrays) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_pack(part, arrays) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def _unpack(told: Any, archive: Archive) -> Any:
    """Invert `_pack`; lists come back as tuples."""
    if isinstance(told, list):
        return tuple(_unpack(part, archive) for part in told)
    if isinstance(told, str):
        return well_formed(told)
    if not isinstance(told, dict):
        return told
    if "array" in told:
        return archive.read(told["array"])
    values = {name: _unpack(part, archive) for name, part in told.items()}
    return _classes()[values.pop("class")](**values) if "class" in values else values


def _classes() -> dict[str, type]:
    from core.capture.read import Reading

    return {kind.__name__: kind for kind in (Answer, Reading, Skeleton)}


if __name__ == "__main__":
    main()
