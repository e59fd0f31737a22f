"""One WebSocket that follows the journal from the page's cursor, and says beside it what is true just now."""

import asyncio
import contextlib
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from gateway.console.desk import Desk, cookie_of, desk_of
from gateway.console.door_views import LINK_EVENTS, MODE_EVENTS
from gateway.console.sessions import Session
from gateway.console.users import Role
from gateway.errors import JournalUnavailable

router = APIRouter()

_MAX_PAGES = 32
"""Pages at once: a site has a few posts; each costs some memory and a little work for every event."""
_BATCH = 200
_SEND_S = 5.0
"""A page that can't take a message in this time is closed; it comes back with its cursor."""
_HEARTBEAT_S = 2.0
_STATUS_S = 0.5
_SESSION_S = 15.0
_TAIL = 100
_DOOR_EVENTS = frozenset((*MODE_EVENTS, *LINK_EVENTS))
"""After these the page is told anew how the doors are set, and which devices are lost."""
_MAX_ALARMS = 1_000
"""Sent in one hello; the rest is asked for by REST."""


async def watcher_of(socket: WebSocket) -> Session | None:
    """Whoever is signed in, with a password of their own. A picture that runs by itself touches no session."""
    token = socket.cookies.get(cookie_of(socket), "")
    found = await asyncio.to_thread(desk_of(socket).sessions.find, token, touch=False) if token else None
    return None if found is None or found.user.must_change else found


@router.websocket("/ws/live")
async def live(socket: WebSocket, after: int = 0, epoch: str = "") -> None:
    """Hello, then events in order after the cursor, status and heartbeats. Closes with 4401, 4429 or 1013."""
    desk = desk_of(socket)
    session = await watcher_of(socket)
    if session is None:
        await socket.close(4401)
        return
    await socket.accept()
    if desk.feed.pages >= _MAX_PAGES:
        await socket.close(4429)
        return
    desk.feed.pages += 1
    follower = asyncio.create_task(_Page(socket, desk, session.user.role).follow(after, epoch))
    receiver = asyncio.create_task(_until_closed(socket))
    try:
        await asyncio.wait({follower, receiver}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        desk.feed.pages -= 1
        for task in (follower, receiver):
            task.cancel()
        await asyncio.gather(follower, receiver, return_exceptions=True)


async def _until_closed(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        continue


class _Page:
    """One page's place in the journal, and what its reader may know."""

    def __init__(self, socket: WebSocket, desk: Desk, role: Role) -> None:
        self._socket, self._desk, self._role = socket, desk, role
        self._told_row = 0
        """The page's own cursor: rows that it may not know don't move it."""
        self._status_sent = -1
        self._epoch = ""
        self._live_told: bool | None = None
        self._status_s = self._beat_s = self._session_s = float("-inf")

    async def follow(self, row: int, epoch: str) -> None:
        """Send until the page is gone or too slow."""
        changed = self._desk.feed.listen()
        try:
            row = await self._hello(row, epoch)
            while True:
                changed.clear()
                row = await self._events(row)
                await self._now()
                if self._desk.feed.row > row:
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_STATUS_S):
                        await changed.wait()
        except TimeoutError:
            await self._close(1013)
        except (WebSocketDisconnect, RuntimeError):
            return  # the page went away while we were sending
        finally:
            self._desk.feed.unlisten(changed)

    async def _hello(self, row: int, epoch: str) -> int:
        feed = self._desk.feed
        self._epoch = feed.epoch
        reset = row > feed.row or row < 0 or epoch not in ("", feed.epoch)
        if reset:
            row = max(0, feed.row - _TAIL)
        self._told_row = row
        alarms = self._desk.sight.listed(feed.projection, self._role)
        hello = {
            "type": "hello",
            "head_row": feed.row,
            "epoch": feed.epoch,
            "cursor": row,
            "reset": reset,
            "alarms": [self._desk.alarm_view(alarm) for alarm in alarms[:_MAX_ALARMS]],
            "alarms_row": feed.projection.row,
            **self._doors(),
            "waiting": self._desk.waiting_views(),
        }
        await self._send(hello)
        return row

    async def _events(self, row: int) -> int:
        feed, desk = self._desk.feed, self._desk
        try:
            events = await feed.after(row, _BATCH)
        except JournalUnavailable:
            return row
        if not events:
            return row
        shown = [event for event in events if not desk.hides(event)]
        names = {event.body.get("alarm"): None for event in events if event.body.get("alarm")}
        alarms = [alarm for name in names if (alarm := feed.projection.find(str(name))) is not None]
        alarms = [alarm for alarm in alarms if desk.sight.may_know(alarm, self._role)]
        row = events[-1].row_id
        if shown or alarms:
            message = {
                "type": "events",
                "after": self._told_row,
                "cursor": row,
                "head_row": feed.row,
                "events": [desk.words.view(event) for event in shown],
                "alarms": [desk.alarm_view(alarm) for alarm in alarms],
            }
            if any(event.type in _DOOR_EVENTS for event in shown):
                message |= self._doors()
            if any(event.body.get("request") or event.type == "GatewayStarted" for event in shown):
                message["waiting"] = desk.waiting_views()
            self._told_row = row
            await self._send(message)
        return row

    def _doors(self) -> dict[str, Any]:
        """How the doors are set, and which devices are lost."""
        return {"doors": self._desk.door_views(), "lost": dict(self._desk.feed.projection.views.lost)}

    async def _now(self) -> None:
        """What is true just now: never recorded, and said to be so."""
        feed = self._desk.feed
        moment = self._desk.parts.clock.now()
        now_s = moment.monotonic_s
        if feed.epoch != self._epoch:
            await self._close(1012)  # another journal: the page starts again
        if now_s - self._session_s >= _SESSION_S:
            self._session_s = now_s
            if await watcher_of(self._socket) is None:
                await self._close(4401)
        if feed.status_number != self._status_sent and now_s - self._status_s >= _STATUS_S:
            self._status_sent, self._status_s = feed.status_number, now_s
            await self._send({"type": "status", "recorded": False, "status": feed.status})
        if now_s - self._beat_s >= _HEARTBEAT_S or (feed.live != self._live_told):
            self._beat_s, self._live_told = now_s, feed.live
            beat = {
                "type": "heartbeat",
                "at": moment.wall.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "live": feed.live,
                "journal": feed.journal_readable,
                "head_row": feed.row,
                "clock": moment.quality.value,
            }
            await self._send(beat)

    async def _send(self, message: dict[str, Any]) -> None:
        async with asyncio.timeout(_SEND_S):
            await self._socket.send_json(message)

    async def _close(self, code: int) -> None:
        with contextlib.suppress(RuntimeError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._socket.close(code)
        raise WebSocketDisconnect(code)
