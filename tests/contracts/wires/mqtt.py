"""Devices behind a real broker."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from drivers.mqtt.broker import BrokerConnection, BrokerSettings
from drivers.mqtt.presence import Heartbeat
from gateway.clock import SystemClock
from simulators.card import Card
from simulators.esp_rfid import EspRfidDevice
from simulators.esphome import EsphomeNode
from simulators.mqtt_device import Login, MqttDevice
from simulators.shelly import ShellyRelay
from simulators.tasmota import TasmotaRelay
from tests.contracts.wires.faulty_tcp import faulty_connections
from tests.contracts.wires.wire import PASS, Kind, Place, Wire, WireCase
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.drivers.tasmota_device import tasmota_relay


class MqttWire(Wire):
    """A Tasmota device whose last will is said by the test."""

    def __init__(self, driver: str, broker: Mosquitto, stack: AsyncExitStack) -> None:
        super().__init__(driver, broker="local", topic="thing")
        settings = BrokerSettings(host="127.0.0.1", port=broker.gateway_port, insecure=True)
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
        settings = BrokerSettings(host="127.0.0.1", port=broker.gateway_port, insecure=True)
        self.brokers["local"] = BrokerConnection("local", settings, self.sink, SystemClock(), str)
        self._broker = broker

    async def cut(self) -> None:
        await self._broker.stop()

    async def mend(self) -> None:
        await self._broker.start()

    async def show_card(self) -> None:
        async with device_client(self._broker.port) as client:
            await client.publish("lane/scanner", PASS)


class FirmwareWire(Wire):
    """A simulated device behind a broker: its plug is pulled, and its last will says so."""

    def __init__(self, driver: str, broker: Mosquitto, device: MqttDevice, **settings: Any) -> None:
        super().__init__(driver, broker="local", **settings)
        chosen = BrokerSettings(host="127.0.0.1", port=broker.gateway_port, insecure=True)
        self.brokers["local"] = BrokerConnection("local", chosen, self.sink, SystemClock(), str)
        self.device = device

    async def cut(self) -> None:
        await self.device.unplug()

    async def mend(self) -> None:
        self.device.plug()


class ShellyWire(FirmwareWire):
    def __init__(self, broker: Mosquitto) -> None:
        self.shelly = ShellyRelay("thing", Login("127.0.0.1", broker.port), lambda: None, outputs=2, inputs=8)
        super().__init__("shelly", broker, self.shelly, topic="thing", outputs=2, inputs=8)

    def orders(self) -> int:
        return len(self.shelly.orders())

    async def switch_by_hand(self, on: bool) -> None:
        self.shelly.switch(0, on, "UI")


class TasmotaSwitchesWire(FirmwareWire):
    """A Tasmota device whose switches are inputs."""

    def __init__(self, broker: Mosquitto) -> None:
        zone = ZoneInfo("Asia/Shanghai")
        self.relay = TasmotaRelay("thing", "127.0.0.1", broker.port, zone, lambda: None, inputs=8)
        super().__init__("tasmota-relay", broker, self.relay, topic="thing", inputs=8)

    def orders(self) -> int:
        return self.relay.switched_on

    async def switch_by_hand(self, on: bool) -> None:
        self.relay.speak(self.relay.publish("stat", "POWER", "ON" if on else "OFF"))


class EsphomeBoardWire(FirmwareWire):
    PARTS = ("lock/front", "switch/gate")

    def __init__(self, broker: Mosquitto) -> None:
        sensors = tuple(f"sensor_{number}" for number in range(8))
        self.node = EsphomeNode(
            "thing", Login("127.0.0.1", broker.port), lambda: None, outputs=self.PARTS, inputs=sensors
        )
        settings = {"outputs": list(self.PARTS), "inputs": list(sensors)}
        super().__init__("esphome-board", broker, self.node, topic="thing", **settings)

    def orders(self) -> int:
        return len(self.node.orders())

    async def switch_by_hand(self, on: bool) -> None:
        self.node.switch("lock/front", on)


class EsphomeReaderWire(FirmwareWire):
    def __init__(self, broker: Mosquitto) -> None:
        self.node = EsphomeNode("thing", Login("127.0.0.1", broker.port), lambda: None)
        super().__init__("esphome-reader", broker, self.node, topic="thing")

    async def show_card(self) -> None:
        await self.node.swipe(Card("H10301", 4567, 123))


class EspRfidWire(FirmwareWire):
    """It has no last will: it is gone when its heartbeat stays away."""

    def __init__(self, driver: str, broker: Mosquitto, **settings: Any) -> None:
        self.esp = EspRfidDevice("doors", Login("127.0.0.1", broker.port), lambda: None, heartbeat_s=0.1)
        super().__init__(driver, broker, self.esp, topic="doors", heartbeat_s=5.0, **settings)

    async def show_card(self) -> None:
        await self.esp.swipe(Card("H10301", 4567, 123))

    def orders(self) -> int:
        return len(self.esp.orders())


@asynccontextmanager
async def running_broker(place: Place) -> AsyncIterator[Mosquitto]:
    """mosquitto, and a gateway that takes reads as fresh at once."""
    place.monkeypatch.setattr("drivers.mqtt.broker.FRESH_AFTER_S", 0.0)
    broker = Mosquitto(place.program("mosquitto"), place.folder)
    await broker.start()
    try:
        if place.fault is None:
            yield broker
            return
        # A broker that only falls silent is noticed when it answers no ping.
        place.monkeypatch.setattr("drivers.mqtt.broker_client.KEEPALIVE_S", 1)
        async with faulty_connections(broker.port, place.fault) as broker.gateway_port:
            yield broker
    finally:
        await broker.stop()


def _tasmota(driver: str, kind: Kind) -> WireCase:
    @asynccontextmanager
    async def lay(place: Place) -> AsyncIterator[Wire]:
        async with running_broker(place) as broker, AsyncExitStack() as stack:
            wire = MqttWire(driver, broker, stack)
            await wire.prepare()
            yield wire

    return WireCase(driver, kind, lay)


def _firmware(make: Callable[[Mosquitto], FirmwareWire], **case: Any) -> WireCase:
    @asynccontextmanager
    async def lay(place: Place) -> AsyncIterator[Wire]:
        # Three heartbeats of 0.1 s, for a device that has no last will.
        place.monkeypatch.setattr(Heartbeat, "patience_s", 0.3)
        async with running_broker(place) as broker:
            wire = make(broker)
            wire.device.plug()
            try:
                yield wire
            finally:
                await wire.device.unplug()

    return WireCase(lay=lay, **case)


@asynccontextmanager
async def _scanner(place: Place) -> AsyncIterator[Wire]:
    async with running_broker(place) as broker:
        yield ScannerWire(broker)


CASES = (
    _tasmota("tasmota-reader", "reader"),
    _tasmota("tasmota-relay", "board"),
    _firmware(TasmotaSwitchesWire, driver="tasmota-relay", kind="board", has_inputs=True),
    _firmware(EsphomeBoardWire, driver="esphome-board", kind="board", has_inputs=True),
    _firmware(EsphomeReaderWire, driver="esphome-reader", kind="reader"),
    _firmware(partial(EspRfidWire, "esp-rfid-reader", reads="wiegand"), driver="esp-rfid-reader", kind="reader"),
    _firmware(
        partial(EspRfidWire, "esp-rfid-relay", address="192.168.1.211", pulse_s=0.4),
        driver="esp-rfid-relay",
        kind="board",
        blind=True,
        holds=False,
    ),
    _firmware(ShellyWire, driver="shelly", kind="board", has_inputs=True),
    WireCase("mqtt-scanner", "scanner", _scanner),
)
