"""What `follow` does once it has a motion: find similar ones, go on after it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.motion import Script, Segment, pair, perform
from core.cli.shared import open_engine
from core.settings import MOST_SIMILAR, whole

if TYPE_CHECKING:
    from core.body.take import Take
    from core.engine import Engine
    from core.retrieval.search import Match


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What was asked for beyond the motion itself."""

    segments: list[Segment]
    manner: float | None
    similar: int
    seed: int
    checkpoint: str | None

    @classmethod
    def read(
        cls, then: list[str], seconds: list[float], manner: float | None, similar: int,
        seed: int, checkpoint: str | None,
    ) -> Wishes:  # fmt: skip
        """Check what was asked for; raise ValueError with a sentence where it cannot be."""
        from core.retrieval.manner import check_weight

        if not then and (seconds or manner is not None):
            raise ValueError(
                "--seconds and --manner are about what comes after the motion: give --then PROMPT"
            )
        if not 0 <= similar <= MOST_SIMILAR:
            raise ValueError(f"--similar must be in 0..{MOST_SIMILAR}, got {similar}")
        check_weight(manner or 0.0)
        segments = pair([whole(prompt) for prompt in then], seconds) if then else []
        return cls(
            segments=segments, manner=manner, similar=similar, seed=seed, checkpoint=checkpoint
        )

    @property
    def need_engine(self) -> bool:
        """Whether anything is to be generated or looked up."""
        return bool(self.segments or self.similar)

    def fulfil(self, take: Take, checkpoints: Path, device: str | None) -> tuple[Take, dict]:
        """Return the take, gone on with, and what `--json` says of it."""
        if not self.need_engine:
            return take, {}
        engine = open_engine(checkpoints, device)
        found: dict[str, Any] = {}
        if self.similar:
            matches = engine.similar(take, self.similar, checkpoint=self.checkpoint)
            found["similar"] = [describe(match) for match in matches]
        if not self.segments:
            return take, found
        longer, used = self._go_on(engine, take)
        return longer, found | {"continued": used}

    def _go_on(self, engine: Engine, take: Take) -> tuple[Take, dict]:
        from core.export.continuation import continued
        from core.export.provenance import provenance

        name, script = engine.motion_models.pick(self.checkpoint), Script(self.segments)
        manner = None
        if self.manner:
            manner = engine.manner(take, self.segments[0].text, weight=self.manner, checkpoint=name)
        stream = engine.motion(script, checkpoint=name, seed=self.seed, after=take, manner=manner)
        chunks, times = perform(stream, script)
        info = provenance(name, engine.card(name), seed=self.seed)
        whole = continued(take, chunks, info, manner).slice(0, len(take) + script.ends[-1])
        used = manner.matches if manner else ()
        return whole, {
            "from_seconds": take.seconds,
            "first_chunk_ms": round(1000 * times[0], 1),
            "manner": self.manner or 0.0,
            "manner_matches": [describe(match) for match in used],
        }


def describe(match: Match) -> dict[str, Any]:
    """Return what `--json` says of a real motion."""
    names = ("id", "label", "caption", "licence", "pack", "score", "seconds", "mirrored")
    return {name: getattr(match, name) for name in names}
