"""One site for the sync tests: real journal, real list folder, obedient doors, real office process."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import httpx2

from gateway.clock import SystemClock
from gateway.domain.commands import ForkJournal
from gateway.domain.events import DoorOpened
from gateway.domain.list_update import GuardBounds
from gateway.domain.ports import Feed, Reply
from gateway.domain.signals import HistoryDiverged, ListReady, Signal, StatusReported
from gateway.errors import LinkError
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader
from gateway.store.list_compiler import CompiledFile
from gateway.store.list_folder import ListFolder, set_current
from sync import wire
from sync.device_key import DeviceKey
from sync.office_client import OfficeClient
from sync.trust import Trust
from sync.worker import run_sync
from tests.waiting import wait_until_async

SITE = "demo"
TOKEN = "a-token-of-32-characters-or-more"
ADMIN_TOKEN = "the-administrators-own-token"
SITE_KEY = b"k" * 32
KEY = DeviceKey(b"d" * 32)
"""The site's own device's, unless another is given."""
OPEN = GuardBounds(100, 1_000_000, 100, 1_000_000, all_doors=False, unlocked=False)
"""Nothing waits for a second yes."""
START_S = 60.0
"""An office starts in a second or two; on a machine with a dozen waiting processes it has taken more than 20."""
ALWAYS = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "00:00", "end": "24:00"}]


def a_list(version: int = 1, **changes: Any) -> dict[str, Any]:
    """A small sound LIST.json."""
    document = {
        "schema": 1,
        "site": SITE,
        "version": version,
        "issued_at": "2026-11-20T08:00:00Z",
        "zone": "Asia/Shanghai",
        "schedules": [
            {"id": "always", "periods": ALWAYS},
            {"id": "nights", "periods": [{"days": ["mon", "fri"], "start": "22:00", "end": "06:00"}]},
        ],
        "special_days": [],
        "access_points": [{"id": "north"}, {"id": "yard"}],
        "areas": [],
        "levels": [
            {"id": "residents", "grants": [{"access_point": "north", "schedule": "always"}]},
            {"id": "night-shift", "grants": [{"access_point": "yard", "schedule": "nights"}]},
        ],
        "cardholders": [
            {"id": "p-1", "levels": [{"level": "residents"}]},
            {"id": "p-2", "levels": [{"level": "night-shift"}, {"level": "residents"}]},
        ],
        "credentials": [
            {"id": "c-1", "cardholder": "p-1", "format": "H10301", "facility_code": 1, "number": 11},
            {"id": "c-2", "cardholder": "p-2", "format": "EM4100", "number": 22},
        ],
    }
    return document | changes


def signed_by(key: DeviceKey, path: str, nonce: str) -> dict[str, str]:
    """The headers of a call without a body; `path` is the whole one, with its query."""
    _, _, _, site, call = path.split("/", 4)
    signature = key.sign(wire.signed_bytes(site, call, nonce, b""))
    return {wire.DEVICE: key.public, wire.NONCE: nonce, wire.SIGNATURE: signature}


def a_client(url: str, token: str = TOKEN, key: DeviceKey | None = None) -> OfficeClient:
    """A line to the office, by a device whose key is always the same one unless given."""
    return OfficeClient(url, SITE, token, key or KEY, SystemClock())


async def say_hello(client: OfficeClient, boot_id: str = "boot", start_id: str = "") -> wire.Welcome | wire.Refusal:
    """A hello of a gateway that has nothing."""
    challenge = (await client.challenge()).challenge
    return await client.hello(wire.Hello(1, "test", boot_id, client.device_key, challenge, (), 0, 0, start_id))


class Doors:
    """A doors process that takes every signal; puts lists in force unless told not to."""

    def __init__(self, lists: Path) -> None:
        self.signals: list[Signal] = []
        self.status: dict[str, Any] = {}
        self.away = False
        self.takes_lists = True
        self.journal: SqliteJournal | None = None
        self._lists = lists
        self._feed: asyncio.Queue[Feed] = asyncio.Queue()
        self.say_list(0)

    async def send(self, signal: Signal, timeout_s: float = 2.0) -> Reply:
        if self.away:
            raise LinkError("away")
        if isinstance(signal, StatusReported):
            self.status = dict(signal.values)
            return Reply(accepted=True)
        self.signals.append(signal)
        if isinstance(signal, HistoryDiverged) and self.journal is not None:
            point = ForkJournal("fork", signal.current, signal.epoch, signal.seq, signal.hash)
            await asyncio.wrap_future(self.journal.fork(point, SystemClock().now()))
        if isinstance(signal, ListReady) and self.takes_lists and not signal.guards:
            self._take(signal)
        return Reply(accepted=True)

    async def feed(self) -> AsyncIterator[Feed]:
        while True:
            yield await self._feed.get()

    def put(self, feed: Feed) -> None:
        self._feed.put_nowait(feed)

    def say_list(self, version: int, generation: int = 0) -> None:
        listed = {"version": version, "generation": generation} if version else None
        self.put(Feed(connected=True, status={"list": listed}))

    def heard(self, kind: type[Signal]) -> list[Any]:
        return [signal for signal in self.signals if isinstance(signal, kind)]

    def _take(self, ready: ListReady) -> None:
        path = self._lists.parent / ready.path
        assert path.exists()
        made = CompiledFile(path, ready.version, ready.digest, ready.credentials, ready.generation)
        set_current(self._lists, made)
        self.say_list(ready.version, ready.generation)


class Gateway:
    """The sync process's work inside the test, on real files and sockets."""

    def __init__(
        self,
        data: Path,
        url: str,
        token: str = TOKEN,
        key: DeviceKey | None = None,
        *,
        root: str | None = None,
        bounds: GuardBounds | None = None,
    ) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.data, self.clock = data, SystemClock()
        self.journal = SqliteJournal(data / "journal.db", self.clock)
        self.reader = SqliteJournalReader(data / "journal.db")
        self.bounds, self._root = bounds or OPEN, None if root is None else bytes.fromhex(root)
        self.lists = ListFolder(data / "lists", SITE_KEY, bounds=self.bounds)
        self.doors = Doors(data / "lists")
        self.doors.journal = self.journal
        self._url, self._token = url, token
        self.key = key or KEY
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self.journal.close()

    def start(self) -> None:
        client = a_client(self._url, self._token, self.key)
        self.lists = ListFolder(self.data / "lists", SITE_KEY, bounds=self.bounds)
        trust = Trust(SITE, self._root, self.data / "lists" / "trust.json", self.clock)
        work = run_sync(trust, client, self.reader, self.lists, self.doors, self.data, self.clock, "test")
        self._task = asyncio.create_task(work)

    async def stop(self) -> None:
        if self._task is not None:
            assert not self._task.done(), self._task
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def record(self, count: int, *, wake: bool = True) -> None:
        """Journal `count` events, durably."""
        commits = [self.journal.append([DoorOpened(door=f"d-{n}")], self.clock.now()) for n in range(count)]
        for commit in commits:
            assert await commit.wait(10)
        head = self.reader.head()
        if wake and head is not None:
            self.doors.put(Feed(connected=True, row_id=head.row_id))

    def event_ids(self) -> list[str]:
        return [event.event_id for event in self.reader.after(0, 5000)]


