"""What may be a prompt."""

from __future__ import annotations

MAX_PROMPT = 300
"""Characters."""


def check_prompt(text: str) -> str:
    """Return the prompt without surrounding space; raise ValueError for what cannot be one."""
    text = " ".join(text.split())
    if not any(c.isalnum() for c in text):
        raise ValueError('the prompt is empty; describe a motion, such as "a person walks forward"')
    if len(text) > MAX_PROMPT:
        raise ValueError(f"the prompt has {len(text)} characters; {MAX_PROMPT} are the most")
    if not text.isprintable():
        raise ValueError("the prompt holds control characters; plain text is expected")
    return text
