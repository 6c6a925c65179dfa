"""Checkpoints of one kind in a folder: what there is, each loaded when it is first asked for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from core.checkpoint import describe

M = TypeVar("M")
log = logging.getLogger(__name__)


class Shelf(Generic[M]):
    """What there is of one kind in a folder of checkpoints, each loaded when first asked for."""

    def __init__(
        self,
        folder: Path,
        device: str,
        *,
        kind: str,
        load: Callable[[Path, str], M],
        word: str,
        none: str,
    ) -> None:
        """`word` and `none` are what is said of an unknown name and of an empty shelf."""
        self._folder, self._device, self._load = folder, device, load
        self._word, self._none = word, none
        self._loaded: dict[str, M] = {}
        self._lock = threading.Lock()
        found: dict[str, dict[str, Any]] = {}
        for path in folder.glob("*/config.json"):
            try:
                entry = describe(path.parent)
            except ValueError as error:  # one that is broken must not take the others away
                log.warning("left out: %s", error)
                continue
            if entry.get("kind") == kind:
                found[path.parent.name] = entry
        # a world that knows its place comes before those that do not, and what others made last
        order = {
            name: (
                bool(entry.get("about", {}).get("imported")),
                not entry.get("config", {}).get("place"),
                name,
            )
            for name, entry in found.items()
        }
        self.names = tuple(sorted(found, key=lambda name: order[name]))

    def pick(self, name: str | None = None) -> str:
        """Return a name, or the first; raise ValueError for an unknown one."""
        if not self.names:
            raise ValueError(self._none)
        name = name or self.names[0]
        if name not in self.names:
            raise ValueError(f"{self._word} must be one of {', '.join(self.names)}, got {name!r}")
        return name

    def get(self, name: str | None = None) -> M:
        """Return what has this name, or the first; raise ValueError for an unknown name."""
        name = self.pick(name)
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(self._folder / name, self._device)
            return self._loaded[name]

    def describe(self, name: str | None = None) -> dict[str, Any]:
        """Return the config.json of a name; nothing is loaded for it."""
        return describe(self._folder / self.pick(name))
