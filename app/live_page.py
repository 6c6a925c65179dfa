"""What the tabs are made of: a live page, and a form whose endpoint answers with a file."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from html import escape
from inspect import cleandoc, signature
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
from gradio.data_classes import FileData
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from typing_extensions import Self

from app.capture.protocol import MOST_ONWARD, MOST_UPLOAD
from app.exports.files import FORMATS
from app.exports.store import Exports, Job, Order
from app.intake import KEEP
from app.live.replies import room_for_files, sentence
from app.live.shares import Turns, address_of
from app.memory import in_memory
from core import settings
from core.body.mesh import BODIES
from core.capture.joint_maps import BUILT_IN
from core.settings import CONVENTIONS, EXPORT_RATES, MOST_VIDEO_SECONDS, OFFSETS, ROOTS, TAKES

MOUNT = """
const mount = () => window.Livestep.mount(element);
if (window.Livestep) mount(); else window.addEventListener("livestep-ready", mount, {once: true});
"""
NAME_BOXES = """() => requestAnimationFrame(() => {
    for (const box of document.querySelectorAll(".empty[aria-label]")) box.role = "img";
})"""
"""Gradio labels its empty boxes, which only what has a role may be."""
TILTS, LENSES = (-30, 30), (0.5, 2)
"""Where sliders end: what cameras do; more can be asked for, see `core.settings`."""
T = TypeVar("T")
Maker = Callable[..., Awaitable[Job]]
"""Makes the file that a caller, who comes first, asks for by an order's values; raises gr.Error
with a sentence, which alone every caller is told."""
MOST_IN_LINE = 10
"""Files of a kind that an address waits for; Gradio lets 40 in all be waited for at once."""
MOST_GIVEN = 20
"""Characters that are repeated of what was not understood."""
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "web"),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
TEMPLATES.globals |= {
    "settings": settings,
    "bodies": (BODIES[0], *sorted(BODIES[1:])),  # the first one is chosen
    "joint_maps": BUILT_IN,
    "tilts": TILTS,
    "lenses": LENSES,
    "most_seconds": MOST_VIDEO_SECONDS,
    "most_upload": MOST_UPLOAD,
    "most_onward": MOST_ONWARD,
    "in_memory": in_memory,
}


def markup(template: str, **values: Any) -> str:
    """Return the text of a template of app/web, with the parts that pages share."""
    return TEMPLATES.get_template(template).render(values)


def live(text: str) -> None:
    """Put markup here that the script makes live."""
    gr.HTML(html_template=text, js_on_load=MOUNT, apply_default_css=False)


@contextmanager
def live_page(template: str, *, form: str, **values: Any) -> Iterator[None]:
    """Put a template of app/web here, made live by the script, and below it, folded away, a form.

    `form` is the title of what the block builds.
    """
    live(markup(template, **values))
    with gr.Accordion(form, open=False) as folded:
        yield
        kept = "lie in memory and " if in_memory() else ""
        told = f"Files given or made here {kept}are deleted within {KEEP // 60:.0f} minutes."
        gr.HTML(f'<p class="ls-kept">{told}</p>', apply_default_css=False)
    folded.expand(None, None, None, js=NAME_BOXES)


def unwrapped(docstring: str | None) -> str:
    """Put what is said of an argument on one line: Gradio reads no further."""
    return re.sub(r"\n {8}\s*", " ", cleandoc(docstring or ""))


def endpoint(
    exports: Exports,
    order: Callable[..., Order],
    inputs: Sequence[Any],
    output: Any,
    *,
    on: Sequence[Any],
    most: int,
    seconds: float = 600,
) -> Maker:
    """Have the file made that `order` asks for; the API calls it by the function's name.

    `most` may be made at once, for different addresses; each is waited for `seconds` at most.
    Return what makes a file that is kept with the exports.
    """
    for name, component in zip([*signature(order).parameters][1:], inputs, strict=True):
        _told_of(name, component)
    order.__doc__ = unwrapped(order.__doc__)  # what "Use via API" shows
    files = [one for one in inputs if isinstance(one, gr.File)]
    line, own = Turns(most, waiting=MOST_IN_LINE), uuid.uuid4()

    async def made(keep: Callable[[Job], T], caller: gr.Request, *values: Any, **more: Any) -> T:
        address = address_of(caller.client)

        def make() -> T:
            wanted = order(caller, *values, **more)
            owner = str(uuid.uuid5(own, address))  # is told to those who fetch the file
            job = exports.submit(owner, *wanted, address=address)
            exports.wait(job, seconds)
            return keep(job)

        try:
            async with line.turn(address):
                return await run_in_threadpool(make)
        except (ValueError, OverflowError) as error:
            file = next((v for v, one in zip(values, inputs, strict=False) if one in files), None)
            said = sentence(error, Path(file).name if file else "")
            raise gr.Error(said, print_exception=False) from error

    def told(job: Job) -> str:
        if job.note:  # the form shows it; programs get it as an event called log
            gr.Info(escape(job.note, quote=False), title="")
        return hand_over(exports, job)

    @wraps(order)
    async def make(*values: Any) -> str:
        return await made(told, *values)

    gr.on(on, make, inputs, output, api_name=order.__name__, concurrency_limit=None)
    return partial(made, lambda job: job)


def hand_over(exports: Exports, job: Job) -> str:
    """Give a file to Gradio's folder, alone; return its path there."""
    with room_for_files():  # Gradio, which does this else, would not say it in a sentence
        kept = save_file_to_cache(job.path, get_upload_folder())
    exports.cancel(job)
    return kept


