"""One suite for every device on a wire: `drivers.contracts.Device`, `Reader`, `RelayBoard` and `InputBoard`.

Scanners are readers that say texts.

Each driver stands here with a wire that works, one that can be cut and mended, and what its device says and hears.
"""

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from drivers.contracts import Device, InputBoard, Reader, RelayBoard
from drivers.mqtt.broker import BrokerConnection, BrokerSettings
from drivers.registry import DriverContext, driver_names, find_driver
from gateway.clock import SystemClock
from gateway.domain.commands import PulseOutput, SetOutput
from gateway.domain.signals import (
    CardRead,
    CommandCompleted,
    CommandOutcome,
    InputsChanged,
    LinkChanged,
    LinkState,
    OutputsRead,
    TextRead,
)
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.drivers.ptys import PtyPort
from tests.drivers.raw_board import RawBoard
from tests.drivers.recording import Recorder, eventually, running
from tests.drivers.tasmota_device import tasmota_relay

ID = "device-under-test"


class Wire(ABC):
    """A driver's device, beyond its wire."""

    def __init__(self, driver: str, **settings: Any) -> None:
        self.driver, self.settings = driver, settings
        self.sink = Recorder()
        self.brokers: dict[str, BrokerConnection] = {}

    def build(self) -> Any:
        found = find_driver(self.driver)
        assert found is not None
        context = DriverContext(ID, self.sink, SystemClock(), self.brokers, str)
        return found.build(found.settings.model_validate(self.settings), context)

    def states(self) -> list[LinkState]:
        return [changed.state for changed in self.sink.of(LinkChanged) if changed.device == ID]

    async def said(self, *states: LinkState) -> None:
        await self.sink.until(lambda: self.states() == list(states))

    @abstractmethod
    async def cut(self) -> None: ...

    @abstractmethod
    async def mend(self) -> None: ...

    async def show_card(self) -> None:
        raise NotImplementedError

    def orders(self) -> int:
        raise NotImplementedError

    async def switch_by_hand(self, on: bool) -> None:
        raise NotImplementedError


class SerialWire(Wire):
    def __init__(self, path: Path, driver: str, frame: bytes) -> None:
        super().__init__(driver, port=str(path))
        self.port, self.frame = PtyPort(path), frame

    async def cut(self) -> None:
        self.port.unplug()

    async def mend(self) -> None:
        self.port.plug()

    async def show_card(self) -> None:
        self.port.write(self.frame)


class BoardWire(Wire):
    def __init__(self, path: Path) -> None:
        super().__init__("modbus-rtu", port=str(path), outputs=2, outputs_poll_s=0.5)
        self.board = RawBoard(path)

    async def cut(self) -> None:
        self.board.unplug()

    async def mend(self) -> None:
        self.board.plug()

    def orders(self) -> int:
        return len(self.board.writes())

    async def switch_by_hand(self, on: bool) -> None:
        self.board.coils = int(on)


class MqttWire(Wire):
    """A Tasmota device whose last will is said by the test."""

    def __init__(self, driver: str, broker: Mosquitto, stack: AsyncExitStack) -> None:
        super().__init__(driver, broker="local", topic="thing")
        settings = BrokerSettings(host="127.0.0.1", port=broker.port, insecure=True)
        self.brokers["local"] = BrokerConnection("local", settings, self.sink, SystemClock(), str)
        self._broker, self._stack = broker, stack

    async def prepare(self) -> None:
        self.client = await self._stack.enter_async_context(device_client(self._broker.port))
        self.device = await self._stack.enter_async_context(tasmota_relay(self._broker.port, "thing"))
        await self.mend()

    async def cut(self) -> None:
        await self.client.publish("tele/thing/LWT", "Offline", qos=1, retain=True)

    async def mend(self) -> None:
        await self.client.publish("tele/thing/LWT", "Online", qos=1, retain=True)

    async def show_card(self) -> None:
        await self.client.publish("tele/thing/SENSOR", json.dumps({"Wiegand": {"UID": 8065495, "Size": 26}}))

    def orders(self) -> int:
        return len(self.device.orders())

    async def switch_by_hand(self, on: bool) -> None:
        await self.device.say("stat/%/POWER", "ON" if on else "OFF")


