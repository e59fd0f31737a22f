"""What assembly passes in: the journal to read, and the folder that compiles lists."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from gateway.domain.list_update import GuardedChange, ListChanges, PromisedList
from gateway.domain.ports import EpochParent, JournalHead, JournalReader, RecordedEvent


class Removed(Protocol):
    """Events `first_seq` to `last_seq` of an epoch, which are gone from the journal; `last_row` was the last one's row.

    `hash` is the last one's, `previous_hash` what the first chained to.
    """

    @property
    def epoch(self) -> str: ...
    @property
    def first_seq(self) -> int: ...
    @property
    def last_seq(self) -> int: ...
    @property
    def previous_hash(self) -> str: ...
    @property
    def hash(self) -> str: ...
    @property
    def last_row(self) -> int: ...


class EventSource(JournalReader, Protocol):
    """The journal, read by row and by (epoch, seq). Called from threads; every method raises JournalUnavailable."""

    def epochs(self) -> list[JournalHead]:
        """The end of each epoch that has events, oldest epoch first."""
        ...

    def place(self, epoch: str, seq: int) -> JournalHead | None:
        """The event at (epoch, seq), None where there is none."""
        ...

    def parents(self) -> dict[str, EpochParent]:
        """What each forked epoch goes on from, by epoch."""
        ...

    def search(self, *, types: Sequence[str] | None = None, limit: int = 100) -> Sequence[RecordedEvent]:
        """The newest events of these types, the newest first."""
        ...

    def gone(self) -> Sequence[Removed]:
        """What was removed, as runs."""
        ...

    def event(self, event_id: str) -> RecordedEvent | None:
        """One event by its identity, None where there is none."""
        ...


class PreparedList(Protocol):
    """A list made beside the one in force. `path` lies in the data directory; `digest` is in hex.

    `guards`: why it should not be put in force by one signature.
    """

    @property
    def path(self) -> Path: ...
    @property
    def generation(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def digest(self) -> str: ...
    @property
    def credentials(self) -> int: ...
    @property
    def guards(self) -> tuple[GuardedChange, ...]: ...


class ListStore(Protocol):
    """Verifies, judges and makes the office's lists. Called from threads, one call at a time.

    What it makes is what was promised, or it raises: ListTorn where the bytes aren't those that were promised,
    ListInvalid with every fault where they make no sense, OSError where the disk can't take it.
    """

    def prepare_whole(self, raw: bytes, promised: PromisedList) -> PreparedList:
        """Make it of LIST.json."""
        ...

    def prepare_changed(self, changes: ListChanges, promised: PromisedList) -> PreparedList:
        """Make it of the newest list that was made, and what is different."""
        ...

    def starts_from(self) -> tuple[int, int] | None:
        """(generation, version) of the list that changes are put on."""
        ...

    def differing(self, digests: bytes) -> list[int]:
        """The buckets that are not as these digests say."""
        ...

    def repair(self, buckets: frozenset[int], there: ListChanges) -> ListChanges:
        """What makes these buckets hold the entries of `there` and no others."""
        ...

    def in_force(self) -> tuple[int, int]:
        """(generation, version) that the doors start with, (0, 0) while there is none."""
        ...

    def removed_most(self) -> int:
        """How many may lose passage at once by one signature."""
        ...
