"""The folder of compiled lists: prepare a new one beside the old, say which is in force, keep the one before."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from gateway.domain.list_update import GuardBounds, GuardedChange, ListChanges, PromisedList
from gateway.errors import ListInvalid, ListTorn
from gateway.store.access_list import CompiledAccessList, open_list
from gateway.store.list_changes import SUFFIX, base_name
from gateway.store.list_compiler import CompiledFile, compile_list
from gateway.store.list_digests import LinesSeal
from gateway.store.list_document import ListDocument, parse_list
from gateway.store.list_file import is_compiled_list, write_durably
from gateway.store.list_guards import guarded_changes
from gateway.store.list_identifiers import Fits, any_number
from gateway.store.list_keys import SiteKey
from gateway.store.list_merge import carried_over, merged
from gateway.store.list_promise import is_as_promised
from gateway.store.list_state import MERGED_AT, ListState, opened_state, update

log = logging.getLogger(__name__)

_POINTER = "current.json"
_POINTER_COPY = "current.copy.json"
"""Read where the other is damaged: some hundred bytes that say which list decides must not be without a second."""
_PREPARED_KEPT = 2
_DAMAGE = (OSError, msgspec.DecodeError, UnicodeDecodeError)


class _Current(msgspec.Struct, forbid_unknown_fields=True):
    path: str
    version: int
    digest: str
    credentials: int
    previous: str | None = None
    generation: int = 0


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """A list made beside the one in force, and what of it wants a second yes."""

    path: Path
    generation: int
    version: int
    digest: str
    credentials: int
    guards: tuple[GuardedChange, ...] = ()


class ListFolder:
    """Makes lists of what the office sends, for `sync.ports.ListStore`. Called from one thread at a time.

    `folder` is the data directory's `lists`; `fits` knows the site's card formats.
    """

    def __init__(
        self, folder: Path, site_key: bytes, fits: Fits = any_number, bounds: GuardBounds | None = None
    ) -> None:
        self._folder, self._site_key, self._fits = folder, site_key, fits
        self._bounds = bounds or GuardBounds()
        self._state: ListState | None = None
        self._merging: threading.Thread | None = None
        self._merged: tuple[ListState, CompiledFile] | None = None

    def prepare(self, raw: bytes, site: str, newer_than: int) -> CompiledFile:
        """Parse, judge and compile a LIST.json that nobody promised anything of.

        Raises ListInvalid with its faults; another site's or an older list is one.
        """
        document = self._parsed(raw, site)
        if document.version <= newer_than:
            raise ListInvalid((f"$.version: {document.version} is not newer than {newer_than}",))
        return compile_list(document, self._site_key, self._folder)

    def prepare_whole(self, raw: bytes, promised: PromisedList) -> PreparedFile:
        """Make a LIST.json the list that was promised. Raises ListTorn, ListInvalid with its faults, OSError."""
        try:
            document = self._parsed(raw, promised.site)
        except ListInvalid as error:
            if is_as_promised(raw, promised):
                raise
            raise ListTorn((f"{error.faults[0]}; its digests are not those of the manifest",)) from error
        if (document.version, document.issued_at) != (promised.version, promised.issued_at):
            raise ListTorn((f"$.version: is {document.version}, the manifest says {promised.version}",))
        written = compile_list(document, self._site_key, self._folder, promised)
        del document
        opened = open_list(written.path, self._site_key)
        self._state, self._merged = opened_state(opened, written.path.name, self._site_key), None
        return self._prepared(opened, written)

    def prepare_changed(self, changes: ListChanges, promised: PromisedList) -> PreparedFile:
        """Put changes on the newest list. Raises ListTorn, ListInvalid with the faults, OSError."""
        state = self._newest()
        if state is None:
            raise ListTorn(("$: there is nothing to change yet",))
        self._state, written = update(state, changes, promised, self._folder, self._fits)
        found = self._prepared(self._state.opened, written)
        self._merge()
        return found

    def starts_from(self) -> tuple[int, int] | None:
        """(generation, version) of the list that changes would be put on."""
        state = self._newest()
        return None if state is None else state.coordinate

    def differing(self, digests: bytes) -> list[int]:
        """The buckets whose digests are others there; every one while there is no list."""
        state = self._newest()
        return list(range(len(digests) // 32)) if state is None else state.differing(digests)

    def repair(self, buckets: frozenset[int], there: ListChanges) -> ListChanges:
        """What makes these buckets hold the entries of `there` and no others."""
        state = self._newest()
        assert state is not None
        people, held = _names(there.cardholders), _names(there.credentials)
        gone_people, gone_cards = state.beside(buckets, people, held)
        return replace(there, gone_cardholders=gone_people, gone_credentials=gone_cards)

    def version_in_force(self) -> int:
        """The version that `current.json` names; 0 while there is none, or its file isn't for this release.

        The office then sends its list again.
        """
        return self.in_force()[1]

    def removed_most(self) -> int:
        """How many may lose passage at once by one signature, by the list in force."""
        current = _read(self._folder)
        held = 0 if current is None else current.credentials
        return max(self._bounds.removed_least, int(held * self._bounds.removed_percent / 100))

    def in_force(self) -> tuple[int, int]:
        """(generation, version) of what `current.json` names; (0, 0) as above."""
        current = _read(self._folder)
        if current is None or not is_compiled_list(self._folder / base_name(self._folder / current.path)):
            return 0, 0
        return current.generation, current.version

    def _parsed(self, raw: bytes, site: str) -> ListDocument:
        document = parse_list(raw, self._fits)
        if document.site != site:
            raise ListInvalid((f"$.site: is {document.site!r}, this is {site!r}",))
        return document

    def _newest(self) -> ListState | None:
        """What was prepared last; after a start the list in force."""
        if self._merged is not None and self._state is not None:
            at, written = self._merged
            self._merged = None
            if at.opened.base_digest == self._state.opened.base_digest:  # a whole list may have come meanwhile
                self._state = carried_over(self._state, at, written.path, self._site_key)
        if self._state is None:
            path = current_list(self._folder)
            opened = None if path is None else self._opened(path)
            if path is not None and opened is not None:
                self._state = _state_of(lambda: opened_state(opened, base_name(path), self._site_key))
        return self._state

    def _opened(self, path: Path) -> CompiledAccessList | None:
        beside = None if self._state is None else self._state.opened
        try:
            return open_list(path, self._site_key, beside=beside)
        except ListInvalid as error:
            log.warning("%s", error)
            return None

    def _prepared(self, opened: CompiledAccessList, written: CompiledFile) -> PreparedFile:
        old = self._judged_by()
        seal = LinesSeal(SiteKey(self._site_key))
        guards = () if old is None else guarded_changes(old, opened, self._bounds, seal)
        return PreparedFile(
            written.path, written.generation, written.version, written.digest, written.credentials, guards
        )

    def _judged_by(self) -> CompiledAccessList | None:
        """The list in force; where its file is damaged, the one that the doors fall back on."""
        for path in (current_list(self._folder), previous_list(self._folder)):
            found = None if path is None else self._opened(path)
            if found is not None:
                return found
        return None

    def _merge(self) -> None:
        """Make one list of the state's, once it has many changes, or somebody has left. Its thread only writes."""
        state = self._state
        assert state is not None
        changes = state.opened.changes
        if changes is None or (self._merging is not None and self._merging.is_alive()):
            return
        # Who has left must not stay in the list below for as long as it takes to come to many changes.
        if changes.entries < MERGED_AT and all(put.record for put in changes.cardholders.values()):
            return
        self._merging = threading.Thread(target=self._merge_now, args=(state,), name="list merge", daemon=True)
        self._merging.start()

    def _merge_now(self, state: ListState) -> None:
        try:
            self._merged = state, merged(state, self._folder)
        except (OSError, ListInvalid) as error:
            log.error("the list and its changes can't be made one, they stay two: %s", error)


