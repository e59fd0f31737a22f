"""A line with simulated OSDP readers at one end and the driver at the other, and somebody who may sit between."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from drivers.links import SerialLink
from drivers.osdp.bus import OsdpBus
from drivers.osdp.reader import OsdpReader
from drivers.osdp.settings import BusSettings, ReaderSettings
from drivers.wiegand.formats import BUILT_IN
from gateway.clock import SystemClock
from gateway.domain.signals import CardRead, DeviceFlagged, LinkChanged, LinkState
from simulators.card import Card
from simulators.osdp_reader import OsdpLine
from simulators.osdp_reader import OsdpReader as SimulatedReader
from simulators.pty_line import PtyLine
from tests.drivers.recording import Recorder, running

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")
OTHER_KEY = bytes.fromhex("ffeeddccbbaa99887766554433221100")
CARD = Card("H10301", 4567, 123)

Meddle = Callable[[bytes, bytes], bytes]
"""(command, the reader's answer) -> what goes back instead."""


class MeddledLine(OsdpLine):
    """Somebody sits on it."""

    meddle: Meddle | None = None
    seen: list[tuple[bytes, bytes]]

    def answer(self, reader: SimulatedReader, frame: bytes) -> bytes:
        said = super().answer(reader, frame)
        self.seen.append((frame, said))
        return said if self.meddle is None else self.meddle(frame, said)


class Rig:
    """The driver's readers by their address, the simulated ones, and what was said."""

    def __init__(self, folder: Path, readers: list[SimulatedReader], baud: int = 115200) -> None:
        self.sink, self.clock = Recorder(), SystemClock()
        self.simulated = {reader.address: reader for reader in readers}
        self.line = MeddledLine(PtyLine(folder / "port", baud), readers)
        self.line.seen = []
        settings = BusSettings(port=str(folder / "port"), baud=baud)
        self.readers: dict[int, OsdpReader] = {}
        self.stations: list[Any] = []
        link = SerialLink(settings.port, baud)
        self.bus = OsdpBus("bus", link, settings, self.sink, self.clock, self.stations)

    def add(self, address: int, key: bytes | None = KEY, **settings: Any) -> OsdpReader:
        """A reader of the site's config."""
        secrecy: dict[str, Any] = {"insecure": True} if key is None else {"key": "file:secrets/key"}
        chosen = ReaderSettings.model_validate(
            {"bus": "bus", "address": address, "formats": ["H10301"], **secrecy, **settings}
        )
        reader = OsdpReader(f"r{address}", chosen, key, self.sink, self.clock, BUILT_IN)
        self.readers[address] = reader
        self.stations.append(reader.station)
        return reader

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Everything has power and runs."""
        self.plug()
        async with running(self.bus.run(), *(reader.run() for reader in self.readers.values())):
            yield
        self.unplug()

    def plug(self) -> None:
        """Give everything power."""
        for simulated in self.simulated.values():
            simulated.plug()
        self.line.plug()

    def unplug(self) -> None:
        """Pull the gateway's cable."""
        self.line.line.unplug()

    def states(self, address: int) -> list[LinkState]:
        return [each.state for each in self.sink.of(LinkChanged) if each.device == f"r{address}"]

    def faults(self, address: int) -> list[tuple[str, ...]]:
        return [each.faults for each in self.sink.of(DeviceFlagged) if each.device == f"r{address}"]

    async def said(self, address: int, *states: LinkState) -> None:
        await self.sink.until(lambda: self.states(address) == list(states))

    async def online(self, address: int) -> None:
        await self.sink.until(lambda: self.states(address)[-1:] == [LinkState.ONLINE])

    async def offline(self, address: int) -> None:
        await self.sink.until(lambda: self.states(address)[-1:] == [LinkState.OFFLINE])

    async def read(self, address: int, card: Card = CARD) -> CardRead:
        """Show a card and wait until it is read."""
        count = len(self.sink.of(CardRead))
        assert await self.simulated[address].swipe(card)
        return (await self.sink.wait_for(CardRead, count + 1))[-1]
