"""Several simulated Modbus units on one pseudo-terminal."""

import asyncio
import time
from pathlib import Path

from simulators.modbus_board import ModbusBoard, crc16
from tests.drivers.ptys import PtyPort


class Rs485:
    """Simulated units on one pseudo-terminal; each answers at once, and only for itself."""

    def __init__(self, path: Path, units: tuple[int, ...]) -> None:
        self.port = PtyPort(path)
        self.units = {unit: ModbusBoard(unit) for unit in units}
        self.dead: set[int] = set()
        self.heard: list[tuple[float, int, int]] = []
        """(when, unit, function) of each whole question."""
        self._held = b""
        self._listen()

    def unplug(self) -> None:
        asyncio.get_running_loop().remove_reader(self.port.master)
        self.port.unplug()

    def plug(self) -> None:
        self.port.plug()
        self._listen()

    def close(self) -> None:
        if self.port.master >= 0:
            self.unplug()

    def _listen(self) -> None:
        asyncio.get_running_loop().add_reader(self.port.master, self._on_bytes)

    def _on_bytes(self) -> None:
        self._held += self.port.read()
        while len(self._held) >= 8 and crc16(self._held[:6]) == self._held[6:8]:
            frame, self._held = self._held[:8], self._held[8:]
            self.heard.append((time.monotonic(), frame[0], frame[1]))
            board = self.units.get(frame[0])
            reply = None if board is None or frame[0] in self.dead else board.answer(frame, time.monotonic())
            if reply is not None:
                self.port.write(reply)
