"""Evidence leaves by age and by total size, the oldest first."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analytics.clips import PARTIAL
from analytics.settings import RetentionSettings


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of evidence."""

    path: Path
    size_bytes: int
    modified: datetime


def files_to_remove(files: list[Kept], now: datetime, settings: RetentionSettings) -> list[Kept]:
    """Which files go: those that are too old, then the oldest until the rest fits."""
    ordered = sorted(files, key=lambda kept: (kept.modified, str(kept.path)))
    oldest = now - timedelta(days=settings.days)
    total = sum(kept.size_bytes for kept in ordered)
    leaving = []
    for kept in ordered:
        if kept.modified >= oldest and total <= settings.total_bytes:
            break
        leaving.append(kept)
        total -= kept.size_bytes
    return leaving


def prune(folder: Path, now: datetime, settings: RetentionSettings) -> int:
    """Apply it to a folder of `<camera>/<date>/<file>`; returns how many files went. A file that vanishes
    meanwhile is fine."""
    files = []
    for path in folder.glob("*/*/*"):
        if path.suffix == PARTIAL or not path.is_file():
            continue
        state = path.stat()
        files.append(Kept(path, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC)))
    leaving = files_to_remove(files, now, settings)
    for kept in leaving:
        kept.path.unlink(missing_ok=True)
    for day in folder.glob("*/*"):
        if day.is_dir() and not any(day.iterdir()) and day.name < now.strftime("%Y-%m-%d"):
            day.rmdir()
    return len(leaving)
