"""Behind a real mosquitto, per family: from a device's publish to the signal, and from a command to its arrival there.

Also from the command to its outcome, which waits for the device's answer. Devices are simulated, in the same process.
The broker has `set_tcp_nodelay true`, as on the page: without it a message may wait 40 ms for the one before.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.commands import PulseOutput
from gateway.domain.signals import CardRead, CommandCompleted, LinkChanged
from simulators.card import Card
from simulators.esp_rfid import EspRfidDevice
from simulators.esphome import EsphomeNode
from simulators.mqtt_device import Login, MqttDevice
from simulators.shelly import ShellyRelay
from simulators.tasmota import TasmotaReader, TasmotaRelay
from tests.bench.rows import Row, row
from tests.drivers.mosquitto import Mosquitto
from tests.drivers.mqtt.gateway import DEVICE, GatewaySide
from tests.drivers.recording import eventually

ROUNDS = 300
CARD = Card("H10301", 4567, 123)
ADDRESS = "192.168.1.211"


@dataclass(frozen=True)
class Family:
    """A driver, its settings, and its device."""

    driver: str
    make: Callable[[Login], MqttDevice]
    settings: dict[str, Any]


def _nothing() -> None:
    """Nobody watches these relays."""


def _esp(login: Login) -> EspRfidDevice:
    return EspRfidDevice("thing", login, _nothing, address=ADDRESS, pulse_s=0.05, heartbeat_s=5.0)


ZONE = ZoneInfo("Asia/Shanghai")
READERS = (
    Family("tasmota-reader", lambda login: TasmotaReader("thing", login.host, login.port, ZONE), {}),
    Family("esphome-reader", lambda login: EsphomeNode("thing", login, _nothing), {}),
    Family("esp-rfid-reader", _esp, {"reads": "wiegand"}),
)
BOARDS = (
    Family("tasmota-relay", lambda login: TasmotaRelay("thing", login.host, login.port, ZONE, _nothing), {}),
    Family("shelly", lambda login: ShellyRelay("thing", login, _nothing), {}),
    Family(
        "esphome-board",
        lambda login: EsphomeNode("thing", login, _nothing, outputs=("lock/front",)),
        {"outputs": ["lock/front"]},
    ),
    Family("esp-rfid-relay", _esp, {"address": ADDRESS, "pulse_s": 0.05}),
)


def run() -> list[Row]:
    """Every family, one after the other."""
    if shutil.which("mosquitto") is None:
        return [{"name": "mosquitto is not here", "median": None, "unit": ""}]
    with pytest.MonkeyPatch.context() as patch:
        # These rounds come faster than any device speaks.
        for name, value in (("BURST", 100_000), ("PER_SECOND", 1e6), ("FRESH_AFTER_S", 0.0)):
            patch.setattr(f"drivers.mqtt.broker.{name}", value)
        rows = [asyncio.run(_reads(family)) for family in READERS]
        return rows + [found for family in BOARDS for found in asyncio.run(_commands(family))]


@asynccontextmanager
async def _site(family: Family) -> Any:
    with tempfile.TemporaryDirectory(prefix="gh") as folder:
        broker = Mosquitto("mosquitto", Path(folder), "allow_anonymous true\nset_tcp_nodelay true\n")
        await broker.start()
        device = family.make(Login("127.0.0.1", broker.port))
        gateway = GatewaySide(broker, family.driver, topic="thing", **family.settings)
        try:
            async with gateway.at_work() as sink:
                await sink.wait_for(LinkChanged)
                device.plug()
                await sink.wait_for(LinkChanged, 2)
                await eventually(lambda: device.is_online)
                yield gateway, device, sink
        finally:
            await device.unplug()
            await broker.stop()


async def _reads(family: Family) -> Row:
    taken: list[float] = []
    async with _site(family) as (_, device, sink):
        swipe: Callable[[Card], Awaitable[bool]] = device.swipe
        for number in range(ROUNDS):
            began = time.perf_counter()
            await swipe(CARD)
            await sink.wait_for(CardRead, number + 1)
            taken.append((time.perf_counter() - began) * 1000)
    return row(f"{family.driver}: publish to signal", taken, "ms")


async def _commands(family: Family) -> list[Row]:
    arrived, ended = list[float](), list[float]()
    async with _site(family) as (gateway, device, sink):
        came: list[float] = []
        obey = device.obey

        async def noted(topic: str, payload: bytes) -> None:
            if b"GetStatus" not in payload:  # a Shelly is read back after the round before
                came.append(time.perf_counter())
            await obey(topic, payload)

        device.obey = noted
        await asyncio.sleep(1.0)  # what is asked at the start is answered
        for number in range(ROUNDS):
            came.clear()
            began = time.perf_counter()
            gateway.device.submit(PulseOutput(str(number), DEVICE, 0, True, 5.0, time.monotonic() + 5.0))
            await sink.wait_for(CommandCompleted, number + 1)
            ended.append((time.perf_counter() - began) * 1000)
            arrived += [(at - began) * 1000 for at in came[:1]]
    outcomes = {done.outcome.value for done in sink.of(CommandCompleted)}
    return [
        row(f"{family.driver}: command to its arrival", arrived, "ms"),
        row(f"{family.driver}: command to its outcome", ended, "ms", ", ".join(sorted(outcomes))),
    ]
