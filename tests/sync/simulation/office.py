"""The real office application in the simulation: its ledger on a disk that fails, its process mortal."""

import asyncio
import re
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

import httpx2
import msgspec

from sync import list_wire as lw
from sync import wire
from sync.office import streams
from sync.office.app import create_app
from sync.office.desk import Desk
from sync.office.ledger import Ledger
from sync.office.listing import Listings
from tests.sync.simulation.disk import Crashed, Disk
from tests.sync.simulation.machine import Life, Machine
from tests.sync.simulation.network import Answer, Down
from tests.sync.simulation.office_lists import (
    GENERATION_ABOVE_ALL,
    OTHER_SITE,
    ROOT_SEED,
    SITE,
    Coordinate,
    Key,
    Keys,
    Signed,
    first_list,
    read_signed,
)

TOKEN = "a-token-of-32-characters-or-more"
LEDGER = "office.db"
OTHER_VERSION = 50_000
START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
"""When a play begins, by every clock that is right."""
_WAY = re.compile(f"/sites/{SITE}/list/[0-9]+(?:/(changes|buckets)|$)")


class _FrontDesk:
    """Stands where the application has its desk: making the application takes longer than playing a seed."""

    desk: Desk

    def __getattr__(self, name: str) -> Any:
        return getattr(self.desk, name)


_FRONT = _FrontDesk()
_APP = create_app(_FRONT, TOKEN, "nobody-administers-here")  # type: ignore[arg-type]


class Office(Machine):
    """One office."""

    def __init__(self, folder: Path, chance: Random) -> None:
        super().__init__()
        self.disk, self._chance = Disk(folder, chance), chance
        self.keys = Keys(ROOT_SEED)
        self.made: dict[Key, Signed] = {}
        """Every list that it ever had."""
        self.countersigned: set[Key] = set()
        """Those that a second person has signed."""
        self.revoked: dict[int, lw.Revocations] = {}
        """All revocations that it ever told, by their sequence."""
        self.revoked_until: dict[str, Coordinate] = {}
        """The newest list that was ever to say that a credential is revoked."""
        self.given: dict[str, GivenYes] = {}
        """Every answer to who waits at a gate."""
        self.ways: Counter[str] = Counter()
        """How its lists went down: how often by which way."""
        self._life = Life(self)
        self._sessions: dict[str, tuple[str, str]] = {}
        """Session -> its lineage and its boot, as they were answered."""
        self._greeted: set[str] = set()
        self._desk: Desk | None = None
        (folder / LEDGER).write_bytes(_first_ledger(streams.SCHEMA))

    @property
    def runs(self) -> bool:
        """Whether its process lives."""
        return self._desk is not None

    @property
    def newest(self) -> Signed:
        """Its list, whether it runs or not."""
        return next(reversed(self.made.values()))

    def start(self) -> None:
        """Begin, on what the disk has; a disk that fails lets nobody begin."""
        try:
            desk = Desk(self.disk.folder / LEDGER, self.keys.signer)
            desk._ledger.add_site(SITE)
        except (sqlite3.Error, Crashed):
            self.disk.drop_connections()
            self.disk.crash_at = None
            return
        self._desk = _FRONT.desk = desk
        self._life = Life(self)
        self._note_list()

    def change(self, work: Callable[[Listings, int, Signed], object]) -> bool:
        """Somebody changes its list; whether that is done."""
        done = self._do(lambda ledger: ledger.change_list(SITE, lambda lists, seen: work(lists, seen, self.newest)))
        if done:
            self._note_list()
        return done

    def answer(self, allows: Callable[[], bool], good_for_s: float) -> None:
        """Somebody answers everybody who waits at a gate."""
        waiting: list[dict[str, Any]] = []
        self._do(lambda ledger: waiting.extend(ledger.waiting(SITE)))
        for each in waiting:
            if each["answer"] is not None or self._desk is None:
                continue
            ends_s = asyncio.get_running_loop().time() + good_for_s
            given = wire.GivenAnswer(
                f"answer-{len(self.given)}", each["event_id"], allows(), "Lin", START + timedelta(seconds=ends_s)
            )
            self.given[given.answer_id] = GivenYes(given.event_id, given.allow, ends_s)
            self._do(partial(_give, given))

    def _do(self, work: Callable[[Ledger], object]) -> bool:
        """Somebody at the office works in its ledger; whether that is done."""
        if self._desk is None:
            return False
        try:
            work(self._desk._ledger)
        except Crashed:
            self.crash()
            return False
        except sqlite3.Error:
            return False
        self._desk.wake()
        return True

    def change_keys(self) -> None:
        """Its keys are rotated: it begins again with the new ones."""
        self.keys.rotate()
        self.crash()
        self.start()

    def _note_list(self) -> None:
        assert self._desk is not None
        found = read_signed(self._desk._ledger._db, self._desk._ledger.lists)
        assert found is not None
        self.made.pop(found.key, None)
        self.made[found.key] = found
        told = self._desk._ledger.lists.revocations(SITE, 0)
        if told is not None:
            self.revoked[told.sequence] = told
            note_revoked(self.revoked_until, told)

    def crash(self) -> None:
        """Its process dies here and now."""
        if self._desk is None:
            return
        self._life.end()
        desk, self._desk = self._desk, None
        self.disk.drop_connections()
        desk._thread.shutdown()
        self.disk.crash_at = self.dies_at = None

    die = crash

    def restore(self, image: Path) -> None:
        """It is put back to an older copy; it must not run."""
        self.disk.restore(image)
        self._greeted.clear()
        rows = self.rows("SELECT session, head, boot_id FROM session")
        self._sessions = {session: (head, boot) for session, head, boot in rows}

    async def take(self, request: httpx2.Request, body: bytes) -> Answer:
        """One request. Raises Down where the process is not there, or dies over it."""
        if self._desk is None:
            raise Down
        task = self._life.begin(self._serve(request, body))
        task.add_done_callback(_served)
        try:
            answer: Answer = await asyncio.shield(task)
        except Crashed as error:
            self.crash()
            raise Down from error
        except asyncio.CancelledError as error:
            if task.cancelled() and not _is_cancelled():
                raise Down from error
            raise
        self._watch(request, body, answer)
        return answer

    async def _serve(self, request: httpx2.Request, body: bytes) -> Answer:
        sent: list[Any] = []
        given = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            await asyncio.sleep(0)
            return given.pop() if given else await asyncio.get_running_loop().create_future()

        async def send(message: Any) -> None:
            await asyncio.sleep(0)
            sent.append(message)

        scope = {
            "type": "http",
            "method": request.method,
            "path": unquote(request.url.path),
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
        }
        await _APP(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], sent[0]["headers"], body)

    def _watch(self, request: httpx2.Request, body: bytes, answer: Answer) -> None:
        """Only the newest session of a lineage may move anything."""
        if answer.status != 200:
            return
        if way := _WAY.search(request.url.path):
            self.ways[way[1] or "whole"] += 1
        if request.method != "POST":
            return
        if request.url.path.endswith("/hello"):
            hello = msgspec.json.decode(body, type=wire.Hello)
            if hello.challenge in self._greeted:
                self.trouble.append("a hello was taken twice")
            self._greeted.add(hello.challenge)
            head = hello.epochs[-1].epoch if hello.epochs else ""
            session = msgspec.json.decode(answer.body, type=wire.Welcome).session
            others = {k: of for k, of in self._sessions.items() if of[0] != head and of[1] != hello.boot_id}
            self._sessions = others | {session: (head, hello.boot_id)}
        elif request.url.path.endswith("/events"):
            batch = msgspec.json.decode(body, type=wire.Batch)
            if batch.session not in self._sessions:
                self.trouble.append("a batch of a stale session was taken")

    def rows(self, query: str, *values: Any) -> list[Any]:
        """What its ledger holds, whether it runs or not."""
        return self.disk.watch(LEDGER).execute(query, values).fetchall()

    def gaps(self) -> int:
        """Numbers up to its cursors of which it has no event, and that nobody told to be gone."""
        (through,), (told,) = (
            self.rows(query)[0]
            for query in (
                "SELECT coalesce(sum(through), 0) FROM cursor",
                "SELECT coalesce(sum(last - first + 1), 0) FROM gap",
            )
        )
        (there,) = self.rows("SELECT count(*) FROM place WHERE event_id IS NOT NULL")[0]
        return int(through - told - there)

    def event_ids(self) -> list[str]:
        """Every event that it has, as often as it has it."""
        return [row[0] for row in self.rows("SELECT event_id FROM event ORDER BY n")]

    def placed_ids(self) -> set[str]:
        """The events that have come in their turn: an alarm that went ahead is not one yet."""
        return {row[0] for row in self.rows("SELECT event_id FROM place")}


