"""A Modbus RTU board on a test's own pseudo-terminal: raw bytes, and what the test wants to go wrong."""

import asyncio
import time
from pathlib import Path

from tests.drivers.ptys import PtyPort


def crc16(data: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


class RawBoard:
    """Unit 1 with 8 coils and 8 inputs; flash-on and flash-off are noted with their time, not carried out."""

    def __init__(self, path: Path) -> None:
        self.port = PtyPort(path)
        self.inputs = 0
        self.coils = 0
        self.heard: list[tuple[float, bytes]] = []
        """When, and what, without the CRC."""
        self.mute = False
        self.spoil_next: list[str] = []
        """For the next answers: `silent`, `crc`, `noise`, `other`, `refuse`, `half`."""
        self._loop = asyncio.get_running_loop()
        self._held = b""
        self._loop.add_reader(self.port.master, self._on_bytes)

    def writes(self) -> list[bytes]:
        """The write commands heard so far."""
        return [frame for _, frame in self.heard if frame[1] not in (0x01, 0x02)]

    def unplug(self) -> None:
        self._loop.remove_reader(self.port.master)
        self.port.unplug()

    def plug(self) -> None:
        self.port.plug()
        self._loop.add_reader(self.port.master, self._on_bytes)

    def close(self) -> None:
        if self.port.master >= 0:
            self.unplug()

    def _on_bytes(self) -> None:
        self._held += self.port.read()
        while len(self._held) >= 8:
            frame, self._held = self._held[:8], self._held[8:]
            if crc16(frame[:6]) != frame[6:]:
                self._held = b""
                return
            self.heard.append((time.monotonic(), frame[:6]))
            if not self.mute and frame[0] == 1:
                self._answer(frame[:6])

    def _answer(self, frame: bytes) -> None:
        spoil = self.spoil_next.pop(0) if self.spoil_next else ""
        body = self._do(frame)
        if spoil == "refuse":
            body = bytes([1, frame[1] | 0x80, 2])
        elif spoil == "other":
            body = body[:-1] + bytes([body[-1] ^ 1])
        reply = body + crc16(body)
        if spoil == "crc":
            reply = reply[:-1] + bytes([reply[-1] ^ 0xFF])
        elif spoil == "noise":
            reply = b"\xff\x00" + reply
        elif spoil == "half":
            reply = reply[:4]
        if spoil != "silent":
            self.port.write(reply)

    def _do(self, frame: bytes) -> bytes:
        if frame[1] in (0x01, 0x02):
            return bytes([1, frame[1], 1, self.coils if frame[1] == 1 else self.inputs])
        address, value = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
        if address < 8:
            self.coils = self.coils & ~(1 << address) | (value == 0xFF00) << address
        return frame
