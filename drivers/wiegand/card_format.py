"""What a card format is: which bits mean what, and what makes a message of it whole.

Bit 0 is the first one sent. Bits travel here as an integer of a known length whose lowest bit was sent last.
"""

from dataclasses import dataclass

EVEN, ODD = 0, 1


@dataclass(frozen=True, slots=True)
class Field:
    """The bits of a number, the weightiest first; they may be split, reversed or interleaved.

    `decimal`: each four bits are one decimal digit (BCD).
    """

    bits: tuple[int, ...]
    decimal: bool = False

    @property
    def width(self) -> int:
        """How many bits it has."""
        return len(self.bits)

    @property
    def highest(self) -> int:
        """The largest number that it can hold."""
        return 10 ** (self.width // 4) - 1 if self.decimal else (1 << self.width) - 1


@dataclass(frozen=True, slots=True)
class Parity:
    """The bit at `at` makes the sum of itself and the bits `over` even or odd."""

    at: int
    over: tuple[int, ...]
    odd: int


@dataclass(frozen=True, slots=True)
class Extra:
    """Bits that are neither facility code nor number; `default` is what is encoded.

    They don't name the credential: two cards that differ only here are the same one.
    """

    name: str
    field: Field
    default: int = 0


@dataclass(frozen=True, slots=True)
class CardFormat:
    """One row of the table. `parities` stand in the order in which they must be set; `fixed` is (bit, its value)."""

    name: str
    length: int
    facility: Field | None
    number: Field
    parities: tuple[Parity, ...] = ()
    fixed: tuple[tuple[int, int], ...] = ()
    extras: tuple[Extra, ...] = ()
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Track2Layout:
    """Which digits of a magnetic stripe, counted from 0, are number and facility code.

    Without a number's places it is every digit before the first `=`.
    """

    number: tuple[int, ...] | None = None
    facility: tuple[int, ...] | None = None


WHOLE_TRACK = Track2Layout()


def span(first: int, last: int) -> tuple[int, ...]:
    """Consecutive bits, first and last included; from the last to the first when `last` is the smaller."""
    return tuple(range(first, last + 1)) if first <= last else tuple(range(first, last - 1, -1))


def bits_of(first: int, last: int) -> Field:
    """A field of consecutive bits, first and last included."""
    return Field(span(first, last))


def halves(length: int, even_last: int, odd_first: int) -> tuple[Parity, ...]:
    """Even parity in front over the first half, odd parity at the end over the second."""
    return (
        Parity(0, span(1, even_last), EVEN),
        Parity(length - 1, span(odd_first, length - 2), ODD),
    )
