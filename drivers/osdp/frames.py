"""OSDP frames in clear (SIA OSDP v2.2, section 5; IEC 60839-11-5): encode, decode, find them among noise; pure.

The secure channel's contents are libosdp's business; its frames are framed like all others and pass here unopened.
"""

from dataclasses import dataclass
from typing import TypeAlias

MARK = 0xFF
"""Sent before a command, so that the line has turned round when the frame begins."""
START = 0x53
REPLY_BIT = 0x80
BROADCAST = 0x7F
"""The address that every reader answers: only for a line with one reader on it."""
ADDRESS_MAX = 0x7E

FRAME_BYTES_MAX = 1440
"""The largest message of the standard (v2.2, section 5.6)."""
_HEADER = 5
_CONTROL_CRC = 0x04
_CONTROL_SECURITY_BLOCK = 0x08

POLL, ID, CAP, CHALLENGE, SERVER_CRYPTOGRAM = 0x60, 0x61, 0x62, 0x76, 0x77
ACK, NAK, PDID, PDCAP, FMT, CLIENT_CRYPTOGRAM, INITIAL_MAC, BUSY = 0x40, 0x41, 0x45, 0x46, 0x51, 0x76, 0x78, 0x79

_SESSION_COMMANDS = (0x15, 0x17)
_SESSION_REPLIES = (0x16, 0x18)
"""Security block types of a session that is up: with a MAC, and with encrypted data."""
_HANDSHAKE = {ID: PDID, CAP: PDCAP, CHALLENGE: CLIENT_CRYPTOGRAM, SERVER_CRYPTOGRAM: INITIAL_MAC}
"""The answer to each command that goes before a session is up."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame; `raw` is without the mark. `security` is the type of its security block, 0 without one."""

    address: int
    is_reply: bool
    sequence: int
    code: int
    data: bytes
    security: int
    raw: bytes

    @property
    def in_session(self) -> bool:
        """Does it carry a MAC?"""
        return self.security in (_SESSION_COMMANDS if not self.is_reply else _SESSION_REPLIES)


@dataclass(frozen=True, slots=True)
class Rubbish:
    """Bytes that made no frame."""

    reason: str


Found: TypeAlias = Frame | Rubbish


def crc16(data: bytes) -> int:
    """CRC-16 of polynomial 0x1021, initial 0x1D0F (v2.2, appendix C)."""
    value = 0x1D0F
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021) & 0xFFFF if value & 0x8000 else value << 1 & 0xFFFF
    return value


def encode(address: int, sequence: int, code: int, data: bytes = b"", *, reply: bool = False) -> bytes:
    """A frame in clear with a CRC and, for a command, the mark before it. Raises ValueError out of range."""
    length = _HEADER + 1 + len(data) + 2
    if not 0 <= address <= BROADCAST or not 0 <= sequence <= 3 or length > FRAME_BYTES_MAX:
        raise ValueError("an OSDP frame has an address of 7 bits, a sequence of 2 and at most 1440 bytes")
    head = bytes((START, address | (REPLY_BIT if reply else 0), length & 0xFF, length >> 8, _CONTROL_CRC | sequence))
    body = head + bytes((code,)) + data
    return (b"" if reply else bytes((MARK,))) + body + crc16(body).to_bytes(2, "little")


def decode(raw: bytes) -> Found:
    """One frame from exactly its bytes, without the mark."""
    if len(raw) < _HEADER or raw[0] != START:
        return Rubbish("no start of a frame")
    control = raw[4]
    tail = 2 if control & _CONTROL_CRC else 1
    if int.from_bytes(raw[2:4], "little") != len(raw) or len(raw) < _HEADER + 1 + tail:
        return Rubbish("a length that fits no frame")
    if not _checks(raw, tail):
        return Rubbish("wrong check characters")
    body, security = raw[_HEADER:-tail], 0
    if control & _CONTROL_SECURITY_BLOCK:
        if len(body) < 3 or not 2 <= body[0] < len(body):
            return Rubbish("a security block that fits no frame")
        security, body = body[1], body[body[0] :]
    return Frame(raw[1] & ~REPLY_BIT, bool(raw[1] & REPLY_BIT), control & 3, body[0], body[1:], security, raw)


class FrameFinder:
    """Finds frames in what a line carries. Holds at most one frame's bytes."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Found]:
        """The frames, and at most one `Rubbish` for each stretch of other bytes, that `data` completes."""
        self._held += data
        found: list[Found] = []
        while (one := self._next()) is not None:
            found.append(one)
        return found

    def clear(self) -> int:
        """Forget an unfinished frame; how many bytes it had."""
        count = len(self._held)
        self._held.clear()
        return count

    @property
    def missing(self) -> int:
        """How many bytes the frame under way still lacks; 0 when none has begun."""
        return max(_HEADER, self._length()) - len(self._held) if self._held else 0

    def _next(self) -> Found | None:
        skipped = self._skip_to_start()
        if skipped is not None:
            return skipped
        length = self._length()
        if len(self._held) < 4 or (_is_possible(length) and len(self._held) < length):
            return None
        one = decode(bytes(self._held[:length])) if _is_possible(length) else Rubbish("a length that fits no frame")
        # What is no frame may hide the start of one: only its first byte is surely none.
        del self._held[: length if isinstance(one, Frame) else 1]
        return one

    def _skip_to_start(self) -> Rubbish | None:
        """Drop what comes before a start; marks are no rubbish."""
        start = self._held.find(START)
        before = self._held[: start if start >= 0 else len(self._held)]
        del self._held[: len(before)]
        return Rubbish("bytes between frames") if before.strip(bytes((MARK,))) else None

    def _length(self) -> int:
        return int.from_bytes(self._held[2:4], "little") if len(self._held) >= 4 else 0


def answers(command: Frame, reply: Frame) -> bool:
    """Is this frame that reader's answer to that command, and not to the one before, come late or twice?

    It has the sequence number of the command; a reader that lost count, or has no time (v2.2, section 7.19), says 0.
    """
    if reply.address != command.address or not reply.is_reply:
        return False
    return reply.sequence == command.sequence or (reply.sequence == 0 and reply.code in (NAK, BUSY))


def may_answer(command: Frame, reply: Frame) -> bool:
    """May this be the answer to a command of a reader that is configured secure?

    In a session everything carries a MAC, but for a NAK: a reader that lost power has lost its session, too. Before
    one, a command of the handshake has its one answer. So no card that is said in clear, by whoever sits on the line,
    is ever looked at.
    """
    if not answers(command, reply):
        return False
    if reply.code in (NAK, BUSY):
        return True
    return reply.in_session if command.in_session else _HANDSHAKE.get(command.code) == reply.code


def has_secure_channel(capabilities: bytes) -> bool:
    """Does a PDCAP's data say that the reader speaks the secure channel (function 9, AES-128)?"""
    rows = (capabilities[at : at + 3] for at in range(0, len(capabilities) - 2, 3))
    return any(row[0] == 9 and row[1] & 1 for row in rows)


def _checks(raw: bytes, tail: int) -> bool:
    if tail == 2:
        return crc16(raw[:-2]) == int.from_bytes(raw[-2:], "little")
    return sum(raw) & 0xFF == 0


def _is_possible(length: int) -> bool:
    return _HEADER + 2 <= length <= FRAME_BYTES_MAX
