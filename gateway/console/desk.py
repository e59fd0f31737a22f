"""What every route works with: the parts, the feed, the words, and who is signed in."""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from gateway.console.event_words import EventWords
from gateway.console.live import JournalDesk, LiveFeed
from gateway.console.messages import Catalogue
from gateway.console.parts import ConsoleParts
from gateway.console.people import People
from gateway.console.projection import AlarmView
from gateway.console.refusals import Refusal
from gateway.console.sessions import Session, SessionStore
from gateway.console.sight import Sight
from gateway.console.sign_in_limits import SignInLimits
from gateway.console.thing_words import ThingWords
from gateway.console.users import Role
from gateway.domain.ports import RecordedEvent, Reply
from gateway.domain.signals import Operator, OperatorActed, Signal
from gateway.errors import LinkError

OPEN_EXPIRES = timedelta(seconds=5)
"""A click that arrives later than this opens nothing."""
_MAX_REQUESTS = 1_000
"""Request ids that were answered lately; the doors process remembers them too."""


@dataclass(slots=True)
class _Asked:
    expires_at: datetime
    signature: tuple[str, ...]
    reply: Reply | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Desk:
    """One console's state beyond the journal."""

    def __init__(self, parts: ConsoleParts) -> None:
        self.parts = parts
        self.catalogue = Catalogue()
        self.journal = JournalDesk(parts.journal)
        self.feed = LiveFeed(parts, self.journal)
        self.things = ThingWords(self.catalogue, parts)
        self.words = EventWords(self.catalogue, self.things, self._find_alarm)
        self.sight = Sight(parts.sees)
        self.people = People(parts, self.journal, self.feed, self.catalogue, self.things)
        self.sessions = SessionStore(parts.users.path, parts.clock)
        self.limits = SignInLimits()
        self.passwords = ThreadPoolExecutor(2, thread_name_prefix="console-passwords")
        """Two at a time: a check takes 64 MiB."""
        self.sign_ins_waiting = 0
        self._asked: OrderedDict[str, _Asked] = OrderedDict()

    def _find_alarm(self, name: str) -> AlarmView | None:
        """In the projection of the moment: a new journal brings a new one."""
        return self.feed.projection.find(name)

    def alarm_view(self, alarm: AlarmView) -> dict[str, Any]:
        """What the page shows of an alarm. `quiet`: it must not come forward by itself at this post."""
        return {**self.words.alarm_view(alarm), "quiet": self.sight.is_quiet(alarm)}

    def hides(self, event: RecordedEvent) -> bool:
        """Must this event not show at this post?"""
        return self.sight.hides(event, self.feed.projection)

    def may_read(self, event: RecordedEvent, session: Session) -> bool:
        """May they look at this event, if they ask for it by its id?"""
        return session.user.role is Role.SUPERVISOR or not self.hides(event)

    def door_views(self) -> dict[str, Any]:
        """What the journal says of each door."""
        return {name: asdict(door) for name, door in self.feed.projection.views.doors.items()}

    def waiting_views(self) -> list[dict[str, Any]]:
        """Who waits for something at a door, the longest first."""
        waiting = sorted(self.feed.projection.views.waiting.values(), key=lambda each: each.row)
        return [self.words.waiting_view(each) for each in waiting]

    def operator(self, session: Session) -> Operator:
        """Who asks, for a signal."""
        return Operator(session.user.name, self.parts.post)

    async def send(self, signal: Signal) -> Reply:
        """Send a signal to the doors process. Refuses with 503 when nobody answers."""
        try:
            return await self.parts.doors.send(signal)
        except LinkError as error:
            raise Refusal(503, "doors_unreachable") from error

    async def audit(self, action: str, name: str, detail: str = "") -> None:
        """Have something that a person did recorded; signing in works while the doors process is away."""
        try:
            await self.parts.doors.send(OperatorActed(action, Operator(name, self.parts.post), detail), 1.0)
        except LinkError:
            return

    def asked(self, request_id: str, signature: tuple[str, ...]) -> _Asked:
        """The entry of a client's request id: the same id asks the same thing, once. Refuses with 409 otherwise."""
        entry = self._asked.get(request_id)
        if entry is None:
            entry = _Asked(self.parts.clock.now().wall + OPEN_EXPIRES, signature)
            self._asked[request_id] = entry
            while len(self._asked) > _MAX_REQUESTS:
                self._asked.popitem(last=False)
        if entry.signature != signature:
            raise Refusal(409, "request_id_used")
        return entry

    def close(self) -> None:
        """Let go of files and threads."""
        self.passwords.shutdown(wait=False, cancel_futures=True)
        self.journal.close()
        self.sessions.close()


def desk_of(connection: HTTPConnection) -> Desk:
    """The desk of the app that serves this connection."""
    desk: Desk = connection.app.state.desk
    return desk


def cookie_of(connection: HTTPConnection) -> str:
    """The name of the session's cookie, by the port that the browser asked.

    A browser keeps the cookies of a host for all its ports (RFC 6265, section 8.5): two consoles would share one.
    """
    port = connection.headers.get("host", "").rpartition(":")[2]
    return f"gatehouse_session_{port}" if port.isascii() and port.isdigit() else "gatehouse_session"


async def session_of(request: Request) -> Session:
    """Whoever is signed in; refuses with 401. A person asks, so the session isn't idle."""
    desk = desk_of(request)
    token = request.cookies.get(cookie_of(request), "")
    session = await asyncio.to_thread(desk.sessions.find, token, touch=True) if token else None
    if session is None:
        raise Refusal(401, "sign_in_required")
    return session


async def guard_of(session: Annotated[Session, Depends(session_of)]) -> Session:
    """Whoever is signed in with a password of their own; refuses with 403."""
    if session.user.must_change:
        raise Refusal(403, "password_change_required")
    return session


async def opener_of(session: Annotated[Session, Depends(guard_of)]) -> Session:
    """A guard or a supervisor: who may act on doors and alarms."""
    if session.user.role is Role.TECHNICIAN:
        raise Refusal(403, "not_your_role")
    return session


async def supervisor_of(session: Annotated[Session, Depends(guard_of)]) -> Session:
    """A supervisor."""
    if session.user.role is not Role.SUPERVISOR:
        raise Refusal(403, "supervisor_required")
    return session


AnyDesk = Annotated[Desk, Depends(desk_of)]
AnySession = Annotated[Session, Depends(session_of)]
SignedIn = Annotated[Session, Depends(guard_of)]
Opener = Annotated[Session, Depends(opener_of)]
Supervisor = Annotated[Session, Depends(supervisor_of)]
