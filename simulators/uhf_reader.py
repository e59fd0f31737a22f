"""A UHF reader as the ZK-RFID102 user's manual V2.0 describes it: answer mode, scan mode, and what it keeps in memory.

`UhfReader` is pure: bytes and times in, bytes out; `UhfOnLine` puts it on a line, 57600 8N1 by default.
"""

import asyncio
from dataclasses import dataclass, field

from simulators.card import Card, CardUnreadable
from simulators.device import Surroundings
from simulators.plan import DevicePlan
from simulators.pty_line import LineDevice, PtyLine

BAUD = 57600
HOLD_S = 1.5
"""How long a card that is shown stays in the field."""
REPORT_EVERY_S = 0.1
"""In scan mode it reports what it sees about so often."""
FORGET_S = 0.1
"""Half a command is forgotten after so much silence; the manual says none of it, but no reader waits for ever."""
LONGEST_ANSWER = 96
"""The manual's greatest Len (3.1); more tags than fit are said in further answers."""
NOTHING, ALL_SAID, MORE_COMES, REFUSED = 0xFB, 0x01, 0x03, 0xFE


@dataclass(slots=True)
class UhfReader:
    """Its memory, and the tags in its field until a time on one monotonic clock."""

    address: int = 0
    power: int = 30
    scan_time: int = 10
    scans: bool = False
    output_serial: bool = True
    memory: int = 0x04
    knows_work_mode: bool = True
    tags: dict[bytes, float] = field(default_factory=dict)
    written: list[tuple[int, int]] = field(default_factory=list)
    """What was written to its memory: command, value."""
    asked: int = 0
    bad: int = 0
    """Commands for it, and bytes that were none."""

    def show(self, epc: bytes, until_s: float) -> None:
        """Hold a tag into the field."""
        self.tags[epc] = until_s

    def answer(self, asked: bytes, now_s: float) -> bytes:
        """What it says to one command; nothing to what isn't one for it."""
        if len(asked) < 5 or asked[0] != len(asked) - 1 or check(asked[:-2]) != asked[-2:]:
            self.bad += 1
            return b""
        if asked[1] not in (self.address, 0xFF):
            return b""
        self.asked += 1
        code, data = asked[2], asked[3:-2]
        match code:
            case 0x01 if not self.scans:
                return self._inventory(now_s)
            case 0x21:
                return self._say(code, 0x00, bytes([0x02, 0x36, 0x09, 0x03, 0x62, 0x00, self.power, self.scan_time]))
            case 0x2F | 0x25:
                self.written.append((code, data[0]))
                if code == 0x2F:
                    self.power = data[0]
                else:
                    self.scan_time = data[0]
                return self._say(code, 0x00)
            case 0x36 if self.knows_work_mode:
                mode = bytes([int(self.scans), 0x02 if self.output_serial else 0x00, self.memory, 0, 1, 0])
                return self._say(code, 0x00, bytes([0, 30, 10, 15]) + mode + bytes([8, 0]))
            case 0x01:
                return self._say(code, REFUSED)
            case _:
                return self._say(0x00, REFUSED)

    def report(self, now_s: float) -> bytes:
        """What it says by itself of the tags that it sees."""
        if not (self.scans and self.output_serial):
            return b""
        return b"".join(self._say(0xEE, 0x00, epc) for epc in self._seen(now_s))

    def _inventory(self, now_s: float) -> bytes:
        seen = self._seen(now_s)
        if not seen:
            return self._say(0x01, NOTHING)
        answers, said = [], list[bytes]()
        for epc in [*seen, b""]:
            if not epc or 6 + sum(map(len, said)) + len(said) + 1 + len(epc) > LONGEST_ANSWER:
                tags = b"".join(bytes([len(each)]) + each for each in said)
                answers.append(self._say(0x01, MORE_COMES if epc else ALL_SAID, bytes([len(said)]) + tags))
                said = []
            said.append(epc)
        return b"".join(answers)

    def _seen(self, now_s: float) -> list[bytes]:
        self.tags = {epc: until_s for epc, until_s in self.tags.items() if until_s > now_s}
        return list(self.tags)

    def _say(self, code: int, status: int, data: bytes = b"") -> bytes:
        body = bytes([len(data) + 5, self.address, code, status]) + data
        return body + check(body)


class UhfOnLine(LineDevice):
    """The reader on its line."""

    def __init__(self, reader: UhfReader, line: PtyLine) -> None:
        super().__init__(line)
        self.reader = reader
        self._loop = asyncio.get_running_loop()
        self._heard, self._heard_s = bytearray(), 0.0
        self._reporting: asyncio.TimerHandle | None = None
        line.receive = self._receive

    async def swipe(self, card: Card) -> bool:
        """Hold a tag into the field for a while. Raises CardUnreadable for another technology."""
        self.reader.show(epc_of(card), self._loop.time() + HOLD_S)
        self._report()
        return self.plugged

    async def press(self, key: str) -> bool:
        """Raises CardUnreadable: it has no keypad."""
        raise CardUnreadable("a UHF reader has no keypad")

    def _receive(self, data: bytes) -> None:
        now_s = self._loop.time()
        if now_s - self._heard_s > FORGET_S:
            self._heard.clear()
        self._heard_s = now_s
        self._heard += data
        while self._heard and len(self._heard) > self._heard[0]:
            size = self._heard[0] + 1
            asked, self._heard = bytes(self._heard[:size]), self._heard[size:]
            self.line.send(self.reader.answer(asked, now_s))

    def _report(self) -> None:
        if self._reporting is not None:
            self._reporting.cancel()
            self._reporting = None
        if self.plugged and (said := self.reader.report(self._loop.time())):
            self.line.send(said)
            self._reporting = self._loop.call_later(REPORT_EVERY_S, self._report)


def epc_of(card: Card) -> bytes:
    """The EPC of a UHF tag, such as one of format EPC96. Raises CardUnreadable for another card."""
    bits = card.format.removeprefix("EPC")
    if bits == card.format or not bits.isdecimal() or int(bits) % 16:
        raise CardUnreadable(f"a UHF reader reads EPC tags only, and this one is {card.format}")
    if card.number >> int(bits):
        raise CardUnreadable(f"an {card.format} tag holds {bits} bits")
    return card.number.to_bytes(int(bits) // 8, "big")


def check(data: bytes) -> bytes:
    """The two bytes after `data`: the manual's CRC-16, low byte first (3.2)."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
    return bytes([value & 0xFF, value >> 8])


def make(plan: DevicePlan, surroundings: Surroundings) -> UhfOnLine:
    """`driver = "zk-rfid102"`."""
    line = surroundings.line(plan.port, plan.settings.get("baud", BAUD))
    address = plan.settings.get("address", 0)
    return UhfOnLine(UhfReader(0 if address == 0xFF else address), line)
