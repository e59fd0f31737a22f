"""Where the journal and the office have one history, and where they part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.ports import EpochParent, JournalHead
from gateway.errors import OfficeRejected
from sync import wire
from sync.ports import Removed


class Places(Protocol):
    """Where (epoch, seq) stands in the journal."""

    def place(self, epoch: str, seq: int) -> JournalHead | None:
        """The event there, None where there is none."""
        ...

    def gone(self) -> Sequence[Removed]:
        """What was removed, as runs."""
        ...


@dataclass(frozen=True, slots=True)
class Diverged(Exception):
    """Journal and office differ in this epoch; what they have in common ends at `most` or before it."""

    epoch: str
    most: int


def committed(
    journal: Places,
    ends: Sequence[JournalHead],
    parents: Mapping[str, EpochParent],
    cursors: Mapping[str, wire.Cursor],
) -> JournalHead | None:
    """The last event, in row order, before which the office has everything. Raises Diverged, OfficeRejected.

    `ends` are the journal's epochs, oldest first; `parents` what those that were forked go on from.
    """
    left = {(parent.parent, parent.seq) for parent in parents.values()}
    reached = None
    for end in ends:
        cursor = cursors.get(end.epoch)
        through = 0 if cursor is None else cursor.through
        if cursor is not None and through > 0:
            reached = _own_place(journal, end, cursor, (end.epoch, end.seq) in left)
        if through < end.seq:
            return reached
    return reached


def removed(journal: Places, epoch: str, seq: int) -> Removed | None:
    """The run of removed events that (epoch, seq) is in, None where it is in none."""
    return next((run for run in journal.gone() if run.epoch == epoch and run.first_seq <= seq <= run.last_seq), None)


def _own_place(journal: Places, end: JournalHead, cursor: wire.Cursor, left: bool) -> JournalHead:
    """The office's cursor in this journal. `left`: the journal went on from the epoch's end in another one."""
    if cursor.through > end.seq:
        if cursor.known != end.hash:
            raise Diverged(end.epoch, end.seq - 1)
        if not left:
            raise Diverged(end.epoch, end.seq)
        return end
    place = journal.place(end.epoch, cursor.through)
    if place is None:
        run = removed(journal, end.epoch, cursor.through)
        if run is None:
            raise OfficeRejected(
                f"event {cursor.through} of epoch {end.epoch} is not in this journal, and was not removed"
            )
        if run.first_seq > 1:
            # What stood there can't be compared any more, and the office may have another's: only the run from the
            # beginning is of events that this very office had before they were removed.
            raise Diverged(end.epoch, run.first_seq - 1)
        return JournalHead(run.last_row, end.epoch, cursor.through, cursor.hash)
    if place.hash != cursor.hash:
        raise Diverged(end.epoch, cursor.through - 1)
    return place
