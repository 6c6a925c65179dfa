"""What lies folded below the world page: films made of a key script without playing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import gradio as gr

from app import zero
from app.exports.store import Exports, Order
from app.live.loader import EngineLike
from app.live.lobby import Lobby
from app.live.shares import address_of
from app.live.sharing import Turn
from app.live_page import Maker, endpoint, offer, whole_number
from app.protocol import World
from app.world.job import WorldJob
from app.world.recording import WorldRecording, keepsake, order
from core.settings import FILM_SCALES
from core.video.actions import parse_script

MOST_SECONDS = 60
MOST_WAIT_SECONDS = 300
SCALE = 3
"""Makes 768 x 576 of what the newer worlds show, 384 x 288 of the older ones."""


def film_form(lobby: Lobby, exports: Exports) -> Maker:
    """Form and API endpoint `keys_to_video`: a key script in, a film out; return what makes it."""

    def keys_to_video(
        caller: gr.Request,
        keys: str,
        seed: float = 0,
        start: float = 0,
        scale: int = SCALE,
        checkpoint: str = "",
    ) -> Order:
        """Play a world by a script of held keys and return what was seen as an MP4 file.

        Args:
            keys: keys and for how many frames, such as W:40,WD:20,L:15,-:10
            seed: the same seed gives the same frames
            start: number of the picture to begin from
            scale: how many times larger the film is than its frames, 1 to 8
            checkpoint: name of the world; empty for the first one
        """
        request = World(
            seed=max(whole_number("seed", seed), 0),
            start=max(whole_number("start", start), 0),
            script=keys or "",
            checkpoint=checkpoint or "",
        )
        played = generate(lobby, address_of(caller.client), request)
        return order(played, format="mp4", scale=whole_number("scale", scale))

    with gr.Row():
        keys = gr.Textbox(label="Keys", placeholder="W:40,WD:20,L:15,-:10", scale=4)
        seed = gr.Number(value=0, precision=0, minimum=0, label="Seed", scale=1)
        start = gr.Number(value=0, precision=0, minimum=0, label="Picture to begin from", scale=1)
    with gr.Row():
        scale = gr.Slider(FILM_SCALES[0], FILM_SCALES[-1], SCALE, step=1, label="Times larger")
        checkpoint = gr.Dropdown([""], label="World", allow_custom_value=True)
    button = gr.Button("Make the film", variant="primary")
    film = gr.Video(label="Film", height=320)
    inputs, triggers = [keys, seed, start, scale, checkpoint], [button.click, keys.submit]

    def names() -> list[str]:
        found = [card.name for card in lobby.loader.worlds().worlds]
        return ["", *found] if found else []

    offer(checkpoint, names)
    how = {"on": triggers, "most": 1, "seconds": MOST_WAIT_SECONDS}
    return endpoint(exports, keys_to_video, inputs, film, **how)


def generate(lobby: Lobby, address: str, request: World) -> WorldRecording:
    """Record a whole script for an address, taking turns with the live visitors."""
    engine, turns = lobby.loader.engine(), lobby.turnstile
    if zero.worth_it(engine, request.checkpoint or next(iter(engine.worlds), "")):
        return on_lent_gpu(engine.checkpoints, request)
    return make(engine, partial(turns.turn, address), turns.pass_on, request)


@zero.lent
def on_lent_gpu(checkpoints: Path, request: World) -> WorldRecording:
    return make(zero.lent_engine(checkpoints), nullcontext, lambda: None, request)


def make(
    engine: EngineLike, turn: Turn, pass_on: Callable[[], None], request: World
) -> WorldRecording:
    job = WorldJob(request, None, lock=threading.Condition())
    with turn():
        job.open(engine, pass_on)
    most = round(MOST_SECONDS / job.pace.period)
    frames = len(parse_script(request.script, job.log.card["keys"]))
    if frames > most:
        raise ValueError(f"The film can be up to {MOST_SECONDS} seconds long: {most} frames.")
    recording = WorldRecording(job.log, fps=1 / job.pace.period, most=most)
    while job.replaying:
        with turn():
            made = job.step()
        recording.add(made.index, keepsake(made.frame))
    return recording
