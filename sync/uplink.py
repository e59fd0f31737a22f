"""Events up: in order, at least once; the cursor is the office's."""

import asyncio
from collections.abc import Sequence
from datetime import UTC

import msgspec

from gateway.clock import Clock
from gateway.domain.ports import JournalHead, RecordedEvent
from gateway.errors import JournalUnavailable, OfficeRejected, OfficeUnreachable
from sync import wire
from sync.backoff import Backoff
from sync.link import OfficeLink
from sync.office_client import Conflict, OfficeClient
from sync.ports import JournalSource, ListStore

POLL_S = 5.0
"""Without a wake-up the journal is looked at this often: a lost wake-up costs seconds, not events."""

_encoder = msgspec.json.Encoder()


class Uplink:
    """Sends the journal to the office. `row_id` is the last row that the office has committed."""

    def __init__(
        self,
        client: OfficeClient,
        journal: JournalSource,
        lists: ListStore,
        link: OfficeLink,
        clock: Clock,
        *,
        gateway: str,
        software: str,
        retry_last_s: float = 30.0,
    ) -> None:
        self._client, self._journal, self._lists, self._link, self._clock = client, journal, lists, link, clock
        self._gateway, self._software = gateway, software
        self._backoff = Backoff(last_s=retry_last_s)
        self._wake = asyncio.Event()
        self._session = ""
        self.row_id = 0

    def wake(self) -> None:
        """The journal has grown."""
        self._wake.set()

    async def run(self) -> None:
        """Run for ever; survives whatever the office answers."""
        while True:
            try:
                await self._hello()
                await self._follow()
            except Conflict as error:
                self._link.values["last_error"] = str(error)[:200]
                delay_s = self._backoff.failed()
            except OfficeRejected as error:
                self._link.rejected(str(error))
                delay_s = self._backoff.failed()
            except OfficeUnreachable as error:
                self._link.lost(str(error))
                delay_s = self._backoff.failed(error.retry_after_s)
            except JournalUnavailable as error:
                self._link.values["last_error"] = str(error)[:200]
                delay_s = self._backoff.failed()
            await asyncio.sleep(delay_s)

    async def backlog(self) -> tuple[int, float]:
        """(events that the office doesn't have, age in seconds of the oldest)."""
        head = await asyncio.to_thread(self._journal.head)
        if head is None or head.row_id <= self.row_id:
            return 0, 0.0
        waiting = await asyncio.to_thread(self._journal.after, self.row_id, 1)
        now = self._clock.now().wall
        age_s = (now - waiting[0].wall).total_seconds() if waiting else 0.0
        return head.row_id - self.row_id, max(age_s, 0.0)

    async def _hello(self) -> None:
        epochs = await asyncio.to_thread(self._journal.epochs)
        ends = [wire.EpochEnd(end.epoch, end.seq, end.hash) for end in epochs]
        version = await asyncio.to_thread(self._lists.version_in_force)
        boot_id = self._clock.now().boot_id
        hello = wire.Hello(wire.PROTOCOL, self._gateway, boot_id, self._software, version, ends)
        welcome = await self._client.hello(hello)
        if welcome.protocol != wire.PROTOCOL:
            raise OfficeRejected(f"the office speaks protocol {welcome.protocol}")
        self.row_id = await asyncio.to_thread(self._start, epochs, welcome.cursors)
        self._session = welcome.session
        self._link.reached()

    def _start(self, epochs: Sequence[JournalHead], cursors: Sequence[wire.EpochCursor]) -> int:
        """The row after which to send: behind the first epoch that the office doesn't have whole."""
        known = {cursor.epoch: cursor for cursor in cursors}
        before = 0
        for end in epochs:
            cursor = known.get(end.epoch, wire.EpochCursor(end.epoch, 0))
            if not 0 <= cursor.through <= end.seq:
                raise OfficeRejected(f"the office claims {cursor.through} of {end.seq} events of epoch {end.epoch}")
            if cursor.through:
                place = self._journal.place(end.epoch, cursor.through)
                if place is None or place.hash != cursor.hash:
                    raise OfficeRejected(f"the office has another event {cursor.through} of epoch {end.epoch}")
                before = place.row_id
            if cursor.through < end.seq:
                return before
        return before

    async def _follow(self) -> None:
        while True:
            self._wake.clear()
            rows = await asyncio.to_thread(self._journal.after, self.row_id, wire.BATCH_ROWS)
            if rows:
                await self._send(rows)
                self._backoff.succeeded()
                continue
            try:
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _send(self, rows: list[RecordedEvent]) -> None:
        sent, batch = _batch(self._session, rows)
        acknowledged = await self._client.events(batch)
        first, last = sent[0].seq, sent[-1].seq
        if acknowledged.epoch != batch.epoch or not 0 <= acknowledged.through <= last:
            raise OfficeRejected(f"the office acknowledges {acknowledged.through} of {first} to {last}")
        if acknowledged.through < first - 1:  # it was put back: its cursor rules
            raise Conflict("the office's cursor went back")
        self._link.reached()
        if acknowledged.through >= first:
            self.row_id = sent[acknowledged.through - first].row_id
        else:
            raise OfficeRejected("the office acknowledged nothing of a batch")


def _batch(session: str, rows: list[RecordedEvent]) -> tuple[list[RecordedEvent], wire.Batch]:
    """As many rows of one epoch as fit."""
    encoded: list[msgspec.Raw] = []
    size = 0
    for row in rows:
        content = _encoder.encode(_wire_row(row))
        size += len(content)
        if encoded and (size > wire.BATCH_BYTES or row.epoch != rows[0].epoch):
            break
        encoded.append(msgspec.Raw(content))
    return rows[: len(encoded)], wire.Batch(session, rows[0].epoch, rows[0].seq, encoded)


def _wire_row(row: RecordedEvent) -> wire.Row:
    return wire.Row(
        seq=row.seq,
        event_id=row.event_id,
        type=row.type,
        version=row.version,
        wall=row.wall.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        clock_quality=row.clock_quality,
        boot_id=row.boot_id,
        monotonic_us=row.monotonic_us,
        actor=row.actor,
        device=row.device,
        subjects=list(row.subjects),
        body=row.body,
        salt=row.salt,
        commitment=row.commitment,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
