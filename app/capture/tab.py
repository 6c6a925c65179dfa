"""What lies folded below the page of videos: files made of a video without watching."""

from __future__ import annotations

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import gradio as gr

from app.capture.job import CaptureJob, ContinueJob
from app.capture.take import CapturedTake
from app.capture.uploads import TOO_LONG, as_upload
from app.exports.files import order, remarked
from app.exports.store import Exports, Order
from app.live.lobby import Lobby
from app.live.replies import room_for_files
from app.live.shares import address_of
from app.live.sharing import Turn
from app.live_page import (
    LENSES,
    TILTS,
    FileOfCaller,
    Maker,
    endpoint,
    file_row,
    part_rows,
    whole_number,
)
from app.protocol import MOST_ONWARD, MOST_UPLOAD, Follow, Onward
from core.capture.joint_maps import parse_map
from core.settings import LENS, MAX_PROMPT, CaptureSettings


def files_form(lobby: Lobby, exports: Exports) -> Maker:
    """Form and API endpoint `video_to_motion`: a video or a motion file in, a file out; return
    what makes it."""

    def video_to_motion(
        caller: gr.Request,
        clip: str,
        then: str = "",
        seconds: float = 4,
        manner: float = 0,
        tilt: float = 0,
        lens: float = LENS,
        turned: bool = False,
        person: float = 0,
        seed: float = 1,
        format: str = "bvh",
        body: str = "neutral",
        fps: int = 20,
        checkpoint: str = "motion",
        convention: str = "livestep",
        root: str = "hips",
        offset: str = "standing",
        start: float = 0,
        end: float = 0,
        loop: bool = False,
        rate: float = 0,
        animation: float = 0,
        joint_map: str = "",
        takes: str = "one",
    ) -> Order:
        """Take the motion out of a video of a person and return it as a file to animate with.

        Args:
            clip: a video of up to 20 seconds, or a BVH, GLB, VRMA, FBX or NPZ file, or a ZIP of a
                glTF and its neighbors
            then: what the body does afterwards, in English; empty for nothing
            seconds: how long it does that, up to 20
            manner: how much real motions like the video's are looked at for it, 0 to 1
            tilt: degrees by which the camera looks down more than it seems
            lens: focal length of the camera over the picture's longer side
            turned: exchange front and back
            person: whom to follow, counted from the left; 0 for the largest
            seed: the same seed goes on in the same way
            format: bvh, glb, fbx, vrma, npz, mp4 or webp
            body: neutral, male or female
            fps: 20, 24, 30 or 60 frames a second
            checkpoint: name of the model that goes on
            convention: of an NPZ file: livestep; or amass (SMPL-H) or smplx, at 30 frames or more
            root: hips, in-place, or of FBX, BVH and GLB floor (a root bone carries the path)
            offset: of BVH: standing (the body at rest stands on the floor) or zero
            start: where the part of the motion that is written begins, in seconds
            end: where it ends; 0 for the end of the motion
            loop: cut that part so that it can be repeated
            rate: frames a second of a motion file, where it is wrong or silent; 0 for as it says
            animation: which of a motion file's animations, counted from 1; 0 for the longest
            joint_map: a motion file's skeleton: cmu, mixamo, smpl, unreal or humanoid, or a joint
                map's JSON; empty to find out
            takes: of FBX and GLB: one animation, or prompts for one of each prompt
        """
        if not clip:
            raise ValueError("Choose a file first.")
        onward = Onward(
            id=1,
            prompt=then or "",
            seconds=min(max(float(seconds), 0.2), MOST_ONWARD),
            seed=max(whole_number("seed", seed), 0),
            checkpoint=checkpoint,
            manner=min(max(float(manner), 0.0), 1.0),
        )
        request = asked(person, rate, animation, joint_map)
        camera = {"tilt": float(tilt), "lens": float(lens), "turned": bool(turned)}
        turn = partial(lobby.turnstile.turn, address_of(caller.client))
        made = make(lobby, turn, Path(clip), request, camera, onward if onward.prompt else None)
        take = made.cut(0, made.end)
        how = {"convention": convention, "root": root, "takes": takes, "offset": offset}
        span = {"start": start or 0, "end": end or None, "loop": loop}
        wanted = order(take, format=format, body=body, fps=whole_number("fps", fps), **how, **span)
        return remarked(wanted, *made.reference.notes, take.info.get("prompt_notes", ""))

    with gr.Row():
        clip = gr.File(label="A video, or a motion: BVH, GLB, FBX, NPZ", height=140, scale=2)
        clip.data_model = FileOfCaller
        with gr.Column(scale=3):
            then = gr.Textbox(
                "", label="And then", placeholder="a person jumps", max_length=MAX_PROMPT
            )
            seconds = gr.Slider(1, MOST_ONWARD, value=4, step=1, label="Seconds of that")
    with gr.Row():
        tilt = gr.Slider(*TILTS, value=0, step=1, label="Tilt")
        lens = gr.Slider(*LENSES, value=LENS, step=0.05, label="Lens")
        manner = gr.Slider(0, 1, value=0, step=0.05, label="Manner")
    with gr.Row():
        turned = gr.Checkbox(label="Front and back exchanged")
        person = gr.Number(value=0, precision=0, minimum=0, label="Person, from the left")
        seed = gr.Number(value=1, precision=0, minimum=0, label="Seed")
        checkpoint = gr.Dropdown(["motion"], label="Model", allow_custom_value=True)
    with gr.Row():
        rate = gr.Number(value=0, minimum=0, label="Frames a second of a motion file")
        animation = gr.Number(value=0, precision=0, minimum=0, label="Animation of it")
        joint_map = gr.Textbox("", label="Skeleton of it, or a joint map")
    format, body, fps = file_row()
    *part, takes = part_rows()
    button = gr.Button("Make the file", variant="primary")
    file = gr.File(label="File", height=90)
    inputs = [clip, then, seconds, manner, tilt, lens, turned, person, seed, format, body, fps]
    inputs += [checkpoint, *part, rate, animation, joint_map, takes]
    return endpoint(exports, video_to_motion, inputs, file, on=[button.click], most=1)


