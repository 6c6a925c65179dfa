"""What a visitor of the tab can ask for that takes a while: follow a file, go on from its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, ClassVar, Literal

from app.capture.take import CapturedTake, most_onward
from app.capture.uploads import Upload
from app.live.loader import EngineLike
from app.live.priority import lower_priority
from app.live.sharing import Turn
from app.live.visitor import Job
from app.protocol import Follow, MannerInfo, MatchInfo, Onward
from core.body.take import PoseChunk, Take
from core.capture.joint_maps import BUILT_IN, load_map
from core.export.metadata import continued, provenance
from core.settings import CaptureSettings, MotionSettings, check_prompt, whole
from core.words.director import Director

Tell = Callable[[float, str], None]
"""Told the share that is done and what is going on; what it raises ends the job."""


class CaptureJob(Job):
    """A file on its way to becoming a take."""

    name: ClassVar[Literal["follow"]] = "follow"
    beginning = "Opening the file ..."

    def __init__(self, upload: Upload, request: Follow) -> None:
        super().__init__()
        if request.joint_map and request.joint_map not in BUILT_IN:  # never a path
            raise ValueError(f"The skeleton must be one of {', '.join(BUILT_IN)}.")
        if request.joints is not None:
            load_map(request.joints)
        self.upload, self.request = upload, request

    def follow(self, engine: EngineLike, tell: Tell | None, **camera: Any) -> CapturedTake:
        """Make the take; raise ValueError for files that are not fit.

        `camera` is what can also be adjusted later: tilt, lens, turned.
        """
        lower_priority()
        request = self.request
        settings = CaptureSettings(
            person=request.person,
            joint_map=request.joints or request.joint_map or None,
            rate=request.rate,
            clip=request.clip,
            **camera,
        )
        path = self.upload.path
        capture = engine.follow(path, settings=settings, progress=tell, apart=True)
        return CapturedTake(self.upload, self.request, capture)


class ContinueJob(Job):
    """A take that goes on with a prompt."""

    name: ClassVar[Literal["onward"]] = "onward"
    beginning = "Taking up the motion ..."

    def __init__(self, captured: CapturedTake, request: Onward) -> None:
        super().__init__()
        self.request = request
        self.before = captured
        self.start = captured.end if request.start is None else min(request.start, captured.end)
        if not self.start:
            raise ValueError("There is nothing to go on from at the beginning of the take.")
        self.end = most_onward(self.start, request.seconds)
        self.manner: MannerInfo | None = None
        self.matches: list[Any] = []
        self.director = Director(())

    def open(self, engine: EngineLike, turn: Turn) -> tuple[Iterator[PoseChunk], dict[str, str]]:
        """Begin the engine's stream; return it with what exports say of all poses."""
        request = self.request
        if request.checkpoint not in engine.names:
            raise ValueError(f"The checkpoint {request.checkpoint!r} is not on this server.")
        prompt = check_prompt(whole(request.prompt))
        poses = self.end - self.start
        self.director = Director(repeat(prompt), lambda: poses)
        before = self.before.cut(0, self.start)
        card = engine.card(request.checkpoint)
        settings = MotionSettings(seed=request.seed)
        info = provenance(request.checkpoint, card, settings)
        with turn():
            manner = self._learn(engine, before, prompt) if request.manner else None
            stream = engine.motion(
                self.director,
                checkpoint=request.checkpoint,
                settings=settings,
                after=before,
                manner=manner,
            )
        info = continued(before, (), info, manner).info
        return self._limited(self.director.watch(stream), info), info

    def _learn(self, engine: EngineLike, before: Take, prompt: str) -> Any:
        """Look for real motions in the take's manner."""
        weight, checkpoint = self.request.manner, self.request.checkpoint
        manner = engine.manner(before, prompt, weight=weight, checkpoint=checkpoint)
        self.matches = list(manner.matches)
        self.manner = MannerInfo(weight=weight, matches=[match_info(m) for m in self.matches])
        return manner

    def _limited(self, stream: Iterator[PoseChunk], info: dict[str, str]) -> Iterator[PoseChunk]:
        """Poses up to the end that was asked for; `info` is told what was made of the prompt."""
        end = self.start
        while end < self.end and (chunk := next(stream, None)) is not None:
            info.update(self.director.info())
            chunk = chunk.until(self.end)
            end = chunk.first + len(chunk)
            if len(chunk):
                yield chunk


def match_info(match: Any) -> MatchInfo:
    """What the page shows of a match."""
    return MatchInfo(
        label=match.label,
        caption=match.caption,
        licence=match.licence,
        pack=match.pack,
        score=float(match.score),
        seconds=float(match.seconds),
        mirrored=bool(match.mirrored),
    )
