"""Doors on a board that restarts, or is told by another, between two questions: found, told, and put right."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.outputs import PULSE_GRACE_S
from drivers.relay.settings import ModbusSettings
from gateway.domain import events as ev
from gateway.domain.alarm import AlarmKind
from gateway.domain.site import AccessPoint, Door, Lock, LockKind, Site, Terminal, Wiring
from tests.drivers.door_on_board import BOARD, DoorsOnBoard
from tests.drivers.pymodbus_board import PymodbusBoard
from tests.drivers.raw_board import RawBoard
from tests.drivers.recording import eventually, running
from tests.gateway.domain.listing import resident_listing
from tests.gateway.domain.plant import SITE as PLANT

PERIOD_S = 0.5
SLACK_S = 0.5
"""A question and its answer, and what two busy cores may add."""

LOCKS = {
    "north": Lock(Terminal(BOARD, 0), LockKind.FAIL_SECURE, Wiring.NO),
    "lobby": Lock(Terminal(BOARD, 1), LockKind.FAIL_SAFE, Wiring.NO),
    "shed": Lock(Terminal(BOARD, 2), LockKind.FAIL_SECURE, Wiring.NO),
    "barrier": Lock(Terminal(BOARD, 3), LockKind.FAIL_SAFE, Wiring.NC),
}
"""Their relays while locked: off, on, off, off."""
RELEASE_S = 0.3
SITE = replace(
    PLANT,
    doors={
        name: Door(name, lock, release_time_s=RELEASE_S, extended_release_time_s=RELEASE_S)
        for name, lock in LOCKS.items()
    },
    access_points={door: AccessPoint(door, door, (f"{door}-reader",)) for door in LOCKS},
    cameras={},
)
LOCKED = 0b0010
FREE = 0b1101


def doors_on(path: Path, site: Site = SITE, **settings: object) -> DoorsOnBoard:
    chosen = {"port": str(path), "outputs": 4, "inputs": 0, "timeout_s": 0.2, "outputs_poll_s": PERIOD_S, **settings}
    return DoorsOnBoard(site, resident_listing(), ModbusSettings.model_validate(chosen))


@pytest.fixture
async def raw(tmp_path: Path) -> AsyncIterator[RawBoard]:
    board = RawBoard(tmp_path / "board")
    board.times_pulses, board.coils = True, LOCKED
    yield board
    board.close()


def set_on_fire(doors: DoorsOnBoard) -> None:
    doors.input("alarms", 0, False)


async def test_doors_that_fire_holds_open_are_released_again_within_the_period_after_the_board_restarted(
    raw: RawBoard,
) -> None:
    doors = doors_on(raw.port.path)
    async with running(doors.run()):
        await eventually(lambda: len(doors.reads) == 1)
        set_on_fire(doors)
        await eventually(lambda: len(doors.done) == len(LOCKS))
        for again in range(1, 4):
            raw.restart()
            gone_s = time.monotonic()
            await eventually(lambda: raw.coils == FREE)
            assert time.monotonic() - gone_s < PERIOD_S + SLACK_S
            await eventually(lambda again=again: len(doors.done) == len(LOCKS) + 3 * again)  # type: ignore[misc]
    assert doors.of(ev.LockFoundReleased) == []
    assert doors.of(ev.DeviceLost) == []


async def test_doors_held_open_by_fire_on_pymodbus_server_are_released_again_after_its_restart(tmp_path: Path) -> None:
    board = PymodbusBoard(tmp_path)
    await board.start()
    doors = doors_on(board.path, flash=False, timeout_s=0.3)
    try:
        async with running(doors.run()):
            await eventually(lambda: len(doors.reads) == 1)
            set_on_fire(doors)
            await eventually(lambda: len(doors.done) >= 5)  # one secured at the start, four released
            told = len(doors.done)
            await board.restart()
            await eventually(lambda: len(doors.done) == told + 3)
            # What the driver has read back is what the board says: another read finds nothing astray.
            asked = doors.board.counters()["output_polls"]
            await eventually(lambda: doors.board.counters()["output_polls"] >= asked + 2)
        assert [read.outputs for read in doors.reads[1:]] == [((0, False), (2, False), (3, False))]
        assert doors.of(ev.DeviceLost) == []
    finally:
        await board.stop()


async def test_lock_that_is_secured_by_an_energised_relay_is_secured_again_after_the_board_restarted(
    raw: RawBoard,
) -> None:
    doors = doors_on(raw.port.path)
    async with running(doors.run()):
        await eventually(lambda: len(doors.reads) == 1)
        raw.restart()
        await eventually(lambda: raw.coils == LOCKED)
        await eventually(lambda: doors.of(ev.AlarmNormal) != [])
    assert [event.door for event in doors.of(ev.LockFoundReleased)] == ["lobby"]
    assert [event.kind for event in doors.of(ev.AlarmRaised)] == ["lock_found_released"]


async def test_relay_that_another_switched_on_is_found_and_secured_with_an_alarm(raw: RawBoard) -> None:
    doors = doors_on(raw.port.path)
    async with running(doors.run()):
        await eventually(lambda: len(doors.reads) == 1)
        raw.coils |= 0b0001
        await eventually(lambda: raw.coils == LOCKED)
        await eventually(lambda: doors.of(ev.AlarmNormal) != [])
    assert [event.door for event in doors.of(ev.LockFoundReleased)] == ["north"]
    assert [event.kind for event in doors.of(ev.AlarmRaised)] == ["lock_found_released"]


async def test_relay_that_is_bridged_on_is_told_once_and_alarms_until_it_is_off(raw: RawBoard) -> None:
    """Whatever it is told, it reads on: each try to secure it fails, and the journal isn't filled with findings."""
    doors = doors_on(raw.port.path)
    raw.bridged = 0b0001
    async with running(doors.run()):
        await eventually(lambda: doors.board.counters()["refused"] >= 2)
        assert doors.controller.alarms.is_active(AlarmKind.LOCK_FOUND_RELEASED, "north")
        assert len(doors.of(ev.LockFoundReleased)) == 1
        raw.bridged = 0
        raw.coils = LOCKED
        await eventually(lambda: not doors.controller.alarms.is_active(AlarmKind.LOCK_FOUND_RELEASED, "north"))
    assert len(doors.of(ev.LockFoundReleased)) == 1


