"""A disk that stalls: the door stays shut, the use is given back, and once the disk answers it can be used."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast

from gateway.clock import SystemClock
from gateway.domain.controller import Controller
from gateway.domain.credential import Reading
from gateway.domain.listed import AccessList
from gateway.domain.register import Register, Uses
from gateway.domain.signals import CardRead
from gateway.site_loop import SiteLoop
from gateway.status import StatusHub
from gateway.store.journal import SqliteJournal
from gateway.store.journal_reader import SqliteJournalReader
from tests.gateway.domain.compound import SITE, compound_list, of
from tests.gateway.domain.listing import card
from tests.gateway.test_site_loop import Board
from tests.waiting import wait_until_async

CLOCK = SystemClock()


def _shown(received_s: float) -> CardRead:
    return CardRead("ni", (Reading(card(1), True),), received_s)


def _no_list(_path: str) -> AccessList:
    raise AssertionError("no list is swapped here")


async def test_a_use_that_a_stalled_disk_kept_from_the_door_is_given_back_and_used_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal, reader, board = SqliteJournal(path, CLOCK), SqliteJournalReader(path), Board()
    access_list = cast(AccessList, compound_list(credentials={card(1): of(1, uses=1)}))
    controller = Controller(SITE, None, Register())
    loop = SiteLoop(controller, journal, CLOCK, {"board": board}, _no_list, access_list, StatusHub(dict))
    with closing(sqlite3.connect(path, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")  # Nobody else can write, and nothing fails: the disk only takes its time.
        await loop.turn(_shown(0.0), None)
        await loop.turn((await loop.inbox.get(5.0))[0], None)
        assert controller.register.uses["c-1"].total == 0
        assert board.told == []
        another.execute("ROLLBACK")
    await wait_until_async(lambda: "UseGivenBack" in [event.type for event in reader.after(0, 100)])
    await loop.turn(_shown(100.0), None)
    await wait_until_async(lambda: len(board.told) == 1)
    journal.close()
    (uses,) = [fact.value for fact in reader.facts("uses")]
    assert isinstance(uses, Uses)
    assert uses.total == 1
    told = [event.type for event in reader.after(0, 100) if event.type in ("AccessGranted", "UseGivenBack")]
    assert told == ["AccessGranted", "UseGivenBack", "AccessGranted"]
