"""What stands above the tabs: the gallery's moving pictures, and what is new in visitors' words."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path

from app.live_page import markup

GALLERY = Path(__file__).parent / "static/gallery/gallery.json"
"""Written by benchmarks.gallery."""
CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
SHORT = "### In short"
"""Heading of what visitors are told of a version."""


def landing() -> str:
    """Return the markup."""
    gallery = json.loads(GALLERY.read_text(encoding="utf-8"))
    entries = news(changelog())
    version = zlib.crc32("".join(entries).encode())  # the same in every language
    return markup("landing.html", gallery=gallery, news=entries, version=version)


def news(text: str) -> list[str]:
    """Return what the newest version says in short, an entry each; none where it says nothing."""
    newest = re.split(r"^## ", text, maxsplit=2, flags=re.MULTILINE)[1:2]
    _, _, short = "".join(newest).partition(f"\n{SHORT}\n")
    section = short.partition("\n#")[0]
    entries = re.split(r"^- ", section, flags=re.MULTILINE)[1:]
    return [" ".join(entry.split()) for entry in entries]


def released() -> str:
    """Return the number of the newest version that is out; empty where none is told."""
    found = re.search(r"^## \[(\d[^\]]*)\]", changelog(), re.MULTILINE)
    return found[1] if found else ""


def changelog() -> str:
    """Return its text; empty where it is not here."""
    return CHANGELOG.read_text(encoding="utf-8") if CHANGELOG.is_file() else ""
