"""Card readers on a serial line: what they say when a card or a key comes to them.

Frames: RDM6300 data sheet (9600 8N1, 14 bytes); S4A Wiegand to RS-232 converter (10 decimal digits, CR LF).
"""

from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Protocol

from simulators.pty_line import PtyLine

STX, ETX = 0x02, 0x03

WIEGAND_FIELDS = {"H10301": (8, 16), "H10306": (16, 16)}
"""Format: bits of the facility code and of the card number, as a Wiegand line carries them between its parities."""


@dataclass(frozen=True, slots=True)
class Card:
    """A physical card. `version` is EM4100's version byte; an EM4100 card has no facility code."""

    format: str
    number: int
    facility_code: int | None = None
    version: int = 0x14


class CardUnreadable(Exception):
    """This reader's technology can't see this card; the text says why."""


class SimulatedReader(Protocol):
    """What the site needs of any reader."""

    def swipe(self, card: Card) -> None:
        """Hold a card before it. Raises CardUnreadable."""
        ...

    def press(self, key: str) -> None:
        """Press a key of its keypad. Raises CardUnreadable where it has none."""
        ...


class Rdm6300:
    """A 125 kHz reader that says EM4100 tags in ASCII hex between STX and ETX."""

    def __init__(self, line: PtyLine) -> None:
        self.line = line

    def swipe(self, card: Card) -> None:
        """Say the tag. Raises CardUnreadable for another technology."""
        self.line.send(rdm6300_frame(card))

    def press(self, key: str) -> None:
        """Raises CardUnreadable: it has no keypad."""
        raise CardUnreadable("an RDM6300 has no keypad")


class S4a:
    """A Wiegand reader with a keypad behind a converter to RS-232."""

    def __init__(self, line: PtyLine) -> None:
        self.line = line

    def swipe(self, card: Card) -> None:
        """Say the card's Wiegand payload as ten decimal digits. Raises CardUnreadable."""
        self.line.send(s4a_frame(card))

    def press(self, key: str) -> None:
        """Say one key, `0`-`9`, `*` or `#`: one byte without a suffix. Raises CardUnreadable for another key."""
        if len(key) != 1 or key not in "0123456789*#":
            raise CardUnreadable(f"the keypad has no key {key!r}; it has 0-9, * and #")
        self.line.send(key.encode("ascii"))


def rdm6300_frame(card: Card) -> bytes:
    """The 14 bytes of an EM4100 tag: STX, version and tag as 10 hex digits, XOR of the 5 bytes, ETX."""
    if card.format != "EM4100":
        raise CardUnreadable(f"an RDM6300 reads EM4100 (blue) cards only, and this one is {card.format}")
    tag = bytes([card.version]) + card.number.to_bytes(4, "big")
    text = tag.hex().upper() + f"{reduce(xor, tag):02X}"
    return bytes([STX]) + text.encode("ascii") + bytes([ETX])


def s4a_frame(card: Card) -> bytes:
    """Ten decimal digits of the Wiegand payload, then CR LF."""
    payload, _bits = wiegand_payload(card)
    return b"%010d\r\n" % payload


def wiegand_payload(card: Card) -> tuple[int, int]:
    """(facility code and number side by side, length in bits with both parities) as a Wiegand reader sends a card.

    An EM4100 card shows a 26-bit reader the low 24 bits of its number. Raises CardUnreadable.
    """
    if card.format == "EM4100":
        return card.number & 0xFFFFFF, 26
    if card.format not in WIEGAND_FIELDS or card.facility_code is None:
        known = ", ".join(["EM4100", *WIEGAND_FIELDS])
        raise CardUnreadable(f"this reader sees {known}, and this card is {card.format}")
    facility_bits, number_bits = WIEGAND_FIELDS[card.format]
    if card.facility_code >> facility_bits or card.number >> number_bits:
        raise CardUnreadable(f"a {card.format} card holds no {card.facility_code}:{card.number}")
    return card.facility_code << number_bits | card.number, facility_bits + number_bits + 2
