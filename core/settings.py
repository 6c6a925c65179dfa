"""What can be asked for, and within which bounds: what more than one room knows stands here once.

Nothing in it is slow to import, so that the engine, the command line and the page's messages can
share it. A value out of range is refused in one sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict, cast, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo
from typing_extensions import Self

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
"""The folder that is opened where none is named."""

Precision = Literal["fp32", "bf16", "int8"]
"""What a CPU rounds numbers to before it multiplies them; see `core.diffusion.packed`."""

MAX_PROMPT = 300
"""Characters."""
MOST_STEPS, MOST_WORLD_STEPS = 100, 50
"""Sampling steps a block of motion, and a frame of a world."""
GUIDANCE = (1.0, 10.0)
MOST_NOISE = 0.5
"""Noise on the frames that a world looks back on, as a share."""
MOST_AHEAD = 8
"""Frames that may be drafted ahead."""
AUTO = -1
"""As many of them as pay."""
MIDDLE = (0.4, 20.0)
"""Seconds that what is made between two motions lasts."""
MOST_CANDIDATES = 32
"""Middles that may be made for the best to be kept."""
MOST_SIMILAR = 50
"""Real motions that may be asked for."""
POSE_THREADS = 2
"""Of the networks that follow a person."""
MOST_TOGETHER = 3
"""Frames that may be denoised together; a world may have room for fewer."""
LENS = 0.9
"""Focal length over the picture's longer side: about what phones have."""
LENSES = (0.4, 4.0)
TILTS = (-60, 60)
"""Degrees."""

KEEP_SECONDS = 600
"""Length of a take on the page; older poses are dropped."""
CANDIDATES = 8
"""Middles that an edit of a take chooses from."""
DELAY = 2
"""Poses that a stream of motion holds back until the next ones are known."""
EXPORT_RATES = (20, 24, 30, 60)
"""Frames a second on offer; 20 is native, 24 what Blender's scenes have."""
AMASS_RATE = 30
"""What readers of AMASS get where none is asked: some refuse fewer, some play them faster."""
CONVENTIONS = ("livestep", "amass", "smplx")
"""What an NPZ file holds: all that we know, or what readers of AMASS look for (SMPL-H, SMPL-X)."""
ROOTS = ("hips", "floor", "in-place")
"""What carries a body's path: its hips, a bone on the floor (FBX, BVH and GLB), or nothing."""
TAKES = ("one", "prompts")
"""What an FBX or GLB file holds: one animation, or one for each prompt."""
OFFSETS = ("standing", "zero")
"""Where a BVH file has the hips at rest: so high that the body stands, or in the origin."""
SMOOTHING = "filter over 5 poses (0.25 s), learnt with the decoder"
"""What exports say of the filter that `core.motion.decode` applies."""
EXPORT_SUFFIXES = (".bvh", ".glb", ".fbx", ".vrma", ".npz", ".mp4", ".webp")
FILMS = (".mp4", ".webp")
"""Those that are drawn; a .webp plays for ever."""
FILM_SCALES = range(1, 9)
"""How many times larger a film may be than its frames."""
MOTION_RATES = (1, 1000)
"""Poses a second that a motion file can have."""
MOST_VIDEO_SECONDS = 20.0
"""Of a video that is followed."""


def one_of(choices: tuple[str, ...]) -> AfterValidator:
    """Return a validator that refuses what is not among the choices in a sentence."""

    def check(value: str, info: ValidationInfo) -> str:
        if value not in choices:
            told = f"one of {', '.join(choices)}, got {value[:40]!r}"
            raise ValueError(f"{info.field_name} must be {told}")
        return value

    return AfterValidator(check)


def within(low: float, high: float, told: str = "", form: str = "") -> AfterValidator:
    """Return a validator that refuses values out of bounds (and NaN) in a sentence."""

    def check(value: float, info: ValidationInfo) -> float:
        if not low <= value <= high:
            bounds = told or f"in {low:{form}}..{high:{form}}"
            raise ValueError(f"{info.field_name} must be {bounds}, got {value:{form}}")
        return value

    return AfterValidator(check)


Seed = Annotated[int, within(0, 2**63 - 1, "a whole number from 0 to 2^63 - 1")]
Steps = Annotated[int, within(1, MOST_STEPS)]
WorldSteps = Annotated[int, within(1, MOST_WORLD_STEPS)]
Guidance = Annotated[float, within(*GUIDANCE)]
Noise = Annotated[float, within(0, MOST_NOISE)]
Ahead = Annotated[int, within(AUTO, MOST_AHEAD, f"in 0..{MOST_AHEAD}, or {AUTO} for automatic")]
Tilt = Annotated[float, within(*TILTS, form="g")]
Lens = Annotated[float, within(*LENSES, form="g")]
Rate = Annotated[float, within(*MOTION_RATES, form="g")]
Second = Annotated[float, within(0, 1e6, "0 or more seconds", form="g")]


def _after_start(end: float | None, info: ValidationInfo) -> float | None:
    start = info.data.get("start", 0.0)
    if end is not None and end <= start:
        raise ValueError(f"end must be later than start, which is {start:g} s, got {end:g} s")
    return end


def refuse_many(values: Collection[str], known: Collection[str]) -> None:
    """Raise ValueError for many unknown names at once: told one by one they take long."""
    if len(values) > len(known) + 20:
        unknown = next(name for name in values if name not in known)
        raise ValueError(f"{unknown[:40]} is not known")


