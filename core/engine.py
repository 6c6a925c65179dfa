"""The front door: load checkpoints, pull poses and frames.

`Engine.load().motion(["a person walks"] * 8)` moves a body, `Engine.load().video([1] * 60)` walks
through a world for two seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import Unpack

from core.body.skeleton import FPS
from core.body.take import PoseChunk, Take
from core.device import pick_device
from core.motion import sections
from core.motion.generate import MotionModel, Segments, motion_precision
from core.motion.model import MotionConfig, MotionDiT
from core.motion.sections import Edited
from core.retrieval.index import MotionIndex
from core.retrieval.manner import Manner, check_weight, make_manner
from core.retrieval.search import Finder, Match, usable
from core.settings import (
    CANDIDATES,
    CHECKPOINTS,
    MOST_SIMILAR,
    POSE_THREADS,
    CaptureOptions,
    CaptureSettings,
    MotionOptions,
    MotionSettings,
    Precision,
    WorldOptions,
    WorldSettings,
    check_prompt,
    split_device,
)
from core.shelf import Shelf
from core.steering.wishes import Steer
from core.video.dream import Dream, DreamFrame
from core.video.model import FrameDiT
from core.video.world import Seed, VideoModel

if TYPE_CHECKING:
    from core.capture.follow import Capture
    from core.capture.track import Progress
    from core.character.character import Character


class Engine:
    """Everything that generates, behind plain Python and NumPy types; safe to share by threads.

    Settings come as an object, as loose keywords, or both: keywords then say what differs.
    """

    def __init__(self, checkpoints: Path = CHECKPOINTS, device: str | None = None) -> None:
        """Look what there is in a folder; models are loaded when they are first asked for."""
        device, precision = split_device(device)
        folder, device = Path(checkpoints), pick_device(device)
        self._device = device
        self._asked: Precision | None = precision
        self.checkpoints = folder
        self.motion_models = Shelf(
            folder,
            device,
            kind=MotionDiT.kind,
            load=partial(MotionModel.load, precision=precision),
            word="checkpoint",
            none=f"no motion checkpoint in {folder}; expected <name>/config.json and"
            " <name>/model.safetensors there, as in the repository",
        )
        self.video_models = Shelf(
            folder,
            device,
            kind=FrameDiT.kind,
            load=partial(VideoModel.load, precision=precision),
            word="world",
            none=f"no world in {folder}; train one or copy a checkpoint there",
        )
        self.indexes = Shelf(
            folder,
            device,
            kind=MotionIndex.kind,
            load=Finder.load,
            word="index",
            none="there is no index of real motions among the checkpoints; make one with"
            " python -m train.index",
        )
        self.names, self.worlds = self.motion_models.names, self.video_models.names
        """Names of motion checkpoints and of worlds, those to begin with first."""

    @classmethod
    def load(cls, checkpoints: Path = CHECKPOINTS, *, device: str | None = None) -> Engine:
        """Open a folder of checkpoints on a device (default: a GPU where there is one).

        Raises ValueError where nothing is found or the device does not exist.
        """
        engine = cls(checkpoints, device)
        if engine.names or not engine.worlds:
            engine.model()
        return engine

    # ---- motion

    def model(self, name: str | None = None) -> MotionModel:
        """Return a checkpoint's model, loaded at first use; raise ValueError for unknown names."""
        return self.motion_models.get(name)

    def card(self, name: str) -> dict[str, Any]:
        """Return a checkpoint's licence, data and default settings, for page and exports."""
        entry = self.motion_models.describe(name)
        about, config = entry["about"], entry["config"]
        return {
            **{setting: config[setting] for setting in ("steps", "stagger", "guidance")},
            "licence": about.get("licence", "unknown"),
            "non_commercial": bool(about.get("non_commercial", False)),
            "data": ", ".join(about.get("data", {})),
            "precision": self._precision(config),
        }

    def _precision(self, config: dict[str, Any]) -> str:
        """Return what a checkpoint's products are rounded to."""
        if not self._device.startswith("cpu"):
            return "tf32"
        return motion_precision(MotionConfig(**config), self._asked)

    def check(self, name: str, settings: MotionSettings) -> None:
        """Raise ValueError for settings that a checkpoint cannot have; nothing is loaded."""
        MotionConfig(**self.motion_models.describe(name)["config"]).pace(settings)

    def motion(
        self,
        prompts: Iterable[str],
        *,
        checkpoint: str | None = None,
        settings: MotionSettings | None = None,
        after: Take | None = None,
        earlier: int = 0,
        manner: Manner | None = None,
        steer: Steer | None = None,
        **loose: Unpack[MotionOptions],
    ) -> Iterator[PoseChunk]:
        """Stream poses for as long as `prompts` lasts; it is pulled once a block of motion.

        Another prompt than before changes what the body does from the next block on; steps, counts
        and words that are not known are a `core.words.director.Director`'s business. `after` is a
        take to go on from, which `earlier` poses came before: the first chunk begins with pose
        earlier + len(after). `manner` is what to move like, `steer` where to go. Raises ValueError
        for settings or prompts out of range.
        """
        model = self.model(checkpoint)
        settings = (settings or MotionSettings()).changed(**loose)
        if manner is None or not manner.weight:
            return model.stream(prompts, settings, after=after, earlier=earlier, steer=steer)
        return model.stream(
            prompts,
            settings,
            after=after,
            earlier=earlier,
            pinned=manner.blocks(model.dit),
            emphasis=manner.emphasis,
            steer=steer,
        )

    def sample(
        self,
        items: Sequence[str] | Sequence[Segments],
        poses: int | None = None,
        *,
        checkpoint: str | None = None,
        settings: MotionSettings | None = None,
        **loose: Unpack[MotionOptions],
    ) -> list[np.ndarray]:
        """Return features (T, 263) of many motions at once, each a prompt or a row of segments.

        `poses` is the length of items that are plain prompts. Rows of segments must change prompts
        at the same poses. Raises ValueError where they do not.

        As an evaluator needs it the model is told the very text: languages, words that are not
        known and steps go through `core.words.reading.read` first, as in
        `[[(step.text, 80) for step in read("salta, luego corre").steps]]`.
        """
        rows = [[(i, poses or 0)] if isinstance(i, str) else list(i) for i in items]
        settings = (settings or MotionSettings()).changed(**loose)
        return self.model(checkpoint).sample(rows, settings)

    def between(
        self,
        before: Take,
        after: Take,
        prompt: str,
        seconds: float,
        *,
        stay: bool = True,
        candidates: int = CANDIDATES,
        checkpoint: str | None = None,
        settings: MotionSettings | None = None,
        **loose: Unpack[MotionOptions],
    ) -> Edited:
        """Return two takes with a middle made between them; with `stay` both are where they were.

        Without it what comes after is moved to where the middle leads. Of `candidates` the best is
        kept. Raises ValueError for lengths out of range.
        """
        settings = (settings or MotionSettings()).changed(**loose)
        model, poses = self.model(checkpoint), round(seconds * FPS)
        return sections.between(
            model, before, after, prompt, poses, settings, stay=stay, candidates=candidates
        )

    def redo(
        self,
        take: Take,
        start: float,
        end: float,
        prompt: str,
        *,
        stay: bool = True,
        candidates: int = CANDIDATES,
        checkpoint: str | None = None,
        settings: MotionSettings | None = None,
        **loose: Unpack[MotionOptions],
    ) -> Edited:
        """Return a take made anew from `start` to `end` seconds; see `between`."""
        settings = (settings or MotionSettings()).changed(**loose)
        first, last = round(start * FPS), round(end * FPS)
        return sections.redo(
            self.model(checkpoint),
            take,
            first,
            last,
            prompt,
            settings,
            stay=stay,
            candidates=candidates,
        )

    def bridge(
        self,
        take: Take,
        prompt: str,
        seconds: float,
        *,
        stay: bool = False,
        candidates: int = CANDIDATES,
        checkpoint: str | None = None,
        settings: MotionSettings | None = None,
        **loose: Unpack[MotionOptions],
    ) -> Edited:
        """Return a take that loops: it goes on until it is in its first pose again, with `stay`
        where it began, too; see `between`."""
        settings = (settings or MotionSettings()).changed(**loose)
        model, poses = self.model(checkpoint), round(seconds * FPS)
        return sections.bridge(
            model, take, prompt, poses, settings, stay=stay, candidates=candidates
        )

    def reconstruct(self, features: np.ndarray, *, checkpoint: str | None = None) -> np.ndarray:
        """Return features (T, 263) after a way through the VAE; T is cut to a multiple of 4."""
        return self.model(checkpoint).reconstruct(features)

    # ---- real motions

    def follow(
        self,
        path: str | Path,
        *,
        settings: CaptureSettings | None = None,
        threads: int = POSE_THREADS,
        progress: Progress | None = None,
        apart: bool = False,
        **loose: Unpack[CaptureOptions],
    ) -> Capture:
        """Return the motion of a video, or of a motion file; see core.capture.follow."""
        from core.capture.follow import follow  # loads onnxruntime and cv2 only when asked for
        from core.capture.track import networks_in

        return follow(
            path,
            (settings or CaptureSettings()).changed(**loose),
            networks=networks_in(self.checkpoints),
            threads=threads,
            progress=progress,
            apart=apart,
        )

    def character(
        self, path: str | Path, joint_map: str | dict[str, Any] | None = None
    ) -> Character:
        """Return a visitor's own rigged character, for core.character.export; see read_character.

        Raises ValueError with a sentence for what cannot be moved.
        """
        from core.character.character import read_character

        return read_character(path, joint_map)

    def adjust(
        self,
        capture: Capture,
        *,
        tilt: float | None = None,
        lens: float | None = None,
        turned: bool | None = None,
    ) -> Capture:
        """Lift a video's person anew; what is left out stays. Raises ValueError like `follow`."""
        from core.capture.follow import adjust

        return adjust(capture, tilt=tilt, lens=lens, turned=turned)

    @property
    def has_index(self) -> bool:
        """Whether there is an index of real motions."""
        return bool(self.indexes.names)

    def similar(
        self, what: Take | str, count: int = 5, *, checkpoint: str | None = None
    ) -> list[Match]:
        """Return the real motions nearest to a take or to a prompt, the nearest first.

        `checkpoint` names a motion model that is to use them. Raises ValueError where there is no
        index that fits it.
        """
        if not 1 <= count <= MOST_SIMILAR:
            raise ValueError(
                f"the number of similar motions must be in 1..{MOST_SIMILAR}, got {count}"
            )
        finder = self._finder(checkpoint)
        if isinstance(what, str):
            return finder.find(None, check_prompt(what), count)
        return finder.find(usable(what), "", count)

    def manner(
        self,
        take: Take | None,
        prompt: str = "",
        *,
        weight: float = 0.5,
        count: int = 3,
        checkpoint: str | None = None,
    ) -> Manner:
        """Return a manner for `motion`: that of a take and of the real motions nearest to it.

        Nearest in motion to the take, in words to the prompt, or in both. With count 0 the take
        stands alone. Raises ValueError for a weight out of range, or where nothing is given.
        """
        check_weight(weight)
        if not 0 <= count <= MOST_SIMILAR:
            raise ValueError(
                f"the number of similar motions must be in 0..{MOST_SIMILAR}, got {count}"
            )
        prompt = check_prompt(prompt) if prompt else ""
        if take is None and not (prompt and count):
            raise ValueError("a manner needs a take, or a prompt and at least one similar motion")
        model, take = self.model(checkpoint), None if take is None else usable(take)
        matches = self._finder(checkpoint).find(take, prompt, count) if count else []
        return make_manner(model, take, matches, weight)

    def _finder(self, name: str | None) -> Finder:
        """Return the index's finder; raise ValueError where it does not fit a motion model."""
        finder = self.indexes.get()
        vae = self.model(name).dit.cfg.vae
        if finder.index.cfg.vae != vae:
            raise ValueError(
                f"the index of real motions holds latents of {finder.index.cfg.vae!r}, but the"
                f" checkpoint uses {vae!r}"
            )
        return finder

    # ---- worlds

    def world(self, name: str | None = None) -> VideoModel:
        """Return a world's model, loaded at first use; raise ValueError for unknown names."""
        return self.video_models.get(name)

    def world_card(self, name: str) -> dict[str, Any]:
        """Return a world's size, keys, seeds, default settings and licence."""
        model, about = self.world(name), self.video_models.describe(name)["about"]
        return {
            "name": name,
            **model.card(),
            "licence": about.get("licence", "unknown"),
            "data": ", ".join(about.get("data", {})),
        }

    def seed(self, name: str | None, number: int) -> Seed:
        """Return a moment to start from; raise ValueError for a number beyond the gallery."""
        return self.world(name).moment(number)

    def seed_picture(self, name: str, number: int) -> np.ndarray:
        """Return the newest frame (H, W, 3) of a seed."""
        return self.seed(name, number).frames[-1]

    def play(
        self,
        checkpoint: str | None = None,
        *,
        start: int | np.ndarray | Seed = 0,
        settings: WorldSettings | None = None,
        pause: Callable[[], None] = lambda: None,
        **loose: Unpack[WorldOptions],
    ) -> Dream:
        """Begin a world at a seed of its gallery, at any other, or at any picture (h, w, 3) uint8.

        `pause` is called between the steps of every frame, on a GPU ahead of it; and while a world
        with a place looks for where a picture was taken, which may take seconds. Raises ValueError
        for settings out of range.
        """
        model = self.world(checkpoint)
        settings = (settings or WorldSettings()).changed(**loose)
        return Dream(model, model.moment(start), settings, pause=pause)

    def video(
        self,
        masks: Iterable[int],
        *,
        checkpoint: str | None = None,
        start: int | np.ndarray | Seed = 0,
        settings: WorldSettings | None = None,
        **loose: Unpack[WorldOptions],
    ) -> Iterator[DreamFrame]:
        """Stream one frame for each mask of held keys, none ahead; see `play` for the rest."""
        settings = (settings or WorldSettings()).changed(**{**loose, "ahead": 0})
        dream = self.play(checkpoint, start=start, settings=settings)
        return (dream.step(mask) for mask in masks)
