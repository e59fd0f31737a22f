"""A wire that misbehaves, for every device on a serial line: a pseudo-terminal between its driver and its own port."""

import asyncio
import os
import tty
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.contracts.wires.wire import Fault, Wire
from tests.drivers.ptys import PtyPort

FIRST = 3
"""The byte of each direction that meets the fault first: in the middle of the first frame. Later every so-manieth."""
SILENCE_S = 0.05
UNPLUGGED_S = 0.2


FAULTS = (
    Fault("one byte at a time", byte_s=0.001),
    Fault("delay", late_s=0.02),
    Fault("loss", spoils="loses"),
    Fault("noise", spoils="adds"),
    Fault("half a frame, then silence", spoils="falls silent"),
    Fault("hot unplug", spoils="hangs up"),
)


class FaultyLine:
    """Carries bytes between the device's own port, which is there all the time, and the one at `path`."""

    def __init__(self, path: Path, device: Path, fault: Fault, every: int) -> None:
        self._fault, self._loop = fault, asyncio.get_running_loop()
        self._port = PtyPort(path)
        self._device = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._device)
        self._ways = (_Way(fault, every), _Way(fault, every))
        self._replug: asyncio.TimerHandle | None = None
        self._listen()

    def close(self) -> None:
        for way in self._ways:
            way.stop()
        if self._replug is not None:
            self._replug.cancel()
        else:
            self._hang_up()
        os.close(self._device)

    def _listen(self) -> None:
        self._replug = None
        self._loop.add_reader(self._device, self._carry, self._ways[0], self._device, self._port.master)
        self._loop.add_reader(self._port.master, self._carry, self._ways[1], self._port.master, self._device)

    def _carry(self, way: "_Way", here: int, there: int) -> None:
        try:
            data = os.read(here, 4096)
        except OSError:  # The driver closes, and opens again.
            return
        if way.take(data, there):
            self._hang_up()
            self._replug = self._loop.call_later(UNPLUGGED_S, self._plug)

    def _hang_up(self) -> None:
        for descriptor in (self._device, self._port.master):
            self._loop.remove_reader(descriptor)
        for way in self._ways:
            way.stop()
        self._port.unplug()

    def _plug(self) -> None:
        self._port.plug()
        self._listen()


class _Way:
    """One direction of the line."""

    def __init__(self, fault: Fault, every: int) -> None:
        self._fault, self._every, self._loop = fault, every, asyncio.get_running_loop()
        self._count, self._deaf_s, self._due_s = 0, 0.0, 0.0
        self._timers: deque[asyncio.TimerHandle] = deque()

    def take(self, data: bytes, there: int) -> bool:
        """Send on what becomes of it; True when the cable is to be pulled."""
        for byte in data:
            now_s = self._loop.time()
            met = self._count % self._every == FIRST
            self._count += 1
            if now_s < self._deaf_s:
                continue
            if met and self._fault.spoils == "hangs up" and self._count < self._every:
                return True
            if met and self._fault.spoils == "falls silent":
                self._deaf_s = now_s + SILENCE_S
            elif met and self._fault.spoils == "adds":
                self._send(bytes((0xFE, 0x00, byte)), there)
            elif not met or self._fault.spoils != "loses":
                self._send(bytes((byte,)), there)
        return False

    def stop(self) -> None:
        """What is under way is lost."""
        while self._timers:
            self._timers.popleft().cancel()
        self._due_s = 0.0

    def _send(self, data: bytes, there: int) -> None:
        self._due_s = max(self._due_s + self._fault.byte_s, self._loop.time() + self._fault.late_s)
        self._timers.append(self._loop.call_at(self._due_s, self._write, data, there))

    def _write(self, data: bytes, there: int) -> None:
        self._timers.popleft()
        with suppress(OSError):  # Nobody listens at the moment.
            os.write(there, data)


@asynccontextmanager
async def faulty_line(wire: Wire, folder: Path, fault: Fault) -> AsyncIterator[None]:
    """The driver of that wire's device has such a line between them."""
    line = FaultyLine(folder / "faulty", wire.serial_port, fault, wire.spoilt_every)
    wire.go_through(folder / "faulty")
    try:
        yield
    finally:
        line.close()
