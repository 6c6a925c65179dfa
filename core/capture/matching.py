"""Which nodes of a file's skeleton are our joints: by a map, else by its tree, lengths and names.

A body is a node that two like legs hang from and, along a trunk, one that two like arms hang from.
Every pair of branches is tried as legs and as arms; along a branch those three nodes are taken that
lie as hip, knee and ankle do (two long bones of like length that do not stretch in motion, with a
foot's length left over) and that their names do not speak against. So a skeleton without words is
matched as well; words decide where the tree leaves a choice, and which leg is the left one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from core.body.rotations import cross, normalize
from core.body.skeleton import JOINTS
from core.capture.joint_maps import load_map
from core.capture.joint_names import HELPER, fold, parts, side
from core.capture.source import Match, MatchError, Skeleton, Source

POSES = 16
"""Poses that are looked at, spread over the motion."""
MOST_FORKS, MOST_BRANCHES, MOST_STEPS, MOST_PAIRS = 20, 6, 24, 12
"""Nodes that limbs may hang from, branches at each, nodes along one, pairs of legs or arms that are
tried: a tree made to take long takes no longer."""
LEG_TO_ARM, TRUNK_TO_LEG, HEAD_TO_LEG, TOE_TO_SHIN = 1.6, 0.5, 0.36, 0.33
"""Thigh and shin to upper arm and forearm; pelvis to chest, and chest to head, to thigh and shin;
ankle to ball of the foot to shin: roughly so in people and characters."""
NEAR = 0.01
"""Nodes this close to each other, in leg lengths, lie at the same place."""
LEAST = -6.0
"""Score below which two pairs of branches are no body."""
NOTE = "nothing in this file says which side is left, so it may come out mirrored"

_LEG, _ARM = ("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")
_NEEDED = ("pelvis", *(f"{s}_{p}" for p in (*_LEG, *_ARM[:2]) for s in ("left", "right")))


@dataclass(frozen=True)
class Limb:
    """A branch of a tree, taken for a leg or an arm."""

    path: list[int]
    """Its nodes from the one below the fork."""
    nodes: tuple[int, int, int]
    """Hip, knee and ankle, or shoulder, elbow and wrist."""
    bones: np.ndarray
    """Lengths (2,) between them."""
    score: float


@dataclass(frozen=True)
class Pair:
    """Two like limbs and the node that both hang from."""

    fork: int
    limbs: tuple[Limb, Limb]
    length: float
    """Of thigh and shin, or upper arm and forearm."""
    score: float


def match(source: Source, joint_map: str | Path | None = None) -> Match:
    """Say which nodes are our joints; a map, built in or a file, is obeyed where one is given.

    Raises ValueError where the map is none, and MatchError where joints are not found.
    """
    tree = Tree(source)
    if joint_map is None:
        return tree.match()
    found, lacking = _mapped(source, load_map(joint_map))
    if lacking:
        raise _error(source, f"joints of the map are not in the file ({'; '.join(lacking)})", found)
    return tree.complete(found, "map")


def _mapped(source: Source, table: dict) -> tuple[dict[str, int], list[str]]:
    """Nodes of the joints that a map names, and what it says in vain of those that we need."""
    exact = [
        name or (f"EndSite{source.names[parent]}" if parent >= 0 else "")
        for name, parent in zip(source.names, source.parents, strict=True)
    ]
    column: dict[str, int] = {}
    for spell in (str, fold):  # spelled alike wins over much alike, the first over later ones
        for i, name in enumerate(exact):
            column.setdefault(spell(name), i)
    found, lacking = {}, []
    for joint, names in table["joints"].items():
        names = [names] if isinstance(names, str) else names
        spellings = [spell(str(name)) for name in names for spell in (str, fold)]
        hit = next((column[name] for name in spellings if name in column), None)
        if hit is not None:
            found[joint] = hit
        elif joint in _NEEDED:
            lacking.append(f"looked for {joint} as {' or '.join(map(str, names))}")
    return found, lacking


def _error(source: Source, what: str, joints: dict[str, int]) -> MatchError:
    named = [name for name in source.names if name]
    return MatchError(
        f"{what}: its joints begin {', '.join(named[:8])}; say which is which by a joint map, a"
        ' json file like {"joints": {"pelvis": ["Hips"], "left_hip": ["LeftUpLeg"], ...}}',
        Skeleton(
            names=source.names,
            parents=source.parents,
            places=source.positions[0].astype(np.float32),
            joints=joints,
        ),
    )


class Tree:
    """A skeleton looked at: branches, lengths, words."""

    def __init__(self, source: Source) -> None:
        self.source, self.parents = source, source.parents
        chosen = np.linspace(0, len(source.positions) - 1, POSES).round().astype(int)
        self.poses = source.positions[np.unique(chosen)]  # (P, N, 3)
        self.parts = parts(source.names)
        away = self.poses - np.median(self.poses, axis=1, keepdims=True)
        self.size = max(float(np.median(np.linalg.norm(away, axis=-1))), 1e-9)
        size = len(self.parents)
        up = [i if p < 0 else p for i, p in enumerate(self.parents)]
        self.lengths = np.median(
            np.linalg.norm(self.poses - self.poses[:, up], axis=-1), axis=0
        ).tolist()
        self.children: list[list[int]] = [[] for _ in range(size)]
        self.much, self.next, self.steps = list(self.lengths), [-1] * size, [1] * size
        # children stand behind their parents: from behind, each is complete when it is added
        for i in range(size - 1, 0, -1):
            parent = self.parents[i]
            if parent < 0:
                continue
            self.children[parent].append(i)
            if HELPER in self.parts[i]:
                self.much[i] /= 4
            self.much[parent] += self.much[i]
            if self.next[parent] < 0 or self.much[i] >= self.much[self.next[parent]]:
                self.next[parent] = i
            self.steps[parent] = max(self.steps[parent], self.steps[i] + 1)
        for children in self.children:
            children.reverse()

    def path(self, node: int) -> list[int]:
        """Nodes from `node` to an end, where branches part along the one with most bones."""
        found = [node]
        while self.next[found[-1]] >= 0 and len(found) < MOST_STEPS:
            found.append(self.next[found[-1]])
        return found

    def above(self, node: int) -> list[int]:
        """Nodes from `node` up to its root, both included."""
        found = [node]
        while self.parents[found[-1]] >= 0:
            found.append(self.parents[found[-1]])
        return found

    def limb(self, node: int, names: tuple[str, str, str]) -> Limb | None:
        """Best three nodes along a branch; None where it has no three places."""
        path = self.path(node)
        places = self.poses[:, path]
        apart = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1)  # (P, L, L)
        far = np.median(apart, axis=0)
        along = np.cumsum([0.0] + [self.lengths[i] for i in path[1:]])
        if along[-1] <= 0:
            return None
        order = np.triu(far > 0.02 * along[-1], 1)
        valid = order[:, :, None] & order[None]  # (hip, knee, ankle)
        if not valid.any():
            return None
        far = np.maximum(far, 1e-9)
        stretch = np.minimum(10 * apart.std(axis=0) / far, 1)
        upper, lower = far[:, :, None], far[None]
        rest = np.maximum((along[-1] - along) / (upper + lower), 0.08)
        words = [[self.word(i, name) for i in path] for name in names]
        score = (
            -4 * np.log(upper / lower) ** 2
            + np.log((upper + lower) / along[-1])
            - 0.2 * np.log(rest / 0.3) ** 2
            - (stretch[:, :, None] + stretch[None])
            + np.array(words[0])[:, None, None]
            + np.array(words[1])[:, None]
            + np.array(words[2])
        )
        score[~valid] = -np.inf
        a, b, c = np.unravel_index(np.argmax(score), score.shape)
        bones = np.array([far[a, b], far[b, c]])
        return Limb(path, (path[a], path[b], path[c]), bones, float(score[a, b, c]))

    def word(self, node: int, name: str) -> float:
        """How far the name of a node speaks for a part of the body; below 0 where it is another."""
        said = self.parts[node]
        return said.get(name, -1.0 if HELPER in said else -0.5 if said else 0.0)

    def pairs(self, names: tuple[str, str, str]) -> list[Pair]:
        """Pairs of branches that may be two legs or two arms, best first."""
        forks = []
        for node, children in enumerate(self.children):
            branches = [i for i in children if self.steps[i] >= 3]
            if len(branches) >= 2:
                branches.sort(key=self.much.__getitem__, reverse=True)
                forks.append((self.much[branches[1]], node, branches[:MOST_BRANCHES]))
        forks.sort(key=lambda fork: fork[0], reverse=True)
        found = []
        for _, node, branches in forks[:MOST_FORKS]:
            limbs = [limb for i in branches if (limb := self.limb(i, names))]
            for one, other in combinations(limbs, 2):
                unlike = np.abs(np.log(one.bones / other.bones)).max()
                if unlike < 0.4:
                    mirrored = abs(self.sides(one, other)) / 3
                    length = float(one.bones.sum() + other.bones.sum()) / 2
                    score = one.score + other.score + mirrored - 12 * unlike**2
                    found.append(Pair(node, (one, other), length, float(score)))
        found.sort(key=lambda pair: pair.score + 2 * np.log(pair.length), reverse=True)
        return found[:MOST_PAIRS]

    def sides(self, one: Limb, other: Limb) -> int:
        """How many names say that `one` is on the left, less those that say it is on the right."""
        names = self.source.names
        return sum(side(names[i], names[j]) for i, j in zip(one.nodes, other.nodes, strict=True))

    def match(self) -> Match:
        """Find the best body; raise MatchError where there is none."""
        legs, arms = self.pairs(_LEG), self.pairs(_ARM)
        bodies = [(self.body(a, b), a, b) for a in legs for b in arms]
        score, leg, arm = max(bodies, key=lambda body: body[0], default=(-np.inf, None, None))
        if leg is None or arm is None or score < LEAST:
            raise _error(self.source, f"{self._lacking(legs, arms)} were not found", {})
        found = {"pelvis": leg.fork}
        left_leg, right_leg, left_arm, right_arm, told = self.left_first(leg, arm)
        for name, limb in (("left", left_leg), ("right", right_leg)):
            found |= zip((f"{name}_{part}" for part in _LEG), limb.nodes, strict=True)
            found |= {f"{name}_foot": i for i in self.toe(limb)}
        for name, limb in (("left", left_arm), ("right", right_arm)):
            found |= zip((f"{name}_{part}" for part in _ARM), limb.nodes, strict=True)
            found |= {f"{name}_collar": i for i in self.collar(limb)}
        named = all(
            self.word(found[f"{s}_{p}"], p) > 0 for s in ("left", "right") for p in (*_LEG, *_ARM)
        )
        return self.complete(found, "names" if named else "tree", () if told else (NOTE,))

    def _lacking(self, legs: list[Pair], arms: list[Pair]) -> str:
        if legs and arms:
            return "two legs below a trunk and two arms above it"
        return "two arms" if legs else "two legs" if arms else "two legs and two arms"

    def body(self, legs: Pair, arms: Pair) -> float:
        """How well two pairs go together as a body."""
        taken = {limb.path[0] for limb in (*legs.limbs, *arms.limbs)}
        up, down = self.above(legs.fork), self.above(arms.fork)
        if legs.fork == arms.fork or len(taken) < 4 or taken & {*up, *down}:
            return -np.inf
        trunk = np.median(
            np.linalg.norm(self.poses[:, legs.fork] - self.poses[:, arms.fork], axis=-1)
        )
        score = legs.score + arms.score + 2 * np.log(legs.length / self.size)
        score -= 4 * np.log(legs.length / arms.length / LEG_TO_ARM) ** 2
        score -= min(np.log(max(trunk, 1e-9) / legs.length / TRUNK_TO_LEG) ** 2, 1.5)
        score += 0.5 * (legs.fork in down or self.parents[legs.fork] in down)
        return score + 0.5 * (len(self.children[arms.fork]) > 2)

    def left_first(self, legs: Pair, arms: Pair) -> tuple[Limb, Limb, Limb, Limb, bool]:
        """Legs and arms with the left ones first, and whether anything told which they are."""
        leg, arm = self.sides(*legs.limbs), self.sides(*arms.limbs)
        told = True
        if not leg and not arm:
            leg = self.facing(legs, arms)
            told = abs(leg) > 1e-3
        across = [
            self.poses[:, a.nodes[0]] - self.poses[:, b.nodes[0]]
            for a, b in (legs.limbs, arms.limbs)
        ]
        alike = np.sign((across[0] * across[1]).sum()) or 1.0
        leg = leg or arm * alike
        arm = arm or leg * alike
        ordered = (*legs.limbs[:: 1 if leg >= 0 else -1], *arms.limbs[:: 1 if arm >= 0 else -1])
        return (*ordered, told)

    def facing(self, legs: Pair, arms: Pair) -> float:
        """Above 0 where the first of two legs is the left one, by toes, knees and elbows."""
        up = self.poses[:, arms.fork] - self.poses[:, legs.fork]
        ahead = np.zeros_like(up)
        for limbs, sign in ((legs.limbs, 1), (arms.limbs, -1)):
            for limb in limbs:
                first, bend, last = (self.poses[:, i] for i in limb.nodes)
                line = normalize(last - first)
                off = bend - first
                off = off - (off * line).sum(-1, keepdims=True) * line
                ahead += sign * off / limb.bones.sum()
                if sign > 0:
                    ahead += (self.poses[:, limb.path[-1]] - last) / limb.bones.sum()
        across = self.poses[:, legs.limbs[0].nodes[0]] - self.poses[:, legs.limbs[1].nodes[0]]
        return float((normalize(across) * cross(normalize(up), ahead)).sum(-1).mean())

    def toe(self, leg: Limb) -> list[int]:
        """Node of the ball of the foot, or where else the foot ends; empty where it does not."""
        ankle = leg.path.index(leg.nodes[2])
        along = np.cumsum([self.lengths[i] for i in leg.path[ankle + 1 :]])
        scores = {
            node: self.word(node, "toe") - np.log(length / leg.bones[1] / TOE_TO_SHIN) ** 2
            for node, length in zip(leg.path[ankle + 1 :], along, strict=True)
            if length > NEAR * leg.bones.sum()
        }
        return [max(scores, key=scores.__getitem__)] if scores else []

    def collar(self, arm: Limb) -> list[int]:
        """Node of the collar bone; empty where the arm hangs from the chest."""
        before = arm.path[: arm.path.index(arm.nodes[0])]
        return [max(before, key=lambda i: self.word(i, "collar"))] if before else []

    def complete(self, found: dict[str, int], how: str, notes: tuple[str, ...] = ()) -> Match:
        """Add spine, neck and head; those that a map names stay as they are."""
        spine, neck, head = self.trunk(found)
        # a node that lies on the one below it (LowerBack on Hips) is none of ours
        back = [i for i in spine if self.lengths[i] > NEAR * self.leg(found)]
        throat = [i for i in neck if self.lengths[i] > NEAR * self.leg(found)]
        if how != "map":
            places = {"neck": throat[:1], "head": head, "spine3": back[-1:]}
            places |= {"spine1": back[:1] if len(back) > 1 else [], "spine2": back[1:-1]}
            found |= {name: nodes[(len(nodes) - 1) // 2] for name, nodes in places.items() if nodes}
        joints = {joint: found[joint] for joint in JOINTS if joint in found}
        return Match(joints=joints, spine=tuple(spine), neck=tuple(neck), how=how, notes=notes)

    def leg(self, found: dict[str, int]) -> float:
        """Length of thigh and shin."""
        nodes = [found[f"left_{part}"] for part in _LEG]
        bones = self.poses[:, nodes[1:]] - self.poses[:, nodes[:-1]]
        return float(np.median(np.linalg.norm(bones, axis=-1), axis=0).sum())

    def trunk(self, found: dict[str, int]) -> tuple[list[int], list[int], list[int]]:
        """Nodes of spine, neck and head."""
        pelvis = found["pelvis"]
        arms = [self.above(found[f"{s}_shoulder"]) for s in ("left", "right")]
        up = self.above(pelvis)
        chest = next((i for i in arms[0] if i in set(arms[1])), pelvis)
        down = self.above(chest)
        meet = next((i for i in up if i in set(down)), -1)
        spine = up[1 : up.index(meet) + 1] if meet == chest else down[: down.index(meet)][::-1]
        taken = {*arms[0], *arms[1], *up}
        head = self.head(chest, taken, found)
        if self.word(chest, "neck") > 0 and len(spine) > 1:
            return spine[:-1], [chest, *head[:-1]], head[-1:]
        return spine, head[:-1], head[-1:]

    def head(self, chest: int, taken: set[int], found: dict[str, int]) -> list[int]:
        """Nodes above the chest up to the head's, which is last."""
        leg = self.leg(found)
        up = normalize(self.poses[:, chest] - self.poses[:, found["pelvis"]])
        best, chosen = 0.0, []
        for child in self.children[chest]:
            if child in taken:
                continue
            path = self.path(child)
            # what hangs from a head, eyes or hair, parts there
            forks = [k for k, i in enumerate(path) if len(self.children[i]) > 1]
            path = path[: forks[0] + 1] if forks else path
            along = np.cumsum([self.lengths[i] for i in path])
            named = [self.word(i, "head") for i in path]
            if max(named) > 0:
                last = int(np.argmax(named))
            else:
                near = np.abs(np.log(np.maximum(along, 1e-9) / leg / HEAD_TO_LEG))
                near[[not self.source.names[i] and i != child for i in path]] = np.inf
                last = int(np.argmin(near))
            line = self.poses[:, path[last]] - self.poses[:, chest]
            score = float((line * up).sum(-1).mean()) / leg
            score += sum(self.word(i, "head") + self.word(i, "neck") > 0 for i in path)
            if score > best:
                best, chosen = score, path[: last + 1]
        return chosen
