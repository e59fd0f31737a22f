"""The gateway's side of a broker in these tests: one connection, one device, and what they say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from drivers.mqtt.broker import BrokerConnection, BrokerSettings
from drivers.registry import DriverContext, find_driver
from gateway.clock import SystemClock
from tests.drivers.mosquitto import Mosquitto
from tests.drivers.recording import Recorder, running

DEVICE = "the-device"


class GatewaySide:
    """One device of a driver behind the broker; `sink` is what it said."""

    def __init__(self, broker: Mosquitto, driver: str, *, device_id: str = DEVICE, **settings: Any) -> None:
        self.sink = Recorder()
        chosen = BrokerSettings(host="127.0.0.1", port=broker.port, insecure=True)
        self.connection = BrokerConnection("local", chosen, self.sink, SystemClock(), str)
        found = find_driver(driver)
        assert found is not None
        context = DriverContext(device_id, self.sink, SystemClock(), {"local": self.connection}, str)
        self.device = found.build(found.settings.model_validate({"broker": "local", **settings}), context)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Recorder]:
        async with running(self.connection.run(), self.device.run()):
            yield self.sink
