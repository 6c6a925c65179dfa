"""A clone put on a Hugging Face Space: `python app.py --deploy USER/NAME`.

One commit over the Hub's API, by the library that Gradio brings. It stores weights and pictures the
way the Hub wants binary files, for which a plain `git push` of this repository is refused.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HTTPError
from huggingface_hub.utils import filter_repo_objects

ROOT = Path(__file__).parents[1]
OURS = "app/space.py"
"""Lies on every Space that was made here."""
ZERO = "zero-a10g"
"""Hardware with which a GPU is lent by the call: ZeroGPU."""
CPU_WHEELS = "--extra-index-url https://download.pytorch.org/whl/cpu\n"
"""Before the requirements of a Space without a GPU: PyTorch without its 3 GB of CUDA."""
CARD = """\
---
title: Livestep
emoji: 🕺
colorFrom: indigo
colorTo: purple
sdk: gradio
sdk_version: {sdk_version}
python_version: "3.12"
app_file: app.py
license: apache-2.0
short_description: Type and a body moves, hold a key and a world answers
tags: [text-to-motion, motion-diffusion, world-model, motion-capture, animation, streaming]
{suggestion}startup_duration_timeout: 30m
pinned: false
---

# Livestep

Type a prompt and a body moves while its motion is being made. Hold a key and a world answers that
does not exist. Drop in a video and its motion is yours.

The code is under the Apache License 2.0 (`LICENSE`), with credits in `NOTICE.md`; the weights are
under those that `checkpoints/*/README.md` tell. What `motion-styles` makes is for non-commercial
use.
"""


def deploy(name: str, hardware: str) -> str:
    """Put what running needs on a Space, a new one or one put there before; return its address.

    Raises ValueError, with a sentence, where that cannot be.
    """
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]{0,95}", name, re.ASCII):
        raise ValueError(f"a Space is called USER/NAME (letters, digits, -, _ and .), got {name!r}")
    if get_token() is None:
        raise ValueError("nobody is logged in to the Hub; do so with: hf auth login")
    hub = HfApi()
    try:
        held = _open(hub, name, hardware)
        files = contents(ROOT, hardware)
        if OURS not in held and not held <= {"README.md", ".gitattributes"}:
            raise ValueError(f"{name} is a Space of something else; choose another name")
        surplus = held - files.keys() - {".gitattributes"}
        hub.create_commit(
            name,
            [
                *(CommitOperationAdd(path, content) for path, content in files.items()),
                *(CommitOperationDelete(path, is_folder=False) for path in sorted(surplus)),
            ],
            commit_message="Livestep",
            repo_type="space",
        )
    except HfHubHTTPError as error:
        raise ValueError(_refusal(name, error)) from error
    except (HTTPError, OSError, RuntimeError) as error:  # the last one: of hf_xet
        raise ValueError(f"{hub.endpoint} cannot be reached: {error}") from error
    return f"{hub.endpoint}/spaces/{name}"


def needed(root: Path) -> list[str]:
    """Return the paths of what running needs, as .dockerignore tells."""
    lines = (root / ".dockerignore").read_text().splitlines()
    kept = [root / line[1:] for line in lines if line.startswith("!")]
    left = [line for line in lines if line != "*" and not line.startswith(("!", "#"))]
    files = (file for path in kept for file in [path, *sorted(path.rglob("*"))] if file.is_file())
    paths = (file.relative_to(root).as_posix() for file in files)
    return list(filter_repo_objects(paths, ignore_patterns=left))


def contents(root: Path, hardware: str) -> dict[str, Path | bytes]:
    """Return what a Space holds, by its path there."""
    requirements = (root / "requirements.txt").read_text()
    sdk = re.search(r"^gradio==([\d.]+)", requirements, re.MULTILINE)
    assert sdk
    on_cpu = hardware.startswith("cpu")
    # ZeroGPU is none of the words that a Space may suggest
    suggestion = "" if hardware == ZERO else f"suggested_hardware: {hardware}\n"
    card = CARD.format(sdk_version=sdk[1], suggestion=suggestion)
    return {path: root / path for path in needed(root)} | {
        "README.md": card.encode(),
        "requirements.txt": (CPU_WHEELS * on_cpu + requirements).encode(),
    }


def _open(hub: HfApi, name: str, hardware: str) -> set[str]:
    """Make a Space unless there is one; return the paths in it."""
    try:
        hub.create_repo(name, repo_type="space", space_sdk="gradio", space_hardware=hardware)
    except HfHubHTTPError as error:
        if error.response.status_code != HTTPStatus.CONFLICT:
            raise
    return set(hub.list_repo_files(name, repo_type="space"))


def _refusal(name: str, error: HfHubHTTPError) -> str:
    """Say in a sentence why the Hub does not do it."""
    said = f"; the Hub says: {error.server_message}" if error.server_message else ""
    match error.response.status_code:
        case 401:
            return "the Hub does not know this login any more; renew it with: hf auth login"
        case 402 | 403 | 404:
            return f"you may not put a Space at {name}{said}"
        case code:
            return f"the Hub did not take {name} (status {code}){said}"
