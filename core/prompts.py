"""What may be a prompt."""

from __future__ import annotations

import re

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


def whole(prompt: str) -> str:
    """Make a sentence of what only says how it goes on: "and then jumps" has no subject."""
    rest = re.sub(r"^((and|then|after that)\b\W*)+", "", prompt.strip(), flags=re.IGNORECASE)
    if not rest or rest == prompt.strip():
        return prompt
    subject = re.match(r"(a|an|the|one|some\w*|he|she|they|it|person|man|woman)\b", rest.lower())
    return rest if subject else f"a person {rest}"
