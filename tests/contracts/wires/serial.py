"""Readers and scanners on a serial line: real pseudo-terminals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from simulators.card import Card
from simulators.pty_line import PtyLine
from simulators.uhf_reader import BAUD, UhfOnLine, UhfReader
from tests.contracts.wires.wire import PASS, Kind, Place, Wire, WireCase
from tests.drivers.ptys import PtyPort


class SerialWire(Wire):
    def __init__(self, path: Path, driver: str, frame: bytes, **settings: Any) -> None:
        super().__init__(driver, port=str(path), **settings)
        self.port, self.frame = PtyPort(path), frame

    async def cut(self) -> None:
        self.port.unplug()

    async def mend(self) -> None:
        self.port.plug()

    async def show_card(self) -> None:
        self.port.write(self.frame)


def _case(driver: str, kind: Kind, frame: bytes, **settings: Any) -> WireCase:
    @asynccontextmanager
    async def lay(place: Place) -> AsyncIterator[Wire]:
        wire = SerialWire(place.folder / "port", driver, frame, **settings)
        try:
            yield wire
        finally:
            wire.port.close()

    return WireCase(driver, kind, lay)


class UhfWire(Wire):
    """A reader that must be asked, and tells a tag again only after it was away for a while."""

    def __init__(self, path: Path) -> None:
        super().__init__("zk-rfid102", port=str(path), absence_s=0.5)
        self.reader = UhfOnLine(UhfReader(), PtyLine(path, BAUD))
        self.reader.plug()

    async def cut(self) -> None:
        self.reader.reader.tags.clear()
        await asyncio.sleep(0.7)
        await self.reader.unplug()

    async def mend(self) -> None:
        self.reader.plug()

    async def show_card(self) -> None:
        await self.reader.swipe(Card("EPC96", 0xE28068940000502C6FE618BB))


@asynccontextmanager
async def _uhf(place: Place) -> AsyncIterator[Wire]:
    wire = UhfWire(place.folder / "port")
    try:
        yield wire
    finally:
        await wire.reader.unplug()


CASES = (
    _case("rdm6300", "reader", b"\x0214008EC793CE\x03"),
    _case("em18", "reader", b"4500C5D1E9B8"),
    _case("s4a", "reader", b"0008065495\r\n"),
    _case("wie232", "reader", b"7B11D7\r"),
    _case("serial-frame", "reader", b"7B11D7\r", end="0D", length=6, formats=["H10301"]),
    WireCase("zk-rfid102", "reader", _uhf),
    _case("text-scanner", "scanner", PASS.encode() + b"\r\n"),
)
