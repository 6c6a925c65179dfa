"""What the names of nodes say: a body part, a helper, or which of two like limbs is the left one.

Names come as `mixamorig:LeftUpLeg`, `Bip01 L Thigh`, `DEF-thigh.L.001`, `lShldr` or in other
scripts, so words are looked for anywhere in their letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

HELPER = "helper"
"""Part of nodes that no joint of ours is taken from where there is another: twist bones, fingers,
clothes and what animators pull at."""

_PARTS = {
    "hip": "thigh upleg upperleg legupper femur",
    "hip pelvis": "hip",
    "hip knee": "leg 足",
    "knee": "knee shin calf lowerleg lowleg loleg leglower tibia ひざ 膝",
    "ankle": "ankle 足首",
    "ankle toe": "foot",
    "toe": "toe ball forefoot つま先",
    "collar": "collar clav scapula 肩",
    "collar shoulder": "shoulder shldr",
    "shoulder": "upperarm uparm armupper humerus 腕",
    "shoulder elbow": "arm",
    "elbow": "elbow forearm lowerarm lowarm loarm armlower ulna ひじ 肘",
    "wrist": "wrist 手首",
    "wrist fingers": "hand",
    "neck": "neck 首",
    "head": "head skull 頭",
    "spine": "spine chest abdomen torso thorax waist back pelvis hips 上半身 下半身",
}
_WORDS = {word: tuple(parts.split()) for parts, line in _PARTS.items() for word in line.split()}

_HELPERS = re.compile(
    r"twist|roll|share|pole|target|ctrl|control|weapon|prop|socket|skirt|hair|tail|wing|breast|bust"
    r"|cloth|cape|sleeve|ribbon|jaw|eye|tongue|thumb|index|middle|ring|pinky|little|finger|捩|指|目"
    r"|hipjoint|(?<![a-z])(ik|fk|mch|vb|acc)(?![a-z])"
)
_TIPS = re.compile(r"(?<![a-z])(end|nub|tip|top|site|endsite|headtop)(?![a-z])")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

_SIDES = "lr gd id ed sd lp vh vo bj lğ tp hm zy лп 左右 왼오 좌우"
"""Letters in which the words for left and right first differ, left's before right's: left and
right, links and rechts; gauche, droite; izquierda, derecha; esquerda, direita; sinistra, destra;
lewa, prawa; venstre, højre; vasen, oikea; bal, jobb; sol, sağ; trái, phải; hidari, migi; zuo, you;
левая, правая; those of Japanese, Chinese and Korean."""
_LEFT_FIRST = {(pair[0], pair[1]) for pair in _SIDES.split()}


def fold(name: str) -> str:
    """Reduce a name to what its spellings share: letters and digits without case or namespace."""
    bare = re.split(r"[:|]", unicodedata.normalize("NFKC", name))[-1]
    return "".join(filter(str.isalnum, bare.casefold()))


def bare(names: Sequence[str]) -> list[str]:
    """Names without what four of five of them begin or end with: `mixamorig:`, `_jnt`."""
    first, last = _shared(names), _shared([name[::-1] for name in names])[::-1]
    return [name.removeprefix(first).removesuffix(last) for name in names]


def _shared(names: Sequence[str]) -> str:
    order = sorted(filter(None, names))
    if len(order) < 5:
        return ""
    low, high = order[len(order) // 10], order[-1 - len(order) // 10]
    same = (i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b)
    return low[: next(same, 0)]


def parts(names: Sequence[str]) -> list[dict[str, float]]:
    """Say for each node how well it names a part of the body, 0 to 1; {HELPER: 1} for helpers."""
    return [_part(name) for name in bare(names)]


def _part(name: str) -> dict[str, float]:
    spread = _CAMEL.sub("_", unicodedata.normalize("NFKC", name)).casefold()
    if _TIPS.search(spread):
        return {}
    if _HELPERS.search(spread):
        return {HELPER: 1.0}
    letters = "".join(filter(str.isalpha, spread))
    ends = {word: letters.rfind(word) + len(word) for word in _WORDS if word in letters}
    if not ends:
        return {}
    # `torso_head` is a head and `UpperArm` no arm; what says two things says each less surely
    said = _WORDS[max(ends, key=lambda word: (ends[word], len(word)))]
    return dict.fromkeys(said, 1.0 if len(said) == 1 else 0.6)


def side(one: str, other: str) -> int:
    """Return 1 where two names say that `one` is on the left and `other` on the right.

    -1 where they say the opposite, and 0 where they differ in anything but their sides.
    """
    a, b = ("".join(filter(str.isalpha, name.casefold())) for name in (one, other))
    differ = next((pair for pair in zip(a, b, strict=False) if pair[0] != pair[1]), None)
    if differ is None:
        return 0
    return (differ in _LEFT_FIRST) - (differ[::-1] in _LEFT_FIRST)
