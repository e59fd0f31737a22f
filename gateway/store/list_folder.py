"""The folder of compiled lists: prepare a new one beside the old, say which is in force, keep the one before."""

from pathlib import Path

import msgspec

from gateway.errors import ListInvalid
from gateway.store.list_compiler import CompiledFile, compile_list
from gateway.store.list_document import parse_list
from gateway.store.list_file import is_compiled_list, write_durably
from gateway.store.list_identifiers import Fits, any_number

_POINTER = "current.json"
_PREPARED_KEPT = 2


class _Current(msgspec.Struct, forbid_unknown_fields=True):
    path: str
    version: int
    digest: str
    credentials: int
    previous: str | None = None


class ListFolder:
    """Compiles what the office sends, for `sync.ports.ListStore`.

    `folder` is the data directory's `lists`; `fits` knows the site's card formats.
    """

    def __init__(self, folder: Path, site_key: bytes, fits: Fits = any_number) -> None:
        self._folder, self._site_key, self._fits = folder, site_key, fits

    def prepare(self, raw: bytes, site: str, newer_than: int) -> CompiledFile:
        """Parse, judge and compile a LIST.json.

        Raises ListInvalid with its faults; another site's or an older list is one.
        """
        document = parse_list(raw, self._fits)
        if document.site != site:
            raise ListInvalid((f"$.site: is {document.site!r}, this is {site!r}",))
        if document.version <= newer_than:
            raise ListInvalid((f"$.version: {document.version} is not newer than {newer_than}",))
        return compile_list(document, self._site_key, self._folder)

    def version_in_force(self) -> int:
        """The version that `current.json` names; 0 while there is none, or its file isn't for this release.

        The office then sends its list again.
        """
        current = _read(self._folder)
        if current is None or not is_compiled_list(self._folder / current.path):
            return 0
        return current.version


def set_current(folder: Path, compiled: CompiledFile) -> None:
    """Name the list in force, in one durable step; the one before is kept, older ones are removed."""
    before = _read(folder)
    previous = None if before is None else before.path
    if before is not None and previous == compiled.path.name:
        previous = before.previous
    current = _Current(compiled.path.name, compiled.version, compiled.digest, compiled.credentials, previous)
    write_durably(folder / _POINTER, [msgspec.json.encode(current)])
    newest_first = sorted(folder.glob("list-*.ghl"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    prepared = [path for path in newest_first if path.name not in (current.path, current.previous)]
    for path in prepared[_PREPARED_KEPT:]:  # sync may just have prepared the next one: the newest stay
        path.unlink(missing_ok=True)


def current_list(folder: Path) -> Path | None:
    """The compiled list in force, None while there is none."""
    current = _read(folder)
    return None if current is None else folder / current.path


def previous_list(folder: Path) -> Path | None:
    """The list that was in force before, to fall back on when the current file is damaged."""
    current = _read(folder)
    return None if current is None or current.previous is None else folder / current.previous


def _read(folder: Path) -> _Current | None:
    try:
        return msgspec.json.decode((folder / _POINTER).read_bytes(), type=_Current)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
