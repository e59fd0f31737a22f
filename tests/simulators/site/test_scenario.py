"""The scripted day, with a small gateway of the test's own at the other ends of the wires."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

import pytest

from simulators.client import Request
from simulators.control import Answer, control_socket
from simulators.modbus_board import with_crc
from simulators.passes import public_key
from simulators.scenario import Scenario
from tests.simulators.site.conftest import MakeSite, SiteUnderTest, running_broker, until

PULSE = {
    "north-reader": "01 05 02 00 00 05",
    "north-scanner": "01 05 02 00 00 05",
    "yard-reader": "01 05 02 01 00 05",
}
MIDNIGHT, NOON = datetime(2026, 11, 26, tzinfo=UTC), datetime(2026, 11, 26, 12, tzinfo=UTC)
STRANGER = {b"C0FFEE", b"12648430"}
"""A stranger's card at the RDM6300 and at the S4A."""
READ_INPUTS = with_crc(bytes.fromhex("01 02 00 00 00 08"))


@dataclass(frozen=True, slots=True)
class Tty:
    """A line's two directions, without pyserial: the test's own bytes."""

    reader: asyncio.StreamReader
    file: FileIO
    transport: asyncio.ReadTransport

    @classmethod
    async def open(cls, path: Path) -> "Tty":
        loop = asyncio.get_running_loop()
        file = FileIO(os.open(path, os.O_RDWR | os.O_NOCTTY), "r+")
        reader = asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
        return cls(reader, file, transport)


