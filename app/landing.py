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
    told = CHANGELOG.read_text(encoding="utf-8") if CHANGELOG.is_file() else ""
    gallery = json.loads(GALLERY.read_text(encoding="utf-8"))
    entries = news(told)
    version = zlib.crc32("".join(entries).encode())  # the same in every language
    return markup("landing.html", gallery=gallery, news=entries, version=version)


def news(changelog: str) -> list[str]:
    """Return what the newest version says in short, an entry each; none where it says nothing."""
    newest = re.split(r"^## ", changelog, maxsplit=2, flags=re.MULTILINE)[1:2]
    _, _, short = "".join(newest).partition(f"\n{SHORT}\n")
    section = short.partition("\n#")[0]
    entries = re.split(r"^- ", section, flags=re.MULTILINE)[1:]
    return [" ".join(entry.split()) for entry in entries]
