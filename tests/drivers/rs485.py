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
        self.late: set[int] = set()
        """Units that begin to answer when the next question is on the wire: two at once, so nobody hears either."""
        self.held: list[bytes] | None = None
        """Answers that are kept back, where it is a list."""
        self.heard: list[tuple[float, int, int]] = []
        """(when, unit, function) of each whole question."""
        self._unread = b""
        self._about_to_answer = False
        self._listen()

    def unplug(self) -> None:
        asyncio.get_running_loop().remove_reader(self.port.master)
        self.port.unplug()

    def plug(self) -> None:
        self.port.plug()
        self._listen()

    def answer_held(self) -> None:
        """Say what was kept back, and keep back nothing more."""
        held, self.held = self.held or [], None
        for reply in held:
            self.port.write(reply)

    def close(self) -> None:
        if self.port.master >= 0:
            self.unplug()

    def _listen(self) -> None:
        asyncio.get_running_loop().add_reader(self.port.master, self._on_bytes)

    def _on_bytes(self) -> None:
        self._unread += self.port.read()
        while len(self._unread) >= 8 and crc16(self._unread[:6]) == self._unread[6:8]:
            frame, self._unread = self._unread[:8], self._unread[8:]
            self.heard.append((time.monotonic(), frame[0], frame[1]))
            spoilt, self._about_to_answer = self._about_to_answer, False
            if spoilt:
                continue
            if frame[0] in self.late:
                self._about_to_answer = True
                continue
            board = self.units.get(frame[0])
            reply = None if board is None or frame[0] in self.dead else board.answer(frame, time.monotonic())
            if reply is not None and self.held is not None:
                self.held.append(reply)
            elif reply is not None:
                self.port.write(reply)
