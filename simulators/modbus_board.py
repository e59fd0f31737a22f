"""A relay and input board that speaks Modbus RTU as a slave (Modbus application protocol 1.1b3, serial line 1.02).

Functions 01, 02 and 04 (read), 05 (write one coil, with Waveshare's flash-on and flash-off), 0F (write many), and LC
Technology's pulses by function 10. One dialect counts coils from 1 and switches on by 0100.
`ModbusBoard` is pure: bytes and times in, bytes out; `BoardOnLine` puts it on a line.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from simulators.device import Surroundings
from simulators.loops import Loops
from simulators.plan import DevicePlan
from simulators.pty_line import LineDevice, PtyLine, Receive

READ_COILS, READ_INPUTS, READ_REGISTERS = 0x01, 0x02, 0x04
WRITE_COIL, WRITE_COILS, WRITE_REGISTERS = 0x05, 0x0F, 0x10
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 0x01, 0x02, 0x03
FLASH_ON, FLASH_OFF = 0x0200, 0x0400
"""Waveshare: added to a coil's address in function 05; the value is the time in units of 100 ms."""
ALL_COILS = 0x00FF
BROADCAST = 0
SILENCE_CHARS = 3.5
"""A frame ends with this much silence (serial line 1.02, section 2.5.1.1)."""
MAX_FRAME = 256
"""The longest RTU frame (same section)."""
LIVENESS_S = 10.0