class Office:
    """`python -m sync.office` as a process; the same port at each start."""

    def __init__(self, data: Path, *extra: str, run: tuple[str, ...] = ("-m", "sync.office")) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.data, self._extra, self._run = data, extra, run
        (data / "secrets").mkdir(exist_ok=True)
        for name, content in (("token", TOKEN), ("secrets/admin-token", ADMIN_TOKEN)):
            (data / name).write_text(content)
            (data / name).chmod(0o600)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Office":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        place = ("--data", str(self.data), "--port", str(self.port), "--token-file", str(self.data / "token"))
        command = (sys.executable, *self._run, *place, "--site", SITE, *self._extra)
        self.process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert self.process.stdout is not None
        async with asyncio.timeout(START_S):
            assert json.loads(await self.process.stdout.readline())["ready"]["url"] == self.url

    async def kill(self) -> None:
        """SIGKILL: nothing is said, nothing is tidied."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def ask(
        self, method: str, path: str, body: Any = None, token: str = "", key: DeviceKey = KEY
    ) -> httpx2.Response:
        """`token`: that of who may call this, if none is given. A gateway's call without a body is signed by `key`."""
        token = token or (ADMIN_TOKEN if path.startswith("/admin/") else TOKEN)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
            if path.startswith("/v1/") and body is None:
                headers |= signed_by(key, path, await self.nonce())
            return await http.request(method, self.url + path, json=body, headers=headers)

    async def nonce(self) -> str:
        """What calls are to be signed with just now, as a refusal says it too."""
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
            return str((await http.get(f"{self.url}/v1/")).headers[wire.NONCE])

    async def admin(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.ask(method, f"/admin/v1/sites/{SITE}/{path}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def summary(self) -> Any:
        return await self.admin("GET", "summary")

    async def event_ids(self) -> list[str]:
        found: list[str] = []
        after = 0
        while page := (await self.admin("GET", f"events?after={after}&limit=1000"))["events"]:
            found += [event["event_id"] for event in page]
            after = page[-1]["n"]
        return found

    async def has(self, count: int, timeout_s: float = 15.0) -> None:
        """Wait until it holds `count` events."""
        async with asyncio.timeout(timeout_s):
            while (await self.summary())["events"] < count:
                await asyncio.sleep(0.05)


async def until(predicate: Any, timeout_s: float = 40.0, what: str = "") -> None:
    """Wait for a fact of a running gateway."""
    await wait_until_async(predicate, timeout_s, what)
