"""A site on simulated relay boards of every family: its drivers release the locks, and doors show at the inputs."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.registry import DriverContext, find_driver
from drivers.relay.board import SerialBoard
from gateway.clock import SystemClock
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.signals import CommandCompleted, InputFaultChanged, InputsChanged, LinkChanged
from simulators.acts import Acts
from simulators.device import Inputs, Outputs, Polled
from simulators.hardware import Hardware
from simulators.plan import read_plan
from tests.drivers.recording import Recorder, eventually, running

BOARDS = {
    "one": 'driver = "modbus-rtu"\nport = "tty/bus"\nunit = 1\noutputs = 2\ninputs = 4\nbaud = 115200',
    "two": 'driver = "modbus-rtu"\nport = "tty/bus"\nunit = 7\nprofile = "lc"\noutputs = 2\ninputs = 4\nbaud = 115200',
    "clone": 'driver = "modbus-rtu"\nport = "tty/clone"\nprofile = "coils-from-1"\noutputs = 2\ninputs = 4',
    "lcus": 'driver = "lcus"\nport = "tty/lcus"\noutputs = 2\nanswers = true',
    "eight": 'driver = "lcus"\nport = "tty/eight"\noutputs = 8\nanswers = true',
    "hw": 'driver = "hw-667"\nport = "tty/hw"',
    "numato": 'driver = "numato"\nport = "tty/numato"\noutputs = 16\ninputs = 4',
}
DOOR = """
[door.{board}]
name = {{ zh-CN = "门", en = "Door" }}
lock = {{ device = "{board}", output = 0, kind = "fail_secure", wiring = "NO" }}
contact = {{ device = "numato", input = 1 }}
"""


@dataclass
class Bench:
    hardware: Hardware
    boards: dict[str, SerialBoard]
    sink: Recorder


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    text = 'schema = 1\n[site]\nid = "bench"\nzone = "Asia/Shanghai"\n'
    text += "".join(f"[device.{name}]\n{settings}\n" for name, settings in BOARDS.items())
    text += "".join(DOOR.format(board=name) for name in BOARDS)
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    hardware = Hardware(read_plan(tmp_path / "site.toml"), tmp_path)
    hardware.power_up()
    sink, boards, lines = Recorder(), {}, {}  # type: ignore[var-annotated]
    for plan in hardware.plan.devices:
        driver = find_driver(plan.driver)
        assert driver is not None
        chosen = {key: value for key, value in plan.settings.items() if key != "driver"}
        settings = driver.settings.model_validate(chosen | {"port": str(tmp_path / plan.port)})
        context = DriverContext(plan.device, sink, SystemClock(), {}, str, lines=lines)
        boards[plan.device] = driver.build(settings, context)
    yield Bench(hardware, boards, sink)
    await hardware.power_down()


async def test_every_family_releases_its_lock_and_secures_it(bench: Bench) -> None:
    async with running(*(board.run() for board in bench.boards.values())):
        await eventually(lambda: len(bench.sink.of(LinkChanged)) == len(BOARDS))
        for energise in (True, False):
            for name, board in bench.boards.items():
                board.submit(SetOutput(f"{name}-{energise}", name, 0, energise, time.monotonic() + 5.0))
            await eventually(
                lambda energise=energise: all(  # type: ignore[misc]
                    door.lock.released() is energise for door in bench.hardware.doors.values()
                )
            )
        await eventually(lambda: len(bench.sink.of(CommandCompleted)) == 2 * len(BOARDS))
    outcomes = {done.command_id: done.outcome.value for done in bench.sink.of(CommandCompleted)}
    assert {name: outcomes[f"{name}-True"] for name in BOARDS} == dict.fromkeys(BOARDS, "done") | {"hw": "sent"}


async def test_every_family_ends_a_second_s_pulse_whoever_times_it(bench: Bench) -> None:
    async with running(*(board.run() for board in bench.boards.values())):
        await eventually(lambda: len(bench.sink.of(LinkChanged)) == len(BOARDS))
        for name, board in bench.boards.items():
            board.submit(PulseOutput(name, name, 0, True, 1.0, time.monotonic() + 5.0))
        await eventually(lambda: len(bench.sink.of(CommandCompleted)) == len(BOARDS))
        await eventually(lambda: not any(door.lock.released() for door in bench.hardware.doors.values()))
    counts = {name: door.counts.releases for name, door in bench.hardware.doors.items()}
    assert counts == dict.fromkeys(BOARDS, 1)
    timed = {name: board.counters()["pulses_timed_here"] for name, board in bench.boards.items()}
    assert timed == {"one": 0, "two": 0, "clone": 1, "lcus": 1, "eight": 1, "hw": 0, "numato": 1}


async def test_door_that_is_pushed_shows_at_the_input_it_is_wired_to(bench: Bench) -> None:
    async with running(bench.boards["numato"].run()):
        await bench.sink.wait_for(InputsChanged)
        for door in bench.hardware.doors.values():
            door.force(bench.hardware.now())
        bench.hardware.settle()
        _, opened = await bench.sink.wait_for(InputsChanged, 2)
    assert opened.inputs == ((1, True),)
    numato = bench.hardware.find("numato")
    assert isinstance(numato, Inputs)
    assert isinstance(numato, Polled)
    assert numato.is_polled()


LOOP = "{ short = [0, 99], active = [300, 399], normal = [600, 699], open_circuit = [900, 1023] }"


@pytest.mark.parametrize("driver", ["modbus-rtu", "numato"])
async def test_supervised_contact_of_a_simulated_door_is_whole_and_says_open(driver: str, tmp_path: Path) -> None:
    text = f"""
