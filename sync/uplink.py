"""Events up: in order and at least once; the office counts each once. The cursor is the office's."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from gateway.clock import Clock, random_bytes
from gateway.domain.ports import DoorsPort, EpochParent, JournalHead, RecordedEvent
from gateway.domain.signals import HistoryDiverged
from gateway.errors import JournalUnavailable, LinkError, OfficeRefusesBox, OfficeRejected, OfficeUnreachable
from sync import wire
from sync.backoff import Backoff
from sync.history import Diverged, committed, removed
from sync.link import Direction, OfficeLink
from sync.office_client import OfficeClient
from sync.ports import EventSource, ListStore

log = logging.getLogger(__name__)

POLL_S = 2.0
"""Without a wake-up the journal is looked at this often: a lost wake-up costs seconds, not events."""
HELLO_EVERY_S = 60.0
"""An idle session says hello again: an office that was put back to an older copy gets what it lost."""
BATCH_EVERY_S = 0.1
"""For a full batch, less for a smaller one: a backlog goes up at 5,000 events a second at most.

The disk, the line and the office have others to serve.
"""
FORK_AGAIN_S = 1.0
FORK_AGAIN_MAX_S = 3600.0
"""Between two forks at least, twice as long after each: one numbers the whole journal again where nothing is common.