class Settings(BaseModel):
    """Base of all settings: immutable; a value out of range is a ValueError of one sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    def __init__(self, /, **values: Any) -> None:
        refuse_many(values, type(self).model_fields)
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            if said := first.get("ctx", {}).get("error"):
                raise ValueError(str(said)) from None
            said = f"{first['loc'][0]}: {first['msg']}, got {first['input']!r}"
            raise ValueError(said) from None

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return this; what cannot change needs no copy."""
        return self

    def changed(self, **values: Any) -> Self:
        """Return these settings with other values; raise ValueError for one out of range."""
        kept = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**kept, **values})


class MotionSettings(Settings):
    """How motion is sampled; None leaves a value to the checkpoint."""

    seed: Seed = 0
    steps: Steps | None = None
    stagger: int | None = None
    """Ticks between the starts of two blocks, 1..steps; small is smooth, large answers fast."""
    guidance: Guidance | None = None
    """How literally text is taken."""
    foot_contacts: bool = True
    """Hold planted feet still."""


class WorldSettings(Settings):
    """How a world is sampled; None leaves a value to the checkpoint."""

    seed: Seed = 0
    steps: WorldSteps | None = None
    context_noise: Noise | None = None
    """Noise on the frames that it looks back on."""
    ahead: Ahead = AUTO
    """Frames drafted in idle time; changes no frame."""
    together: int = 1
    """Frames denoised jointly; how many may be is the world's to say (`FrameConfig`)."""


class CaptureSettings(Settings):
    """What a file cannot tell of the person in it, or leaves to choose."""

    person: int | None = None
    """Whom of a video to follow, counted from the left; None for the largest."""
    joint_map: str | Path | dict[str, Any] | None = None
    """Skeleton of a motion file: a built-in map by name, a map's file, or the joints of one, see
    core.capture.joint_maps; None to find out."""
    rate: Rate | None = None
    """Poses a second of a motion file, against what it says or where it says nothing."""
    clip: Annotated[int, within(1, 10_000)] | None = None
    """Which animation of a motion file that holds several, counted from 1; None for the longest."""
    tilt: Tilt = 0.0
    """Degrees by which a video's camera looks down more than it seems."""
    lens: Lens = LENS
    """Its focal length over the picture's longer side."""
    turned: bool = False
    """Whether front and back are to be exchanged."""


class ExportSettings(Settings):
    """Which part of a take a file holds, and how; what a format has no place for is left out."""

    convention: Annotated[str, one_of(CONVENTIONS)] = "livestep"
    """What an NPZ file holds, see CONVENTIONS."""
    root: Annotated[str, one_of(ROOTS)] = "hips"
    """What carries the path, see ROOTS."""
    takes: Annotated[str, one_of(TAKES)] = "one"
    """How many animations FBX and GLB hold, see TAKES."""
    offset: Annotated[str, one_of(OFFSETS)] = "standing"
    """Where the hips of a BVH file rest, see OFFSETS."""
    start: Second = 0.0
    """Where the part begins in the take, in seconds."""
    end: Annotated[Second | None, AfterValidator(_after_start)] = None
    """Where it ends; None for the end of the take."""
    loop: bool = False
    """Whether to cut the part so that it can be repeated."""


class MotionOptions(TypedDict, total=False):
    """The fields of MotionSettings as loose keywords."""

    seed: int
    steps: int | None
    stagger: int | None
    guidance: float | None
    foot_contacts: bool


class WorldOptions(TypedDict, total=False):
    """The fields of WorldSettings as loose keywords."""

    seed: int
    steps: int | None
    context_noise: float | None
    ahead: int
    together: int


class CaptureOptions(TypedDict, total=False):
    """The fields of CaptureSettings as loose keywords."""

    person: int | None
    joint_map: str | Path | dict[str, Any] | None
    rate: float | None
    clip: int | None
    tilt: float
    lens: float
    turned: bool


def split_device(wanted: str | None) -> tuple[str | None, Precision | None]:
    """Return device and precision of what was asked for: `cpu:int8` is both, `cpu` leaves one open.

    Raises ValueError for what is neither cpu nor cuda, nor a precision of a CPU.
    """
    if wanted is None:
        return None, None
    device, _, detail = wanted.partition(":")
    if device == "cpu" and detail in get_args(Precision):
        return device, cast(Precision, detail)
    if wanted not in ("cpu", "cuda") and not (device == "cuda" and detail.isdecimal()):
        choices = ", ".join(f"cpu:{name}" for name in get_args(Precision))
        raise ValueError(f"device must be cpu, cuda or one of {choices}, got {wanted[:40]!r}")
    return wanted, None


def check_prompt(text: str) -> str:
    """Return the prompt without what nobody sees; raise ValueError for what cannot be one."""
    text = " ".join("".join(c for c in text if not _unseen(c)).split())
    if not any(c.isalnum() for c in text):
        raise ValueError('the prompt is empty; describe a motion, such as "a person walks forward"')
    if len(text) > MAX_PROMPT:
        raise ValueError(f"the prompt has {len(text)} characters; {MAX_PROMPT} are the most")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise ValueError("the prompt holds control characters; plain text is expected")
    return text


def _unseen(character: str) -> bool:
    """Whether it only says how others look: joiners, soft hyphens, marks of direction, variants."""
    name = unicodedata.name(character, "")
    return unicodedata.category(character) == "Cf" or "VARIATION SELECTOR" in name


def whole(prompt: str) -> str:
    """Make a sentence of what only says how it goes on: "and then jumps" has no subject."""
    rest = re.sub(r"^((and|then|after that)\b\W*)+", "", prompt.strip(), flags=re.IGNORECASE)
    if not rest or rest == prompt.strip():
        return prompt
    subject = re.match(r"(a|an|the|one|some\w*|he|she|they|it|person|man|woman)\b", rest.lower())
    return rest if subject else f"a person {rest}"