class ScannerWire(Wire):
    """A scanner behind a broker, which says nothing of itself: the broker is its wire."""

    def __init__(self, broker: Mosquitto) -> None:
        super().__init__("mqtt-scanner", broker="local", topic="lane/scanner")
        settings = BrokerSettings(host="127.0.0.1", port=broker.port, insecure=True)
        self.brokers["local"] = BrokerConnection("local", settings, self.sink, SystemClock(), str)
        self._broker = broker

    async def cut(self) -> None:
        await self._broker.stop()

    async def mend(self) -> None:
        await self._broker.start()

    async def show_card(self) -> None:
        async with device_client(self._broker.port) as client:
            await client.publish("lane/scanner", PASS)


PASS = "GHP1.eyJrZXkiOiJrLTEifQ.c2lnbmVk"
READERS = ("rdm6300", "s4a", "wie232", "tasmota-reader")
SCANNERS = ("text-scanner", "mqtt-scanner")
BOARDS = ("modbus-rtu", "tasmota-relay")
FRAMES = {
    "rdm6300": b"\x0214008EC793CE\x03",
    "s4a": b"0008065495\r\n",
    "wie232": b"7B11D7\r",
    "text-scanner": PASS.encode() + b"\r\n",
}


@pytest.fixture
async def wire(
    request: pytest.FixtureRequest,
    program: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Wire]:
    driver = request.param
    monkeypatch.setattr("drivers.mqtt.broker.FRESH_AFTER_S", 0.0)
    async with AsyncExitStack() as stack:
        if driver in FRAMES:
            serial = SerialWire(tmp_path / "port", driver, FRAMES[driver])
            stack.callback(serial.port.close)
            yield serial
        elif driver == "modbus-rtu":
            board = BoardWire(tmp_path / "port")
            stack.callback(board.board.close)
            yield board
        else:
            broker = Mosquitto(program("mosquitto"), tmp_path)
            await broker.start()
            stack.push_async_callback(broker.stop)
            if driver == "mqtt-scanner":
                yield ScannerWire(broker)
                return
            mqtt = MqttWire(driver, broker, stack)
            await mqtt.prepare()
            yield mqtt


def serve(wire: Wire, device: Device) -> Any:
    """Run the device, and the connection that it shares."""
    return running(*(connection.run() for connection in wire.brokers.values()), device.run())


each = pytest.mark.parametrize("wire", [*READERS, *SCANNERS, *BOARDS], indirect=True)
each_reader = pytest.mark.parametrize("wire", READERS, indirect=True)
each_scanner = pytest.mark.parametrize("wire", SCANNERS, indirect=True)
each_board = pytest.mark.parametrize("wire", BOARDS, indirect=True)


def test_every_wired_driver_stands_in_this_suite() -> None:
    assert {*READERS, *SCANNERS, *BOARDS} == {*driver_names()} - {"onvif"}


@each
async def test_device_names_itself_and_counts(wire: Wire) -> None:
    device = wire.build()
    assert isinstance(device, Device)
    assert device.device_id == ID
    assert device.counters()
    assert set(device.counters().values()) == {0}


@each
async def test_loss_and_return_are_told_once_each(wire: Wire) -> None:
    async with serve(wire, wire.build()):
        await wire.said(LinkState.ONLINE)
        await wire.cut()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE)
        await asyncio.sleep(0.3)
        await wire.mend()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE)


@each
async def test_cancelling_ends_run_at_once(wire: Wire) -> None:
    device = wire.build()
    async with serve(wire, device):
        await wire.said(LinkState.ONLINE)
        began = time.monotonic()
    assert time.monotonic() - began < 2.0


@each_reader
async def test_card_is_read_before_and_after_a_loss(wire: Wire) -> None:
    device = wire.build()
    assert isinstance(device, Reader)
    async with serve(wire, device):
        await wire.said(LinkState.ONLINE)
        await wire.show_card()
        (first,) = await wire.sink.wait_for(CardRead)
        await wire.cut()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE)
        await wire.mend()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE)
        await wire.show_card()
        _, second = await wire.sink.wait_for(CardRead, 2)
    assert first.reader == second.reader == ID
    assert first.readings == second.readings
    assert first.received_s <= second.received_s <= time.monotonic()