@dataclass(slots=True)
class ModbusBoard:
    """Coils and inputs of one slave. Times are seconds on one monotonic clock."""

    unit: int = 1
    coils: list[bool] = field(default_factory=lambda: [False] * 4)
    inputs: list[bool] = field(default_factory=lambda: [False] * 8)
    registers: list[int] = field(default_factory=list)
    """What its analogue inputs measure."""
    dialect: str = "waveshare"
    """Or `lc`, or `coils-from-1`."""
    frames: int = 0
    """Good frames for this slave."""
    bad_frames: int = 0
    last_asked_s: float | None = None
    flashes: dict[int, tuple[float, bool]] = field(default_factory=dict)
    """Coil: (when its flash ends, the state that it then has)."""

    def answer(self, frame: bytes, now_s: float) -> bytes | None:
        """The reply to a frame, or None where a slave keeps silent (bad CRC, another unit, broadcast)."""
        if len(frame) < 4 or len(frame) > MAX_FRAME or crc16(frame[:-2]) != frame[-2:]:
            self.bad_frames += 1
            return None
        unit, function, body = frame[0], frame[1], frame[2:-2]
        if unit not in (self.unit, BROADCAST):
            return None
        self.frames += 1
        self.last_asked_s = now_s
        try:
            reply = bytes([function]) + self._do(function, body, now_s)
        except _Refused as refusal:
            reply = bytes([function | 0x80, refusal.code])
        return None if unit == BROADCAST else with_crc(bytes([self.unit]) + reply)

    def advance(self, now_s: float) -> None:
        """End the flashes whose time is over."""
        for coil, (end_s, after) in list(self.flashes.items()):
            if end_s <= now_s:
                del self.flashes[coil]
                self.coils[coil] = after

    def deadline(self) -> float | None:
        """When the next flash ends."""
        return min((end_s for end_s, _ in self.flashes.values()), default=None)

    def _do(self, function: int, body: bytes, now_s: float) -> bytes:
        if function == READ_COILS:
            return _read_bits([False] * self._first_coil + self.coils, body)
        if function == READ_INPUTS:
            return _read_bits(self.inputs, body)
        if function == READ_REGISTERS:
            return _read_words(self.registers, body)
        if function == WRITE_COIL:
            return self._write_coil(body, now_s)
        if function == WRITE_COILS:
            return self._write_coils(body)
        if function == WRITE_REGISTERS and self.dialect == "lc":
            return self._flash_by_registers(body, now_s)
        raise _Refused(ILLEGAL_FUNCTION)

    @property
    def _first_coil(self) -> int:
        return 1 if self.dialect == "coils-from-1" else 0

    def _write_coil(self, body: bytes, now_s: float) -> bytes:
        if len(body) != 4:
            raise _Refused(ILLEGAL_VALUE)
        address, value = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:], "big")
        kind, coil = address & 0xFF00, address & 0x00FF
        chosen = list(range(len(self.coils))) if coil == ALL_COILS else [coil - self._first_coil]
        kinds = (0, FLASH_ON, FLASH_OFF) if self.dialect == "waveshare" else (0,)
        if kind not in kinds or not 0 <= chosen[-1] < len(self.coils):
            raise _Refused(ILLEGAL_ADDRESS)
        on = 0x0100 if self.dialect == "coils-from-1" else 0xFF00
        if kind == 0 and value not in (on, 0x0000):
            raise _Refused(ILLEGAL_VALUE)
        for number in chosen:
            self.flashes.pop(number, None)
            if kind == 0:
                self.coils[number] = value == on
            else:
                self.coils[number] = kind == FLASH_ON
                self.flashes[number] = (now_s + value / 10, kind != FLASH_ON)
        return body

    def _flash_by_registers(self, body: bytes, now_s: float) -> bytes:
        """Register 3 + 5 × relay: 4 to be on and fall off, 2 the other way round; then the time, 100 ms each."""
        if len(body) != 9 or body[2:5] != b"\x00\x02\x04":
            raise _Refused(ILLEGAL_VALUE)
        coil, off_place = divmod(int.from_bytes(body[:2], "big") - 3, 5)
        kind, units = int.from_bytes(body[5:7], "big"), int.from_bytes(body[7:], "big")
        if off_place or not 0 <= coil < len(self.coils):
            raise _Refused(ILLEGAL_ADDRESS)
        if kind not in (2, 4):
            raise _Refused(ILLEGAL_VALUE)
        self.coils[coil] = kind == 4
        self.flashes[coil] = (now_s + units / 10, kind != 4)
        return body[:4]

    def _write_coils(self, body: bytes) -> bytes:
        if len(body) < 6:
            raise _Refused(ILLEGAL_VALUE)
        start, count = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")
        if not 1 <= count <= 0x07B0 or body[4] != (count + 7) // 8 or len(body) != 5 + body[4]:
            raise _Refused(ILLEGAL_VALUE)
        if start + count > len(self.coils):
            raise _Refused(ILLEGAL_ADDRESS)
        bits = int.from_bytes(body[5:], "little")
        for offset in range(count):
            self.flashes.pop(start + offset, None)
            self.coils[start + offset] = bool(bits >> offset & 1)
        return body[:4]


