"""The page as Gradio sees it: a head, tabs, and what `launch` needs to know."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NoReturn

import gradio as gr
from gradio import processing_utils, route_utils
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from app.capture.tab import files_form as capture_form
from app.exports.store import Exports
from app.hosting import Doorway, Hosting
from app.intake import Folder, Intake, draft
from app.landing import landing
from app.live.lobby import Lobby
from app.live_page import live, live_page
from app.motion.tab import files_form as motion_form
from app.routes import routes
from app.theme import theme
from app.tools import add_tools, tools_alone
from app.world.tab import film_form

TABS = {
    "Motion": ("motion.html", "Make a file without watching", motion_form),
    "World": ("world.html", "Make a film without playing", film_form),
    "From video or file": ("capture.html", "Make a file of a video without watching", capture_form),
}
"""Title -> template of the live page, and what is folded away below it: title and builder."""

HEAD = """
<link rel="stylesheet" href="livestep/static/livestep.css">
<script defer src="livestep/static/livestep.js"></script>
"""


def build(lobby: Lobby, exports: Exports, *, tools: bool = False) -> gr.Blocks:
    """Build the page, with `tools` for language models as well."""
    processing_utils.async_ssrf_protected_download = fetch_nothing
    route_utils.NamedTemporaryFile = draft
    makers, kept = [], {"forget_minutes": math.ceil(lobby.limits.forget_seconds / 60)}
    with gr.Blocks(title="Livestep", analytics_enabled=False, fill_width=True) as blocks:
        live(landing())
        with gr.Tabs(overflow_behavior="wrap"):
            for title, (template, form, fill) in TABS.items():
                named = f"livestep-{Path(template).stem}"  # links and the gallery open tabs by it
                with gr.Tab(title, elem_id=named), live_page(template, form=form, **kept):
                    makers.append(fill(lobby, exports))
        if tools:
            add_tools(exports, *makers)
    return blocks.queue(max_size=20)


async def fetch_nothing(url: str, cache_dir: str) -> NoReturn:
    """Refuse what Gradio would do: fetch a file from wherever callers of the API say."""
    message = "Files are uploaded; none is fetched from other addresses."
    raise gr.Error(message, print_exception=False)


def launch_options(
    lobby: Lobby, exports: Exports, hosting: Hosting | None = None, gradios: Folder | None = None
) -> dict[str, Any]:
    """Everything `Blocks.launch` is given besides address and port."""
    hosting, gradios = hosting or Hosting(), gradios or Folder(Path(get_upload_folder()))
    return {
        "app_kwargs": {
            "routes": routes(lobby, exports, hosting.metrics_token),
            "lifespan": tools_alone,
            "middleware": [
                Middleware(Doorway, hosting=hosting),
                Middleware(Intake, folder=gradios),
            ],
        },
        "root_path": hosting.root,
        "mcp_server": hosting.tools,
        "theme": theme(),
        "head": HEAD,
        "footer_links": ["api"],
        "ssr_mode": False,  # its Node proxy knows no WebSockets
        "run_history": False,
        "enable_monitoring": False,
        "max_file_size": "64mb",
        "share": False,
        "quiet": True,
    }
