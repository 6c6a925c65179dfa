"""Every command, file and link in README and docs exists, down to its options."""

from __future__ import annotations

import ast
import importlib
import json
import re
import shlex
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "NOTICE.md", "benchmarks/RESULTS.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
COMMAND = re.compile(r"\b(?:python -m|python app\.py|pip install|npm)\b[^`\n]*")


def commands() -> list[str]:
    """Commands in fenced and indented blocks and between backticks, one by one."""
    found = []
    for page in PAGES:
        for block in COMMAND.findall(page.read_text()):
            found += [part.strip() for part in block.split("&&")]
    return sorted(set(found))


def parse(module: str, words: list[str]) -> None:
    """Let a command line be read by the program it is for, without running it."""
    package = (ROOT / module.replace(".", "/")).is_dir()
    program = importlib.import_module(f"{module}.__main__" if package else module)
    if hasattr(program, "app"):
        app = program.app
    else:
        app = typer.Typer()
        app.command()(program.main)
    command = typer.main.get_command(app)
    context = command.make_context(module, list(words))
    if hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, list(words))
        command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("line", commands())
def test_commands_are_understood(line):
    words = shlex.split(line, comments=True)
    if words[:2] == ["python", "-m"]:
        if words[2] == "pytest":
            return
        module = words[2]
        given = [w.removeprefix("[").removesuffix("]") for w in words[3:]]
        given = given or ["--data", "x"] if module.startswith("train.") else given
        if module == "train.worlds" and given == ["--data", "x"]:
            given = ["blocks", "--out", "x"]
        if module == "train.data" and "--out" not in given:
            given = ["x", "--out", "x"]
        parse(module, given)
    elif words[0] == "python":
        assert (ROOT / words[1]).is_file()
    elif words[0] == "npm":
        scripts = json.loads((ROOT / "app/web/package.json").read_text())["scripts"]
        assert words[1] in ("ci", "install") or words[2] in scripts
    elif "-r" in words:
        assert (ROOT / words[words.index("-r") + 1]).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page):
    folders = "app|assets|benchmarks|core|docs|tests|train"
    names = re.findall(rf"`((?:{folders})/[\w/.-]*)`", page.read_text())
    assert all((ROOT / name).exists() for name in names), names


def test_python_in_the_readme_names_what_exists():
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("core"):
                module = importlib.import_module(node.module)
                assert all(hasattr(module, name.name) for name in node.names)


def test_make_targets_of_the_readme_exist():
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"setup", "check", "test", "test-all", "app", "bench", "train-motion"} <= set(targets)