class BoardOnLine(LineDevice):
    """A board behind a line: frames by silence, answers paced by the line, flashes ended in time.

    `changed` is called after anything that may have moved a coil.
    """

    def __init__(self, board: ModbusBoard, line: PtyLine, changed: Callable[[], None]) -> None:
        super().__init__(line)
        self.board = board
        self.loops = Loops()
        """Of its supervised inputs."""
        self.baud: int | None = None
        """The speed that it alone understands; None: whatever the line is set to."""
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._bytes = bytearray()
        self._silence: asyncio.TimerHandle | None = None
        self._flash: asyncio.TimerHandle | None = None
        line.receive = self._receive if line.receive is None else _all_of(line.receive, self._receive)

    @property
    def coils(self) -> list[bool]:
        """Which are energised."""
        return self.board.coils

    @property
    def inputs(self) -> list[bool]:
        """Which are energised."""
        return self.board.inputs

    def set_input(self, number: int, energised: bool) -> None:
        """What the wire shows now."""
        self.board.inputs[number] = energised
        measured = self.loops.measured(number, energised)
        if measured is not None:
            self.board.registers[number] = measured

    def frames(self) -> dict[str, int]:
        """How many it has heard."""
        return {"frames": self.board.frames, "bad_frames": self.board.bad_frames}

    def is_polled(self) -> bool:
        """Whether somebody asked the board within the last ten seconds."""
        asked = self.board.last_asked_s
        return asked is not None and self._loop.time() - asked < LIVENESS_S

    def _receive(self, data: bytes) -> None:
        if self.baud is not None and self.line.heard_baud() != self.baud:
            return  # at another speed every byte is another one, and no frame
        # One byte over the longest frame is enough to know that it is none.
        self._bytes += data[: MAX_FRAME + 1 - len(self._bytes)]
        if self._silence is not None:
            self._silence.cancel()
        self._silence = self._loop.call_later(SILENCE_CHARS * self.line.byte_time_s, self._end_of_frame)

    def _end_of_frame(self) -> None:
        frame = bytes(self._bytes)
        self._bytes.clear()
        reply = self.board.answer(frame, self._loop.time())
        self._settle()
        if reply is not None:
            self.line.send(reply)

    def _settle(self) -> None:
        self.board.advance(self._loop.time())
        if self._flash is not None:
            self._flash.cancel()
        due = self.board.deadline()
        self._flash = None if due is None else self._loop.call_at(due, self._settle)
        self._changed()


def make(plan: DevicePlan, surroundings: Surroundings) -> BoardOnLine:
    """`driver = "modbus-rtu"`."""
    coils, inputs = ([False] * int(plan.settings.get(key, 8)) for key in ("outputs", "inputs"))
    board = ModbusBoard(int(plan.settings.get("unit", 1)), coils, inputs)
    board.dialect = str(plan.settings.get("profile", board.dialect))
    board.registers = [0] * len(inputs)
    on_line = BoardOnLine(board, surroundings.line(plan.port), surroundings.changed)
    on_line.baud = int(plan.settings.get("baud", 9600))
    on_line.loops = Loops(plan.loops)
    for number in plan.loops:
        on_line.set_input(number, False)
    return on_line


def _all_of(*receivers: Receive) -> Receive:
    """What one says on RS-485, every unit hears."""

    def receive(data: bytes) -> None:
        for each in receivers:
            each(data)

    return receive


class _Refused(Exception):
    """An exception reply with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def crc16(data: bytes) -> bytes:
    """CRC-16/MODBUS (polynomial A001 reflected, initial FFFF), low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc.to_bytes(2, "little")


def with_crc(data: bytes) -> bytes:
    """A frame with its checksum."""
    return data + crc16(data)


def _read_words(words: list[int], body: bytes) -> bytes:
    """Byte count and registers. Raises _Refused beyond the last one."""
    if len(body) != 4:
        raise _Refused(ILLEGAL_VALUE)
    start, count = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:], "big")
    if not 1 <= count <= 125:
        raise _Refused(ILLEGAL_VALUE)
    if start + count > len(words):
        raise _Refused(ILLEGAL_ADDRESS)
    return bytes([2 * count]) + b"".join(word.to_bytes(2, "big") for word in words[start : start + count])


def _read_bits(bits: list[bool], body: bytes) -> bytes:
    """Byte count and bits, first bit lowest. Raises _Refused beyond the last bit.

    Boards of this family answer a request for 8 with the bits that they have, and zeros.
    """
    if len(body) != 4:
        raise _Refused(ILLEGAL_VALUE)
    start, count = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:], "big")
    if not 1 <= count <= 2000:
        raise _Refused(ILLEGAL_VALUE)
    if start + count > 8 * ((len(bits) + 7) // 8):
        raise _Refused(ILLEGAL_ADDRESS)
    wanted = (bits + [False] * 7)[start : start + count]
    packed = sum(bit << place for place, bit in enumerate(wanted))
    size = (count + 7) // 8
    return bytes([size]) + packed.to_bytes(size, "little")
