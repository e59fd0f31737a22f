"""Evidence that was begun and that the doors process has not taken yet: on the disk, so that it outlives its worker."""

import json
import os
from dataclasses import astuple, dataclass
from pathlib import Path

from gateway.domain.signals import EvidenceReady

UNTOLD_MOST = 1024
"""More than the outbox holds with the doors process away for hours; beyond that the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
class Untold:
    """One file for one observation or alarm. `path` is the final name, relative to the data directory."""

    reference: str
    camera: str
    kind: str
    path: str

    @classmethod
    def of(cls, ready: EvidenceReady) -> "Untold":
        """What `ready` settles, once it is taken."""
        return cls(ready.observation_id, ready.camera, ready.kind, ready.path)


class UntoldFile:
    """Written at each change, a few hundred bytes. A full disk costs only what a kill would leave untold."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = dict.fromkeys(_load(path))
        self.unsaved = 0

    def entries(self) -> tuple[Untold, ...]:
        """What is untold, the oldest first."""
        return tuple(self._entries)

    def add(self, entry: Untold) -> None:
        """Remember it before its file is begun."""
        self._entries[entry] = None
        while len(self._entries) > UNTOLD_MOST:
            del self._entries[next(iter(self._entries))]
        self._save()

    def discard(self, entry: Untold) -> None:
        """It was taken, or nothing came of it."""
        if entry in self._entries:
            del self._entries[entry]
            self._save()

    def _save(self) -> None:
        partial = self._path.with_suffix(".part")
        try:
            partial.write_text(json.dumps([astuple(entry) for entry in self._entries]))
            os.replace(partial, self._path)
        except OSError:
            self.unsaved += 1


def _load(path: Path) -> list[Untold]:
    """What an earlier worker left; empty when there is no file or it makes no sense."""
    try:
        rows = json.loads(path.read_bytes())
        return [Untold(str(r), str(c), str(k), str(p)) for r, c, k, p in rows[-UNTOLD_MOST:]]
    except (OSError, ValueError, TypeError):
        return []
