"""The motion tab: the live page (our own template and script), and files made without watching."""

from __future__ import annotations

import threading

import gradio as gr

from app.exports.files import FORMATS, check, file_stem, writer
from app.exports.store import Exports
from app.live.lobby import Lobby
from app.live.sentence import sentence
from app.live_page import live_page
from app.motion.job import MotionJob
from app.protocol import Start
from core.body.mesh import BODIES
from core.body.skeleton import FPS
from core.body.take import Take
from core.settings import EXPORT_RATES, MAX_PROMPT

MOST_SECONDS = 120
MOST_WAIT_SECONDS = 600


def motion_tab(lobby: Lobby, exports: Exports) -> None:
    """Fill the current tab."""
    live_page("motion.html")
    with gr.Accordion("Make a file without watching", open=False):
        files_form(lobby, exports)


def files_form(lobby: Lobby, exports: Exports) -> None:
    """Form and API endpoint `text_to_motion`: a prompt in, a file out."""

    def text_to_motion(
        prompt: str,
        seconds: float = 6,
        seed: float = 1,
        format: str = "bvh",
        body: str = "neutral",
        fps: int = 20,
        checkpoint: str = "motion",
        foot_contacts: bool = True,
    ) -> str:
        """Generate motion from a prompt and return it as a BVH, GLB, NPZ or MP4 file.

        Args:
            prompt: what the body does, in English, up to 300 characters
            seconds: length of the motion, up to 120
            seed: the same seed gives the same motion
            format: bvh, glb, npz or mp4
            body: neutral, male or female
            fps: 20, 30 or 60 frames a second
            checkpoint: name of the model
            foot_contacts: keep planted feet in place
        """
        try:
            request = Start(
                id=0,
                prompt=prompt or "",
                seed=max(int(seed), 0),
                checkpoint=checkpoint,
                foot_contacts=foot_contacts,
            )
            if not 0 < seconds <= MOST_SECONDS:
                raise ValueError(f"The motion can be up to {MOST_SECONDS} seconds long.")
            take = generate(lobby, request, poses=max(round(seconds * FPS), 1))
            check(take, format=format, body=body, fps=int(fps))
            write = writer(take, body=body, fps=int(fps))
            job = exports.submit("api", f"{file_stem(take)}.{format}", write)
            return str(exports.wait(job, MOST_WAIT_SECONDS))
        except (ValueError, OverflowError) as error:
            raise gr.Error(sentence(error), print_exception=False) from error

    with gr.Row():
        prompt = gr.Textbox(
            label="Prompt", placeholder="a person walks forward", max_length=MAX_PROMPT, scale=3
        )
        seconds = gr.Slider(1, MOST_SECONDS, value=6, step=1, label="Seconds", scale=2)
        seed = gr.Number(value=1, precision=0, minimum=0, label="Seed", scale=1)
    with gr.Row():
        format = gr.Radio(FORMATS, value="bvh", label="Format", scale=4, min_width=260)
        body = gr.Radio(BODIES, value="neutral", label="Body", scale=3, min_width=260)
        fps = gr.Radio(EXPORT_RATES, value=20, label="Frames a second", scale=3, min_width=220)
    with gr.Row():
        checkpoint = gr.Dropdown(["motion"], label="Model", allow_custom_value=True)
        foot_contacts = gr.Checkbox(value=True, label="Foot clean-up")
    button = gr.Button("Make the file", variant="primary")
    file = gr.File(label="File", height=90)
    inputs = [prompt, seconds, seed, format, body, fps, checkpoint, foot_contacts]
    gr.on(
        [button.click, prompt.submit],
        text_to_motion,
        inputs,
        file,
        api_name="text_to_motion",
        concurrency_limit=2,
    )

    def offer() -> dict:
        names = [card.name for card in lobby.loader.model().checkpoints]
        return gr.update(choices=names) if names else gr.skip()

    gr.on(None, offer, None, checkpoint, api_visibility="private", show_progress="hidden")


def generate(lobby: Lobby, request: Start, *, poses: int) -> Take:
    """Make a take of this many poses in one go, taking turns with the live visitors."""
    engine = lobby.loader.engine()
    job = MotionJob(request, lock=threading.Condition(), keep_seconds=MOST_SECONDS)
    job.open(engine)
    while job.recording.end < poses:
        with lobby.turnstile.turn():
            chunk, milliseconds = job.compute()
        job.append(chunk, milliseconds)
    return job.cut(0, poses, engine.card(request.checkpoint))
