"""What a walk test remembers besides the journal: where it began, by whom, and what was seen of the bare wiring."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError

NAME = "walk-test.json"
FILE_BOUND = 1 << 20
"""A few lines a door; a larger file isn't ours."""


@dataclass(frozen=True, slots=True)
class WiringProof:
    """What a person saw at a door while no daemon ran. `contact_seen`: its contact told the same; None without one."""

    door: str
    test: str
    passed: bool
    contact_seen: bool | None
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class WalkFile:
    """A walk test. What happened up to `after_row` of the journal doesn't count."""

    started_at: datetime
    by: str
    after_row: int
    config_sha256: str
    site: str
    """The site's id; empty in older files."""
    wiring: tuple[WiringProof, ...] = field(default=())

    def with_proof(self, proof: WiringProof) -> "WalkFile":
        """The newest word on a door and test stands."""
        kept = (old for old in self.wiring if (old.door, old.test) != (proof.door, proof.test))
        return replace(self, wiring=(*kept, proof))


def config_digest(path: Path) -> str:
    """What tells one state of the site's config from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_walk(data: Path) -> WalkFile | None:
    """The walk test of that data directory; None before its start. Raises ConfigError for a damaged file."""
    path = data / NAME
    try:
        if not path.exists():
            return None
        if path.stat().st_size > FILE_BOUND:
            raise ValueError("it is too large")
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(str(path), NAME, f"can't be read ({error}): `walk start` begins anew") from error


def write_walk(data: Path, walk: WalkFile) -> None:
    """Keep it, whole or not at all. Raises ConfigError."""
    path = data / NAME
    fresh = path.with_name(f".{NAME}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "w", encoding="utf-8") as file:
            json.dump(asdict(walk), file, default=datetime.isoformat, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise ConfigError(str(path), NAME, f"can't be written: {error.strerror}") from error


def _parsed(raw: dict[str, Any]) -> WalkFile:
    wiring = tuple(WiringProof(**{**each, "at": datetime.fromisoformat(each["at"])}) for each in raw["wiring"])
    started_at, after_row = datetime.fromisoformat(raw["started_at"]), int(raw["after_row"])
    return WalkFile(started_at, raw["by"], after_row, raw["config_sha256"], str(raw.get("site", "")), wiring)
