"""Files of strangers are read in a process of their own, with limits of time and memory.

The process is `python -m core.capture.apart`. It is asked, and answers, with arrays and JSON in a
folder that is gone afterwards; nothing that it says is unpickled, so that a file that takes it over
has won nothing but ten seconds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
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
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from core.body.arrays import Archive, open_arrays
from core.body.take import PromptMark, Take
from core.capture.joint_maps import well_formed
from core.capture.kinds import FULL, no_room, room_for
from core.capture.source import MatchError, Skeleton
from core.faults import trace
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
T = TypeVar("T")
Tell = Callable[[float, str], None]
"""Told the share that is done and what is going on."""
_KEPT = (
    *("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("LANG", "LC_ALL", "LC_CTYPE"),
    *("HOME", "APPDATA", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONUTF8"),
)
"""Variables without which a process does not find Python and its packages, or reads text otherwise.
Whoever runs the page may have secrets in others."""
_FULL, _LARGE, _LATE = 75, 76, 77
"""Exit statuses of a process that finds no room for its answer (EX_TEMPFAIL), no memory, or
no end."""
_room = threading.BoundedSemaphore(AT_ONCE)
_QUESTION, _ANSWER, _JSON = "question.npz", "answer.npz", "json"
log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a process says: a result, or why there is none."""

    result: Any = None
    refused: str = ""
    skeleton: Skeleton | None = None


def read_apart(
    path: str | Path, settings: CaptureSettings | None = None, *, progress: Tell | None = None
) -> Reading:
    """Do what `core.capture.read.read_motion` does, in a process of its own; see `apart`."""
    from core.capture.read import Reading

    told = {"settings": (settings or CaptureSettings()).model_dump(mode="json")}
    return apart("core.capture.apart:read", path, told, Reading, progress=progress)


def read(path: Path, settings: dict[str, Any]) -> Reading:
    """Read a motion, where that does no harm."""
    from core.capture.read import read_motion

    return read_motion(path, CaptureSettings(**settings))


def apart(
    work: str,
    path: str | Path,
    told: dict[str, Any],
    kind: type[T],
    *,
    progress: Tell | None = None,
    advice: str = "cut out a part",
) -> T:
    """Call `work`, a `module:function` of ours, with a stranger's file and keywords, in a process
    of its own; return what it returns, of a `kind`.

    `progress` is called meanwhile; what it raises ends it. Raises ValueError with a sentence for
    files that are unfit or take too much time or memory (with `advice`), and MatchError as it
    comes.
    """
    path, tell = Path(path).absolute(), progress or (lambda *_: None)
    while not _room.acquire(timeout=LOOKS):
        tell(0.0, "Waiting for other files ...")
    try:
        with room_for(path.name), tempfile.TemporaryDirectory(prefix="livestep-") as folder:
            _save(told, Path(folder) / _QUESTION)
            answer = _run(work, path, Path(folder), kind, tell, advice)
    finally:
        _room.release()
    if answer.skeleton is not None:
        raise MatchError(answer.refused, answer.skeleton)
    if answer.refused:
        raise ValueError(answer.refused)
    return answer.result


def _run(work: str, path: Path, folder: Path, kind: type, tell: Tell, advice: str) -> Answer:
    """Let the process work and return what it says; raise ValueError where it ends without that."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    modules = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    modules = {"PYTHONPATH": os.pathsep.join(filter(None, modules))}
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*COMMAND, str(path), str(folder), work],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**kept, **threads, **places, **modules},
        )
        try:
            code = _wait(process, tell)
        finally:
            process.kill()
            process.wait()
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - 2000))
        said = errors.read().decode(errors="replace")
    if code == 0 and (folder / _ANSWER).is_file():  # no pipe that never ends
        with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
            return _load(folder / _ANSWER, kind)
    if code in (_LATE, -24):  # SIGXCPU, which Windows does not know
        raise ValueError(f"{path.name} takes too long to read; {advice}")
    if code == _FULL:
        raise ValueError(no_room(path.name))
    if code != _LARGE:
        log.error("the reader of a %s ended with %s: %s", path.suffix, code, said)
    if code in (_LARGE, -9):  # SIGKILL, by the system when its memory is at an end
        most = f"{MOST_MEMORY // 10**6} MB"
        raise ValueError(f"{path.name} needs more memory than {most} to read; {advice}")
    raise ValueError(f"{path.name} is damaged in a way that its reader does not know")


def _wait(process: subprocess.Popen[bytes], tell: Tell) -> int:
    """Return a process's exit status, or _LATE where it is still at work after PATIENCE."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(LOOKS)
        tell(0.0, "Reading the file ...")
    return _LATE


def main() -> None:
    """Do to a file what the arguments and a question say, within limits, and save the answer."""
    path, folder, work = sys.argv[1:]
    limit()
    try:
        told = _unpacked(Path(folder) / _QUESTION, MOST_MEMORY)
        _save(_answer(work, Path(path), told), Path(folder) / _ANSWER)
    except MemoryError:
        sys.exit(_LARGE)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            sys.exit(_FULL)
        sys.exit(trace(error))  # to the log, which is to know nothing of what is in the file


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


def _answer(work: str, path: Path, told: dict[str, Any]) -> Answer:
    module, _, name = work.partition(":")
    try:
        return Answer(getattr(importlib.import_module(module), name)(path, **told))
    except MatchError as error:
        return Answer(refused=str(error), skeleton=error.skeleton)
    except ValueError as error:
        return Answer(refused=str(error))


def _save(value: Any, path: Path) -> None:
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_pack(value, arrays), ensure_ascii=False).encode(errors="replace")
    arrays[_JSON] = np.frombuffer(text, np.uint8)
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]


def _load(path: Path, kind: type) -> Answer:
    match answer := _unpacked(path, MOST_ANSWER):
        case Answer(refused="", skeleton=None) if isinstance(answer.result, kind):
            return answer
        case Answer(result=None, refused=str(), skeleton=Skeleton() | None) if answer.refused:
            return answer
    raise ValueError("it is no answer")


def _unpacked(path: Path, most_bytes: int) -> Any:
    """Invert `_save`, within bounds."""
    names = (_JSON, *map(str, range(MOST_ARRAYS)))
    with open_arrays(path, names, most_bytes=most_bytes) as archive:
        text = archive.read(_JSON).tobytes()
        if len(text) > MOST_TEXT:
            raise ValueError("it says too much")
        return _unpack(json.loads(text), archive)


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

    return {kind.__name__: kind for kind in (Answer, Reading, Skeleton, Take, PromptMark)}


if __name__ == "__main__":
    main()
