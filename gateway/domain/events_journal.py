"""Events of the journal itself: what it could not keep, what it removes, whom it forgets, where its history parted."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, TypeAlias

from gateway.domain.event import Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalGap(Occurrence):
    """Events that could not be kept: how many, how many of each class, between when and when, and why.

    `ranges` are their seqs in `epoch`, first and last of each, where they had been recorded and were given up for
    more important ones; what was never recorded had none.
    """

    version: ClassVar[int] = 2

    lost: int
    reason: str
    classes: dict[str, int] = field(default_factory=dict)
    first_at: datetime | None = None
    last_at: datetime | None = None
    epoch: str | None = None
    ranges: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalPruned(Occurrence):
    """Events up to `through_seq` of an epoch are to be removed here; `hash` is the last one's.

    Because of their `age` or of the journal's `size`. Where there is an office, it has them all.
    """

    epoch: str
    through_seq: int
    hash: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErased(Occurrence):
    """What earlier events say of a person is erased; an office does likewise.

    It names them for ever: who was erased, by whom, and why.
    """

    cardholder: str
    credentials: tuple[str, ...]
    reason: str
    actor: str
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryForked(Occurrence):
    """The office had another history: what comes after `parent_seq` of `parent` was numbered again in a new epoch.

    The first row of the transaction that did it; `moved` rows before it, which keep their ids, are of the new epoch.
    """

    parent: str
    parent_seq: int
    parent_hash: str
    moved: int


JournalEvent: TypeAlias = JournalGap | JournalPruned | PersonErased | HistoryForked
