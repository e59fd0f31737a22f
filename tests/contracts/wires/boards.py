"""Relay and input boards on a serial line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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


CASES = (WireCase("modbus-rtu", "board", _modbus, has_inputs=True),)
