"""The page as Gradio sees it: a head, tabs, and what `launch` needs to know."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.capture.tab import reference_tab
from app.exports.store import Exports
from app.live.lobby import Lobby
from app.motion.tab import motion_tab
from app.routes import routes
from app.theme import theme
from app.world.tab import video_tab

TABS = {"Motion": motion_tab, "World": video_tab, "From video": reference_tab}
"""Title -> function that fills the tab."""

HEAD = """
<link rel="stylesheet" href="livestep/static/livestep.css">
<script defer src="livestep/static/livestep.js"></script>
"""
INTRO = """
<header class="ls-head"><h1>Livestep</h1>
<p>Type a prompt: a body moves while its motion is being made.
Hold a key: a world answers that does not exist.
Drop in a video: its motion is yours.</p></header>
"""


def build(lobby: Lobby, exports: Exports) -> gr.Blocks:
    """Build the page."""
    with gr.Blocks(
        title="Livestep", analytics_enabled=False, fill_width=True, delete_cache=(600, 3600)
    ) as blocks:
        gr.HTML(INTRO, apply_default_css=False)
        with gr.Tabs(overflow_behavior="wrap"):
            for title, fill in TABS.items():
                with gr.Tab(title):
                    fill(lobby, exports)
    return blocks.queue(max_size=20)


def launch_options(lobby: Lobby, exports: Exports) -> dict[str, Any]:
    """Everything `Blocks.launch` is given besides address and port."""
    return {
        "app_kwargs": {"routes": routes(lobby, exports)},
        "theme": theme(),
        "head": HEAD,
        "footer_links": ["api"],
        "ssr_mode": False,  # its Node proxy knows no WebSockets
        "run_history": False,
        "max_file_size": "64mb",
        "share": False,
        "quiet": True,
    }
