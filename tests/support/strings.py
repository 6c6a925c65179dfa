"""Every string that visitors may read, as the sources have it: `{0}`, `{1}` for what varies."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import product
from pathlib import Path

import gradio as gr

from app.landing import landing
from app.live_page import markup
from app.ui import TABS

ROOT = Path(__file__).parents[2]
ATTRIBUTES = "alt aria-description aria-label aria-roledescription aria-valuetext placeholder title"
LABELS = "label info placeholder value"
WORDS = re.compile(r"[^\W\d_]{2,}[,;:]? ([^\W\d_]|\{)|[}\w] [a-z]{2,}|^[A-Z][a-z]+$")
"""What is for people, of a script's strings: several words, or one that begins like a title."""
HIDDEN = re.compile(r"<\w|#include|[=\[]|^[.:]\w|^\([a-z-]+: |^[\d{]\S*px|\.js$|^\^")
"""What is for the browser: selectors, markup."""
ALONE = set("walk run jump kick wave sit dance punch balance off auto".split())
ALONE |= set("jumps waves runs kicks dances".split())
"""Words of scripts that stand alone and are small: nothing tells them from names."""
TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|(?<=[(,=:!&|?\s])/(?![*/\s])(?:\\.|\[(?:\\.|[^\]])*\]|[^/\\\n])+/|
    "(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`|[{}]""",
    re.DOTALL | re.VERBOSE,
)


class _Template(HTMLParser):
    def __init__(self, html: str):
        super().__init__()
        self.found: set[str] = set()
        self.skipped = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found |= {value for name, value in attrs if name in ATTRIBUTES.split() and value}

    def handle_data(self, data):
        self.found.add(data)


def of_templates() -> set[str]:
    """Return the texts and the attributes that are read aloud or shown."""
    pages = [landing()]
    for memory, minutes in product((True, False), (1, "{0}")):
        kept = {"in_memory": lambda memory=memory: memory, "forget_minutes": minutes}
        pages += [markup(template, **kept) for template, _, _ in TABS.values()]
    found = {" ".join(text.split()) for page in pages for text in _Template(page).found}
    return {text for text in found if any(c.isalpha() for c in text)}


def of_scripts() -> set[str]:
    """Return the strings of app/web/src that look like words for people."""
    found = set()
    for path in ROOT.glob("app/web/src/**/*.js"):
        source = path.read_text(encoding="utf-8")
        source = re.sub(r"^(im|ex)port .* from .*$", "", source, flags=re.MULTILINE)
        found |= {text.strip() for text in _literals(source) if "\n" not in text}
    return {text for text in found if WORDS.search(text) and not HIDDEN.search(text)} | ALONE


def _literals(source: str) -> Iterator[str]:
    """Yield a script's strings, of templates the outer before what is within their braces."""
    place = 0
    while token := TOKEN.search(source, place):
        text, place = token[0], token.end()
        if text[0] in "\"'":
            yield _unescaped(text[1:-1])
        elif text == "`":
            parts, inner, place = _template(source, place)
            yield _unescaped(
                "".join(f"{part}{{{i}}}" for i, part in enumerate(parts))[
                    : -2 - len(str(len(parts) - 1))
                ]
            )
            for code in inner:
                yield from _literals(code)


def _template(source: str, place: int) -> tuple[list[str], list[str], int]:
    """Read on behind a backquote: the texts, the code between them, and where it ends."""
    parts, inner, start = [""], [], place
    while source[place] != "`":
        if source[place] == "\\":
            place += 1
        elif source.startswith("${", place):
            parts[-1] = source[start:place]
            start, place = place + 2, _closing(source, place + 2)
            inner.append(source[start:place])
            parts.append("")
            start = place + 1
        place += 1
    parts[-1] = source[start:place]
    return parts, inner, place + 1


def _closing(source: str, place: int) -> int:
    """Return where the brace is that closes the code which begins here."""
    depth = 1
    while token := TOKEN.search(source, place):
        place = token.end()
        if token[0] == "`":
            *_, place = _template(source, place)
        depth += (token[0] == "{") - (token[0] == "}")
        if not depth:
            return place - 1
    raise ValueError("a brace is not closed")


def _unescaped(text: str) -> str:
    text = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text)
    return text.replace('\\"', '"').replace("\\n", "\n")


def of_forms(blocks: gr.Blocks) -> set[str]:
    """Return what stands on the tabs and on the forms below them."""
    props = [component["props"] for component in blocks.config["components"]]
    kinds = [component["type"] for component in blocks.config["components"]]
    found = set()
    for kind, prop in zip(kinds, props, strict=True):
        names = LABELS.split() if kind == "button" else LABELS.split()[:-1]
        found |= {prop[name] for name in names if isinstance(prop.get(name), str)}
    return {text for text in found if any(c.isalpha() for c in text)}


def of_server(*folders: str, every: bool = False) -> set[str]:
    """Return the sentences of these folders' Python: what is raised, and whatever ends like one.

    `every` adds all other texts of more than one word, of which sentences may be composed.
    """
    found = set()
    for path in (path for folder in folders for path in sorted(ROOT.glob(folder))):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = list(ast.walk(tree))
        calls = [n.exc for n in nodes if isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call)]
        raised = {id(part) for call in calls for part in ast.walk(call)}
        told = [n.value for n in nodes if isinstance(n, ast.Expr)]
        hidden = {id(part) for n in told if _in_passing(n) for part in ast.walk(n)}
        hidden |= {id(part) for n in nodes if isinstance(n, ast.JoinedStr) for part in n.values}
        for node in nodes:
            text = _pattern(node)
            sentence = re.search(r"^[A-Z{'].* .*[.!]$", text)
            if (
                re.search(r"\w \w|} \w|\w \W", text)
                and id(node) not in hidden
                and (every or id(node) in raised or sentence)
            ):
                found.add(text)
    return found


def _in_passing(node: ast.AST) -> bool:
    """Tell docstrings and what is logged."""
    logged = isinstance(node, ast.Call) and ast.unparse(node.func).startswith("log.")
    return logged or isinstance(node, ast.Constant)


def _pattern(node: ast.AST) -> str:
    """Return a string as the page sees it; "" for whatever is no string."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    text, count = "", 0
    for part in node.values if isinstance(node, ast.JoinedStr) else ():
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            text, count = f"{text}{{{count}}}", count + 1
    return text
