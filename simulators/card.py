"""A physical card, and what a Wiegand reader sees of it."""

from dataclasses import dataclass

from simulators.card_layouts import LAYOUTS


@dataclass(frozen=True, slots=True)
class Card:
    """A physical card. `version` is EM4100's version byte; an EM4100 card has no facility code."""

    format: str
    number: int
    facility_code: int | None = None
    version: int = 0x14


class CardUnreadable(Exception):
    """This reader's technology can't see this card; the text says why."""


def wiegand_message(card: Card) -> str:
    """The bits that a Wiegand reader sends of a card, as a text of 0 and 1. Raises CardUnreadable.

    An EM4100 card shows a 26-bit reader the low 24 bits of its number.
    """
    if card.format == "EM4100":
        return wiegand_message(Card("H10301", card.number & 0xFFFF, card.number >> 16 & 0xFF))
    if card.format not in LAYOUTS:
        raise CardUnreadable(f"this reader sees {', '.join(['EM4100', *LAYOUTS])}, and this card is {card.format}")
    layout, *masks = LAYOUTS[card.format]
    bits = ["1" if sign == "1" else "0" for sign in layout]
    for sign, value in (("F", card.facility_code), ("N", card.number)):
        width = layout.count(sign)
        if (value is None) != (width == 0) or (value is not None and not 0 <= value < 1 << width):
            raise CardUnreadable(f"a {card.format} card holds no {card.facility_code}:{card.number}")
        digits = iter(f"{value:0{width}b}" if value is not None else "")
        bits = [next(digits) if mark == sign else bit for mark, bit in zip(layout, bits, strict=True)]
    for mask in masks:
        own = max(mask.find("E"), mask.find("O"))
        ones = sum(bit == "1" for bit, mark in zip(bits, mask, strict=True) if mark == "X")
        bits[own] = str((ones + (mask[own] == "O")) % 2)
    return "".join(bits)


def wiegand_payload(card: Card) -> tuple[int, int]:
    """(the number that a converter says, length of the message in bits). Raises CardUnreadable.

    A converter checks and drops the parities where a message begins and ends with one.
    """
    message = wiegand_message(card)
    layout = LAYOUTS["H10301" if card.format == "EM4100" else card.format][0]
    inner = message[1:-1] if layout[0] == layout[-1] == "P" else message
    return int(inner, 2), len(message)