async def test_pulses_are_no_faults_however_often_the_outputs_are_read(raw: RawBoard) -> None:
    """56 pulses of four locks, energised and not, some renewed before they end, and 30 ms from question to question."""
    doors = doors_on(raw.port.path)
    doors.board._settings = doors.board._settings.model_copy(update={"outputs_poll_s": 0.03})
    seeded = random.Random(11)
    async with running(doors.run()):
        await eventually(lambda: len(doors.reads) == 1)
        for turn in range(14):
            for door in LOCKS:
                doors.swipe(door, 1 + turn % 2)
            await asyncio.sleep(RELEASE_S * (0.5 + seeded.random()))
        await asyncio.sleep(RELEASE_S + PULSE_GRACE_S + 0.2)
        await eventually(lambda: doors.board.counters()["output_polls"] > 100)  # a busy machine asks less often
    assert raw.coils == LOCKED
    assert len(doors.of(ev.LockReleased)) == 56
    assert doors.board.counters()["outputs_astray"] == 0
    assert doors.of(ev.LockFoundReleased) == []
    assert doors.of(ev.AlarmRaised) == []


async def test_board_that_forgets_to_end_a_pulse_is_told_so_with_an_alarm(raw: RawBoard) -> None:
    doors = doors_on(raw.port.path)
    async with running(doors.run()):
        await eventually(lambda: len(doors.reads) == 1)
        raw.times_pulses = False
        doors.swipe("north")
        await eventually(lambda: doors.done != [])
        raw.coils |= 0b0001
        await eventually(lambda: doors.of(ev.LockFoundReleased) != [])
        await eventually(lambda: raw.coils == LOCKED)
    assert [event.door for event in doors.of(ev.LockSecured)] == ["north"]
