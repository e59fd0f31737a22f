"""Readers and scanners on a serial line: real pseudo-terminals."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.contracts.wires.wire import PASS, Kind, Place, Wire, WireCase
from tests.drivers.ptys import PtyPort


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


def _case(driver: str, kind: Kind, frame: bytes) -> WireCase:
    @asynccontextmanager
    async def lay(place: Place) -> AsyncIterator[Wire]:
        wire = SerialWire(place.folder / "port", driver, frame)
        try:
            yield wire
        finally:
            wire.port.close()

    return WireCase(driver, kind, lay)


CASES = (
    _case("rdm6300", "reader", b"\x0214008EC793CE\x03"),
    _case("em18", "reader", b"4500C5D1E9B8"),
    _case("s4a", "reader", b"0008065495\r\n"),
    _case("wie232", "reader", b"7B11D7\r"),
    _case("text-scanner", "scanner", PASS.encode() + b"\r\n"),
)
