"""Protocols that other rooms fill for the core, and for each other."""

from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gateway.domain.commands import ForkJournal
from gateway.domain.events import Event
from gateway.domain.moment import Moment
from gateway.domain.register import Fact
from gateway.domain.signals import Signal


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """A journalled event with its envelope. `body` is the event's fields as plain JSON values."""

    row_id: int
    event_id: str
    """UUIDv7, as 36 characters."""
    epoch: str
    """128 random bits in hex: one lineage of the journal."""
    seq: int
    """1, 2, 3 … without a gap in its epoch."""
    type: str
    version: int
    wall: datetime
    clock_quality: str
    boot_id: str
    monotonic_us: int
    actor: str
    device: str | None
    subjects: tuple[str, ...]
    """Opaque ids of the cardholder, credential, door, camera and alarm that the event names, as `kind:id`."""
    body: dict[str, Any]
    salt: str
    commitment: str
    previous_hash: str
    hash: str
    layout: int = 2
    """Of its canonical bytes: see docs/protocol.md."""

    @property
    def erased(self) -> bool:
        """Whether what could name somebody was taken out: body, actor, subjects and salt."""
        return not self.salt and not self.body


@dataclass(frozen=True, slots=True)
class JournalHead:
    """Where an epoch ends."""

    row_id: int
    epoch: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class EpochParent:
    """A forked epoch, and the event of another epoch that its first one chains to.

    `seq` 0, with a hash of zeros: nothing of the other epoch is common.
    """

    epoch: str
    parent: str
    seq: int
    hash: str


class JournalWriter(Protocol):
    """The one writer. `append` never blocks the caller; durable means committed with synchronous=FULL."""

    def append(
        self,
        events: Sequence[Event],
        moment: Moment,
        checkpoint: dict[str, Any] | None = None,
        facts: Sequence[Fact] = (),
    ) -> "Commit":
        """Queue the events and facts of one turn as one transaction, with a checkpoint if given.

        Order of calls is order of rows, and the newest value of a fact stays.
        """
        ...

    def fork(self, point: ForkJournal, moment: Moment) -> "Future[str | None]":
        """Open a new epoch after an event that the office has too; the epoch, None where there is nothing to do."""
        ...

    def close(self) -> None:
        """Write what is queued, then close."""
        ...


class Commit(Protocol):
    """The fate of one turn's events."""

    async def wait(self, timeout_s: float | None) -> bool:
        """True once durable, False when `timeout_s` ran out. Raises JournalUnavailable when the write failed."""
        ...


class JournalReader(Protocol):
    """Reads the journal from any process, by cursor."""

    def after(self, row_id: int, limit: int) -> list[RecordedEvent]:
        """The next events in row order, at most `limit`."""
        ...

    def head(self) -> JournalHead | None:
        """The last event's place, None while empty."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """What the doors process answers to a signal.

    `reason` is a code when refused, `row_id` the journal's head when taken.
    """

    accepted: bool
    reason: str | None = None
    row_id: int | None = None


class DoorsPort(Protocol):
    """How console, sync and cameras reach the doors process: one Unix socket, reconnecting by itself."""

    async def send(self, signal: Signal, timeout_s: float = 2.0) -> Reply:
        """Deliver a signal and wait for its reply. Raises LinkError when the doors process can't be reached in time."""
        ...

    def feed(self) -> AsyncIterator["Feed"]:
        """Follow the doors process: journal wake-ups and status, from now on, across reconnects."""
        ...


@dataclass(frozen=True, slots=True)
class Feed:
    """One message of the feed.

    The journal's newest row, and the status that is never recorded (see docs/signals.md).
    """

    connected: bool
    row_id: int | None = None
    status: dict[str, Any] | None = None


class SignalSink(Protocol):
    """Where drivers put their signals: bounded, never blocks; returns False when it had to be dropped (and counted)."""

    def put(self, signal: Signal) -> bool: ...


def put_all(sink: SignalSink, signals: Iterable[Signal]) -> None:
    """Put several signals in order."""
    for signal in signals:
        sink.put(signal)
