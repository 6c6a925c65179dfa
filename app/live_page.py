"""A live page inside a tab: our own template, handed to our own script."""

from __future__ import annotations

import gradio as gr

from app.routes import STATIC

MOUNT = """
const mount = () => window.Livestep.mount(element);
if (window.Livestep) mount(); else window.addEventListener("livestep-ready", mount, {once: true});
"""


def live_page(template: str) -> None:
    """Put a template of app/static here and let the script make it live."""
    text = (STATIC / template).read_text(encoding="utf-8")
    gr.HTML(html_template=text, js_on_load=MOUNT, apply_default_css=False)
