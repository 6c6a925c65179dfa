"""Which nodes of a file's skeleton are our joints: by a map, the file's own word, or its tree.

A body is a node that two like legs hang from and, along a trunk, one that two like arms hang from:
of all pairs of branches (`limbs`) those two are taken that make the best body. So a skeleton
without words is matched as well; words decide where the tree leaves a choice, and which leg is the
left one.
"""

from __future__ import annotations

from itertools import chain
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from core.body.rotations import cross, normalize
from core.body.skeleton import JOINTS
from core.capture.joint_maps import NEEDED, as_list, load_map, spelled
from core.capture.joint_names import bare, fold
from core.capture.limbs import ARM, LEG, NEAR, Limb, Pair, Tree, find_pairs
from core.capture.source import Match, MatchError, Skeleton, Source, drawn

LEG_TO_ARM, TRUNK_TO_LEG, HEAD_TO_LEG, TOE_TO_SHIN = 1.6, 0.65, 0.36, 0.33
"""Thigh and shin to upper arm and forearm; hips to shoulders, and chest to head, to thigh and shin;
ankle to ball of the foot to shin: roughly so in people and characters."""
LEAST = -2.0
"""Score below which two pairs are no body; those of characters without names are above 0."""
GUESS = "nothing in it says which side is the left one, so the motion may come out mirrored"

_SIDES = ("left", "right")
MOST_TOLD = 40
"""Characters of a name that a sentence repeats."""
MOST_SIZES = 100.0
"""How many times as far from the middle as most nodes a node is drawn, wherever beyond it is."""


def match(source: Source, joint_map: str | Path | dict[str, Any] | None = None) -> Match:
    """Say which nodes are our joints; a map (see `joint_maps.load_map`) is obeyed where given.

    Raises ValueError where that is no map, and MatchError where joints are not found.
    """
    tree = Tree(source)
    if joint_map is not None:
        table = load_map(joint_map)
        found, lacking = _mapped(source, table)
        if lacking:
            raise _error(source, f"joints of the map are not in it ({'; '.join(lacking)})", found)
        if len({found[joint] for joint in NEEDED}) < len(NEEDED):
            raise _error(source, "the map takes one node for several joints", found)
        left_out = [joint for joint in table["joints"] if joint not in found]
        notes = [f"Of the map's joints {', '.join(left_out)} are not in the file."] * bool(left_out)
        return _complete(tree, found, "map", tuple(notes))
    if len({source.told.get(joint, -1) for joint in NEEDED} - {-1}) == len(NEEDED):
        return _complete(tree, dict(source.told), "names")
    legs, arms = find_pairs(tree, LEG), find_pairs(tree, ARM)
    leg, arm, score = _best_body(tree, legs, arms)
    if leg is None or arm is None or score < LEAST:
        lacking = [part for part, pairs in (("legs", legs), ("arms", arms)) if not pairs]
        what = " and two like ".join(lacking or ["legs below", "arms above a trunk"])
        found = _named(legs[0].limbs, LEG) if legs else _named(arms[0].limbs, ARM) if arms else {}
        raise _error(source, f"two like {what} were not found in it", found)
    left, right, told = _left_first(tree, leg, arm)
    found = {"pelvis": _pelvis(tree, leg, arm)}
    found |= _named((left[0], right[0]), LEG) | _named((left[1], right[1]), ARM)
    for name, (a_leg, an_arm) in (("left", left), ("right", right)):
        found |= {f"{name}_foot": i for i in _toe(tree, a_leg)}
        found |= {f"{name}_collar": i for i in _collar(tree, an_arm)}
    named = all(tree.word(found[joint], joint.split("_")[-1]) > 0 for joint in NEEDED[1:])
    return _complete(tree, found, "names" if named else "tree", () if told else (GUESS,))


