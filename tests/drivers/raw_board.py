"""A Modbus RTU board on a test's own pseudo-terminal: raw bytes, and what the test wants to go wrong."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from tests.drivers.ptys import PtyPort

EXCEPTIONS = {"refuse": 2, "acknowledge": 5, "busy": 6}


def crc16(data: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc.to_bytes(2, "little")


class RawBoard:
    """Unit 1 with 8 coils and 8 inputs; flash-on and flash-off are noted, and carried out where `times_pulses`."""

    def __init__(self, path: Path) -> None:
        self.port = PtyPort(path)
        self.inputs = 0
        self.coils = 0
        self.bridged = 0
        """Coils that read on whatever they are told."""
        self.heard: list[tuple[float, bytes]] = []
        """When, and what, without the CRC."""
        self.mute = False
        self.delay_s = 0.0
        """How long after its question each answer comes."""
        self.times_pulses = False
        self.spoil_next: list[str] = []
        """For the next answers: `silent`, `crc`, `noise`, `other`, `half`, or one of `EXCEPTIONS`."""
        self.spoil: Callable[[bytes], bytes] | None = None
        """For every answer: what it says in place of its own words, with a right CRC."""
        self._loop = asyncio.get_running_loop()
        self._held = b""
        self._pulses: dict[int, asyncio.TimerHandle] = {}
        self._loop.add_reader(self.port.master, self._on_bytes)

    def writes(self) -> list[bytes]:
        """The write commands heard so far."""
        return [frame for _, frame in self.heard if frame[1] not in (0x01, 0x02)]

    def restart(self) -> None:
        """Lose the power for a moment: the relays drop, pulses are forgotten, and the line sees nothing of it."""
        self.coils = 0
        for pulse in self._pulses.values():
            pulse.cancel()
        self._pulses.clear()

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
                self._loop.call_later(self.delay_s, self._answer, frame[:6])

    def _answer(self, frame: bytes) -> None:
        spoil = self.spoil_next.pop(0) if self.spoil_next else ""
        body = self._do(frame) if self.spoil is None else self.spoil(self._do(frame))
        if spoil in EXCEPTIONS:
            body = bytes([1, frame[1] | 0x80, EXCEPTIONS[spoil]])
        elif spoil == "other":
            body = body[:-1] + bytes([body[-1] ^ 1])
        reply = body + crc16(body)
        if spoil == "crc":
            reply = reply[:-1] + bytes([reply[-1] ^ 0xFF])
        elif spoil == "noise":
            reply = b"\xff\x00" + reply
        elif spoil == "half":
            reply = reply[:4]
        if spoil != "silent" and self.port.master >= 0:
            self.port.write(reply)

    def _do(self, frame: bytes) -> bytes:
        if frame[1] in (0x01, 0x02):
            return bytes([1, frame[1], 1, self.coils | self.bridged if frame[1] == 1 else self.inputs])
        address, value = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
        if address < 8:
            self._switch(address, value == 0xFF00)
        elif self.times_pulses:
            kind, coil = address & 0xFF00, address & 0x00FF
            self._switch(coil, kind == 0x0200)
            self._pulses[coil] = self._loop.call_later(value / 10, self._switch, coil, kind != 0x0200)
        return frame

    def _switch(self, coil: int, on: bool) -> None:
        if (pulse := self._pulses.pop(coil, None)) is not None:
            pulse.cancel()
        self.coils = self.coils & ~(1 << coil) | on << coil
