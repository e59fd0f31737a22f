"""What an earlier worker left behind: clips that were cut off, and files that were never told."""

import hashlib
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av

from analytics.clips import AV_FAILED, PARTIAL, settle
from analytics.untold import Untold
from gateway.domain.signals import EvidenceReady

_log = logging.getLogger(__name__)


def cut_name(path: Path) -> Path:
    """The name of a clip that was cut off by its writer's death."""
    return path.with_name(f"{path.stem}-cut{path.suffix}")


def played_s(path: Path) -> float | None:
    """Seconds from a clip's first picture to its last; None when no picture can be read."""
    stamps = []
    try:
        with av.open(str(path), "r") as clip:
            base = clip.streams.video[0].time_base
            stamps += [packet.pts for packet in clip.demux(video=0) if packet.size and packet.pts is not None]
    except (*AV_FAILED, IndexError):
        # A cut file can end in the middle of a picture: what came before it counts.
        if not stamps:
            return None
    return float((max(stamps) - min(stamps)) * base) if stamps and base is not None else None


def keep_leftovers(folder: Path) -> int:
    """After a crash: clips under a temporary name become `…-cut.mp4`, leftovers without a picture go; returns how many
    were kept."""
    kept = 0
    for partial in sorted(folder.glob(f"*/*/*{PARTIAL}")):
        whole = partial.with_name(partial.name.removesuffix(PARTIAL))
        if whole.suffix == ".mp4" and played_s(partial) is not None:
            settle(partial, cut_name(whole))
            kept += 1
        else:
            _log.warning("%s was cut off before its first picture: removed", whole.name)
            partial.unlink()
    return kept


def recover(data_dir: Path, entry: Untold) -> EvidenceReady | None:
    """What an earlier worker's unfinished or untold file holds; None, and no file, when nothing can be read.

    Its end is when the file was last written, its start by the clip's own length.
    """
    whole = data_dir / entry.path
    path = next((name for name in (whole, cut_name(whole)) if name.is_file()), None)
    if path is None:
        return None
    length_s = played_s(path) if entry.kind == "clip" else 0.0
    if length_s is None:
        path.unlink()
        return None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    state = path.stat()
    over = datetime.fromtimestamp(state.st_mtime, UTC)
    begun = over - timedelta(seconds=length_s)
    name = path.relative_to(data_dir).as_posix()
    return EvidenceReady(entry.reference, entry.camera, entry.kind, name, digest, state.st_size, begun, over)
