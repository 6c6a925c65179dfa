"""What a VRM file says of its author and of what may be done with it; it is shown and obeyed."""

from __future__ import annotations

from dataclasses import dataclass

from core.capture.gltf_file import Json
from core.capture.joint_maps import well_formed

MOST_WORDS = 200
"""Characters of each thing that is repeated."""
_FIXED = ("Redistribution_Prohibited", "CC_BY_ND", "CC_BY_NC_ND")
"""Licences of VRM 0 under which no changed copy may be made or handed out."""


@dataclass(frozen=True, kw_only=True)
class Licence:
    """A character's own words, for visitors."""

    title: str
    author: str
    terms: dict[str, str]
    """Other terms by the names that VRM gives them."""
    forbids: str = ""
    """Which of them forbids a changed copy of the file; empty where none does."""

    def __str__(self) -> str:
        by = f" by {self.author}" if self.author else ""
        terms = ", ".join(f"{key} {value}" for key, value in self.terms.items())
        return f"{self.title or 'a character'}{by}{terms and f' ({terms})'}"


def licence(description: Json) -> Licence | None:
    """Return what a file says of itself; None where it is no VRM."""
    extensions = description.get("extensions", {})
    if "VRMC_vrm" in extensions:
        return _of_1(extensions["VRMC_vrm"].get("meta", {}))
    return _of_0(extensions["VRM"].get("meta", {})) if "VRM" in extensions else None


def _of_1(meta: Json) -> Licence:
    # what VRM 1.0 takes for said where nothing is
    modification = _words(meta.get("modification") or "prohibited")
    hand_out = bool(meta.get("allowRedistribution"))
    terms = {
        "use": _words(meta.get("avatarPermission") or "onlyAuthor"),
        "commercial use": _words(meta.get("commercialUsage") or "personalNonProfit"),
        "redistribution": "allowed" if hand_out else "prohibited",
        "modification": modification,
        "credit": _words(meta.get("creditNotation") or "required"),
        "licence": _words(meta.get("otherLicenseUrl") or meta.get("licenseUrl")),
    }
    return Licence(
        title=_words(meta.get("name")),
        author=", ".join(map(_words, [*meta.get("authors", ())][:10])),
        terms={key: value for key, value in terms.items() if value},
        forbids="modification: prohibited" if modification == "prohibited" else "",
    )


def _of_0(meta: Json) -> Licence:
    name = _words(meta.get("licenseName"))
    terms = {
        "use": _words(meta.get("allowedUserName")),
        "commercial use": _words(meta.get("commercialUssageName")),  # as the format spells it
        "licence": name if name != "Other" else _words(meta.get("otherLicenseUrl")) or name,
        "more": _words(meta.get("otherPermissionUrl")),
    }
    return Licence(
        title=_words(meta.get("title")),
        author=_words(meta.get("author")),
        terms={key: value for key, value in terms.items() if value},
        forbids=f"licence: {name}" if name in _FIXED else "",
    )


def _words(value: object) -> str:
    """Return what a file says as one short line."""
    text = "" if value is None else str(value)[: 4 * MOST_WORDS]
    shown = "".join(c if c.isprintable() else " " for c in well_formed(text))
    return " ".join(shown.split())[:MOST_WORDS]
