"""Relay and input boards on a serial line."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from simulators.modbus_board import BoardOnLine, ModbusBoard
from simulators.pty_line import PtyLine
from simulators.usb_relays import Hw667Board, LcusBoard, NumatoBoard, RelaysOnLine, UsbRelays
from tests.contracts.wires.wire import Place, Wire, WireCase
from tests.drivers.raw_board import RawBoard


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

    def is_on(self) -> bool:
        return bool(self.board.coils & 1)


@asynccontextmanager
async def _modbus(place: Place) -> AsyncIterator[Wire]:
    wire = BoardWire(place.folder / "port")
    try:
        yield wire
    finally:
        wire.board.close()


Device = RelaysOnLine | BoardOnLine
Make = Callable[[PtyLine, Callable[[], None]], Device]


class SimulatedWire(Wire):
    """A simulated board on its own line: its bytes are no driver's."""

    def __init__(self, driver: str, make: Make, line: PtyLine, **settings: object) -> None:
        super().__init__(driver, port=str(line.link), outputs_poll_s=0.5, **settings)
        self.device = make(line, self._moved)
        self._order = 0
        self._seen = list(self.device.coils)
        self.device.plug()

    async def cut(self) -> None:
        self.device.line.unplug()

    async def mend(self) -> None:
        self.device.plug()

    def orders(self) -> int:
        return self._order

    async def switch_by_hand(self, on: bool) -> None:
        self.device.coils[0] = self._seen[0] = on

    def is_on(self) -> bool:
        return self.device.coils[0]

    def _moved(self) -> None:
        self._order += self.device.coils != self._seen
        self._seen = list(self.device.coils)


def _simulated(driver: str, make: Make, *, blind: bool = False, **settings: object) -> WireCase:
    @asynccontextmanager
    async def lay(place: Place) -> AsyncIterator[Wire]:
        wire = SimulatedWire(driver, make, PtyLine(place.folder / "port", baud=115200), **settings)
        try:
            yield wire
        finally:
            wire.device.line.unplug()

    return WireCase(driver, "board", lay, has_inputs=settings.get("inputs") == 8, blind=blind)


def _usb(board: Callable[[], UsbRelays]) -> Make:
    return lambda line, changed: RelaysOnLine(board(), line, changed)


def _dialect(name: str) -> WireCase:
    def make(line: PtyLine, changed: Callable[[], None]) -> Device:
        return BoardOnLine(ModbusBoard(255, [False] * 2, dialect=name), line, changed)

    return _simulated("modbus-rtu", make, profile=name, unit=255, outputs=2, inputs=8)


CASES = (
    WireCase("modbus-rtu", "board", _modbus, has_inputs=True),
    _dialect("waveshare"),
    _dialect("lc"),
    _dialect("coils-from-1"),
    _simulated("lcus", _usb(lambda: LcusBoard([False, False], "lines")), outputs=2, answers=True),
    _simulated("lcus", _usb(lambda: LcusBoard([False] * 8, "bytes")), outputs=8, answers=True),
    _simulated("lcus", _usb(LcusBoard), blind=True),
    _simulated("hw-667", _usb(Hw667Board), blind=True),
    _simulated("numato", _usb(NumatoBoard), inputs=8),
)
