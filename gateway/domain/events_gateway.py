"""Events of the gateway itself: its start, its lists, its processes, its journal, what people did at the console."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, TypeAlias

from gateway.domain.event import Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStarted(Occurrence):
    """The doors process runs. `restored`: there was a state to go on from."""

    software: str
    restored: bool
    list_version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListActivated(Occurrence):
    """An access list is in force."""

    list_version: int
    digest: str
    credentials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRejected(Occurrence):
    """A list from the office was refused; the old one stays."""

    list_version: int | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListHeld(Occurrence):
    """A list waits for a second yes: how many lose passage, gain it, may pass everywhere, and doors that stand open."""

    list_version: int
    removed: int
    granted: int
    all_doors: int
    unlocked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListConfirmed(Occurrence):
    """Somebody at the site said yes to a list that waited: a supervisor, or two people."""

    list_version: int
    reason: str
    actor: str
    second: str | None
    post: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsRevoked(Occurrence):
    """The office revoked credentials that the list in force still has."""

    sequence: int
    credentials: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLost(Occurrence):
    """One of the gateway's own processes died."""

    process: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReturned(Occurrence):
    """It runs again."""

    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Occurrence):
    """A guard's request was refused."""

    request_id: str
    request: str
    subject: str
    reason: str
    actor: str
    post: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAudited(Occurrence):
    """Something a person did at the console."""

    action: str
    actor: str
    post: str
    detail: str


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
class ClockOffset(Occurrence):
    """The wall clock jumped by `offset_s`: it read `wall_before` and reads `wall_after`. Or it is no longer suspect.

    Times of the boot `boot` that were recorded before this are corrected by adding `offset_s`. `was` is how far the
    clock could be trusted until then.
    """

    wall_before: datetime
    wall_after: datetime
    offset_s: float
    boot: str
    was: str


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
    """What earlier events say of a person is erased. It names them for ever: who was erased, by whom, and why."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsLost(Occurrence):
    """The inbox was full and signals were dropped."""

    kind: str
    count: int


GatewayEvent: TypeAlias = (
    GatewayStarted
    | ListActivated
    | ListRejected
    | ListHeld
    | ListConfirmed
    | CredentialsRevoked
    | ProcessLost
    | ProcessReturned
    | RequestRefused
    | OperatorAudited
    | JournalGap
    | ClockOffset
    | JournalPruned
    | PersonErased
    | HistoryForked
    | SignalsLost
)
