"""What lies folded below the motion page: files made of a prompt without watching."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import gradio as gr

from app import zero
from app.exports.files import order, remarked
from app.exports.store import Exports, Order
from app.live.loader import EngineLike
from app.live.lobby import Lobby
from app.live.shares import address_of
from app.live.sharing import Turn
from app.live_page import Maker, endpoint, file_row, offer, part_rows, whole_number
from app.motion.job import MotionJob
from app.protocol import Start
from core.body.skeleton import FPS
from core.body.take import Take
from core.settings import MAX_PROMPT

MOST_SECONDS = 120


def files_form(lobby: Lobby, exports: Exports) -> Maker:
    """Form and API endpoint `text_to_motion`: a prompt in, a file out; return what makes it."""

    def text_to_motion(
        caller: gr.Request,
        prompt: str,
        seconds: float = 6,
        seed: float = 1,
        format: str = "bvh",
        body: str = "neutral",
        fps: int = 20,
        checkpoint: str = "motion",
        foot_contacts: bool = True,
        convention: str = "livestep",
        root: str = "hips",
        offset: str = "standing",
        start: float = 0,
        end: float = 0,
        loop: bool = False,
        takes: str = "one",
    ) -> Order:
        """Generate motion from a prompt and return it as a file, BVH to MP4 or looping WebP.

        Args:
            prompt: what the body does, in English, up to 300 characters
            seconds: length of the motion, up to 120
            seed: the same seed gives the same motion
            format: bvh, glb, fbx, vrma, npz, mp4 or webp
            body: neutral, male or female
            fps: 20, 24, 30 or 60 frames a second
            checkpoint: name of the model
            foot_contacts: keep planted feet in place
            convention: of an NPZ file: livestep; or amass (SMPL-H) or smplx, at 30 frames or more
            root: hips, in-place, or of FBX, BVH and GLB floor (a root bone carries the path)
            offset: of BVH: standing (the body at rest stands on the floor) or zero
            start: where the part of the motion that is written begins, in seconds
            end: where it ends; 0 for the end of the motion
            loop: cut that part so that it can be repeated
            takes: of FBX and GLB: one animation, or prompts for one of each prompt
        """
        request = Start(
            id=0,
            prompt=prompt or "",
            seed=max(whole_number("seed", seed), 0),
            checkpoint=checkpoint,
            foot_contacts=foot_contacts,
        )
        if not 0 < seconds <= MOST_SECONDS:
            raise ValueError(f"The motion can be up to {MOST_SECONDS} seconds long.")
        poses = max(round(seconds * FPS), 1)
        take = generate(lobby, address_of(caller.client), request, poses=poses)
        how = {"convention": convention, "root": root, "takes": takes, "offset": offset}
        span = {"start": start or 0, "end": end or None, "loop": loop}
        wanted = order(take, format=format, body=body, fps=whole_number("fps", fps), **how, **span)
        return remarked(wanted, take.info.get("prompt_notes", ""))

    with gr.Row():
        prompt = gr.Textbox(
            label="Prompt", placeholder="a person walks forward", max_length=MAX_PROMPT, scale=3
        )
        seconds = gr.Slider(1, MOST_SECONDS, value=6, step=1, label="Seconds", scale=2)
        seed = gr.Number(value=1, precision=0, minimum=0, label="Seed", scale=1)
    format, body, fps = file_row()
    *part, takes = part_rows()
    with gr.Row():
        checkpoint = gr.Dropdown(["motion"], label="Model", allow_custom_value=True)
        foot_contacts = gr.Checkbox(value=True, label="Foot clean-up")
    button = gr.Button("Make the file", variant="primary")
    file = gr.File(label="File", height=90)
    inputs = [prompt, seconds, seed, format, body, fps, checkpoint, foot_contacts, *part, takes]
    triggers = [button.click, prompt.submit]
    offer(checkpoint, lambda: [card.name for card in lobby.loader.model().checkpoints])
    return endpoint(exports, text_to_motion, inputs, file, on=triggers, most=2)


def generate(lobby: Lobby, address: str, request: Start, *, poses: int) -> Take:
    """Make a take of this many poses for an address, taking turns with the live visitors."""
    engine = lobby.loader.engine()
    if zero.worth_it(engine, request.checkpoint):
        return on_lent_gpu(engine.checkpoints, request, poses)
    return make(engine, partial(lobby.turnstile.turn, address), request, poses)


@zero.lent
def on_lent_gpu(checkpoints: Path, request: Start, poses: int) -> Take:
    return make(zero.lent_engine(checkpoints), nullcontext, request, poses)


def make(engine: EngineLike, turn: Turn, request: Start, poses: int) -> Take:
    lock = threading.Condition()
    job = MotionJob(request, lock=lock, keep_seconds=MOST_SECONDS, poses=poses)
    job.open(engine)
    while job.buffer.end < poses:
        with turn():
            chunk, milliseconds = job.compute()
        job.append(chunk, milliseconds)
    return job.cut(0, poses, engine.card(request.checkpoint))
