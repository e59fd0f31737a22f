"""A Modbus board and an RDM6300 reader as bare bytes on ptys: neither the product's code nor a simulator's."""

import os
import select
import threading
import tty
from collections.abc import Callable
from pathlib import Path

GOLDEN_READ = bytes.fromhex("0231343030384543373933434503")
"""RDM6300: version 14, tag 008EC793, as Tasmota's driver documents it."""
GOLDEN_TAG = 0x008EC793


def crc16(data: bytes) -> bytes:
    """Modbus: polynomial A001, initial FFFF, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


class RawLine:
    """A pseudo-terminal with a stable name."""

    def __init__(self, link: Path) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        link.unlink(missing_ok=True)
        link.symlink_to(os.ttyname(self._slave))
        self._over, self._end = os.pipe()
        self._serving: threading.Thread | None = None

    def write(self, data: bytes) -> None:
        """Send to the gateway."""
        os.write(self.master, data)

    def serve(self, take: Callable[[bytes], None]) -> None:
        """Have a thread take what the gateway sends, until the line is closed."""
        self._serving = threading.Thread(target=self._serve, args=(take,), daemon=True)
        self._serving.start()

    def close(self) -> None:
        """Unplug it. Its thread ends first: its descriptors' numbers may be somebody else's afterwards."""
        os.close(self._end)
        if self._serving is not None:
            self._serving.join(10.0)
        for descriptor in (self._over, self.master, self._slave):
            os.close(descriptor)

    def _serve(self, take: Callable[[bytes], None]) -> None:
        while True:
            ready, _, _ = select.select((self.master, self._over), (), ())
            if self._over in ready:
                return
            take(os.read(self.master, 256))


class RawBoard:
    """Answers polls; `on_relay` is called in the board's thread with each write, before any answer."""

    def __init__(self, line: RawLine, on_relay: Callable[[bytes], None]) -> None:
        self.line, self.on_relay = line, on_relay
        self.polls = 0
        self.relay_writes = 0
        self._buffer = b""
        line.serve(self._take)

    def _take(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 8:
            frame, self._buffer = self._buffer[:8], self._buffer[8:]
            if crc16(frame[:6]) != frame[6:]:
                self._buffer = b""  # a killed peer left half a frame
                break
            self._answer(frame)

    def _answer(self, frame: bytes) -> None:
        if frame[1] in (1, 2):
            self.polls += 1
            count = int.from_bytes(frame[4:6], "big")
            size = (count + 7) // 8
            reply = bytes([frame[0], frame[1], size]) + bytes(size)
            self.line.write(reply + crc16(reply))
        elif frame[1] == 5:
            self.relay_writes += 1
            self.on_relay(frame)
            self.line.write(frame)
