"""Errors as the page shows them."""

from __future__ import annotations


def sentence(error: Exception) -> str:
    """An error's text as a sentence for the page."""
    text = str(error).strip() or "Something went wrong"
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")
