"""Frames of UHF readers of the ZK-RFID102 family (57600 8N1): bytes to frames, and commands to bytes.

A command is `Len Adr Cmd Data CRClo CRChi`; an answer has a status after Cmd. Len counts what follows it. The CRC-16
has the polynomial 8408 and begins with FFFF, over all that stands before it (ZK-RFID102 user's manual V2.0, section 3).
"""

from binascii import crc_hqx
from dataclasses import dataclass
from enum import IntEnum

from drivers.serial_reader import Rejected


class Code(IntEnum):
    """The commands that are used here, and what answers and reports name in their place."""

    UNKNOWN = 0x00
    """The reader doesn't know the command that it answers."""
    INVENTORY = 0x01
    INFORMATION = 0x21
    SCAN_TIME = 0x25
    POWER = 0x2F
    WORK_MODE = 0x36
    TAG_SEEN = 0xEE
    """A reader in scan or trigger mode reports a tag by itself."""


ANY_ADDRESS = 0xFF
"""Every reader answers it, with its own address."""

FRAME_PATIENCE_S = 0.5
"""After this silence a begun frame's rest won't come. 256 bytes last 45 ms at 57600 baud, but the kernel of a busy
machine can hold bytes back for longer than 0.1 s."""

MAX_NOISE = 64
"""So many bytes of noise in a row count as one rejected frame."""

_CODES = frozenset(Code)
_SHORTEST = 5
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class UhfFrame:
    """A reader's answer, or a tag that it reports by itself."""

    address: int
    code: Code
    status: int
    data: bytes


def crc16(data: bytes) -> int:
    """The family's CRC-16. Over a whole frame with its own it is 0."""
    # The library knows the same polynomial with the bits the other way round.
    turned = crc_hqx(data.translate(_REVERSED), 0xFFFF)
    return _REVERSED[turned & 0xFF] << 8 | _REVERSED[turned >> 8]


def command(address: int, code: Code, data: bytes = b"") -> bytes:
    """The bytes of a command."""
    body = bytes([len(data) + 4, address, code]) + data
    return body + crc16(body).to_bytes(2, "little")


class UhfFramer:
    """Bytes to `UhfFrame` and `Rejected`; holds at most 255 bytes between two calls.

    No byte marks a begin. Where length, address, command or checksum can't be right, the frame is looked for one byte
    further on; so noise before a frame costs nothing, unless it looks like the begin of a longer one: then the frame is
    found once silence shows that the longer one won't come.
    """

    def __init__(self, address: int = ANY_ADDRESS) -> None:
        self._address = address
        self._held = bytearray()
        self._noise = 0
        self._last_s = 0.0

    def feed(self, data: bytes, now_s: float) -> list[object]:
        """Values completed by `data`; only no data lets the time pass."""
        values: list[object] = []
        due = self.deadline()
        if data:
            self._held += data
            self._last_s = now_s
            self._find_frames(values)
        elif due is not None and now_s >= due:
            while self._held:
                self._drop("half a frame", values)
                self._find_frames(values)
            self._noise = 0
        return values

    def deadline(self) -> float | None:
        """When a begun frame counts as dead."""
        return self._last_s + FRAME_PATIENCE_S if self._held else None

    def _find_frames(self, values: list[object]) -> None:
        """Take every frame off the front of what is held; what can't be the begin of one is dropped."""
        while self._held:
            flaw = self._flaw()
            size = self._held[0] + 1
            if flaw is not None:
                self._drop(flaw, values)
            elif len(self._held) < size:
                return
            else:
                _, address, code, status, *data = self._held[: size - 2]
                values.append(UhfFrame(address, Code(code), status, bytes(data)))
                del self._held[:size]
                self._noise = 0

    def _flaw(self) -> str | None:
        """Why no frame begins here, as far as its bytes are there."""
        held, length = self._held, self._held[0]
        if length < _SHORTEST:
            return "noise between frames"
        if len(held) > 1 and (held[1] == ANY_ADDRESS or self._address not in (ANY_ADDRESS, held[1])):
            return "noise between frames"
        if len(held) > 2 and (held[2] not in _CODES or (held[2] == Code.UNKNOWN and length != _SHORTEST)):
            return "noise between frames"
        if len(held) > length and crc16(bytes(held[: length + 1])) != 0:
            return "wrong checksum"
        return None

    def _drop(self, reason: str, values: list[object]) -> None:
        if self._noise == 0:
            values.append(Rejected(reason))
        self._noise = (self._noise + 1) % MAX_NOISE
        del self._held[:1]
