"""Which Modbus RTU units are on a line: each address is asked for its coils, which moves nothing.

Silence, an answer and garbage are told apart, since garbage has causes of its own.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from pymodbus.framer import FramerRTU

from drivers.contracts import ByteLink
from drivers.links import SerialLink

UNITS = range(1, 248)
"""The addresses of single units (Modbus over serial line 1.02, 2.2); 0 is broadcast and is never asked."""
BAUD_RATES = (9600, 19200, 38400, 115200)
ANSWER_S = 0.06
"""Boards of this class answer within 20 ms; a USB adapter keeps bytes back for 16 ms more."""
LATE_ANSWER_S = 0.3
"""What `timeout_s` is where nothing else is said."""
AGAIN = 10
"""How often a unit that was found is asked for its error rate."""
ANSWER_BOUND = 256
"""No frame is longer (Modbus over serial line 1.02, 2.5.1)."""
_READ_COILS = 0x01


class Heard(StrEnum):
    """What came back of a question."""

    NOTHING = "nothing"
    ANSWER = "answer"
    GARBAGE = "garbage"
    """Bytes that are no frame of this unit: another speed, a swapped pair, noise, or two units of one address."""


@dataclass(frozen=True, slots=True)
class FoundUnit:
    """A unit that answered, or garbled, at this speed; `errors` of `asked` further questions went wrong."""

    baud: int
    unit: int
    heard: Heard
    asked: int = 0
    errors: int = 0
    late: bool = False
    """It was first heard when another was asked."""

    @property
    def hint(self) -> str:
        """What to look at; empty where all is well."""
        if self.heard is Heard.GARBAGE:
            return "answers that are none: two units with this address, another speed, or A and B swapped"
        if self.errors:
            return f"{self.errors} of {self.asked} answers were lost: look at termination, ground and cable"
        if self.late:
            return f"it answers late, after more than {ANSWER_S} s: keep its timeout_s well above that"
        return ""


def question(unit: int) -> bytes:
    """Function 01: eight coils from 0."""
    body = bytes([unit, _READ_COILS, 0, 0, 0, 8])
    return body + _crc(body)


def judge(unit: int, data: bytes) -> Heard:
    """What an answer to `question(unit)` is; a refusal is an answer too."""
    if not data:
        return Heard.NOTHING
    whole = len(data) >= 5 and data[0] == unit and data[1] in (_READ_COILS, _READ_COILS | 0x80)
    return Heard.ANSWER if whole and data[-2:] == _crc(data[:-2]) else Heard.GARBAGE


async def scan(
    port: str, bauds: Iterable[int], units: Iterable[int] = UNITS, tell: Callable[[int], None] | None = None
) -> list[FoundUnit]:
    """Ask every unit at every speed; `tell` is called with each speed before it is tried. Raises LinkError."""
    found: list[FoundUnit] = []
    for baud in bauds:
        if tell is not None:
            tell(baud)
        link, late = SerialLink(port, baud), set[int]()
        await link.open()
        try:
            for unit in units:
                heard = await _ask(link, unit, late)
                if heard is not Heard.NOTHING:
                    found.append(await _errors(link, FoundUnit(baud, unit, heard)))
            here = {each.unit for each in found if each.baud == baud}
            slow = [FoundUnit(baud, unit, Heard.ANSWER, late=True) for unit in sorted(late - here)]
            found += [await _errors(link, each) for each in slow]
        finally:
            await link.close()
    return found


async def _errors(link: ByteLink, unit: FoundUnit) -> FoundUnit:
    """The same with its error rate. What answers sometimes is there, and garbage may have been noise."""
    patience_s = LATE_ANSWER_S if unit.late else ANSWER_S
    heard = [await _ask(link, unit.unit, set(), patience_s) for _ in range(AGAIN)]
    answers = heard.count(Heard.ANSWER)
    kind = Heard.ANSWER if answers else unit.heard
    return replace(unit, heard=kind, asked=AGAIN, errors=AGAIN - answers)


async def _ask(link: ByteLink, unit: int, late: set[int], patience_s: float = ANSWER_S) -> Heard:
    """One question; the line is listened to until it has been silent for a while. Whose answer is late joins `late`."""
    await link.write(question(unit))
    data = b""
    try:
        while len(data) < ANSWER_BOUND:
            async with asyncio.timeout(patience_s):
                data += await link.read()
            data = _without_others(unit, data, late)
            if judge(unit, data) is Heard.ANSWER:
                return Heard.ANSWER
    except TimeoutError:
        pass
    return judge(unit, data)


def _without_others(unit: int, data: bytes, late: set[int]) -> bytes:
    """What is left behind the answers of others, which were asked before: a refusal has 5 bytes, eight coils 6."""
    for size in (5, 6):
        if data[:1] != bytes([unit]) and len(data) >= size and judge(data[0], data[:size]) is Heard.ANSWER:
            late.add(data[0])
            return _without_others(unit, data[size:], late)
    return data


def _crc(data: bytes) -> bytes:
    return FramerRTU.compute_CRC(data).to_bytes(2, "big")
