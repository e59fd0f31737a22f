"""The office's yes or no to who waits at a gate: asked for while somebody waits, and told to the doors once."""

import asyncio
import logging
from collections.abc import Sequence

from gateway.domain.access_request import Want
from gateway.domain.ports import DoorsPort, RecordedEvent
from gateway.domain.signals import OFFICE_POST, AccessConfirmRequested, Operator
from gateway.errors import AuthenticationFailed, JournalUnavailable, LinkError, OfficeRejected, OfficeUnreachable
from sync import wire
from sync.backoff import RETRY_AFTER_MAX_S, Backoff
from sync.link import OfficeLink
from sync.office_client import OfficeClient
from sync.ports import EventSource
from sync.uplink import AUTHENTICATION_RETRY_S

log = logging.getLogger(__name__)

PAUSE_S = 0.2
"""After a call that brought nothing: an office that doesn't wait is asked five times a second at most."""
TOLD_KEPT = 1000
"""Answers remembered as told: many times what an office can give while they are good."""
_ENDS = ("AccessGranted", "AccessDenied", "AccessConfirmed")


class Confirmations:
    """Calls the office for answers only while it knows of a request that can still be answered."""

    def __init__(self, journal: EventSource, client: OfficeClient, link: OfficeLink, doors: DoorsPort) -> None:
        self._journal, self._client, self._link, self._doors = journal, client, link, doors
        self._backoff = Backoff()
        self._wake = asyncio.Event()
        self._waiting: dict[str, float] = {}
        """Requests that the office knows, and until when (the loop's time) one may be answered at most."""
        self._told: dict[str, None] = {}

    def delivered(self, rows: Sequence[RecordedEvent]) -> None:
        """The office has these events now: who waits, and whose waiting is over."""
        for row in rows:
            request = str(row.body.get("request"))
            if row.type == "AccessRequested" and row.body.get("wants") == Want.CONFIRMATION:
                self._expect(request)
            elif row.type in _ENDS:
                self._waiting.pop(request, None)

    async def run(self) -> None:
        """Follow the office's answers until cancelled."""
        self._expect("")  # Somebody may wait since before this process began.
        after = 0
        while True:
            self._wake.clear()
            if not self._anybody_waits():
                await self._wake.wait()
                after = 0  # As below: nobody has asked it meanwhile.
            pause_s, least_s = PAUSE_S, 0.0
            try:
                answers = await self._client.answers(after, wire.WAIT_S)
                self._backoff.reset()
                if answers:
                    await self._tell(answers)
                    after = answers[-1].n
                    continue
            except (OfficeUnreachable, OfficeRejected, AuthenticationFailed) as error:
                # An office that was put back to an older copy numbers its answers anew.
                after, pause_s, least_s = 0, self._backoff.next_s(), self._least_s(error)
            await asyncio.sleep(least_s)
            await self._rest(pause_s)

    def _expect(self, request: str) -> None:
        self._waiting[request] = asyncio.get_running_loop().time() + wire.CONFIRM_MAX_S
        self._wake.set()

    def _anybody_waits(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._waiting = {request: until for request, until in self._waiting.items() if until > now}
        return bool(self._waiting)

    def _least_s(self, error: OfficeUnreachable | OfficeRejected | AuthenticationFailed) -> float:
        """The pause that nothing cuts short. That the office is away is said by uplink and downlink."""
        log.debug("office, answers: %s", error)
        if isinstance(error, OfficeUnreachable):
            return min(error.retry_after_s or 0.0, RETRY_AFTER_MAX_S)
        if isinstance(error, AuthenticationFailed):
            return AUTHENTICATION_RETRY_S
        self._link.nonsense += 1
        return 0.0

    async def _rest(self, pause_s: float) -> None:
        """A pause, cut short when somebody new waits: the office has just taken their request."""
        try:
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _tell(self, answers: Sequence[wire.Answer]) -> None:
        """Several people may be answered at once; none waits for another's delivery."""
        until = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            for answer in answers:
                if answer.answer_id not in self._told:
                    tasks.create_task(self._tell_one(answer, until + answer.good_for_s))

    async def _tell_one(self, answer: wire.Answer, until: float) -> None:
        """To the doors, once; never after its time. What they say to it is in the journal."""
        request = await self._request_of(answer)
        if request is None:
            log.warning("the office answers %s, which is no request of this journal", answer.event_id)
            return
        operator = Operator(answer.by, OFFICE_POST)
        signal = AccessConfirmRequested(answer.answer_id, request, answer.allow, operator)
        loop = asyncio.get_running_loop()
        while (left_s := until - loop.time()) > 0:
            try:
                reply = await self._doors.send(signal, min(2.0, left_s))
            except LinkError:
                await asyncio.sleep(PAUSE_S)
                continue
            if reply.reason != "InboxFull":
                self._told[answer.answer_id] = None
                if len(self._told) > TOLD_KEPT:
                    del self._told[next(iter(self._told))]
                return
            await asyncio.sleep(PAUSE_S)
        log.warning("the office's answer %s came too late", answer.answer_id)

    async def _request_of(self, answer: wire.Answer) -> str | None:
        """The name of the request that the answer is for, by the event that asked: no other lineage's, no guess."""
        try:
            asked = await asyncio.to_thread(self._journal.event, answer.event_id)
        except JournalUnavailable as error:
            log.warning("the journal can't be read: %s", error)
            return None
        if asked is None or asked.type != "AccessRequested" or asked.body.get("wants") != Want.CONFIRMATION:
            return None
        return str(asked.body["request"])
