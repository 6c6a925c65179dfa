"""Pairs of branches of a skeleton's tree that may be its legs or its arms.

Along a branch those three nodes are taken that lie as hip, knee and ankle do, or shoulder, elbow
and wrist: two bones of like length that make most of the branch and do not stretch in motion, with
the length of a foot or a hand left over, and names that do not speak against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import log

import numpy as np

from core.capture.joint_names import HELPER, parts, side
from core.capture.source import Source

LEG, ARM = ("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")

MOST_POSES = 16
"""Poses that are looked at, spread over the motion."""
MOST_FORKS, MOST_BRANCHES, MOST_STEPS, MOST_PAIRS = 12, 6, 20, 12
"""Nodes that limbs may hang from, branches at each, nodes along one, and pairs that are handed
back: a tree made to take long takes no longer."""
UNLIKE = 0.4
"""Difference, as a logarithm, that bones of two limbs of a pair may have."""
NEAR = 0.01
"""Nodes this close to each other, as a share of a limb's length, lie at the same place."""


class Tree:
    """A skeleton looked at: branches, lengths, words."""

    def __init__(self, source: Source) -> None:
        self.names, self.parents = source.names, source.parents
        chosen = np.linspace(0, len(source.positions) - 1, MOST_POSES).round().astype(int)
        self.poses = source.positions[np.unique(chosen)]  # (P, N, 3)
        self.parts = parts(source.names)
        away = self.poses - np.median(self.poses, axis=1, keepdims=True)
        self.size = max(float(np.median(np.linalg.norm(away, axis=-1))), 1e-9)
        size = len(self.parents)
        up = [i if parent < 0 else parent for i, parent in enumerate(self.parents)]
        self.lengths = self._median(self.poses - self.poses[:, up])
        self.children: list[list[int]] = [[] for _ in range(size)]
        for i, parent in enumerate(self.parents):
            if parent >= 0:
                self.children[parent].append(i)
        # how much hangs from a node in all, along which child most of it, and how many steps down
        self.much, self.next, self.steps = self.lengths.copy(), [-1] * size, [1] * size
        for i in reversed(range(size)):  # children stand behind their parents
            for child in self.children[i]:
                self.much[i] += self.much[child]
                self.steps[i] = max(self.steps[i], self.steps[child] + 1)
            self.next[i] = max(self.children[i], key=self.much.__getitem__, default=-1)
            if HELPER in self.parts[i]:
                self.much[i] /= 4

    @staticmethod
    def _median(bones: np.ndarray) -> list[float]:
        return np.median(np.linalg.norm(bones, axis=-1), axis=0).tolist()

    def apart(self, one: int, other: int) -> float:
        """Distance of two nodes."""
        return self._median(self.poses[:, [one]] - self.poses[:, [other]])[0]

    def path(self, node: int) -> list[int]:
        """Nodes from `node` to an end, where branches part along the one with most bones."""
        found = [node]
        while self.next[found[-1]] >= 0 and len(found) < MOST_STEPS:
            found.append(self.next[found[-1]])
        return found

    def above(self, node: int) -> list[int]:
        """Nodes from `node` up to its root, both included."""
        found = [node]
        while self.parents[found[-1]] >= 0 and len(found) < len(self.parents):
            found.append(self.parents[found[-1]])
        return found

    def word(self, node: int, part: str) -> float:
        """How far a node's name speaks for a part of the body; below 0 where it says another."""
        said = self.parts[node]
        return said.get(part, -1.0 if HELPER in said else -0.5 if said else 0.0)


@dataclass(frozen=True)
class Limb:
    """A branch, and what is taken from it."""

    path: list[int]
    """Its nodes from the one below the fork."""
    nodes: tuple[int, int, int]
    """Hip, knee and ankle, or shoulder, elbow and wrist."""
    bones: tuple[float, float]
    """Lengths between them."""


@dataclass(frozen=True)
class Pair:
    """Two like limbs, in the order of the file."""

    fork: int
    """Node that both hang from."""
    limbs: tuple[Limb, Limb]
    sides: int
    """How many of their names say that the first is the left one, less those that say the right."""
    middle: np.ndarray
    """Point between their first joints in the poses looked at, (P, 3)."""
    length: float
    score: float