An office that parts from every history, by a fault of its own or on purpose, is not to keep the doors' writer busy.
"""
AHEAD = ("AlarmRaised",)
"""What somebody at the office should see before the history that lies in front of it."""
AUTHENTICATION_RETRY_S = 60.0
"""A wrong token mends only by a person's hand."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the office doesn't have yet: events, and the age in seconds of the oldest."""

    queue: int
    oldest_age_s: float


class Uplink:
    """Sends the journal to the office, batch by batch, for ever."""

    def __init__(
        self,
        journal: EventSource,
        lists: ListStore,
        client: OfficeClient,
        link: OfficeLink,
        clock: Clock,
        software: str,
        doors: DoorsPort,
        delivered: Callable[[Sequence[RecordedEvent]], None],
    ) -> None:
        """`delivered` is told the events that the office has just taken."""
        self._journal, self._lists, self._client, self._link = journal, lists, client, link
        self._clock, self._software, self._doors, self._delivered = clock, software, doors, delivered
        self._start_id = random_bytes(16).hex()
        self._backoff = Backoff()
        self._wake = asyncio.Event()
        self._sent: JournalHead | None = None
        self._greeted = False
        self._ahead = 0
        """The row up to which alarms have gone ahead of a backlog."""
        self._claimed: wire.Receipt | None = None
        """What the office said that it has beyond what it was sent, until its next hello shows whether it has."""
        self._forks = 0
        self._fork_due_s = 0.0

    def wake(self) -> None:
        """The journal has grown."""
        self._wake.set()

    async def run(self) -> None:
        """Keep a session with the office until cancelled."""
        log.info("events to the office: this start goes by the id %s there", self._start_id)
        while True:
            least_s: float | None = None
            try:
                await self._session()
                continue
            except OfficeUnreachable as error:
                least_s = error.retry_after_s
                self._link.bad(Direction.UP, str(error))
            except OfficeRejected as error:
                self._link.bad(Direction.UP, str(error), nonsense=True)
            except OfficeRefusesBox as error:
                least_s = AUTHENTICATION_RETRY_S
                self._link.bad(Direction.UP, str(error), refusal=error.code)
            except _SessionOver as error:
                log.info("events to the office: hello again: %s", error)
            except JournalUnavailable as error:
                log.warning("the journal can't be read: %s", error)
            await asyncio.sleep(self._backoff.next_s(least_s))

    @property
    def acknowledged(self) -> JournalHead | None:
        """The last event up to which the office has said that it has everything."""
        return self._sent if self._greeted else None

    async def backlog(self) -> Backlog | None:
        """What waits; None until the office has said what it has. Raises JournalUnavailable."""
        return await asyncio.to_thread(self._measure) if self._greeted else None

    def _measure(self) -> Backlog:
        sent = self._sent
        row_id = 0 if sent is None else sent.row_id
        waiting = self._journal.after(row_id, 1)
        if not waiting:
            return Backlog(0, 0.0)
        queue = sum(
            end.seq - (sent.seq if sent is not None and sent.epoch == end.epoch else 0)
            for end in self._journal.epochs()
            if end.row_id > row_id
        )
        age_s = (self._clock.now().wall - waiting[0].wall).total_seconds()
        return Backlog(queue, max(0.0, round(age_s, 1)))

    async def _session(self) -> None:
        """Hello, then batches until the session should be renewed."""
        self._link.returned.clear()
        session = await self._hello()
        loop = asyncio.get_running_loop()
        until = loop.time() + HELLO_EVERY_S
        while True:
            self._wake.clear()
            row_id = 0 if self._sent is None else self._sent.row_id
            rows = await asyncio.to_thread(self._journal.after, row_id, wire.BATCH_ROWS)
            started_s, backlog = loop.time(), len(rows) == wire.BATCH_ROWS
            if backlog:
                await self._send_alarms(session, rows[-1].row_id)
            if rows and rows[0].seq != self._next_seq(rows[0].epoch):
                await self._pass_removed(session, rows[0])
            elif rows:
                await self._send(session, rows)
            self._link.good(Direction.UP)
            if rows:
                self._backoff.reset()
            if backlog:
                sent = 0 if self._sent is None else self._sent.row_id - row_id
                await asyncio.sleep(max(0.0, started_s + BATCH_EVERY_S * sent / wire.BATCH_ROWS - loop.time()))
            if rows:
                continue
            if self._link.returned.is_set() or loop.time() > until:
                self._backoff.reset()  # not sooner: a session that is ended at once is no success
                return
            await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _hello(self) -> str:
        """Open a session and take over the office's cursors."""
        ends = await asyncio.to_thread(self._journal.epochs)
        parents = await asyncio.to_thread(self._journal.parents)
        generation, version = await asyncio.to_thread(self._lists.in_force)
        hello = wire.Hello(
            wire.PROTOCOL,
            self._software,
            self._clock.now().boot_id,
            self._client.device_key,
            (await self._client.challenge()).challenge,
            tuple(epoch_end(end, parents.get(end.epoch)) for end in ends[-wire.EPOCHS :]),
            version,
            generation,
            self._start_id,
        )
        welcome = await self._client.hello(hello)
        if isinstance(welcome, wire.Refusal) and welcome.code == "challenge":
            raise _SessionOver("the challenge was used or forgotten")
        if isinstance(welcome, wire.Refusal):
            raise OfficeRejected(f"the office refuses the hello: {welcome.code}: {welcome.text[:120]}")
        cursors = {cursor.epoch: cursor for cursor in welcome.cursors}
        self._check_claim(cursors)
        try:
            self._sent = await asyncio.to_thread(committed, self._journal, ends, parents, cursors)
        except Diverged as diverged:
            await self._fork(ends[-1].epoch, diverged)
        self._greeted = True
        return welcome.session

    def _check_claim(self, cursors: dict[str, wire.Cursor]) -> None:
        """Raises OfficeRejected where the office's last answer to a batch was more than it has."""
        claimed, self._claimed = self._claimed, None
        if claimed is None:
            return
        cursor = cursors.get(claimed.epoch)
        through = 0 if cursor is None else cursor.through
        if through < claimed.through:
            raise OfficeRejected(
                f"the office answered that it has events up to {claimed.through}, and has them up to {through} by its"
                " hello: mend the office"
            )

    async def _fork(self, current: str, diverged: Diverged) -> None:
        """Have the doors open a new epoch after the last event that both have. Raises _SessionOver, OfficeRejected."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._fork_due_s:
            raise OfficeRejected(
                "its history is another again, soon after a new epoch was opened: is the office's ledger sound? Does"
                " another box have this one's identity?"
            )
        self._fork_due_s = now_s + min(FORK_AGAIN_S * 2.0 ** min(self._forks, 32), FORK_AGAIN_MAX_S)
        self._forks += 1
        common = await self._last_common(diverged)
        log.error(
            "events to the office: its history is another than this one after event %d of epoch %s: a new epoch is"
            " opened; was this box put back to an old image, or has another one its identity?",
            common.seq,
            common.epoch,
        )
        try:
            await self._doors.send(HistoryDiverged(current, common.epoch, common.seq, common.hash))
        except LinkError as error:
            raise _SessionOver("diverged, and the doors are away: they alone can open a new epoch") from error
        raise _SessionOver("diverged: a new epoch is opened")

    async def _last_common(self, diverged: Diverged) -> wire.Parent:
        """The last event that the office has too. What is the same at a number is the same before it: it is a chain."""
        epoch, low, high = diverged.epoch, 0, diverged.most
        common = wire.Parent(epoch, 0, wire.FIRST_PREVIOUS_HASH)
        while low < high:
            middle = (low + high + 1) // 2
            place = await asyncio.to_thread(self._journal.place, epoch, middle)
            if place is None:  # removed here, so the office had it; the last of a run of them can be compared again
                low = middle
            elif place.hash == await self._client.hash_at(epoch, middle):
                low, common = middle, wire.Parent(epoch, middle, place.hash)
            else:
                high = middle - 1
        return common

    async def _send_alarms(self, session: str, behind: int) -> None:
        """While a backlog goes up, the newest alarms behind it go first; they come again in their turn."""
        found = await asyncio.to_thread(self._journal.search, types=AHEAD, limit=wire.COPIES)
        ahead = [row for row in reversed(found) if row.row_id > max(behind, self._ahead)]
        ahead = [row for row in ahead if row.epoch == ahead[-1].epoch]
        if not ahead:
            return
        events = tuple(wire_event(row) for row in ahead)
        answer = await self._client.send_copies(wire.Copies(session, ahead[0].epoch, events))
        if isinstance(answer, wire.Refusal):
            raise _SessionOver(f"{answer.code}: {answer.text[:120]}")
        self._ahead = ahead[-1].row_id

    def _next_seq(self, epoch: str) -> int:
        """The number that is due in an epoch."""
        return self._sent.seq + 1 if self._sent is not None and self._sent.epoch == epoch else 1

    async def _pass_removed(self, session: str, row: RecordedEvent) -> None:
        """Tell the office what is gone before `row`, so that its cursor can come to it."""
        first = self._next_seq(row.epoch)
        run = await asyncio.to_thread(removed, self._journal, row.epoch, first)
        if run is None or run.last_seq >= row.seq:
            raise OfficeRejected(f"event {first} of epoch {row.epoch} is not in this journal, and was not removed")
        before = run.previous_hash if run.first_seq == first else None
        gap = wire.Gap(session, row.epoch, first, run.last_seq, run.hash, before)
        answer = await self._client.tell_gap(gap)
        if isinstance(answer, wire.Refusal):
            raise _SessionOver(f"{answer.code}: {answer.text[:120]}")
        if answer != wire.Receipt(row.epoch, run.last_seq):
            raise _SessionOver(f"the office has events up to {answer.through} already")
        log.warning(
            "events to the office: %d to %d of epoch %s were gone before it had them", first, run.last_seq, row.epoch
        )
        self._sent = JournalHead(run.last_row, row.epoch, run.last_seq, run.hash)

    async def _send(self, session: str, rows: list[RecordedEvent]) -> None:
        batch = make_batch(session, rows)
        answer = await self._client.send(batch)
        first, last = batch.events[0].seq, batch.events[-1].seq
        if isinstance(answer, wire.Refusal):
            if answer.code in ("stale_session", "past_cursor", "diverged"):  # the next hello sees where
                raise _SessionOver(f"{answer.code}: {answer.text[:120]}")
            raise OfficeRejected(f"the office refuses events {first} to {last}: {answer.code}: {answer.text[:120]}")
        if answer.epoch != batch.epoch or not first <= answer.through:
            raise OfficeRejected(f"the office answers through {answer.through} to events {first} to {last}")
        if answer.through > last:
            self._claimed = answer
            raise _SessionOver(f"the office has events up to {answer.through} already")
        row = rows[answer.through - first]
        self._sent = JournalHead(row.row_id, row.epoch, row.seq, row.hash)
        self._delivered(rows[: answer.through - first + 1])


class _SessionOver(Exception):
    """The office's cursor is elsewhere, or another session is open: nothing is wrong, say hello again."""


