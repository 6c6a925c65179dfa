"""What every exported file says about itself, and the bone names that other tools know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from core.body.skeleton import JOINTS
from core.body.take import PoseChunk, Take
from core.settings import SMOOTHING, MotionSettings
from core.steering.wishes import Steer, changes

if TYPE_CHECKING:
    from core.retrieval.manner import Manner

VERSION = "0.1.0"

BONES = tuple(
    """
    Hips LeftUpLeg RightUpLeg Spine LeftLeg RightLeg Spine1 LeftFoot RightFoot Spine2
    LeftToeBase RightToeBase Neck LeftShoulder RightShoulder Head LeftArm RightArm LeftForeArm
    RightForeArm LeftHand RightHand
    """.split()
)
"""Names of JOINTS as Mixamo and most retargeting tools call them."""
assert len(BONES) == len(JOINTS)
ROOT = "Root"
"""Name of a root bone on the floor."""
_LONGEST_NAME = 60
"""Characters; Blender cuts names after 63 bytes."""


def title(take: Take) -> str:
    """Return all prompts of a take, shortened, as the name that tools show for its animation."""
    return _short("; ".join(dict.fromkeys(mark.text for mark in take.prompts)) or "Take")


def titled(take: Take, takes: str = "one") -> dict[str, Take]:
    """Return a take by its title, or its parts, one for each prompt; `takes` is one of TAKES."""
    if takes == "one":
        return {title(take): take}
    starts = [0, *(mark.start for mark in take.prompts if 0 < mark.start < len(take)), len(take)]
    named: dict[str, Take] = {}
    for start, end in pairwise(starts):
        part = take.slice(start, end)
        name, again = title(part), 1
        while name in named:
            again += 1
            name = _short(title(part), f" {again}")
        named[name] = part
    return named


def _short(text: str, ending: str = "") -> str:
    most = _LONGEST_NAME - len(ending)
    return (text if len(text) <= most else f"{text[: most - 3].rstrip()}...") + ending


class Shown(Protocol):
    """A body, or whatever else moves."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def credit(self) -> str:
        """Where it comes from and under which licence."""
        ...


def describe(take: Take, body: Shown, *, root: str = "hips") -> dict[str, str]:
    """Provenance of a take on a body: where it comes from, what was asked for, how it is made."""
    prompts = "; ".join(f"{mark.start / take.fps:g} s: {mark.text}" for mark in take.prompts)
    return {
        **{key: str(value) for key, value in take.info.items()},
        "generator": "Livestep",
        "prompts": prompts,
        "fps": f"{take.fps:g}",
        "body": body.name,
        "body_credit": body.credit,
        **({} if root == "hips" else {"root": root}),
    }


def provenance(checkpoint: str, card: dict[str, Any], settings: MotionSettings) -> dict[str, str]:
    """Return a take's info, the same from page and command line.

    `card` is `Engine.card(checkpoint)`; None stands for the checkpoint's own setting.
    """
    chosen = {name: getattr(settings, name) for name in ("steps", "stagger", "guidance")}
    return {
        "generator_version": VERSION,
        "checkpoint": checkpoint,
        "licence": str(card.get("licence", "unknown")),
        "data": str(card.get("data", "unknown")),
        "non_commercial": "yes" if card.get("non_commercial") else "no",
        "seed": str(settings.seed),
        **({"precision": card["precision"]} if "precision" in card else {}),
        **{name: "default" if value is None else f"{value:g}" for name, value in chosen.items()},
        "foot_contacts": "cleaned up" if settings.foot_contacts else "as generated",
        "smoothing": SMOOTHING,
    }


def continued(
    take: Take, chunks: Sequence[PoseChunk], info: dict[str, str], manner: Manner | None = None
) -> Take:
    """Join a take and what `Engine.motion(..., after=take)` made; `info` is the provenance."""
    before = take.info.get("licence", "unknown")
    about = {**take.info, **info, "continued_at": f"{take.seconds:g}"}
    if before != info.get("licence"):
        about["licence"] = f"{info.get('licence', 'unknown')}; before {take.seconds:g} s: {before}"
    return Take.from_chunks([*take.chunks(), *chunks], about | describe_manner(manner))


def describe_steer(steer: Steer | None) -> dict[str, str]:
    """Return what an export says of where a body was to go: wishes in time, how they were met."""
    if steer is None or not steer.history:
        return {}
    met = [
        {"wanted_at": met.wish.at, "at": met.at, "missed": met.missed, "turned": met.turned}
        | ({"parts": met.parts} if met.parts else {})
        for met in steer.report
    ]
    return {
        "wishes": json.dumps(changes(steer.history)),
        "wishes_met": json.dumps(met),
        "bending": "path bent onto what was wanted, feet carried along",
    }


def remade(take: Take, sides: Sequence[Take], info: dict[str, str]) -> Take:
    """Return an edited take whose info says whose its sides are, and of what was made `info`."""
    about = {**take.info, **info}
    rest = sorted({side.info.get("licence", "unknown") for side in sides} - {info["licence"]})
    if rest:
        about["licence"] = "; ".join([info["licence"], *(f"the rest: {told}" for told in rest)])
    if any(side.info.get("non_commercial") == "yes" for side in sides):
        about["non_commercial"] = "yes"
    return replace(take, info=about)


def describe_manner(manner: Manner | None) -> dict[str, str]:
    """Return what an export says of a manner: its weight, the clips used and their licences."""
    if manner is None or not manner.weight:
        return {}
    clips = "; ".join(f"{m.id} ({m.licence})" for m in manner.matches)
    return {"manner": f"{manner.weight:g}", "manner_clips": clips or "the take itself"}
