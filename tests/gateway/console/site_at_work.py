"""A console served over a real journal and a real controller, in this process."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx2
from argon2 import PasswordHasher

from gateway.clock import SystemClock
from gateway.console.app import ConsoleServer, bound_port, console_server
from gateway.console.parts import ConsoleParts, Labelled, SiteNames
from gateway.console.users import Role, UserStore
from gateway.domain.ports import JournalHead
from gateway.store.journal_reader import SqliteJournalReader
from tests.gateway.console.doors_at_work import LIST, SITE, DoorsAtWork

PASSWORD = "quiet-river-27"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
_LABELS = {"c-0001": "蓝卡 0001", "c-0003": "保安卡 0003"}
_NAMES = {"north": ("北门", "North gate"), "yard": ("内院门", "Yard door"), "garage": ("车库门", "Garage door")}

_POINTS = {
    "north-reader": ("北门", "North gate"),
    "pump-reader": ("泵房", "Pump room"),
    "garage-reader": ("车库门", "Garage door"),
}


class SiteAtWork:
    """The console served on a port of the system's choice; it can be stopped and served again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SystemClock()
        self.doors = DoorsAtWork(folder, self.clock)
        self.users = UserStore(folder / "users.db", self.clock, CHEAP)
        self.port = 0
        self.sees: frozenset[str] = frozenset()
        """The doors in sight of the post; set before the start."""
        self.tours = dict(SITE.tours)
        """As the page knows them; set before the start."""
        self.journal_answers = threading.Event()
        """Cleared, the journal's disk is slow: nothing is read until it is set again."""
        self.journal_answers.set()
        self._server: ConsoleServer | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cookie(self) -> str:
        """The name of the session's cookie."""
        return f"gatehouse_session_{self.port}"

    async def start(self) -> None:
        site = SiteNames(
            id="demo",
            zone="Asia/Shanghai",
            name={"zh-CN": "演示花园", "en": "Demo Garden"},
            doors={key: {"zh-CN": zh, "en": en} for key, (zh, en) in _NAMES.items()},
            cameras={"yard": {"zh-CN": "内院", "en": "Yard"}},
            inputs={"panic": {"zh-CN": "岗亭报警按钮", "en": "Panic button"}},
            outputs={"siren": {"zh-CN": "警号", "en": "The siren"}},
            devices={"north-reader": {"zh-CN": "北门读卡器", "en": "North reader"}},
            areas={"garage": {"zh-CN": "地下车库", "en": "the car park"}},
            door_groups={"gates": {"zh-CN": "外围门", "en": "Outer gates"}},
            tours={"night": {"zh-CN": "夜间巡更", "en": "Night patrol"}},
            tour_points={"night": {key: {"zh-CN": zh, "en": en} for key, (zh, en) in _POINTS.items()}},
            camera_doors={"yard": ("yard",)},
            point_doors={key: point.door for key, point in SITE.access_points.items()},
            group_doors={key: group.doors for key, group in SITE.door_groups.items()},
            lock_devices={key: door.lock.output.device for key, door in SITE.doors.items()},
            contact_devices={"north": "north-board", "yard": "north-board"},
        )
        parts = ConsoleParts(
            site=site,
            journal=_SlowDisk(self.folder / "journal.db", self.journal_answers),
            doors=self.doors,
            data_dir=self.folder,
            clock=self.clock,
            users=self.users,
            card_label=lambda credential: _LABELS.get(credential, ""),
            holder_kind=_kind,
            holder_label=lambda cardholder: {"p-0001": "蓝卡 0001"}.get(cardholder, ""),
            find_labels=lambda text: [
                Labelled(credential, credential.replace("c-", "p-"), label)
                for credential, label in _LABELS.items()
                if text.casefold() in label
            ],
            area_limits=lambda: {area.id: area.max_occupancy for area in LIST.areas()},
            cameras_socket=self.folder / "cameras.sock",
            post="gate-house",
            sees=self.sees,
            tours=self.tours,
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
        headers = {"x-gatehouse-console": "1", "origin": self.url}
        return httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=30.0)

    async def signed_in(self, name: str = "wei", role: Role = Role.SUPERVISOR) -> httpx2.AsyncClient:
        if self.users.find(name) is None:
            self.users.add(name, role, PASSWORD)
        async with self.client() as first:
            answer = await first.post("/api/session", json={"user": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client = self.client()
        client.cookies.update(first.cookies)
        return client


class _SlowDisk(SqliteJournalReader):
    def __init__(self, path: Path, answers: threading.Event) -> None:
        super().__init__(path)
        self._answers = answers

    def head(self) -> JournalHead | None:
        self._answers.wait(10.0)
        return super().head()


def _kind(cardholder: str) -> str:
    found = LIST.cardholder(cardholder)
    return "" if found is None else found.kind.value


async def until(question: Any, timeout_s: float = 5.0) -> Any:
    """Ask again until the answer is true."""
    async with asyncio.timeout(timeout_s):
        while not (answer := await question()):
            await asyncio.sleep(0.02)
    return answer