def epoch_end(end: JournalHead, parent: EpochParent | None) -> wire.EpochEnd:
    """Where an epoch ends, and what it goes on from, as the office is told."""
    origin = None if parent is None else wire.Parent(parent.parent, parent.seq, parent.hash)
    return wire.EpochEnd(end.epoch, end.seq, end.hash, origin)


def make_batch(session: str, rows: Sequence[RecordedEvent]) -> wire.Batch:
    """As many rows of the first one's epoch as fit; at least one."""
    events: list[wire.WireEvent] = []
    size = 0
    for row in rows[: wire.BATCH_ROWS]:
        event = wire_event(row)
        size += len(msgspec.json.encode(event)) + 1
        if events and (size > wire.BATCH_BYTES or (row.epoch, row.seq) != (rows[0].epoch, events[-1].seq + 1)):
            break
        events.append(event)
    return wire.Batch(session, rows[0].epoch, tuple(events))


def wire_event(row: RecordedEvent) -> wire.WireEvent:
    """A journal row as the office gets it."""
    return wire.WireEvent(
        event_id=row.event_id,
        seq=row.seq,
        type=row.type,
        version=row.version,
        wall=row.wall,
        clock_quality=row.clock_quality,
        boot_id=row.boot_id,
        monotonic_us=row.monotonic_us,
        actor=row.actor,
        device=row.device,
        subjects=row.subjects,
        body=row.body,
        salt=row.salt,
        commitment=row.commitment,
        previous_hash=row.previous_hash,
        hash=row.hash,
        layout=row.layout,
    )
