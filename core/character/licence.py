"""What a VRM file says of its author and of what may be done with it; it is shown and obeyed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.capture.gltf_file import Json
from core.capture.joint_maps import well_formed

MOST_WORDS = 200
"""Characters of each thing that is repeated."""
_CHANGEABLE_0 = ("cc0", "cc_by", "cc_by_nc", "cc_by_sa", "cc_by_nc_sa", "other")
_CHANGEABLE_1 = ("allowmodification", "allowmodificationredistribution")
"""What VRM 0 and VRM 1 call licences under which changed copies may be made. Nothing else is taken
for one, however it is spelled: what is not understood is obeyed too."""
_UNCLEAR = "unclear"


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
    """Return what a file says of itself; None where it is no VRM.

    Of a file that is of both kinds the newer one is told, and either forbids.
    """
    extensions = _object(description.get("extensions"))
    kinds = (("VRMC_vrm", _of_1), ("VRM", _of_0))
    told = [
        read(_object(_object(extensions[kind]).get("meta")))
        for kind, read in kinds
        if kind in extensions
    ]
    if not told:
        return None
    return replace(told[0], forbids=next((one.forbids for one in told if one.forbids), ""))


def _of_1(meta: Json) -> Licence:
    # what VRM 1.0 takes for said where nothing is
    modification = _words(meta.get("modification", "prohibited")) or _UNCLEAR
    authors = meta.get("authors")
    if not isinstance(authors, list):
        authors = [authors]
    terms = {
        "use": _words(meta.get("avatarPermission")) or "onlyAuthor",
        "commercial use": _words(meta.get("commercialUsage")) or "personalNonProfit",
        "redistribution": "allowed" if meta.get("allowRedistribution") is True else "prohibited",
        "modification": modification,
        "credit": _words(meta.get("creditNotation")) or "required",
        "licence": _words(meta.get("otherLicenseUrl")) or _words(meta.get("licenseUrl")),
    }
    allowed = modification.casefold() in _CHANGEABLE_1
    return Licence(
        title=_words(meta.get("name")),
        author=", ".join(filter(None, map(_words, authors[:10]))),
        terms={key: value for key, value in terms.items() if value},
        forbids="" if allowed else f"modification: {modification}",
    )


def _of_0(meta: Json) -> Licence:
    named = meta.get("licenseName", "") != ""
    name = (_words(meta["licenseName"]) or _UNCLEAR) if named else "Other"
    url = _words(meta.get("otherLicenseUrl"))
    terms = {
        "use": _words(meta.get("allowedUserName")),
        "commercial use": _words(meta.get("commercialUssageName")),  # as the format spells it
        "licence": url if url and name.casefold() == "other" else name * named,
        "more": _words(meta.get("otherPermissionUrl")),
    }
    return Licence(
        title=_words(meta.get("title")),
        author=_words(meta.get("author")),
        terms={key: value for key, value in terms.items() if value},
        forbids="" if name.casefold() in _CHANGEABLE_0 else f"licence: {name}",
    )


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _words(value: object) -> str:
    """Return what a file says as one short line; what is no text says nothing."""
    text = value[: 4 * MOST_WORDS] if isinstance(value, str) else ""
    shown = "".join(c if c.isprintable() else " " for c in well_formed(text))
    return " ".join(shown.split())[:MOST_WORDS]