@asynccontextmanager
async def small_gateway(site: SiteUnderTest) -> AsyncIterator[None]:
    """Polls the board, and pulses a door's coil for every well-formed read but the stranger's."""
    board = await Tty.open(site.tty("board"))
    turn = asyncio.Lock()
    opened = [board.transport]

    async def transact(request: bytes, size: int) -> None:
        async with turn:
            board.file.write(request)
            async with asyncio.timeout(5):  # wait_for may swallow a cancellation before Python 3.12
                await board.reader.readexactly(size)

    async def poll() -> None:
        while True:
            await transact(READ_INPUTS, 6)
            await asyncio.sleep(0.02)

    async def serve(name: str) -> None:
        tty = await Tty.open(site.tty(name))
        opened.append(tty.transport)
        while True:
            data = await tty.reader.readuntil(b"\x03" if name == "north-reader" else b"\n")
            if STRANGER.isdisjoint(re.findall(rb"C0FFEE|12648430", data)):
                await transact(with_crc(bytes.fromhex(PULSE[name])), 8)

    tasks = [asyncio.create_task(each) for each in (poll(), *(serve(name) for name in PULSE))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for transport in opened:
            transport.close()


@asynccontextmanager
async def camera_socket(path: Path, heard: list[Request]) -> AsyncIterator[None]:
    """Hears what the camera's own control socket would."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(json.loads(await reader.readline()))
        writer.write(b'{"ok": true}\n')
        writer.close()

    async with await asyncio.start_unix_server(serve, str(path)):
        yield


async def test_day_waits_until_a_gateway_polls_and_says_so_only_when_that_ends(
    make_site: MakeSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulators.scenario.SETTLE_S", 0.0)
    site = await make_site({("broker", "local", "port"): 1})
    scenario = Scenario(site.acts.obey, site.hardware, seed=1, speed=1000.0)
    for steps, told in ((0, ""), (1, "The gateway does not ask for the inputs any more; the day waits for it.")):
        await until(lambda: not site.hardware.is_polled(), "no gateway")
        scenario.steps = steps
        waiting = asyncio.create_task(scenario._until_polled())
        async with small_gateway(site):
            await asyncio.wait_for(waiting, 30)
        assert capsys.readouterr().err == (f"[site] {told}\n" if told else "")


async def test_whole_day_happens_at_the_doors(
    make_site: MakeSite, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulators.scenario.PATIENCE_S", 0.5)
    with running_broker("embedded", tmp_path) as port:
        site = await make_site({("broker", "local", "port"): port, ("door", "north", "open_time_s"): 0.5})
        elsewhere: list[Request] = []

        async def note(request: Request) -> Answer:
            elsewhere.append(request)
            return {"ok": True}

        public_key(tmp_path / "secrets" / "pass-key")
        run = tmp_path / "run"
        for door in site.hardware.doors.values():
            door.stands_open_s = 0.1
        async with (
            control_socket(run / "sim-demo.sock", note),
            camera_socket(run / "sim-camera-yard.sock", elsewhere),
            small_gateway(site),
        ):
            scenario = Scenario(site.acts.obey, site.hardware, seed=3, speed=1000.0)
            monkeypatch.setattr(scenario, "_local_time", lambda: NOON)
            for step in scenario.day():
                if step not in (scenario.door_is_held, scenario.resident_leaves):
                    await step()
            counts = {name: door.counts for name, door in site.hardware.doors.items()}
            assert sum(each.openings for each in counts.values()) >= 3
            assert sum(each.forced for each in counts.values()) == 1
            assert elsewhere == [
                {"cmd": "person"},
                {"cmd": "person"},
                {"do": "office", "up": False},
                {"do": "office", "up": True},
            ]
    told = capsys.readouterr().err.splitlines()
    assert all(line.startswith("[site] ") and line.endswith(".") for line in told)
    assert any("stranger tries" in line for line in told)
    assert sum("pass-101" in line for line in told) == 3
    assert any("comes home late by yard" in line for line in told)
    patrol = [line.removeprefix("[site] guard-2 is on patrol by ") for line in told if "on patrol" in line]
    assert patrol == ["north.", "yard.", "garage."]


async def test_stranger_never_walks_in_behind_a_resident(
    make_site: MakeSite, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulators.scenario.PATIENCE_S", 0.5)
    site = await make_site({("broker", "local", "port"): 1})
    scenario = Scenario(site.acts.obey, site.hardware, seed=1, speed=1000.0)
    north = site.hardware.plan.doors[0]
    async with small_gateway(site):
        await scenario._enter(north, "blue-1")
        await scenario._enter(north, "stranger", "tries to come in")
    assert site.hardware.doors["north"].counts.openings == 1
    assert capsys.readouterr().err.endswith("north stays locked.\n")


@pytest.mark.parametrize(("at", "typed"), [(MIDNIGHT, b"1005#"), (NOON, b"")])
async def test_by_night_a_pin_follows_the_card_at_the_yard_door_and_by_day_none(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch, at: datetime, typed: bytes
) -> None:
    monkeypatch.setattr("simulators.scenario.PATIENCE_S", 0.1)
    site = await make_site({("broker", "local", "port"): 1})
    scenario = Scenario(site.acts.obey, site.hardware, seed=1, speed=1000.0)
    monkeypatch.setattr(scenario, "_local_time", lambda: at)
    monkeypatch.setattr(scenario, "_resident", lambda _door: "blue-5")
    yard = await Tty.open(site.tty("yard-reader"))
    await scenario.resident_comes_late()
    assert await yard.reader.readexactly(12 + len(typed)) == b"0008065499\r\n" + typed
    yard.transport.close()


async def test_visitor_shows_a_pass_three_times_and_the_next_one_has_another(
    make_site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulators.scenario.PATIENCE_S", 0.1)
    site = await make_site({("broker", "local", "port"): 1})
    public_key(tmp_path / "secrets" / "pass-key")
    scenario = Scenario(site.acts.obey, site.hardware, seed=1, speed=1000.0)
    scanner = await Tty.open(site.tty("north-scanner"))
    for _ in range(2):
        await scenario.visitor_comes_with_a_pass()
    shown = [await scanner.reader.readline() for _ in range(6)]
    assert len(set(shown[:3])) == len(set(shown[3:])) == 1
    assert shown[0] != shown[3]
    scanner.transport.close()


async def test_door_is_held_past_its_time_and_then_let_go(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.scenario.HELD_LONGER_S", 0.3)
    site = await make_site(
        {
            ("broker", "local", "port"): 1,
            ("door", "north", "open_time_s"): 0.4,
            ("door", "north", "pre_alarm_time_s"): 0.1,
        }
    )
    scenario = Scenario(site.acts.obey, site.hardware, seed=1, speed=1000.0)
    monkeypatch.setattr(scenario, "_door_with_contact", lambda: site.hardware.plan.doors[0])
    north = site.hardware.doors["north"]
    async with small_gateway(site):
        holding = asyncio.create_task(scenario.door_is_held())
        await until(lambda: north.held, "the held door")
        began = site.hardware.now()
        await holding
        assert site.hardware.now() - began >= 0.6
        await until(lambda: not north.contact_open, "the shut door")
    assert north.counts.forced == 0


def test_same_seed_makes_the_same_day(site: SiteUnderTest) -> None:
    (door, *_) = site.hardware.plan.doors
    scenarios = [Scenario(site.acts.obey, site.hardware, seed=5, speed=1.0) for _ in range(2)]
    days = [[scenario._resident(door) for _ in range(5)] for scenario in scenarios]
    assert days[0] == days[1]