schema = 1
[site]
id = "bench"
zone = "Asia/Shanghai"
[device.numato]
driver = "{driver}"
port = "tty/board"
outputs = 1
inputs = 2
supervised = {{ "1" = {LOOP} }}
"""
    (tmp_path / "site.toml").write_text(text + DOOR.format(board="numato"), encoding="utf-8")
    hardware, sink = Hardware(read_plan(tmp_path / "site.toml"), tmp_path), Recorder()
    hardware.power_up()
    (plan,) = hardware.plan.devices
    found = find_driver(driver)
    assert found is not None
    chosen = {key: value for key, value in plan.settings.items() if key != "driver"}
    settings = found.settings.model_validate(chosen | {"port": str(tmp_path / plan.port)})
    board = found.build(settings, DriverContext("numato", sink, SystemClock(), {}, str))
    async with running(board.run()):
        (first,) = await sink.wait_for(InputsChanged)
        hardware.doors["numato"].force(hardware.now())
        hardware.settle()
        _, opened = await sink.wait_for(InputsChanged, 2)
        acts = Acts(hardware, tmp_path)
        for count, state in enumerate(("short", "open", "normal"), 2):
            assert (await acts.obey({"do": "wire", "device": "numato", "input": 1, "state": state}))["ok"]
            await sink.wait_for(InputFaultChanged, count)
    await hardware.power_down()
    assert (first.inputs, opened.inputs) == (((0, False), (1, False)), ((1, True),))
    assert [told.fault for told in sink.of(InputFaultChanged)] == [None, "short", "open_circuit", None]


async def test_board_that_loses_its_plug_drops_its_relays(bench: Bench) -> None:
    board = bench.hardware.devices["lcus"]
    assert isinstance(board, Outputs)
    async with running(bench.boards["lcus"].run()):
        await eventually(lambda: len(bench.sink.of(LinkChanged)) == 1)
        bench.boards["lcus"].submit(SetOutput("on", "lcus", 1, True, time.monotonic() + 5.0))
        await eventually(lambda: board.coils[1])
        await board.unplug()
        assert not any(board.coils)
        await eventually(lambda: len(bench.sink.of(LinkChanged)) == 2)
        board.plug()
        await eventually(lambda: len(bench.sink.of(LinkChanged)) == 3)
    await asyncio.sleep(0)