@dataclass(frozen=True, slots=True)
class GivenYes:
    """What somebody at the office said to who waits, and until when it was good: the loop's time."""

    event_id: str
    allow: bool
    ends_s: float


def note_revoked(until: dict[str, Coordinate], told: lw.Revocations) -> None:
    """The newest list of each credential that is to say so itself."""
    for each in told.revoked:
        until[each.credential] = max((each.generation, each.version), until.get(each.credential, (0, 0)))


def _give(given: wire.GivenAnswer, ledger: Ledger) -> None:
    ledger.give_answer(SITE, given)


def _served(task: asyncio.Task[Answer]) -> None:
    if not task.cancelled():
        task.exception()  # whoever asked may be gone


def _put(document: dict[str, Any], lists: Listings, seen: int) -> int:
    return lists.put(document["site"], document, seen, keep=True)


@cache
def _first_ledger(schema: str) -> bytes:
    """The file of an office that has a list of each of two sites; `schema` is that of its events."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder) / LEDGER, Keys(ROOT_SEED).signer)
        for site, version in ((SITE, 1), (OTHER_SITE, OTHER_VERSION)):
            desk._ledger.change_list(site, partial(_put, first_list(site, version)))
        for _ in range(GENERATION_ABOVE_ALL):
            desk._ledger.change_list(OTHER_SITE, lambda lists, seen: lists.begin_generation(OTHER_SITE, seen))
        desk.close()
        return (Path(folder) / LEDGER).read_bytes()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