def _mapped(source: Source, table: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    """Nodes of the joints that a map names, and what it says in vain of those that we need."""
    exact = spelled(source.names, source.parents)
    nodes: dict[str | int, int] = {i: i for i in range(len(exact))}
    # spelled alike wins over nearly alike, and the first over later ones
    plain = spelled(bare(source.names), source.parents)
    for spelling in (exact, map(fold, exact), map(fold, plain)):
        for i, name in enumerate(spelling):
            nodes.setdefault(name, i)
    nodes.pop("", None)
    found, lacking = {}, []
    for joint, given in table["joints"].items():
        names = as_list(given)
        tried = chain(*((n, fold(n)) if isinstance(n, str) else (n,) for n in names))
        hit = next((nodes[name] for name in tried if name in nodes), None)
        if hit is not None:
            found[joint] = hit
        elif joint in NEEDED:
            lacking.append(f"looked for {joint} as {' or '.join(map(str, names))}")
    return found, lacking


def _error(source: Source, what: str, joints: dict[str, int]) -> MatchError:
    named = [name[:MOST_TOLD] for name in source.names if name]
    places = source.positions[0]
    places = places / max(np.abs(places).max(), 1e-9)  # of a picture: no sum of them overflows
    middle = np.median(places, axis=0)
    size = np.median(np.abs(places - middle).max(axis=1))
    return MatchError(
        f"{what}; its nodes begin {', '.join(named[:8])}, and a joint map can say which is which",
        Skeleton(
            names=source.names,
            parents=source.parents,
            places=drawn(places / (size or 1), middle / (size or 1), MOST_SIZES),
            joints=joints,
        ),
    )


def _named(limbs: tuple[Limb, Limb], parts: tuple[str, str, str]) -> dict[str, int]:
    """Joints of two limbs, the left one first."""
    return {
        f"{side}_{part}": node
        for side, limb in zip(_SIDES, limbs, strict=True)
        for part, node in zip(parts, limb.nodes, strict=True)
    }


def _best_body(
    tree: Tree, legs: list[Pair], arms: list[Pair]
) -> tuple[Pair | None, Pair | None, float]:
    """Two pairs that go together best, and how well they do."""
    if not (legs and arms):
        return None, None, -np.inf
    low, high = (np.stack([pair.middle for pair in pairs]) for pairs in (legs, arms))
    trunks = np.median(np.linalg.norm(low[:, None] - high, axis=-1), axis=-1)
    scores = [
        [_body(tree, leg, arm, trunk) for arm, trunk in zip(arms, row, strict=True)]
        for leg, row in zip(legs, trunks.tolist(), strict=True)
    ]
    leg, arm = np.unravel_index(np.argmax(scores), trunks.shape)
    return legs[leg], arms[arm], scores[leg][arm]


def _body(tree: Tree, legs: Pair, arms: Pair, trunk: float) -> float:
    """How well two pairs go together whose middles are `trunk` apart."""
    taken = {limb.path[0] for limb in (*legs.limbs, *arms.limbs)}
    below = tree.above(arms.fork)
    if len(taken) < 4 or not taken.isdisjoint((*below, *tree.above(legs.fork))):
        return -np.inf
    trunk = max(trunk / legs.length, NEAR)
    score = legs.score + arms.score + 2 * log(legs.length / tree.size)  # no fingers, please
    score -= 4 * log(legs.length / arms.length / LEG_TO_ARM) ** 2
    score -= min(log(trunk / TRUNK_TO_LEG) ** 2, 1.5)
    # what hangs from Hips while Hand hangs from Chest is a leg; DAZ hangs both from a third node
    score += 2.0 * (legs.fork in below or tree.parents[legs.fork] in below)
    score -= 3.0 * (legs.fork == arms.fork)
    return score + 0.5 * (len(tree.children[arms.fork]) > 2)  # and a neck


def _pelvis(tree: Tree, legs: Pair, arms: Pair) -> int:
    """Node that carries the legs; where all limbs hang from one, the first of the trunk there."""
    if legs.fork != arms.fork:
        return legs.fork
    taken = {limb.path[0] for limb in (*legs.limbs, *arms.limbs)}
    trunks = [child for child in tree.children[legs.fork] if child not in taken]
    return max(trunks, key=tree.much.__getitem__, default=legs.fork)


def _left_first(
    tree: Tree, legs: Pair, arms: Pair
) -> tuple[tuple[Limb, Limb], tuple[Limb, Limb], bool]:
    """Leg and arm of the left side, those of the right, and whether anything told which it is."""
    leg, arm = float(legs.sides), float(arms.sides)
    if not leg and not arm:
        leg = _facing(tree, legs, arms)
    told = bool(arm) or abs(leg) > 0.01
    hips, shoulders = (
        tree.poses[:, one.nodes[0]] - tree.poses[:, other.nodes[0]]
        for one, other in (legs.limbs, arms.limbs)
    )
    alike = 1.0 if (hips * shoulders).sum() >= 0 else -1.0
    leg, arm = leg or arm * alike, arm or leg * alike
    left_leg, right_leg = legs.limbs[:: 1 if leg >= 0 else -1]
    left_arm, right_arm = arms.limbs[:: 1 if arm >= 0 else -1]
    return (left_leg, left_arm), (right_leg, right_arm), told


def _facing(tree: Tree, legs: Pair, arms: Pair) -> float:
    """Above 0 where the first leg is the left one: toes and knees point ahead, elbows back."""
    up = arms.middle - legs.middle
    ahead = np.zeros_like(up)
    for pair, sign in ((legs, 1), (arms, -1)):
        for limb in pair.limbs:
            first, bend, last, end = (tree.poses[:, i] for i in (*limb.nodes, limb.path[-1]))
            line = normalize(last - first)
            off = bend - first
            off = off - (off * line).sum(axis=-1, keepdims=True) * line
            ahead += (sign * off + (sign > 0) * (end - last)) / pair.length
    across = tree.poses[:, legs.limbs[0].nodes[0]] - tree.poses[:, legs.limbs[1].nodes[0]]
    return float((normalize(across) * cross(normalize(up), ahead)).sum(axis=-1).mean())


def _toe(tree: Tree, leg: Limb) -> list[int]:
    """Node of the ball of a foot, or where else that ends; empty where it does not."""
    ankle = leg.path.index(leg.nodes[2])
    rest = leg.path[ankle + 1 :]
    along = np.cumsum([tree.lengths[i] for i in rest])
    scores = {
        node: min(tree.word(node, "toe"), 0.6)  # it may be called a foot as well
        - np.log(length / leg.bones[1] / TOE_TO_SHIN) ** 2
        - 0.3 * (not tree.children[node])
        for node, length in zip(rest, along, strict=True)
        if length > NEAR * sum(leg.bones)
    }
    return [max(scores, key=scores.__getitem__)] if scores else []


def _collar(tree: Tree, arm: Limb) -> list[int]:
    """Node of a collar; empty where the arm hangs from the chest."""
    before = arm.path[: arm.path.index(arm.nodes[0])]
    return [max(before, key=lambda node: tree.word(node, "collar"))] if before else []


def _complete(tree: Tree, found: dict[str, int], how: str, notes: tuple[str, ...] = ()) -> Match:
    """Add spine, neck and head; what a map names stays as it is."""
    spine, neck, head = _trunk(tree, found)
    if how != "map":
        # a node that lies on the one below it, as LowerBack does on Hips, is no joint of ours
        near = NEAR * _leg(tree, found)
        back, throat = ([i for i in nodes if tree.lengths[i] > near] for nodes in (spine, neck))
        places = {"spine1": back[:-1][:1], "spine2": back[1:-1], "spine3": back[-1:]}
        places |= {"neck": throat[:1], "head": head}
        found |= {joint: nodes[(len(nodes) - 1) // 2] for joint, nodes in places.items() if nodes}
    joints = {joint: found[joint] for joint in JOINTS if joint in found}
    return Match(joints=joints, spine=tuple(spine), neck=tuple(neck), how=how, notes=notes)


def _leg(tree: Tree, found: dict[str, int]) -> float:
    """Length of thigh and shin, never 0."""
    hip, knee, ankle = (found[f"left_{part}"] for part in LEG)
    return max(tree.apart(hip, knee) + tree.apart(knee, ankle), 1e-9)


def _trunk(tree: Tree, found: dict[str, int]) -> tuple[list[int], list[int], list[int]]:
    """Nodes of the spine, of the neck, and the head's."""
    up = tree.above(found["pelvis"])
    left, right = (tree.above(found[f"{side}_shoulder"]) for side in _SIDES)
    limbs = {i for side in _SIDES for i in tree.above(found[f"{side}_hip"])} | {*left, *right}
    chest = next((i for i in left if i in right), -1)
    if chest in (-1, *up):  # arms that hang from elsewhere: the last node below them carries them
        children = [i for i in tree.children[up[0]] if i not in limbs]
        path = tree.path(max(children, key=tree.much.__getitem__, default=up[0]))
        pelvis = tree.poses[:, up[:1]]
        line = tree.poses[:, [left[0], right[0]]].mean(axis=1, keepdims=True) - pelvis
        share = ((tree.poses[:, path] - pelvis - line) * line).sum(axis=(0, 2))
        chest = path[int(np.nonzero(share <= 0)[0].max(initial=0))]
    below = tree.above(chest)
    spine = below[: next((k for k, i in enumerate(below) if i in up), len(below))][::-1]
    above = _head(tree, chest, found, limbs)
    if above and "head" not in found and tree.word(above[-1], "neck") > 0:
        return spine, above, []
    if tree.word(chest, "neck") > 0 and len(spine) > 1:  # Biped hangs the arms from it
        spine, above = spine[:-1], [chest, *above]
    return spine, above[:-1], above[-1:]


def _head(tree: Tree, chest: int, found: dict[str, int], limbs: set[int]) -> list[int]:
    """Nodes above the chest up to the head's, the last."""
    if "head" in found:
        below = tree.above(found["head"])
        return below[: below.index(chest)][::-1] if chest in below else []
    leg = _leg(tree, found)
    up = normalize(tree.poses[:, chest] - tree.poses[:, found["pelvis"]])
    best, chosen = 0.0, []
    for child in tree.children[chest]:
        if child in limbs or not tree.names[child]:
            continue
        path = tree.path(child)
        last = next((k for k, i in enumerate(path) if tree.word(i, "head") > 0), None)
        if last is None:
            # no end site is a head; eyes, jaw and hair part at one
            path = [i for i in path if tree.names[i]]
            forks = [k for k, i in enumerate(path) if len(tree.children[i]) > 1]
            along = np.cumsum([tree.lengths[i] for i in path[: forks[0] + 1 if forks else None]])
            last = int(np.abs(np.log(np.maximum(along / leg, 1e-9) / HEAD_TO_LEG)).argmin())
        nodes = path[: last + 1]
        line = tree.poses[:, nodes[-1]] - tree.poses[:, chest]
        score = float((line * up).sum(axis=-1).mean()) / leg
        score += sum(max(tree.word(i, "head"), tree.word(i, "neck")) > 0 for i in nodes)
        if score > best:
            best, chosen = score, nodes
    return chosen