def find_pairs(tree: Tree, names: tuple[str, str, str]) -> list[Pair]:
    """Find pairs that may be LEG or ARM, best first."""
    forks = []
    for node, children in enumerate(tree.children):
        branches = [i for i in children if tree.steps[i] >= 3]
        if len(branches) >= 2:
            branches.sort(key=tree.much.__getitem__, reverse=True)
            forks.append((tree.much[branches[1]], node, branches[:MOST_BRANCHES]))
    forks.sort(key=lambda fork: fork[0], reverse=True)
    found = []
    for _, node, children in forks[:MOST_FORKS]:
        branches = [branch for i in children if (branch := _Branch(tree, i, names)).possible]
        pairs = (_pair(tree, node, one, other) for one, other in combinations(branches, 2))
        found += [pair for pair in pairs if pair]
    # fingers are like each other too, but small
    found.sort(key=lambda pair: pair.score + 2 * log(pair.length), reverse=True)
    return found[:MOST_PAIRS]


class _Branch:
    """All ways to take three nodes from a branch."""

    def __init__(self, tree: Tree, node: int, names: tuple[str, str, str]) -> None:
        self.path = path = tree.path(node)
        self.places = places = tree.poses[:, path]
        apart = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1)  # (P, L, L)
        along = np.cumsum([0.0, *(tree.lengths[i] for i in path[1:])])
        far = np.median(apart, axis=0)
        below = np.triu(far > max(0.02 * along[-1], 1e-9), 1)
        valid = below[:, :, None] & below  # (hip, knee, ankle)
        self.possible = bool(valid.any())
        if not self.possible:  # it has no three places
            return
        self.far = far = np.maximum(far, 1e-9)
        upper, lower = far[:, :, None], far
        stretch = np.minimum(10 * apart.std(axis=0) / far, 1)
        # a branch that ends in a joint, not in an end site, may do without foot and hand; and what
        # is longer than a limb is held in a hand
        least = 0.15 if tree.names[path[-1]] else 0.05
        rest = np.clip((along[-1] - along) / (upper + lower), least, 1)
        share = (upper + lower) / np.minimum(along[-1], along + upper + lower)
        usual = 0.8 if names == LEG else 0.65  # collars and hands take more than feet
        first, middle, last = (np.array([tree.word(i, name) for i in path]) for name in names)
        fingers = np.array([len(tree.children[i]) > 2 for i in path])
        self.scores = (
            first[:, None, None]
            + middle[:, None]
            + last
            - 4 * np.log(upper / lower) ** 2
            - 2 * np.log(share / usual) ** 2
            - 0.2 * np.log(rest / 0.3) ** 2
            - stretch[:, :, None]
            - stretch
            + 0.5 * stretch[:, None]  # from hip to ankle it does change, by the knee
            + 0.5 * fingers
        )
        self.scores[~valid] = -np.inf

    def limb(self, at: tuple[int, int, int]) -> Limb:
        """What lies at three steps of the path."""
        a, b, c = at
        bones = float(self.far[a, b]), float(self.far[b, c])
        return Limb(self.path, (self.path[a], self.path[b], self.path[c]), bones)


def _pair(tree: Tree, fork: int, one: _Branch, other: _Branch) -> Pair | None:
    """Take two branches as one kind of limb; None where they are too unlike."""
    size = min(len(one.path), len(other.path))
    gaps = np.abs(one.places[:, :, None] - other.places[:, None]).max(axis=(0, 3))
    joined = gaps < NEAR * tree.size  # (steps of one, steps of the other): no limbs, or not yet
    # where limbs mirror each other, both tell which nodes to take; a sword may hang from one
    both = one.scores[:size, :size, :size] + other.scores[:size, :size, :size]
    both -= joined.diagonal()[:size, None, None]
    found = []
    for at, at_other in ((_best(both),) * 2, (_best(one.scores), _best(other.scores))):
        limbs = one.limb(at), other.limb(at_other)
        unlike = max(abs(log(a / b)) for a, b in zip(limbs[0].bones, limbs[1].bones, strict=True))
        if unlike < UNLIKE and not joined[at[1], at_other[1]]:
            score = one.scores[at] + other.scores[at_other] - joined[at[0], at_other[0]]
            found.append((float(score) - 12 * unlike**2, limbs))
    if not found:
        return None
    score, (first, second) = max(found, key=lambda pair: pair[0])
    length = (sum(first.bones) + sum(second.bones)) / 2
    names = [(tree.names[i], tree.names[j]) for i, j in zip(first.nodes, second.nodes, strict=True)]
    sides = sum(side(*named) for named in names)
    middle = tree.poses[:, [first.nodes[0], second.nodes[0]]].mean(axis=1)
    return Pair(fork, (first, second), sides, middle, length, score + abs(sides) / 3)


def _best(scores: np.ndarray) -> tuple[int, int, int]:
    a, b, c = np.unravel_index(np.argmax(scores), scores.shape)
    return int(a), int(b), int(c)
