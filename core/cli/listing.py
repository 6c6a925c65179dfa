"""`python -m core list`: which models there are, with their data and licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.shared import Checkpoints, open_engine, print_json, sentences
from core.settings import CHECKPOINTS

if TYPE_CHECKING:
    from core.engine import Engine


def cards(engine: Engine) -> dict[str, dict[str, Any]]:
    """Return what is known of every model, motion first; worlds say so by their `keys`."""
    worlds = {name: dict(engine.world_card(name)) for name in engine.worlds}
    for card in worlds.values():
        card["keys"] = {key.name: key.label for key in card["keys"]}
    return {name: engine.card(name) for name in engine.names} | worlds


def remembers(card: dict[str, Any]) -> str:
    """Say what a world keeps in mind."""
    ground = card["ground"]
    if ground is None:
        return f"{card['context']} frames"
    width, height = (n * ground["texel"] for n in (len(ground["rows"][0]), len(ground["rows"])))
    return f"its place, {width:g} x {height:g} units"


@sentences()
def list_checkpoints(
    checkpoints: Checkpoints = CHECKPOINTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List motion models and worlds with their data and licences."""
    found = cards(open_engine(checkpoints, "cpu"))
    if as_json:
        print_json(found)
        return
    for name, card in found.items():
        typer.echo(name)
        if "keys" in card:
            keys = ", ".join(f"{key} {label}" for key, label in card["keys"].items())
            typer.echo(f"  world: {card['width']} x {card['height']}, {card['fps']:g} frames/s")
            typer.echo(f"  keys: {keys}")
            typer.echo(f"  remembers: {remembers(card)}")
            typer.echo(f"  starts: {len(card['seeds'])}")
        typer.echo(f"  data: {card['data']}\n  licence: {card['licence']}")
        if card.get("non_commercial"):
            typer.echo("  not for commercial use")
