"""Who may say what over the socket of signals, and in which order it is heard."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import get_args

import pytest

from gateway.domain import signals as sg
from gateway.domain.credential import Identifier, Reading
from gateway.domain.ports import Reply
from gateway.doors_client import DoorsClient
from gateway.doors_socket import MAY_SAY, DoorsSocket
from gateway.errors import RemoteProtocolError
from gateway.inbox import Inbox
from gateway.signal_codec import signal_from_dict, signal_to_dict
from gateway.status import StatusHub
from tests.waiting import wait_until_async

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LI, WEI = sg.Operator("li", "gate"), sg.Operator("wei", "gate")
CONFIRM = sg.AccessConfirmRequested("r-9", "q-1", True, LI)
OF_DOORS: list[sg.Signal] = [
    sg.OpenRequested("r-1", "north", "visitor", LI, NOON),
    sg.DoorModeRequested("r-2", "north", "Blocked", "repair", LI, NOON, NOON),
    sg.LockdownRequested("r-3", None, "intruder", LI, NOON),
    sg.LockdownReleaseRequested("r-4", "east", "all clear", LI, WEI, NOON),
    sg.LockOpenRequested("r-5", "east", "gas", LI, NOON),
    sg.LockOpenReleaseRequested("r-6", "east", "aired", LI, NOON),
    sg.BlockRequested("r-7", "credential:c-1", True, "lost", LI),
    sg.LocalGrantRequested("r-8", "c-1", ("north", "yard"), NOON, "mover", LI),
    CONFIRM,
    sg.FireResetRequested("r-10", LI),
]
"""What a guard asks for that opens, closes, blocks or confirms."""
FORGIVE = sg.ForgiveRequested("r-11", None, "drill", LI)
READS: list[sg.Signal] = [
    sg.CardRead("r1", (Reading(Identifier("EM4100", None, 7), None, None),), 1.0),
    sg.KeyPressed("r1", "1", 1.0),
    sg.TextRead("r1", "GHP1.x.y", 1.0),
    sg.InputsChanged("board", ((0, True),), 1.0),
]
LATER = sg.StatusReported("console", {"a": 1})


@asynccontextmanager
async def _served(folder: Path, inbox: Inbox) -> AsyncIterator[Path]:
    path = folder / "doors.sock"
    server = DoorsSocket(path, inbox, StatusHub(dict), {}, lambda _: None)
    task = asyncio.create_task(server.run())
    await wait_until_async(path.exists)
    yield path
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _heard_or_refused(inbox: Inbox, asked: asyncio.Task[Reply]) -> bool:
    return asked.done() or inbox.depth > 0


async def _say(path: Path, role: str, inbox: Inbox, signals: list[sg.Signal]) -> list[sg.Signal]:
    """Say them as `role`; those that were taken, as they arrived. Each of the others was refused."""
    client = DoorsClient(path, role)
    running = asyncio.create_task(client.run())
    arrived: list[sg.Signal] = []
    for signal in signals:
        asked = asyncio.create_task(client.send(signal))
        await wait_until_async(partial(_heard_or_refused, inbox, asked))
        if inbox.depth:
            heard, answer = await inbox.get(1)
            arrived.append(heard)
            assert answer is not None
            answer(Reply(accepted=True))
            assert (await asked).accepted
        else:
            assert (await asked).reason == "NotForThisRole"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return arrived


@pytest.mark.parametrize(
    ("role", "heard"),
    [
        ("console", [*OF_DOORS, FORGIVE]),
        ("sync", [CONFIRM]),
        ("cameras", []),
        ("supervisor", []),
        ("command", []),
        ("nobody", []),
    ],
)
async def test_only_the_console_works_doors_and_the_office_may_confirm(
    tmp_path: Path, role: str, heard: list[sg.Signal]
) -> None:
    inbox = Inbox()
    async with _served(tmp_path, inbox) as path:
        assert await _say(path, role, inbox, [*OF_DOORS, FORGIVE, *READS]) == heard


def test_no_role_may_speak_for_a_device() -> None:
    said = {kind for kinds in MAY_SAY.values() for kind in kinds}
    assert said.isdisjoint({sg.CardRead, sg.KeyPressed, sg.TextRead, sg.InputsChanged, sg.CommandCompleted})


async def test_reads_and_what_guards_do_to_doors_are_heard_before_the_rest() -> None:
    inbox = Inbox()
    first = [*READS, *OF_DOORS]
    for signal in (LATER, FORGIVE, *first):
        inbox.put(signal)
    heard = [(await inbox.get(0))[0] for _ in range(len(first) + 2)]
    assert heard == [*first, LATER, FORGIVE]


async def test_flood_of_reports_leaves_room_for_reads_and_is_told() -> None:
    inbox = Inbox()
    assert [inbox.put(LATER) for _ in range(501)].count(False) == 1
    assert all(inbox.put(signal) for signal in READS)
    assert inbox.take_dropped() == [sg.SignalsDropped("StatusReported", 1)]


@pytest.mark.parametrize("signal", [*OF_DOORS, FORGIVE, *READS, LATER], ids=lambda signal: type(signal).__name__)
def test_signal_comes_out_of_json_as_it_went_in(signal: sg.Signal) -> None:
    assert signal_from_dict(signal_to_dict(signal)) == signal


@pytest.mark.parametrize("kind", [k for k in get_args(sg.Signal) if dataclasses.fields(k)], ids=lambda k: k.__name__)
def test_signal_without_its_fields_is_refused_unless_it_needs_none(kind: type) -> None:
    with pytest.raises(RemoteProtocolError):
        signal_from_dict({"type": kind.__name__})


@pytest.mark.parametrize("name", ["expires_at", "until"])
def test_time_without_an_offset_is_refused(name: str) -> None:
    said = signal_to_dict(OF_DOORS[1]) | {name: "2026-11-23T12:00:00"}
    with pytest.raises(RemoteProtocolError, match=f"{name} has no offset"):
        signal_from_dict(said)
