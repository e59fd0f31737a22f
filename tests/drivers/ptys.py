"""Pseudo-terminals as serial ports: a master for the test, a path for the driver."""

import asyncio
import os
import select
import tty
from pathlib import Path

WIRE_BYTE_S = 10 / 9600
"""A byte with start and stop bit at 9600 baud."""


class PtyPort:
    """A port at `path`; `unplug` hangs it up and `plug` brings it back under the same name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.master = -1
        self._slave = -1
        self.plug()

    def plug(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.path.symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self._slave)
        os.close(self.master)
        self.master = self._slave = -1

    def write(self, data: bytes) -> None:
        assert os.write(self.master, data) == len(data)

    async def write_paced(self, data: bytes, byte_s: float = WIRE_BYTE_S) -> None:
        """As a wire does: each byte when its last bit is over."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for byte in data:
            due += byte_s
            await asyncio.sleep(max(0.0, due - loop.time()))
            self.write(bytes([byte]))

    def read(self) -> bytes:
        """What has arrived by now."""
        ready, _, _ = select.select([self.master], [], [], 0)
        return os.read(self.master, 4096) if ready else b""

    def close(self) -> None:
        if self.master >= 0:
            self.unplug()


class PtyBridge:
    """Two ports whose bytes cross: what one driver writes, the other reads."""

    def __init__(self, near: PtyPort, far: PtyPort) -> None:
        self._ports = (near, far)
        loop = asyncio.get_running_loop()
        for here, there in ((near, far), (far, near)):
            loop.add_reader(here.master, self._carry, here, there)

    def _carry(self, here: PtyPort, there: PtyPort) -> None:
        if data := here.read():
            there.write(data)

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        for port in self._ports:
            if port.master >= 0:
                loop.remove_reader(port.master)
