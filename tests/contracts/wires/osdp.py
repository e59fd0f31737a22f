"""OSDP readers, and the line that they are on: libosdp's peripheral over a pseudo-terminal, secure channel on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from drivers.osdp.bus import OsdpBus
from drivers.osdp.reader import OsdpReader
from drivers.registry import DriverContext, find_driver
from gateway.clock import SystemClock
from simulators.card import Card
from simulators.osdp_reader import OsdpLine
from simulators.osdp_reader import OsdpReader as SimulatedReader
from simulators.pty_line import PtyLine
from tests.contracts.wires.wire import ID, Place, Wire, WireCase

KEY = "00112233445566778899aabbccddeeff"
BAUD = 115200


class OsdpWire(Wire):
    """One reader on a line of its own."""

    def __init__(self, driver: str, line: OsdpLine, **settings: Any) -> None:
        super().__init__(driver, **settings)
        self.line, self.reader = line, line.readers[0]
        self.port = line.line.link
        self.shared: dict[str, Any] = {}

    def make(self, driver: str, device_id: str, **settings: Any) -> Any:
        found = find_driver(driver)
        assert found is not None
        context = DriverContext(
            device_id, self.sink, SystemClock(), self.brokers, lambda _reference: KEY, lines=self.shared
        )
        return found.build(found.settings.model_validate(settings), context)

    @property
    def serial_port(self) -> Path:
        return self.port

    def go_through(self, port: Path) -> None:
        self.port = port


class ReaderWire(OsdpWire):
    def build(self) -> OsdpReader:
        self.companions = [self.make("osdp-bus", "bus", port=str(self.port), baud=BAUD)]
        built: OsdpReader = self.make("osdp-reader", ID, **self.settings)
        return built

    async def cut(self) -> None:
        await self.reader.unplug()

    async def mend(self) -> None:
        self.reader.plug()

    async def show_card(self) -> None:
        assert await self.reader.swipe(Card("H10301", 4567, 123))


class BusWire(OsdpWire):
    def build(self) -> OsdpBus:
        built: OsdpBus = self.make("osdp-bus", ID, port=str(self.port), baud=BAUD)
        return built

    async def cut(self) -> None:
        self.line.line.unplug()

    async def mend(self) -> None:
        self.line.line.plug()


@asynccontextmanager
async def laid_line(place: Place) -> AsyncIterator[OsdpLine]:
    """One reader on a line, with power."""
    reader = SimulatedReader(3, bytes.fromhex(KEY))
    line = OsdpLine(PtyLine(place.folder / "port", BAUD), [reader])
    reader.plug()
    line.plug()
    try:
        yield line
    finally:
        await line.unplug()


@asynccontextmanager
async def _reader(place: Place) -> AsyncIterator[Wire]:
    async with laid_line(place) as line:
        yield ReaderWire("osdp-reader", line, bus="bus", address=3, key="file:secrets/r.scbk")


@asynccontextmanager
async def _bus(place: Place) -> AsyncIterator[Wire]:
    async with laid_line(place) as line:
        yield BusWire("osdp-bus", line)


CASES = (WireCase("osdp-reader", "reader", _reader), WireCase("osdp-bus", "bus", _bus))
