"""Wiegand card formats: which bits are what (Proxmark3's list and HID's format documents).

Bit 0 is the first one sent. Bits travel here as an integer of a known length whose lowest bit was sent last.
"""

from dataclasses import dataclass

from gateway.domain.credential import Identifier, Reading
from gateway.errors import ConfigError

EVEN, ODD = 0, 1


@dataclass(frozen=True, slots=True)
class Field:
    """Consecutive bits, first and last included."""

    first: int
    last: int

    @property
    def width(self) -> int:
        return self.last - self.first + 1

    @property
    def highest(self) -> int:
        return (1 << self.width) - 1


@dataclass(frozen=True, slots=True)
class Parity:
    """The bit at `at` makes the sum of itself and the bits `over` even or odd."""

    at: int
    over: tuple[int, ...]
    odd: int


@dataclass(frozen=True, slots=True)
class CardFormat:
    """One row of the table. `parities` stand in the order in which they must be set."""

    name: str
    length: int
    facility: Field | None
    number: Field
    parities: tuple[Parity, ...] = ()


def _span(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


def _pairs(first: int, last: int) -> tuple[int, ...]:
    """Two of every three bits, from `first`: first, first+1, first+3, first+4 …"""
    return tuple(bit for bit in range(first, last + 1) if (bit - first) % 3 != 2)


def _halves(length: int, even_last: int, odd_first: int) -> tuple[Parity, ...]:
    """Even parity in front over the first half, odd parity at the end over the second."""
    return (
        Parity(0, _span(1, even_last), EVEN),
        Parity(length - 1, _span(odd_first, length - 2), ODD),
    )


FORMATS: tuple[CardFormat, ...] = (
    CardFormat("H10301", 26, Field(1, 8), Field(9, 24), _halves(26, 12, 13)),
    CardFormat("ind26", 26, Field(1, 12), Field(13, 24), _halves(26, 12, 13)),
    CardFormat("WIE32", 32, Field(4, 15), Field(16, 31)),
    CardFormat("D10202", 33, Field(1, 7), Field(8, 31), _halves(33, 16, 16)),
    CardFormat("H10306", 34, Field(1, 16), Field(17, 32), _halves(34, 16, 17)),
    CardFormat("N10002", 34, Field(1, 16), Field(17, 32), _halves(34, 16, 17)),
    CardFormat("BQT34", 34, Field(1, 8), Field(9, 32), _halves(34, 16, 17)),
    CardFormat(
        "C1k35s",
        35,
        Field(2, 13),
        Field(14, 33),
        # HID Corporate 1000: the first bit is set last, for it covers the other two.
        (
            Parity(1, (2, 3, *_pairs(5, 33)), EVEN),
            Parity(34, _pairs(1, 32), ODD),
            Parity(0, _span(1, 34), ODD),
        ),
    ),
    CardFormat("H10302", 37, None, Field(1, 35), _halves(37, 18, 18)),
    CardFormat("H10304", 37, Field(1, 16), Field(17, 35), _halves(37, 18, 18)),
    CardFormat(
        "C1k48s",
        48,
        Field(2, 23),
        Field(24, 46),
        (
            Parity(1, _pairs(3, 46), EVEN),
            Parity(47, _pairs(2, 45), ODD),
            Parity(0, _span(1, 47), ODD),
        ),
    ),
)

FORMAT_NAMES = tuple(row.name for row in FORMATS)
LENGTHS = tuple(sorted({row.length for row in FORMATS}))


def find_format(name: str) -> CardFormat:
    """The row of that name. Raises ConfigError."""
    for row in FORMATS:
        if row.name == name:
            return row
    raise ConfigError("format", name, f"use one of {', '.join(FORMAT_NAMES)}")


def decode(bits: int, length: int) -> list[Reading]:
    """Every reading of `length` bits, in table order, also with wrong parity; empty when no format has that length.

    Raises ValueError when `bits` is negative or longer than `length`.
    """
    if bits < 0 or bits >> length:
        raise ValueError(f"the value has more than {length} bits")
    return [_read(row, bits) for row in FORMATS if row.length == length]


def encode(format_name: str, facility: int | None, number: int) -> tuple[int, int]:
    """(bits, length) of a card. Raises ConfigError naming the range; bits that a format leaves open are 0."""
    row = find_format(format_name)
    bits = _put(0, row, row.number, _checked("number", number, row.number, row.name))
    if row.facility is not None:
        if facility is None:
            raise ConfigError("facility", None, f"{row.name} needs one from 0 to {row.facility.highest}")
        bits = _put(bits, row, row.facility, _checked("facility", facility, row.facility, row.name))
    elif facility is not None:
        raise ConfigError("facility", facility, f"{row.name} has no facility code: leave it out")
    for parity in row.parities:
        bits |= (_ones(row, bits, parity.over) + parity.odd & 1) << _shift(row, parity.at)
    return bits, row.length


def payload_bits(row: CardFormat) -> int:
    """How many bits facility code and number have together."""
    return row.number.width + (row.facility.width if row.facility is not None else 0)


def from_payload(row: CardFormat, payload: int) -> Identifier | None:
    """The identifier in facility code and number side by side, without parities; None when the payload is too long."""
    if payload < 0 or payload >> payload_bits(row):
        return None
    facility = None if row.facility is None else payload >> row.number.width
    return Identifier(row.name, facility, payload & row.number.highest)


def _read(row: CardFormat, bits: int) -> Reading:
    facility = None if row.facility is None else _get(row, bits, row.facility)
    identifier = Identifier(row.name, facility, _get(row, bits, row.number))
    if not row.parities:
        return Reading(identifier, None)
    held = all(_ones(row, bits, (parity.at, *parity.over)) & 1 == parity.odd for parity in row.parities)
    return Reading(identifier, held)


def _shift(row: CardFormat, position: int) -> int:
    return row.length - 1 - position


def _get(row: CardFormat, bits: int, field: Field) -> int:
    return bits >> _shift(row, field.last) & field.highest


def _put(bits: int, row: CardFormat, field: Field, value: int) -> int:
    return bits | value << _shift(row, field.last)


def _ones(row: CardFormat, bits: int, positions: tuple[int, ...]) -> int:
    return sum(bits >> _shift(row, position) & 1 for position in positions)


def _checked(key: str, value: int, field: Field, name: str) -> int:
    if not 0 <= value <= field.highest:
        raise ConfigError(key, value, f"{name} holds 0 to {field.highest}")
    return value
