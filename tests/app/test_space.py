"""A clone goes to a Space as the Hub wants it; what keeps it from going is said in a sentence."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from huggingface_hub import HfApi, constants

from app import space
from app.space import CPU_WHEELS, ZERO, contents, deploy
from tests.support.hub import TOKEN, hub_here

ROOT = Path(__file__).parents[2]
NAME = "somebody/moves"
SMALL = ("app.py", "requirements.txt", "packages.txt", "LICENSE", "NOTICE.md")


@pytest.fixture
def hub(monkeypatch):
    with hub_here() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # it speaks plain LFS
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield hub


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """What is small of it, and what is left lying about in a clone that is used."""
    for path in (".dockerignore", *SMALL):
        shutil.copy(ROOT / path, tmp_path / path)
    for path, content in {
        "app/space.py": b"code",
        "app/__pycache__/space.cpython-310.pyc": b"\0",
        "app/web/motion.html": b"<p>",
        "app/web/src/main.js": b"source",
        "app/web/node_modules/three/three.js": b"theirs",
        "checkpoints/mine/model.safetensors": b"\x80\0weights",
        "checkpoints/motion-evaluator/config.json": b"{}",
        "runs/mine/last.pt": b"\0",
        "tests/test_all.py": b"",
        ".git/config": b"",
        ".env": b"SECRET=1",
        "README.md": b"# as GitHub shows it",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    monkeypatch.setattr(space, "ROOT", tmp_path)
    return tmp_path


def front_matter(files: dict[str, bytes]) -> dict[str, str]:
    lines = files["README.md"].decode().split("---\n")[1].splitlines()
    return dict(line.split(": ", 1) for line in lines)


def test_a_new_space_holds_what_runs_and_no_more(hub, clone):
    assert deploy(NAME, "cpu-basic") == f"{hub.address}/spaces/{NAME}"
    files = hub.spaces[NAME]
    assert set(files) == {
        *(".gitattributes", "README.md", *SMALL),
        *("app/space.py", "app/web/motion.html", "checkpoints/mine/model.safetensors"),
    }
    assert files["checkpoints/mine/model.safetensors"] in hub.large.values()
    assert (hub.made[0]["sdk"], hub.made[0]["hardware"]) == ("gradio", "cpu-basic")
    assert files["requirements.txt"].decode().startswith(CPU_WHEELS)
    assert hub.commits == 1


def test_the_stand_in_refuses_binary_files_as_the_hub_does(hub):
    HfApi().create_repo(NAME, repo_type="space", space_sdk="gradio")
    content = base64.b64encode(b"\x89PNG\0").decode()
    pushed = {"key": "file", "value": {"path": "page.png", "content": content}}
    address = f"{hub.address}/api/spaces/{NAME}/commit/main"
    reply = httpx.post(address, json=pushed, headers={"authorization": f"Bearer {TOKEN}"})
    assert (reply.status_code, "LFS or Xet" in reply.text) == (400, True)


def test_again_brings_it_up_to_date(hub, clone):
    deploy(NAME, "cpu-basic")
    (clone / "app/space.py").write_text("newer")
    (clone / "checkpoints/mine/model.safetensors").unlink()
    deploy(NAME, ZERO)
    files = hub.spaces[NAME]
    assert files["app/space.py"] == b"newer"
    assert "checkpoints/mine/model.safetensors" not in files
    assert ".gitattributes" in files
    assert not files["requirements.txt"].decode().startswith("--")
    assert len(hub.made) == 1


def test_a_space_of_something_else_is_left_alone(hub, clone):
    hub.spaces[NAME] = {"README.md": b"", "app.py": b"my life's work"}
    with pytest.raises(ValueError, match="is a Space of something else; choose another name"):
        deploy(NAME, "cpu-basic")
    assert hub.spaces[NAME]["app.py"] == b"my life's work"


@pytest.mark.parametrize("name", ["moves", "a/b/c", "a b/c", "/c", "a/", "../x", "a/" + "x" * 97])
def test_names_that_are_none(hub, name):
    with pytest.raises(ValueError, match="a Space is called USER/NAME"):
        deploy(name, "cpu-basic")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "another/moves",
            r"^you may not put a Space at another/moves; the Hub says: You don't have",
        ),
        ("nobody-pays/moves", "the Hub says: CPU Spaces of this kind need a PRO subscription"),
    ],
)
def test_names_that_are_not_yours(hub, clone, name, said):
    with pytest.raises(ValueError, match=said):
        deploy(name, "cpu-basic")


def test_who_is_not_logged_in_is_told_how(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_yesterday")
    with pytest.raises(ValueError, match=r"login any more; renew it with: hf auth login$"):
        deploy(NAME, "cpu-basic")
    monkeypatch.setattr(space, "get_token", lambda: None)
    with pytest.raises(ValueError, match=r"nobody is logged in .*: hf auth login$"):
        deploy(NAME, "cpu-basic")


def test_a_hub_out_of_reach_is_named(hub, monkeypatch):
    hub.server_close()
    hub.socket.close()
    hub.shutdown()
    with pytest.raises(ValueError, match=rf"^{hub.address} cannot be reached: "):
        deploy(NAME, "cpu-basic")


def test_the_space_installs_what_is_tested():
    files = contents(ROOT, "cpu-basic")
    card = {name: content for name, content in files.items() if isinstance(content, bytes)}
    fields = front_matter(card)
    assert f"gradio=={fields['sdk_version']}" in card["requirements.txt"].decode()
    assert fields["python_version"] == '"3.12"'
    assert fields["app_file"] in files
    assert len(fields["short_description"]) <= 60
    assert fields["suggested_hardware"] == "cpu-basic"
    assert not any(re.match(r"tests|train|benchmarks|docs|\.", path) for path in files)
    zero = contents(ROOT, ZERO)["README.md"]
    assert isinstance(zero, bytes)
    assert front_matter({"README.md": zero}).keys() == fields.keys() - {"suggested_hardware"}


@pytest.mark.slow
def test_this_clone_goes_to_a_space(hub, tmp_path):
    env = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "app.py", "--deploy", NAME]
    told = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stderr
    assert told.stdout.endswith(f"{hub.address}/spaces/{NAME}\n")
    for path, content in hub.spaces[NAME].items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    command = [sys.executable, "-m", "core", "motion", "a person walks", "--seconds", "1"]
    command += ["--out", "walk.glb"]
    env |= {"PYTHONPATH": "", "OMP_NUM_THREADS": "1"}
    told = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300
    )
    assert told.returncode == 0, told.stderr
