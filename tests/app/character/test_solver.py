"""The page moves characters as core.character.retarget does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.support.character_cases import FILE

WEB = Path(__file__).parents[3] / "app/web"
SCRIPT = """
import { readFileSync } from "node:fs";
import { Retargeter, localPlace, localTurn } from "./src/character/solver.js";
const { root, rotations, characters } = JSON.parse(readFileSync(0, "utf8"));
const told = {};
for (const [name, { rig, placed }] of Object.entries(characters)) {
  const solver = new Retargeter(rig);
  const moved = root.map((place, t) => solver.push(place, rotations[t].flat()));
  told[name] = {
    turns: moved.map((pose) => rig.rows.map((_, i) => localTurn(rig, pose, i))),
    places: moved.map((pose) => placed.map((i) => localPlace(rig, pose, i))),
  };
}
console.log(JSON.stringify(told));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_nodes_turn_and_go_as_they_do_here():
    node = ["node", "--input-type=module", "-e", SCRIPT]
    ran = subprocess.run(node, cwd=WEB, input=FILE.read_bytes(), capture_output=True, check=True)
    kept = json.loads(FILE.read_text())["characters"]
    for name, told in json.loads(ran.stdout).items():
        turns, wanted = np.array(told["turns"]), np.array(kept[name]["turns"])
        turns *= np.sign((turns * wanted).sum(axis=-1, keepdims=True))
        assert np.abs(turns - wanted).max() < 1e-5, name
        unit = np.linalg.norm(kept[name]["rig"]["into"][0], axis=-1).mean()
        places = np.array(told["places"]) - kept[name]["places"]
        assert np.abs(places).max() < 2e-5 * max(unit, 1), name
