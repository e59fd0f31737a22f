"""A console over a real journal: the doors' side keeps real alarms and writes real events, in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
from argon2 import PasswordHasher

from gateway.clock import SystemClock
from gateway.console.app import ConsoleServer, bound_port, console_server
from gateway.console.parts import ConsoleParts, SiteNames
from gateway.console.users import Role, UserStore
from gateway.domain.alarm import AlarmBook, AlarmKind
from gateway.domain.events import Event, FireCleared, OpenedByGuard, OperatorAudited
from gateway.domain.ports import Feed, Reply
from gateway.domain.signals import (
    AlarmAcknowledgeRequested,
    AlarmResolveRequested,
    FireResetRequested,
    OpenRequested,
    OperatorActed,
    Signal,
    StatusReported,
)
from gateway.errors import LinkError
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader

PASSWORD = "quiet-river-27"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class RecordingDoors:
    """A doors side: signals change real alarms, events go to the real journal, followers are woken."""

    def __init__(self, folder: Path, clock: SystemClock) -> None:
        self.clock = clock
        self.journal = SqliteJournal(folder / "journal.db", clock)
        self.reader = SqliteJournalReader(folder / "journal.db")
        self.book = AlarmBook()
        self.signals: list[Signal] = []
        self.used: set[str] = set()
        self.reachable = True
        self.fire = {"latched": False, "active": False}
        self.changed = asyncio.Condition()

    async def record(self, *events: Event) -> int:
        assert await self.journal.append(list(events), self.clock.now()).wait(5.0)
        head = self.reader.head()
        assert head is not None
        async with self.changed:
            self.changed.notify_all()
        return head.row_id

    async def alarm(self, kind: AlarmKind, source: str, **where: str) -> str:
        events = self.book.raise_alarm(kind, source, self.clock.now(), **where)
        await self.record(*events)
        found = self.book.find(kind, source)
        assert found is not None
        return found

    async def normal(self, kind: AlarmKind, source: str) -> None:
        await self.record(*self.book.normal(kind, source))

    async def set_fire(self, *, latched: bool, active: bool) -> None:
        self.fire = {"latched": latched, "active": active}
        async with self.changed:
            self.changed.notify_all()

    async def set_reachable(self, reachable: bool) -> None:
        self.reachable = reachable
        async with self.changed:
            self.changed.notify_all()

    async def send(self, signal: Signal, timeout_s: float = 2.0) -> Reply:
        if not self.reachable:
            raise LinkError("gone")
        if isinstance(signal, StatusReported):
            return Reply(True)
        self.signals.append(signal)
        refusal, events = self._handle(signal)
        row = await self.record(*events) if events else None
        return Reply(refusal is None, refusal, row)

    async def feed(self) -> AsyncIterator[Feed]:
        while True:
            if self.reachable:
                head = self.reader.head()
                yield Feed(True, None if head is None else head.row_id, self.status())
            else:
                yield Feed(False)
            async with self.changed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.changed.wait(), 1.0)

    def status(self) -> dict[str, Any]:
        secure = {"mode": "Locked", "phase": "secure", "contact": "closed", "lock": "secured"}
        return {
            "doors": {
                "north": {**secure, "fire": self.fire["latched"]},
                "yard": {**secure, "phase": "forced", "contact": "open"},
                "garage": secure,
            },
            "devices": {"north-reader": {"state": "online", "counters": {"frames": 12}}},
            "processes": {
                "doors": {"state": "online"},
                "console": {"state": "online"},
                "sync": {"state": "online", "office": "online", "queue": 3, "oldest_age_s": 1.5},
                "cameras": {"state": "online", "yard.state": "online", "yard.fps": 9.9},
            },
            "list": {"version": 7, "issued_at": "2026-11-23T08:00:00Z", "credentials": 240},
            "journal": {"available": True, "head_row": 1},
            "clock": {"quality": "synchronised"},
            "fire": self.fire,
        }

    def _handle(self, signal: Signal) -> tuple[str | None, list[Event]]:
        if isinstance(signal, OpenRequested):
            if signal.request_id in self.used:
                return "RequestUsed", []
            self.used.add(signal.request_id)
            by = signal.operator
            opened = OpenedByGuard(
                door=signal.door,
                reason=signal.reason,
                note=signal.note,
                actor=by.name,
                post=by.post,
                request_id=signal.request_id,
            )
            return None, [opened]
        if isinstance(signal, AlarmAcknowledgeRequested):
            return self.book.acknowledge(signal.alarm, signal.operator)
        if isinstance(signal, AlarmResolveRequested):
            return self.book.resolve(signal.alarm, signal.outcome, signal.note, signal.operator)
        if isinstance(signal, FireResetRequested):
            self.fire = {"latched": False, "active": False}
            return None, [FireCleared(actor=signal.operator.name, post=signal.operator.post)]
        assert isinstance(signal, OperatorActed)
        by = signal.operator
        return None, [OperatorAudited(action=signal.action, actor=by.name, post=by.post, detail=signal.detail)]


class SiteAtWork:
    """The console served on a port of the system's choice; it can be stopped and served again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SystemClock()
        self.doors = RecordingDoors(folder, self.clock)
        self.users = UserStore(folder / "users.db", self.clock, CHEAP)
        self.port = 0
        self._server: ConsoleServer | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        names = {"north": ("北门", "North gate"), "yard": ("内院门", "Yard door"), "garage": ("车库门", "Garage door")}
        site = SiteNames(
            id="demo",
            zone="Asia/Shanghai",
            name={"zh-CN": "演示花园", "en": "Demo Garden"},
            doors={key: {"zh-CN": zh, "en": en} for key, (zh, en) in names.items()},
            cameras={"yard": {"zh-CN": "内院", "en": "Yard"}},
            inputs={"panic": {"zh-CN": "岗亭报警按钮", "en": "Panic button"}},
            devices={"north-reader": {"zh-CN": "北门读卡器", "en": "North reader"}},
            camera_doors={"yard": ("yard",)},
        )
        parts = ConsoleParts(
            site=site,
            journal=SqliteJournalReader(self.folder / "journal.db"),
            doors=self.doors,
            data_dir=self.folder,
            clock=self.clock,
            users=self.users,
            card_label=lambda credential: {"c-0001": "蓝卡 0001"}.get(credential, ""),
            cameras_socket=self.folder / "cameras.sock",
            post="gate-house",
        )
        self._server = console_server(parts, "127.0.0.1", self.port)
        self._serving = asyncio.create_task(self._server.serve())
        async with asyncio.timeout(10):
            while not self._server.started:
                await asyncio.sleep(0.01)
        self.port = bound_port(self._server)

    async def stop(self) -> None:
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving

    async def close(self) -> None:
        await self.stop()
        self.doors.journal.close()
        self.doors.reader.close()
        self.users.close()

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.url, headers={"x-gatehouse-console": "1", "origin": self.url})

    async def signed_in(self, name: str = "wei", role: Role = Role.SUPERVISOR) -> httpx2.AsyncClient:
        if self.users.find(name) is None:
            self.users.add(name, role, PASSWORD)
        async with self.client() as first:
            answer = await first.post("/api/session", json={"user": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client = self.client()
        client.cookies.update(first.cookies)
        return client


async def until(question: Any, timeout_s: float = 5.0) -> Any:
    """Ask again until the answer is true."""
    async with asyncio.timeout(timeout_s):
        while not (answer := await question()):
            await asyncio.sleep(0.02)
    return answer
