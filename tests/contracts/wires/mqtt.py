"""Devices behind a real broker."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from drivers.mqtt.broker import BrokerConnection, BrokerSettings
from gateway.clock import SystemClock
from tests.contracts.wires.wire import PASS, Kind, Place, Wire, WireCase
from tests.drivers.mosquitto import Mosquitto, device_client
from tests.drivers.tasmota_device import tasmota_relay


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


@asynccontextmanager
async def running_broker(place: Place) -> AsyncIterator[Mosquitto]:
    """mosquitto, and a gateway that takes reads as fresh at once."""
    place.monkeypatch.setattr("drivers.mqtt.broker.FRESH_AFTER_S", 0.0)
    broker = Mosquitto(place.program("mosquitto"), place.folder)
    await broker.start()
    try:
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


@asynccontextmanager
async def _scanner(place: Place) -> AsyncIterator[Wire]:
    async with running_broker(place) as broker:
        yield ScannerWire(broker)


CASES = (
    _tasmota("tasmota-reader", "reader"),
    _tasmota("tasmota-relay", "board"),
    WireCase("mqtt-scanner", "scanner", _scanner),
)
