"""A Modbus board and an RDM6300 reader as bare bytes on ptys: neither the product's code nor a simulator's."""

import os
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

    def write(self, data: bytes) -> None:
        """Send to the gateway."""
        os.write(self.master, data)

    def close(self) -> None:
        """Unplug it."""
        os.close(self.master)
        os.close(self._slave)


class RawBoard:
    """Answers polls; `on_relay` is called in the board's thread with each write, before any answer."""

    def __init__(self, line: RawLine, on_relay: Callable[[bytes], None]) -> None:
        self.line, self.on_relay = line, on_relay
        self.polls = 0
        self.relay_writes = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        buffer = b""
        while True:
            try:
                buffer += os.read(self.line.master, 256)
            except OSError:
                return
            while len(buffer) >= 8:
                frame, buffer = buffer[:8], buffer[8:]
                if crc16(frame[:6]) != frame[6:]:
                    buffer = b""  # a killed peer left half a frame
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
