"""`--mcp`: three tools that language models call, by the Model Context Protocol.

Each is a form's endpoint with the few arguments that matter, and answers with a file's address and
a sentence. A file comes in as what was uploaded, by the address that another tool answered, or in
the argument itself; none is fetched from anywhere.
"""

from __future__ import annotations

import base64
import binascii
import logging
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.concurrency import run_in_threadpool

from app.capture.uploads import TOO_LONG
from app.exports.store import Exports
from app.live.replies import room_for_files
from app.live_page import Maker, unwrapped
from app.protocol import MOST_UPLOAD
from core.export.metadata import VERSION
from core.faults import trace

log = logging.getLogger(__name__)
Format = Literal["bvh", "glb", "fbx", "vrma", "npz", "mp4", "webp"]
PREFIX = "/tool_"
"""Before a tool's name, where Gradio's API has it."""
FILE, INSIDE = "/gradio_api/file=", "data:"
"""What is before the path in a file's address; what a file begins with that is its own address."""
MADE = "/livestep/export/{}/{}/file"
"""Address of a file that was made, by whose it is and its name."""
ID = "([0-9a-f-]{36})"
Answer = tuple[str, str]
"""A file's address on this server, and a sentence on it."""


def add_tools(exports: Exports, move: Maker, play: Maker, follow: Maker) -> None:
    """Add the tools to the page that is being built, with what its tabs make files with."""

    async def made(make: Maker, *values: Any, **more: Any) -> Answer:
        """Have a file made; raise Refusal."""
        try:
            job = await make(*values, **more)
        except gr.Error as error:
            raise Refusal(error.message) from error
        except Exception as error:
            log.error("a tool failed: %s", trace(error))
            raise Refusal("The file could not be made; the server's log says why.") from error
        told = f"{job.path.name} can be fetched from there for {exports.keep_minutes} minutes."
        return MADE.format(job.owner, job.name), " ".join((told, job.note)).rstrip()

    async def text_to_motion(
        caller: gr.Request,
        prompt: str,
        seconds: float = 6,
        format: Format = "bvh",
        seed: int = 1,
        loop: bool = False,
    ) -> Answer:
        """Make a 3D human motion from a description, as an animation file for Blender, Unity and
        the like, or as a film.

        Args:
            prompt: what the body does, such as: a person walks forward, then sits down
            seconds: length of the motion, up to 120
            format: bvh (skeleton), glb or fbx (skinned body), vrma (avatars), npz (data), or
                mp4 or webp (a film)
            seed: the same seed gives the same motion; another one, another
            loop: cut it so that it can be repeated without a jump

        Returns:
            the address of the file, and a sentence on it
        """
        return await made(move, caller, prompt, seconds, seed, format, loop=loop)

    async def video_to_motion(
        caller: gr.Request, video: str, then: str = "", format: Format = "bvh", seed: int = 1
    ) -> Answer:
        """Take the 3D motion out of a video of a person, or read a motion file, and return it as
        an animation file. The file is uploaded first: POST it as the field files of a form to
        /gradio_api/upload of this server, which answers with what to give as video.

        Args:
            video: what the upload answered, a file's address from another tool, or a data: URL
            then: what the body does afterwards, in words; empty for nothing
            format: bvh (skeleton), glb or fbx (skinned body), vrma (avatars), npz (data), or
                mp4 or webp (a film)
            seed: the same seed goes on in the same way

        Returns:
            the address of the file, and a sentence on it
        """
        try:
            with room_for_files(), tempfile.TemporaryDirectory(prefix="livestep-") as folder:
                clip = await run_in_threadpool(given, exports, video, Path(folder))
                return await made(follow, caller, clip, then, seed=seed, format=format)
        except ValueError as error:
            raise Refusal(str(error)) from error

    async def play_world(
        caller: gr.Request, keys: str, seed: int = 0, start: int = 0, world: str = ""
    ) -> Answer:
        """Play a world that a model dreams, by a script of held keys, and return what was seen as
        an MP4 film. Keys: W forward, S back, A and D sideways, L and R turn, - nothing; the world
        makes 30 frames a second, and 60 seconds at most.

        Args:
            keys: what is held for how many frames, such as W:40,WL:20,-:10
            seed: the same seed gives the same frames
            start: number of the picture to begin from, counted from 0
            world: name of the world; empty for the first one

        Returns:
            the address of the film, and a sentence on it
        """
        return await made(play, caller, keys, seed, start, checkpoint=world)

    for tool in (text_to_motion, video_to_motion, play_world):
        tool.__doc__ = unwrapped(tool.__doc__)
        # without the queue, which the server would have to enter over its own network address
        gr.api(tool, api_name=f"{PREFIX[1:]}{tool.__name__}", queue=False)


class Refusal(gr.Error):
    """What Gradio tells callers of all kinds, and not the log."""

    def __init__(self, why: str):
        super().__init__(why, title="", print_exception=False)

    def __str__(self) -> str:
        return self.message  # models are told it as it is, without quotes


@asynccontextmanager
async def tools_alone(app: Any) -> AsyncIterator[None]:
    """Have the server, which starts, offer the tools and hide the forms' endpoints from models."""
    if server := app.get_blocks().mcp_server_obj:
        server.mcp_server.version = VERSION
        ours = [to for to in server.tool_to_endpoint.values() if to.startswith(PREFIX)]
        server.tool_to_endpoint = {server.tool_prefix + to.removeprefix(PREFIX): to for to in ours}
        text = server.postprocess_output_data

        def whole(answers: list[Answer], root: str) -> list[Any]:
            """Say the whole address, which no tool knows."""
            ((address, about),) = answers
            return text([root + address, about], root)

        server.postprocess_output_data = whole
    yield


def given(exports: Exports, video: str, folder: Path) -> Path:
    """Return the path of a file that somebody brought; raise ValueError with a sentence for none.

    What came in the argument itself is written to `folder`.
    """
    if video.startswith(INSIDE):
        data = video.partition(";base64,")[2]
        if len(data) * 3 // 4 > MOST_UPLOAD:
            raise ValueError(TOO_LONG)
        try:
            (folder / "clip").write_bytes(base64.b64decode(data, validate=True))
        except binascii.Error as error:
            raise ValueError("The data: URL holds no base64.") from error
        return folder / "clip"
    if made := re.search(MADE.format(ID, ID) + "$", video):
        return exports.find(*made.groups()).path
    path = unquote(video.partition(FILE)[2] or video)
    if "\0" not in path and os.path.isfile(path):  # noqa: PTH113  unlike Path's, it never raises
        real = Path(path).resolve()
        if real.is_relative_to(Path(get_upload_folder()).resolve()):
            return real
    raise ValueError(
        "There is no such file: upload it to /gradio_api/upload and give what that answers;"
        " nothing is fetched from other addresses."
    )
