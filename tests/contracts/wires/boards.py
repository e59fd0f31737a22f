"""Relay and input boards on a serial line."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

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


@asynccontextmanager
async def _modbus(place: Place) -> AsyncIterator[Wire]:
    wire = BoardWire(place.folder / "port")
    try:
        yield wire
    finally:
        wire.board.close()


class SimulatedWire(Wire):
    """A simulated board on its own line: its bytes are no driver's."""

    def __init__(self, driver: str, board: UsbRelays, line: PtyLine, **settings: object) -> None:
        super().__init__(driver, port=str(line.link), outputs_poll_s=0.5, **settings)
        self.device = RelaysOnLine(board, line, self._moved)
        self._order = 0
        self._seen = list(board.coils)
        self.device.plug()

    async def cut(self) -> None:
        self.device.line.unplug()

    async def mend(self) -> None:
        self.device.plug()

    def orders(self) -> int:
        return self._order

    async def switch_by_hand(self, on: bool) -> None:
        self.device.coils[0] = self._seen[0] = on

    def _moved(self) -> None:
        self._order += self.device.coils != self._seen
        self._seen = list(self.device.coils)


def _simulated(driver: str, make: Callable[[], UsbRelays], **settings: object) -> WireCase:
    @asynccontextmanager
    async def lay(place: Place) -> AsyncIterator[Wire]:
        wire = SimulatedWire(driver, make(), PtyLine(place.folder / "port"), **settings)
        try:
            yield wire
        finally:
            wire.device.line.unplug()

    return WireCase(driver, "board", lay, has_inputs=settings.get("inputs") == 8, blind=driver in BLIND)


BLIND = ("hw-667",)
CASES = (
    WireCase("modbus-rtu", "board", _modbus, has_inputs=True),
    _simulated("lcus", lambda: LcusBoard([False, False], "lines"), outputs=2, answers=True),
    _simulated("hw-667", Hw667Board),
    _simulated("numato", NumatoBoard, inputs=8),
)