def _told_of(name: str, component: Any) -> None:
    """Have a component refuse in a sentence what callers of the API give and it cannot read."""
    read = component.preprocess

    def preprocess(payload: Any) -> Any:
        try:
            return read(payload)
        except Exception as error:
            kinds = [str(value) for _, value in getattr(component, "choices", None) or ()]
            wanted = f"one of {', '.join(kinds)}" if kinds else "a number"
            if isinstance(component, gr.Slider):
                wanted = f"a number in {component.minimum}..{component.maximum}"
            raise gr.Error(must_be(name, wanted, payload), print_exception=False) from error

    component.preprocess = preprocess


def must_be(name: str, wanted: str, given: Any) -> str:
    """Say what was wanted in place of what was given, of which only the beginning is repeated."""
    said = repr(given)
    said = said if len(said) <= MOST_GIVEN else said[: MOST_GIVEN - 3] + "..."
    return sentence(ValueError(f"{name} must be {wanted}, got {said}"))


def whole_number(name: str, given: float | None) -> int:
    """Read a whole number, None as 0; raise ValueError with a sentence for what is none."""
    number = given or 0
    if not -(2**63) < number < 2**63 or number % 1:
        raise ValueError(must_be(name, "a whole number", given))
    return int(number)


class FileOfCaller(FileData):
    """A file that was uploaded; all else is refused in a sentence."""

    @classmethod
    def model_validate(cls, obj: Any, **how: Any) -> Self:
        try:
            return super().model_validate(obj, **how)
        except ValueError as error:
            message = must_be("the file", "uploaded (handle_file of gradio_client does it)", obj)
            raise gr.Error(message, print_exception=False) from error


def file_row() -> list[gr.Radio]:
    """Offer what a take's file may be: format, body, frames a second."""
    with gr.Row():
        return [
            gr.Radio(FORMATS, value="bvh", label="Format", scale=4, min_width=260),
            gr.Radio(BODIES, value="neutral", label="Body", scale=3, min_width=260),
            gr.Radio(EXPORT_RATES, value=20, label="Frames a second", scale=3, min_width=220),
        ]


def part_rows() -> list[Any]:
    """Offer how a file holds a take and which part of it, and last how many animations."""
    with gr.Row():
        how = [
            gr.Radio(CONVENTIONS, value=CONVENTIONS[0], label="NPZ for", min_width=220),
            gr.Radio(ROOTS, value=ROOTS[0], label="Root", min_width=220),
            gr.Radio(OFFSETS, value=OFFSETS[0], label="BVH at rest", min_width=160),
        ]
        takes = gr.Radio(
            TAKES, value=TAKES[0], label="Animations", info="of FBX and GLB", min_width=160
        )
    with gr.Row():
        return [
            *how,
            gr.Number(value=0, minimum=0, label="From, seconds"),
            gr.Number(value=0, minimum=0, label="To, seconds; 0 for the end"),
            gr.Checkbox(label="Loop"),
            takes,
        ]


def offer(dropdown: gr.Dropdown, names: Callable[[], list[str]]) -> None:
    """Offer these names once the page is there; none leaves the dropdown as it is."""

    def update() -> dict:
        return gr.update(choices=found) if (found := names()) else gr.skip()

    gr.on(None, update, None, dropdown, api_visibility="private", show_progress="hidden")