def asked(person: float, rate: float, animation: float, joint_map: str) -> Follow:
    """Say how to read a file; 0 and "" leave it to the file. Raises ValueError with a sentence."""
    joint_map = joint_map or ""
    settings = CaptureSettings(rate=rate or None, clip=whole_number("animation", animation) or None)
    table = parse_map(joint_map)["joints"] if joint_map.lstrip().startswith("{") else None
    return Follow(
        person=whole_number("person", person) or None,
        joint_map="" if table else joint_map.strip(),
        joints=table,
        rate=settings.rate,
        clip=settings.clip,
    )


def make(
    lobby: Lobby,
    turn: Turn,
    path: Path,
    request: Follow,
    camera: dict[str, float],
    onward: Onward | None,
) -> CapturedTake:
    """Make a take of a file in one go, behind the live visitors."""
    engine = lobby.loader.engine()
    if not path.is_file():
        raise ValueError("The file is no longer kept here; upload it again.")
    if path.stat().st_size > MOST_UPLOAD:
        raise ValueError(TOO_LONG)
    with (
        room_for_files(),
        tempfile.TemporaryDirectory(prefix="livestep-") as folder,
        # a thread of its own: its priority, once lowered, cannot be raised again
        ThreadPoolExecutor(max_workers=1) as pool,
    ):
        upload = as_upload(Path(shutil.copy(path, Path(folder) / "incoming")), path.name)
        job = CaptureJob(upload, request)
        captured = pool.submit(job.follow, engine, None, **camera).result()
    if onward:
        further = ContinueJob(captured, onward)
        stream, info = further.open(engine, turn)
        captured.legs.append((further.start, info))
        while True:
            with turn():
                chunk = next(stream, None)
            if chunk is None:
                break
            captured.buffer.append(chunk, prompt=onward.id, milliseconds=0)
    return captured