def _state_of(make: Callable[[], ListState]) -> ListState | None:
    try:
        return make()
    except ListInvalid as error:
        log.warning("the list in force can't be changed, the whole next one is wanted: %s", error)
        return None


def _names(texts: tuple[bytes, ...]) -> frozenset[str]:
    class _Named(msgspec.Struct):
        id: str

    try:
        return frozenset(msgspec.json.decode(text, type=_Named).id for text in texts)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ListTorn((f"$: an entry makes no sense: {error}",)) from error


def set_current(folder: Path, compiled: CompiledFile, stood_in: bool = False) -> None:
    """Name the list in force, in one durable step; the one before is kept, older ones are removed.

    `stood_in`: the file named until now is damaged, and the one before it was in force: that one is kept.
    """
    before = _read(folder)
    previous = None if before is None else before.path
    if before is not None and (stood_in or previous == compiled.path.name):
        previous = before.previous
    current = _Current(
        compiled.path.name, compiled.version, compiled.digest, compiled.credentials, previous, compiled.generation
    )
    written: list[bytes | bytearray] = [msgspec.json.encode(current)]
    write_durably(folder / _POINTER, written)
    try:
        write_durably(folder / _POINTER_COPY, written)
    except OSError as error:  # the list is in force all the same
        log.warning("%s can't be written: %s", folder / _POINTER_COPY, error)
    kept = {name for name in (current.path, current.previous) if name is not None}
    kept |= {base_name(folder / name) for name in kept}
    for suffix, in_force in ((SUFFIX, compiled.path), (".ghl", folder / base_name(compiled.path))):
        _remove_others(folder, suffix, in_force, kept)


def _remove_others(folder: Path, suffix: str, in_force: Path, kept: set[str]) -> None:
    """Of what was made since the one in force the newest stay: sync may just have prepared or merged the next."""
    made = {path: path.stat().st_mtime_ns for path in folder.glob(f"list-*{suffix}") if path.name not in kept}
    since = in_force.stat().st_mtime_ns if in_force.exists() else 0
    prepared = sorted((path for path, at in made.items() if at >= since), key=made.__getitem__, reverse=True)
    for path in made.keys() - set(prepared[:_PREPARED_KEPT]):
        path.unlink(missing_ok=True)


def current_list(folder: Path) -> Path | None:
    """The compiled list in force, None while there is none."""
    current = _read(folder)
    return None if current is None else folder / current.path


def previous_list(folder: Path) -> Path | None:
    """The list that was in force before, to fall back on when the current file is damaged."""
    current = _read(folder)
    return None if current is None or current.previous is None else folder / current.previous


def pointer_fault(folder: Path) -> str | None:
    """Why what names the list in force can't be read, and its copy is gone by; None where it can, or isn't there."""
    try:
        msgspec.json.decode((folder / _POINTER).read_bytes(), type=_Current)
    except FileNotFoundError:
        return None
    except _DAMAGE as error:
        return f"{folder / _POINTER} can't be read, its copy is gone by: {error}"
    return None


def _read(folder: Path) -> _Current | None:
    for name in (_POINTER, _POINTER_COPY):
        try:
            return msgspec.json.decode((folder / name).read_bytes(), type=_Current)
        except FileNotFoundError:  # without the first there is no list; a copy alone is nobody's word
            return None
        except _DAMAGE:
            continue
    return None
