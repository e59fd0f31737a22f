"""Encoded clips of one picture format: made once, then read from a cache on disk."""

import asyncio
import hashlib
import logging
import struct
from pathlib import Path
from tempfile import NamedTemporaryFile

from simulators.camera.picture import AccessUnit, Gop, PictureFormat
from simulators.camera.walks import WALKS, Clip, frame_count

_log = logging.getLogger(__name__)

_MAGIC = b"yard1\n"
_MAX_CLIP_BYTES = 64 << 20
"""Twenty seconds at 1920x1104 stay below; a larger file is not ours."""
_DRAWN_BY = ("drawing.py", "encoding.py", "picture.py", "walks.py")


class Footage:
    """Clips of one picture format, from the cache directory or freshly encoded in a thread."""

    def __init__(self, picture: PictureFormat, cache: Path | None) -> None:
        self.picture = picture
        self._cache = cache
        self._clips: dict[Clip, asyncio.Task[tuple[Gop, ...]]] = {}

    async def clip(self, clip: Clip) -> tuple[Gop, ...]:
        """The groups of a clip; encoded at its first use."""
        if clip not in self._clips:
            self._clips[clip] = asyncio.create_task(asyncio.to_thread(self._load_or_encode, clip))
        return await asyncio.shield(self._clips[clip])

    async def prepare_walks(self) -> None:
        """Encode every walk, one after the other, so that none has to be waited for later."""
        for clip in WALKS:
            await self.clip(clip)

    def ready(self, clip: Clip) -> tuple[Gop, ...] | None:
        """The clip if it is there without waiting."""
        task = self._clips.get(clip)
        return task.result() if task is not None and task.done() else None

    def _load_or_encode(self, clip: Clip) -> tuple[Gop, ...]:
        path = None if self._cache is None else self._cache / self._file_name(clip)
        if path is not None and (groups := _load(path, clip, self.picture)) is not None:
            return groups
        # Imported here: a warm start needs neither OpenCV's drawing nor an encoder before the first frame.
        from simulators.camera.encoding import encode_clip

        groups = encode_clip(self.picture, clip)
        if path is not None:
            _store(path, groups)
        return groups

    def _file_name(self, clip: Clip) -> str:
        digest = hashlib.sha256()
        for name in _DRAWN_BY:
            digest.update(Path(__file__).with_name(name).read_bytes())
        return f"{clip}-{self.picture.name}-{self.picture.fps}-{digest.hexdigest()[:16]}.units"


def write_units(groups: tuple[Gop, ...]) -> bytes:
    """A clip as bytes: magic, then each access unit as length and Annex B stream."""
    units = (unit.annexb() for group in groups for unit in group)
    return _MAGIC + b"".join(struct.pack(">I", len(unit)) + unit for unit in units)


def read_units(data: bytes, gop: int) -> tuple[Gop, ...]:
    """The inverse of write_units. Raises ValueError when the bytes are not such a clip."""
    if not data.startswith(_MAGIC):
        raise ValueError("not a clip")
    units, at = [], len(_MAGIC)
    while at < len(data):
        if at + 4 > len(data):
            raise ValueError("clip ends within a length")
        (length,) = struct.unpack_from(">I", data, at)
        at += 4
        if at + length > len(data):
            raise ValueError("clip ends within an access unit")
        units.append(AccessUnit.from_annexb(data[at : at + length]))
        at += length
    groups = tuple(tuple(units[i : i + gop]) for i in range(0, len(units), gop))
    if not groups or any(len(group) != gop or not group[0].keyframe for group in groups):
        raise ValueError("clip is not made of whole groups")
    return groups


def _load(path: Path, clip: Clip, picture: PictureFormat) -> tuple[Gop, ...] | None:
    try:
        if path.stat().st_size > _MAX_CLIP_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    try:
        groups = read_units(data, picture.gop)
    except ValueError as error:
        _log.warning("cached clip %s is damaged (%s), encoding it again", path.name, error)
        return None
    return groups if len(groups) * picture.gop == frame_count(clip, picture) else None


def _store(path: Path, groups: tuple[Gop, ...]) -> None:
    """Replace the file whole: two cameras may start at once."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(write_units(groups))
        Path(file.name).replace(path)
    except OSError as error:
        _log.warning("clips are not cached: %s", error)
