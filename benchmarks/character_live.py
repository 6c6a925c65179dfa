"""Characters in a real browser, as `benchmarks.characters --live` asks: how soon, how smoothly."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from benchmarks.character_files import Look, write
from benchmarks.key_latency import BODY, in_browser, walk, watch
from benchmarks.reporting import Row
from benchmarks.rigs import RIGS

FLAGS = ("--no-sandbox", "--no-first-run", "--ignore-gpu-blocklist", "--enable-unsafe-swiftshader")
"""A GPU is used where there is one, else SwiftShader."""
HEAVY, LARGE = 63, 880
"""How often the figure's 948 triangles are there: 60,000 of them; a file of 10 MB."""
WATCHED_MS = 6000
DROP = f"""async ([name, packed]) => {{
    const bytes = Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    const start = performance.now();
    document.querySelector(".ls-screen").dispatchEvent(
        new DragEvent("drop", {{ dataTransfer, bubbles: true, cancelable: true }}));
    const next = () => new Promise(requestAnimationFrame);
    do await next(); while ({BODY}.character.busy);
    await next();
    return performance.now() - start;
}}"""
COUNT = """async (ms) => {
    const start = performance.now();
    let frames = 0;
    while (performance.now() - start < ms) {
        await new Promise(requestAnimationFrame);
        frames += 1;
    }
    return (1000 * frames) / (performance.now() - start);
}"""
RENDERER = """() => {
    const gl = document.createElement("canvas").getContext("webgl2");
    return gl.getParameter(gl.getExtension("WEBGL_debug_renderer_info").UNMASKED_RENDERER_WEBGL);
}"""


def dropped(page: Any, path: Path) -> float:
    """Drop a file onto the stage; return after how many ms its figure is drawn."""
    ms: float = page.evaluate(DROP, [path.name, base64.b64encode(path.read_bytes()).decode()])
    return ms


def live_row(checkpoints: Path, folder: Path) -> Row:
    """Return how soon 60,000 triangles, and 834,000 that fill 10 MB, are drawn, and frames a second
    of the former."""
    large, heavy = folder / "large.glb", folder / "heavy.glb"
    write(RIGS["vroid"], large, Look(vrm=1, meshes=8, fineness=LARGE))
    write(RIGS["vroid"], heavy, Look(vrm=1, meshes=8, fineness=HEAVY))
    with in_browser(checkpoints, FLAGS) as (browser, port):
        page = watch(browser, port, 1280, 800)
        soon, late = dropped(page, heavy), dropped(page, large)
        dropped(page, heavy)
        walk(page, 20)
        fps = page.evaluate(COUNT, WATCHED_MS)
        renderer = page.evaluate(RENDERER)
    return {
        "on_stage_ms_60k_triangles": soon,
        "on_stage_ms_10_mb_all_triangles": late,
        "fps_60k_triangles": fps,
        "renderer": renderer,
    }
