"""What is shown of the page by whoever passes its address on: chats, networks, a browser's tab."""

from __future__ import annotations

import re
from html import escape

TITLE = "Livestep"
SENTENCE = (
    "Type a prompt: a body moves while its motion is being made. Hold a key: a world answers that"
    " does not exist. Drop in a video: its motion is yours."
)
PICTURE, WIDTH, HEIGHT = "livestep/static/gallery/dance-still.webp", 200, 150
ICON = "livestep/static/icon.svg"
GRADIOS = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')
"""What Gradio says of itself there, twice."""


def tell(page: bytes, address: str) -> bytes:
    """Have Gradio's page tell of ours, which is at this address; any other is left as it is."""
    first = GRADIOS.search(page)
    if not first:
        return page
    start = first.start()
    return page[:start] + _tags(address).encode() + GRADIOS.sub(b"", page[start:])


def _tags(address: str) -> str:
    """Return elements for the head; pictures need a whole address, an icon has the page's base."""
    told = {
        "og:type": "website",
        "og:site_name": TITLE,
        "og:title": TITLE,
        "og:description": SENTENCE,
        "og:url": address,
        "og:image": address + PICTURE,
        "og:image:type": "image/webp",
        "og:image:width": str(WIDTH),
        "og:image:height": str(HEIGHT),
        "og:image:alt": "A figure dances",
    }
    named = {
        "description": SENTENCE,
        "twitter:card": "summary",
        "twitter:title": TITLE,
        "twitter:description": SENTENCE,
        "twitter:image": address + PICTURE,
    }
    lines = [f'<meta property="{key}" content="{escape(text)}" />' for key, text in told.items()]
    lines += [f'<meta name="{key}" content="{escape(text)}" />' for key, text in named.items()]
    return "\n".join((*lines, f'<link rel="icon" type="image/svg+xml" href="{ICON}" />', ""))
