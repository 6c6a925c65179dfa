"""Where a take comes from: what every export says about its making, from page and command line."""

from __future__ import annotations

from typing import Any

from core.motion.decode import SMOOTHING

VERSION = "0.1.0"


def provenance(
    checkpoint: str,
    card: dict[str, Any],
    *,
    seed: int,
    steps: int | None = None,
    stagger: int | None = None,
    guidance: float | None = None,
    foot_contacts: bool = True,
) -> dict[str, str]:
    """Return a take's info; `card` is `Engine.card(checkpoint)`, None the checkpoint's own."""
    settings = {"steps": steps, "stagger": stagger, "guidance": guidance}
    return {
        "generator_version": VERSION,
        "checkpoint": checkpoint,
        "licence": str(card.get("licence", "unknown")),
        "data": str(card.get("data", "unknown")),
        "non_commercial": "yes" if card.get("non_commercial") else "no",
        "seed": str(seed),
        **{name: "default" if value is None else f"{value:g}" for name, value in settings.items()},
        "foot_contacts": "cleaned up" if foot_contacts else "as generated",
        "smoothing": SMOOTHING,
    }
