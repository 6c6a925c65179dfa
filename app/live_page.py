"""A live page inside a tab: our own template, handed to our own script."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from jinja2 import Environment, FileSystemLoader, StrictUndefined

MOUNT = """
const mount = () => window.Livestep.mount(element);
if (window.Livestep) mount(); else window.addEventListener("livestep-ready", mount, {once: true});
"""
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "web"),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)


def markup(template: str) -> str:
    """Return the text of a template of app/web, with the parts that pages share."""
    return TEMPLATES.get_template(template).render()


def live_page(template: str) -> None:
    """Put a template of app/web here and let the script make it live."""
    gr.HTML(html_template=markup(template), js_on_load=MOUNT, apply_default_css=False)