@each_scanner
async def test_text_is_read_before_and_after_a_loss(wire: Wire) -> None:
    device = wire.build()
    assert isinstance(device, Reader)
    async with serve(wire, device):
        await wire.said(LinkState.ONLINE)
        await wire.show_card()
        (first,) = await wire.sink.wait_for(TextRead)
        await wire.cut()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE)
        await wire.mend()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE, LinkState.ONLINE)
        await wire.show_card()
        _, second = await wire.sink.wait_for(TextRead, 2)
    assert (first.reader, first.text) == (second.reader, second.text) == (ID, PASS)
    assert first.received_s <= second.received_s <= time.monotonic()
    assert device.counters()["frames"] == 2


@each_board
async def test_outputs_are_read_on_connecting_and_nothing_is_written(wire: Wire) -> None:
    device = wire.build()
    assert isinstance(device, RelayBoard)
    async with serve(wire, device):
        (outputs,) = await wire.sink.wait_for(OutputsRead)
        await asyncio.sleep(0.1)
    assert outputs.device == ID
    assert [number for number, _ in outputs.outputs] == list(range(len(outputs.outputs)))
    assert wire.orders() == 0


@each_board
async def test_output_that_moves_by_itself_is_told_at_each_change(wire: Wire) -> None:
    async with serve(wire, wire.build()):
        await wire.sink.wait_for(OutputsRead)
        await wire.switch_by_hand(True)
        _, on = await wire.sink.wait_for(OutputsRead, 2)
        await wire.switch_by_hand(False)
        _, _, off = await wire.sink.wait_for(OutputsRead, 3)
    assert (on.outputs, off.outputs) == (((0, True),), ((0, False),))
    assert wire.orders() == 0


@each_board
async def test_every_command_has_exactly_one_outcome(wire: Wire) -> None:
    device = wire.build()
    async with serve(wire, device):
        await wire.sink.wait_for(OutputsRead)
        now_s = time.monotonic()
        device.submit(PulseOutput("pulse", ID, 0, True, 5.0, now_s + 5))
        device.submit(SetOutput("hold", ID, 0, True, now_s + 5))
        device.submit(SetOutput("late", ID, 0, True, now_s - 0.001))
        device.submit(PulseOutput("nowhere", ID, 99, True, 5.0, now_s + 5))
        await wire.sink.wait_for(CommandCompleted, 4)
        await asyncio.sleep(0.1)
    outcomes = {done.command_id: done.outcome for done in wire.sink.of(CommandCompleted)}
    assert len(wire.sink.of(CommandCompleted)) == 4
    assert outcomes == {
        "pulse": CommandOutcome.DONE,
        "hold": CommandOutcome.DONE,
        "late": CommandOutcome.EXPIRED,
        "nowhere": CommandOutcome.FAILED,
    }


@each_board
async def test_command_to_a_lost_board_is_never_sent_after_its_expiry(wire: Wire) -> None:
    device = wire.build()
    async with serve(wire, device):
        await wire.sink.wait_for(OutputsRead)
        await wire.cut()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE)
        device.submit(PulseOutput("pulse", ID, 0, True, 5.0, time.monotonic() + 0.1))
        (done,) = await wire.sink.wait_for(CommandCompleted)
        assert done.outcome in (CommandOutcome.EXPIRED, CommandOutcome.FAILED)
        await wire.mend()
        await wire.sink.wait_for(OutputsRead, 2)
        await asyncio.sleep(0.2)
    assert wire.orders() == 0


@pytest.mark.parametrize("wire", ["modbus-rtu"], indirect=True)
async def test_input_board_tells_all_inputs_on_each_connecting(wire: Wire) -> None:
    device = wire.build()
    assert isinstance(device, InputBoard)
    async with serve(wire, device):
        await wire.sink.wait_for(InputsChanged)
        await wire.cut()
        await wire.said(LinkState.ONLINE, LinkState.OFFLINE)
        await wire.mend()
        await eventually(lambda: len(wire.sink.of(InputsChanged)) == 2)
    assert [len(report.inputs) for report in wire.sink.of(InputsChanged)] == [8, 8]
