"""A physical card, and what a Wiegand reader sees of it."""

from dataclasses import dataclass

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
