"""A take that goes on: its poses, what was generated after them, and where both come from."""

from __future__ import annotations

from collections.abc import Sequence

from core.body.take import PoseChunk, Take
from core.retrieval.manner import Manner


def continued(
    take: Take, chunks: Sequence[PoseChunk], info: dict[str, str], manner: Manner | None = None
) -> Take:
    """Join a take and what `Engine.motion(..., after=take)` made; `info` is the provenance."""
    before = take.info.get("licence", "unknown")
    about = {**take.info, **info, "continued_at": f"{take.seconds:g}"}
    if before != info.get("licence"):
        about["licence"] = f"{info.get('licence', 'unknown')}; before {take.seconds:g} s: {before}"
    return Take.from_chunks([*take.chunks(), *chunks], about | describe_manner(manner))


def describe_manner(manner: Manner | None) -> dict[str, str]:
    """Return what an export says of a manner: its weight, the clips used and their licences."""
    if manner is None or not manner.weight:
        return {}
    clips = "; ".join(f"{m.id} ({m.licence})" for m in manner.matches)
    return {"manner": f"{manner.weight:g}", "manner_clips": clips or "the take itself"}
